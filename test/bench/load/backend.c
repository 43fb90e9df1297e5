// An FTP server that costs next to nothing, so that the gateway before it is what a measurement shows.
//   RETR n<SIZE>  sends SIZE octets of the pattern
//   STOR n<SIZE>  226 when SIZE octets of the pattern came, else 451
// The rule: a STOR is answered 226 only when every octet and the length were right; there is no disk and no login
// check. Its passive listeners stand open from the start and are handed out in turn: a bind and a listen for each PASV
// would make the server, and not the gateway, the limit of the small transfers. RFC 959 §4.1.
#define _GNU_SOURCE
#include "events.h"
#include "lines.h"
#include "pattern.h"
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum transfer { NO_TRANSFER, SENDING, RECEIVING };

struct session {
  struct source control, data;
  struct lines lines;
  struct listener *way; // handed out by PASV and not yet used
  enum transfer transfer;
  bool under_way; // 150 was sent
  bool damaged;
  int64_t size, moved;
  struct session *next_free;
};

struct listener {
  struct source source;
  struct session *expecting;
  struct listener *next_free;
  unsigned short port;
};

static struct sockaddr_in advertised;
static struct session *free_sessions;
static struct listener *free_ways, *last_free_way;
static unsigned char buffer[CHUNK_OCTETS];

static void say(struct session *session, const char *reply) {
  // A short line into an idle socket fits; if the peer is gone, the read side finds out.
  (void)!send(session->control.fd, reply, strlen(reply), MSG_NOSIGNAL);
}

// First in, first out: a port rests as long as possible before it is used again.
static void give_back(struct listener *way) {
  way->expecting = NULL;
  way->next_free = NULL;
  if (free_ways) last_free_way->next_free = way;
  else free_ways = way;
  last_free_way = way;
}

static void drop_way(struct session *session) {
  if (session->way) give_back(session->way);
  session->way = NULL;
}

static void end_transfer(struct session *session, const char *reply) {
  source_close(&session->data);
  session->transfer = NO_TRANSFER;
  session->under_way = false;
  say(session, reply);
}

static void end_session(struct session *session) {
  drop_way(session);
  source_close(&session->data);
  source_close(&session->control);
  session->next_free = free_sessions;
  free_sessions = session;
}

static void send_file(struct session *session) {
  while (session->moved < session->size) {
    int64_t rest = session->size - session->moved;
    size_t chunk = rest < CHUNK_OCTETS ? (size_t)rest : CHUNK_OCTETS;
    ssize_t count = send(session->data.fd, pattern_at(session->moved), chunk, MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) return source_want(&session->data, EPOLLOUT);
    if (count < 0) return end_transfer(session, "426 data connection broke\r\n");
    session->moved += count;
  }
  end_transfer(session, "226 sent\r\n");
}

static void end_receiving(struct session *session) {
  if (session->damaged) end_transfer(session, "451 octets differ\r\n");
  else if (session->moved != session->size) end_transfer(session, "451 length differs\r\n");
  else end_transfer(session, "226 stored\r\n");
}

static void receive_file(struct session *session) {
  for (int chunk = 0; chunk < CHUNKS_PER_TURN; chunk++) {
    ssize_t count = recv(session->data.fd, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) return end_transfer(session, "426 data connection broke\r\n");
    if (count == 0) return end_receiving(session);
    if (memcmp(buffer, pattern_at(session->moved), (size_t)count)) session->damaged = true;
    session->moved += count;
  }
}

// The command and the data connection come in either order; the transfer starts when both are here.
static void start_when_both(struct session *session) {
  if (session->transfer == NO_TRANSFER || session->data.fd < 0) return;
  session->under_way = true;
  say(session, "150 here it comes\r\n");
  if (session->transfer == SENDING) send_file(session);
  else source_want(&session->data, EPOLLIN);
}

static void on_data(struct source *source, uint32_t events) {
  struct session *session = source->owner;
  (void)events;
  if (!session->under_way) source_close(source); // reset or closed before its command
  else if (session->transfer == SENDING) send_file(session);
  else receive_file(session);
}

static void on_way(struct source *source, uint32_t events) {
  struct listener *way = source->owner;
  struct session *session = way->expecting;
  (void)events;
  int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (!session) { // its session is gone, or it was used already
    close(fd);
    return;
  }
  drop_way(session);
  // A short file fits the socket's buffer: nothing to wait for until send_file says so.
  source_open(&session->data, fd, 0);
  start_when_both(session);
}

