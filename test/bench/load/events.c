// The epoll loop of events.h, and the few socket calls that both programs share.
#define _GNU_SOURCE
#include "events.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// More than the 64 sessions × 2 sockets of the busiest row, so that one turn serves all of them.
#define EVENTS_PER_TURN 256

static int epoll_set;
static unsigned turn;

void die(const char *what) {
  perror(what);
  exit(1);
}

void loop_start(void) {
  epoll_set = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_set < 0) die("epoll_create1");
}

double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double loop_turn(int timeout_ms) {
  static struct epoll_event ready[EVENTS_PER_TURN];
  int count = epoll_wait(epoll_set, ready, EVENTS_PER_TURN, timeout_ms);
  if (count < 0 && errno != EINTR) die("epoll_wait");
  turn++;
  double at = now_s();
  for (int i = 0; i < count; i++) {
    struct source *source = ready[i].data.ptr;
    if (source->fd < 0 || source->opened_turn == turn) continue;
    source->on_event(source, ready[i].events);
  }
  return at;
}

static void control(struct source *source, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  if (epoll_ctl(epoll_set, operation, source->fd, &event)) die("epoll_ctl");
}

void source_open(struct source *source, int fd, uint32_t events) {
  source->fd = fd;
  source->opened_turn = turn;
  control(source, EPOLL_CTL_ADD, events);
}

void source_want(struct source *source, uint32_t events) { control(source, EPOLL_CTL_MOD, events); }

void source_close(struct source *source) {
  if (source->fd < 0) return;
  close(source->fd); // also takes it out of the epoll set: nobody holds a duplicate
  source->fd = -1;
}

int tcp_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return fd;
}

struct sockaddr_in parse_endpoint(const char *address_and_port) {
  struct sockaddr_in endpoint = {.sin_family = AF_INET};
  char address[INET_ADDRSTRLEN] = "";
  unsigned short port;
  if (sscanf(address_and_port, "%15[0-9.]:%hu", address, &port) != 2 ||
      !inet_pton(AF_INET, address, &endpoint.sin_addr)) {
    fprintf(stderr, "not ADDRESS:PORT: %s\n", address_and_port);
    exit(2);
  }
  endpoint.sin_port = htons(port);
  return endpoint;
}
