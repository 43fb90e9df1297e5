// Who is told when a socket is ready? Both programs are one thread around one epoll set of sources.
// The rule: an event that was fetched before its source was closed or opened anew never reaches the new socket.
#pragma once
#include <netinet/in.h>
#include <stdint.h>
#include <sys/epoll.h>

struct source {
  int fd;               // -1: closed
  unsigned opened_turn; // the loop_turn in which it was opened
  void (*on_event)(struct source *, uint32_t events);
  void *owner;
};

#define CLOSED_SOURCE(handler, its_owner) ((struct source){-1, 0, (handler), (its_owner)})

void loop_start(void);
// Waits up to timeout_ms and serves every source that is ready. Returns the time after the wait, as now_s().
double loop_turn(int timeout_ms);
double now_s(void);

void source_open(struct source *source, int fd, uint32_t events);
void source_want(struct source *source, uint32_t events);
void source_close(struct source *source);

// A non-blocking TCP socket without Nagle's delay, which would measure the sender's timer and not the gateway.
int tcp_socket(void);
// "198.51.100.1:21"; anything else ends the program: a mistyped address is no result.
struct sockaddr_in parse_endpoint(const char *address_and_port);
void die(const char *what) __attribute__((noreturn));
