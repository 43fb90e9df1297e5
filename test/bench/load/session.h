// What does one client do? It logs in, then does the run's work over and over until the run ends, then quits.
// The rule: a reply that was not due, a wrong octet, a wrong length or an address that is not the gateway's is a fault
// and ends the session; nothing is repaired. RFC 959 §5.4 (sequencing of commands and replies).
#pragma once
#include "events.h"
#include "lines.h"

enum work { RETR, STOR, LOGIN, NOOP, HOLD };
enum phase { GATHERING, WARMING, MEASURING, FINISHING };

// What all sessions of a run share.
struct run {
  enum work work;
  struct sockaddr_in server;
  int64_t size;
  enum phase phase;
  int started; // sessions between their connect and their end
  int ready;   // of these, logged in and without anything to do
  double pause_until;
};
extern struct run run;

enum step {
  DOWN, AWAIT_GREETING, AWAIT_USER, AWAIT_PASS, AWAIT_TYPE, READY, AWAIT_NOOP,
  AWAIT_PASV, DIALLING, TRANSFER, AWAIT_QUIT
};

struct session {
  enum step step;
  struct source control, data;
  struct lines lines;
  int64_t moved;                     // octets of the transfer under way
  bool announced, concluded, parted; // 150 came, 226 came, the data connection ended
  double connected_at, asked_at, progress_at;
};

void session_prepare(struct session *session);
void session_start(struct session *session);
// Puts a READY session to work, or lets it quit when the run is finishing.
void session_go_on(struct session *session);
void session_fault(struct session *session, const char *what, const char *detail);
