// How do octets of a control connection become lines? Both programs read from peers of the bench only, so this is
// strict and small: CR LF ends a line (RFC 959 §5.3.1), and whatever is longer than the buffer is a fault.
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

struct lines {
  unsigned used;
  char octets[512]; // the longest line here is a 227 of some 60 octets; a gateway's refusal may explain itself
};

enum received { RECEIVED, RECEIVED_END, RECEIVED_FAULT }; // at a fault errno tells which: EPROTO for what is no line

// Reads once and hands over every complete line, without its end; `each` returns false when its session is gone.
static inline enum received lines_receive(struct lines *lines, int fd, bool (*each)(void *owner, char *line),
                                          void *owner) {
  ssize_t count = recv(fd, lines->octets + lines->used, sizeof lines->octets - lines->used, 0);
  if (count == 0) return RECEIVED_END;
  if (count < 0) return errno == EAGAIN || errno == EINTR ? RECEIVED : RECEIVED_FAULT;
  lines->used += (unsigned)count;
  char *line = lines->octets, *end = lines->octets + lines->used, *feed;
  while ((feed = memchr(line, '\n', (size_t)(end - line)))) {
    errno = EPROTO;
    if (feed == line || feed[-1] != '\r') return RECEIVED_FAULT;
    feed[-1] = 0;
    if (!each(owner, line)) return RECEIVED;
    line = feed + 1;
  }
  lines->used = (unsigned)(end - line);
  memmove(lines->octets, line, lines->used);
  errno = EPROTO;
  return lines->used < sizeof lines->octets ? RECEIVED : RECEIVED_FAULT;
}
