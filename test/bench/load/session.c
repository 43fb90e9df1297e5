// The life of one client, as session.h promises it. Each on_… function handles one kind of event.
#include "session.h"
#include "pattern.h"
#include "tally.h"
#include <stdio.h>
#include <stdlib.h>

struct run run;

static unsigned char buffer[CHUNK_OCTETS];

static void close_session(struct session *session) {
  if (session->step == READY) run.ready--;
  session->step = DOWN;
  source_close(&session->control);
  source_close(&session->data);
  run.started--;
}

void session_fault(struct session *session, const char *what, const char *detail) {
  tally_fault(what, detail);
  // A gateway that refuses is asked again ten times a second, not as fast as it can refuse.
  run.pause_until = now_s() + 0.1;
  close_session(session);
}

static void say(struct session *session, enum step next, const char *command) {
  session->step = next;
  session->asked_at = session->progress_at = now_s();
  (void)!send(session->control.fd, command, strlen(command), MSG_NOSIGNAL); // the read side tells when the peer is gone
}

// RFC 1123 §4.1.2.6: the numbers begin at the first digit behind the code.
static bool parse_passive(const char *line, struct sockaddr_in *endpoint) {
  unsigned h[4], p[2];
  const char *numbers = line + 4 + strcspn(line + 4, "0123456789");
  if (sscanf(numbers, "%3u,%3u,%3u,%3u,%3u,%3u", &h[0], &h[1], &h[2], &h[3], &p[0], &p[1]) != 6) return false;
  *endpoint = (struct sockaddr_in){.sin_family = AF_INET};
  endpoint->sin_addr.s_addr = htonl(h[0] << 24 | h[1] << 16 | h[2] << 8 | h[3]);
  endpoint->sin_port = htons((unsigned short)(p[0] << 8 | p[1]));
  return true;
}

static bool dial(struct source *source, struct sockaddr_in to, uint32_t events) {
  int fd = tcp_socket();
  bool failed = connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS;
  source_open(source, fd, events); // opened in any case, so that the session's end closes it
  return !failed;
}

static void conclude_transfer(struct session *session) {
  if (!session->concluded || !session->parted) return;
  if (tally.counting) tally.operations++;
  session_go_on(session);
}

static void part(struct session *session) {
  source_close(&session->data);
  session->parted = true;
  if (session->moved != run.size) return session_fault(session, "a file ended early", NULL);
  conclude_transfer(session);
}

static void count_moved(struct session *session, ssize_t count) {
  if (session->moved == 0) tally_latency(now_s() - session->asked_at);
  session->moved += count;
  if (tally.counting) tally.octets += count;
}

static bool receive_chunk(struct session *session) {
  ssize_t count = recv(session->data.fd, buffer, sizeof buffer, 0);
  if (count < 0 && errno == EAGAIN) return false;
  if (count < 0) session_fault(session, "reading data", strerror(errno));
  else if (count == 0) part(session);
  else if (session->moved + count > run.size) session_fault(session, "a file was too long", NULL);
  else if (memcmp(buffer, pattern_at(session->moved), (size_t)count)) session_fault(session, "octets differ", NULL);
  else count_moved(session, count);
  return session->data.fd >= 0;
}

static bool send_chunk(struct session *session) {
  int64_t rest = run.size - session->moved;
  size_t wanted = rest < CHUNK_OCTETS ? (size_t)rest : CHUNK_OCTETS;
  ssize_t count = send(session->data.fd, pattern_at(session->moved), wanted, MSG_NOSIGNAL);
  if (count < 0 && errno == EAGAIN) return false;
  if (count < 0) session_fault(session, "sending data", strerror(errno));
  else count_moved(session, count);
  if (session->moved == run.size) part(session);
  return session->data.fd >= 0;
}

static void move_chunks(struct session *session, bool (*move)(struct session *)) {
  for (int chunk = 0; chunk < CHUNKS_PER_TURN && move(session); chunk++) continue;
}

static void on_data(struct source *source, uint32_t events) {
  struct session *session = source->owner;
  session->progress_at = now_s();
  if (session->step == DIALLING) {
    int error = 0;
    getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error) return session_fault(session, "data connection refused", strerror(error));
    // An upload waits for its 150, as clients do.
    source_want(source, run.work == RETR ? EPOLLIN : 0);
    char command[40];
    snprintf(command, sizeof command, "%s n%ld\r\n", run.work == RETR ? "RETR" : "STOR", run.size);
    double asked_at = session->asked_at; // PASV to first octet is one latency: the transfer command is part of it
    say(session, TRANSFER, command);
    session->asked_at = asked_at;
  } else if (run.work == RETR) {
    move_chunks(session, receive_chunk);
  } else if (session->announced && !(events & EPOLLERR)) {
    move_chunks(session, send_chunk);
  } else {
    session_fault(session, "data connection closed early", NULL);
  }
}