static void passive(struct session *session) {
  source_close(&session->data);
  session->transfer = NO_TRANSFER;
  session->under_way = false;
  drop_way(session);
  struct listener *way = free_ways;
  if (!way) return say(session, "425 no port is free\r\n");
  free_ways = way->next_free;
  way->expecting = session;
  session->way = way;
  const unsigned char *a = (const unsigned char *)&advertised.sin_addr;
  char reply[80];
  snprintf(reply, sizeof reply, "227 Entering Passive Mode (%d,%d,%d,%d,%d,%d)\r\n", a[0], a[1], a[2], a[3],
           way->port >> 8, way->port & 255);
  say(session, reply);
}

static void begin_transfer(struct session *session, enum transfer transfer, const char *name) {
  if (!session->way && session->data.fd < 0) return say(session, "425 PASV comes first\r\n");
  if (sscanf(name, "n%ld", &session->size) != 1) return say(session, "550 files are named n<SIZE>\r\n");
  session->transfer = transfer;
  session->moved = 0;
  session->damaged = false;
  start_when_both(session);
}

static bool on_command(void *owner, char *line) {
  struct session *session = owner;
  if (!strcmp(line, "PASV")) passive(session);
  else if (!strncmp(line, "RETR ", 5)) begin_transfer(session, SENDING, line + 5);
  else if (!strncmp(line, "STOR ", 5)) begin_transfer(session, RECEIVING, line + 5);
  else if (!strcmp(line, "NOOP") || !strncmp(line, "TYPE ", 5)) say(session, "200 fine\r\n");
  else if (!strncmp(line, "USER ", 5)) say(session, "331 and the password\r\n");
  else if (!strncmp(line, "PASS ", 5)) say(session, "230 logged in\r\n");
  else if (!strcmp(line, "QUIT")) {
    say(session, "221 bye\r\n");
    end_session(session);
    return false;
  } else say(session, "502 not here\r\n");
  return true;
}

static void on_control(struct source *source, uint32_t events) {
  struct session *session = source->owner;
  (void)events;
  if (lines_receive(&session->lines, source->fd, on_command, session) != RECEIVED) end_session(session);
}

static void on_front(struct source *source, uint32_t events) {
  (void)events;
  int fd;
  while ((fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct session *session = free_sessions;
    if (session) free_sessions = session->next_free;
    else if (!(session = malloc(sizeof *session))) die("malloc");
    *session = (struct session){0};
    session->control = CLOSED_SOURCE(on_control, session);
    session->data = CLOSED_SOURCE(on_data, session);
    source_open(&session->control, fd, EPOLLIN);
    say(session, "220 ready\r\n");
  }
}

static void listen_on(struct source *source, struct sockaddr_in endpoint, int backlog) {
  int fd = tcp_socket(); // what it accepts inherits the option
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(fd, (struct sockaddr *)&endpoint, sizeof endpoint) || listen(fd, backlog)) die("listen");
  source_open(source, fd, EPOLLIN);
}

static void open_ways(struct sockaddr_in at, int first, int last) {
  struct listener *ways = calloc((size_t)(last - first + 1), sizeof *ways);
  if (!ways) die("calloc");
  for (int port = first; port <= last; port++) {
    struct listener *way = &ways[port - first];
    way->port = (unsigned short)port;
    way->source = CLOSED_SOURCE(on_way, way);
    at.sin_port = htons(way->port);
    listen_on(&way->source, at, 4);
    give_back(way);
  }
}

static void usage(void) {
  fputs("usage: backend --listen ADDRESS:PORT --advertise ADDRESS --ports FIRST-LAST\n", stderr);
  exit(2);
}

int main(int argc, char **argv) {
  static const struct option options[] = {
      {"listen", required_argument, NULL, 'l'},
      {"advertise", required_argument, NULL, 'a'},
      {"ports", required_argument, NULL, 'p'},
      {0}};
  struct sockaddr_in at = {0};
  int first = 0, last = -1, option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
    if (option == 'l') at = parse_endpoint(optarg);
    else if (option == 'a' && inet_pton(AF_INET, optarg, &advertised.sin_addr)) continue;
    else if (option == 'p' && sscanf(optarg, "%d-%d", &first, &last) == 2) continue;
    else usage();
  }
  if (!at.sin_port || !advertised.sin_addr.s_addr || first < 1 || last < first || last > 65535) usage();
  pattern_fill();
  loop_start();
  open_ways(at, first, last);
  struct source front = CLOSED_SOURCE(on_front, NULL);
  listen_on(&front, at, 4096);
  for (;;) loop_turn(-1);
}
