// What did the generator see? Operations, octets, latencies and faults of the measured window, printed as one JSON
// object. The rule: only what ends inside the window counts as speed, but a fault counts whenever it happens.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct tally {
  bool counting; // the window is open
  long operations;
  int64_t octets;
  long faults;
};
extern struct tally tally;

void tally_latency(double seconds);
// `detail` (a reply, an errno's text, or NULL) is kept for the report, shortened.
void tally_fault(const char *what, const char *detail);
// The processor time of these processes and their threads, and of the whole machine, is taken when the window opens and
// when it closes.
void tally_watch_process(int pid);
void tally_open_window(double now);
void tally_close_window(double now);
void tally_print(void);