static void on_passive_reply(struct session *session, const char *line) {
  struct sockaddr_in endpoint;
  if (!parse_passive(line, &endpoint)) return session_fault(session, "unreadable 227", line);
  // A gateway that passes the server's own address on has been bypassed, not measured.
  if (endpoint.sin_addr.s_addr != run.server.sin_addr.s_addr)
    return session_fault(session, "227 names another host", line);
  session->step = DIALLING;
  if (!dial(&session->data, endpoint, EPOLLOUT)) session_fault(session, "data connection", strerror(errno));
}

static void on_transfer_reply(struct session *session, int code) {
  // RFC 959 §5.4: one 150 and one 226, in this order.
  if (session->announced != (code == 226) || session->concluded)
    return session_fault(session, "reply out of order", NULL);
  if (code == 150) {
    session->announced = true;
    if (run.work == STOR) source_want(&session->data, EPOLLOUT);
  } else {
    session->concluded = true;
    conclude_transfer(session);
  }
}

static void finish_login(struct session *session) {
  session->step = READY;
  run.ready++;
  bool waits = run.work == HOLD ? run.phase != FINISHING : run.phase == GATHERING;
  if (run.work == LOGIN || !waits) session_go_on(session);
}

static void finish_quit(struct session *session) {
  if (tally.counting && run.work == LOGIN) tally.operations++;
  close_session(session);
}

static bool is_due(enum step step, int code) {
  switch (step) {
  case AWAIT_GREETING: return code == 220;
  case AWAIT_USER: return code == 331;
  case AWAIT_PASS: return code == 230;
  case AWAIT_TYPE: case AWAIT_NOOP: return code == 200;
  case AWAIT_PASV: return code == 227;
  case TRANSFER: return code == 150 || code == 226;
  case AWAIT_QUIT: return code == 221;
  default: return false;
  }
}

static bool on_reply(void *owner, char *line) {
  struct session *session = owner;
  int code = atoi(line);
  if (!is_due(session->step, code) || line[3] != ' ') {
    session_fault(session, "unexpected reply", line);
    return false;
  }
  session->progress_at = now_s();
  switch (session->step) {
  case AWAIT_GREETING: say(session, AWAIT_USER, "USER anonymous\r\n"); break;
  case AWAIT_USER: say(session, AWAIT_PASS, "PASS bench@\r\n"); break;
  case AWAIT_PASS:
    if (run.work == LOGIN) tally_latency(session->progress_at - session->connected_at);
    say(session, AWAIT_TYPE, "TYPE I\r\n");
    break;
  case AWAIT_TYPE: finish_login(session); break;
  case AWAIT_NOOP:
    tally_latency(session->progress_at - session->asked_at);
    if (tally.counting) tally.operations++;
    session_go_on(session);
    break;
  case AWAIT_PASV: on_passive_reply(session, line); break;
  case TRANSFER: on_transfer_reply(session, code); break;
  default: finish_quit(session);
  }
  return session->step != DOWN;
}

static void on_control(struct source *source, uint32_t events) {
  struct session *session = source->owner;
  (void)events;
  enum received received = lines_receive(&session->lines, source->fd, on_reply, session);
  if (received == RECEIVED || session->step == DOWN) return;
  session_fault(session, "control connection ended", received == RECEIVED_FAULT ? strerror(errno) : NULL);
}

void session_prepare(struct session *session) {
  session->step = DOWN;
  session->control = CLOSED_SOURCE(on_control, session);
  session->data = CLOSED_SOURCE(on_data, session);
}

void session_start(struct session *session) {
  run.started++;
  session->lines.used = 0;
  session->step = AWAIT_GREETING;
  session->connected_at = session->progress_at = now_s();
  if (!dial(&session->control, run.server, EPOLLIN)) session_fault(session, "connecting", strerror(errno));
}

void session_go_on(struct session *session) {
  if (session->step == READY) run.ready--;
  session->moved = 0;
  session->announced = session->concluded = session->parted = false;
  if (run.phase == FINISHING || run.work == LOGIN) say(session, AWAIT_QUIT, "QUIT\r\n");
  else if (run.work == NOOP) say(session, AWAIT_NOOP, "NOOP\r\n");
  else say(session, AWAIT_PASV, "PASV\r\n");
}
