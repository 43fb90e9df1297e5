// How fast is the FTP service at an address? Runs N clients (session.h) in one thread and prints what they saw as JSON.
//   gathering: all clients log in → warming → measuring: the window → finishing: what is under way ends and is checked
// The rule: the window opens only when every client is logged in, and every transfer is checked to its end, also behind
// it. With --work hold it prints {"held":N} when all are logged in, then the final report once its standard input ends.
#define _GNU_SOURCE
#include "pattern.h"
#include "session.h"
#include "tally.h"
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Logins under way while gathering: below any listen queue, so that no SYN is dropped and waits a second to be sent
// again.
#define LOGINS_AT_ONCE 64
// A session without progress for this long is stuck; the slowest gateway needs milliseconds.
#define STALLED_S 10.0
// 10,000 sessions to hold take 25 s at the slowest known login rate (some 400/s); 64 log in at once.
#define HOLD_GATHERING_S 60.0
#define GATHERING_S 10.0

static struct session *sessions;
static int session_count = 1;
static double warmup_s = 0.2, window_s = 2, phase_since;

static void enter(enum phase phase, double now) {
  run.phase = phase;
  phase_since = now;
}

static void release(void) {
  for (int i = 0; i < session_count; i++)
    if (sessions[i].step == READY) session_go_on(&sessions[i]);
}

// Logins have no gathering: logging in is what they measure.
static bool gathered(double now) {
  if (run.work == LOGIN || run.ready == session_count) return true;
  if (now - phase_since < (run.work == HOLD ? HOLD_GATHERING_S : GATHERING_S)) return false;
  tally_fault("not all sessions could log in", NULL);
  return true;
}

static void hold(void) {
  printf("{\"held\":%d}\n", run.ready);
  fflush(stdout);
}

static bool input_ended(void) {
  char octet;
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &octet, 1) == 0;
}

static void advance_phase(double now) {
  if (run.phase == GATHERING && gathered(now)) {
    enter(WARMING, now);
    if (run.work == HOLD) hold();
    else release();
  }
  if (run.phase == WARMING && now - phase_since >= warmup_s && run.work != HOLD) {
    tally_open_window(now);
    enter(MEASURING, now);
  }
  bool measured = run.phase == MEASURING && now - phase_since >= window_s;
  bool held_enough = run.work == HOLD && run.phase == WARMING && input_ended();
  if (measured || held_enough) {
    if (measured) tally_close_window(now);
    enter(FINISHING, now);
    release();
  }
}

static void start_sessions(double now) {
  static int next;
  if (run.phase == FINISHING || (run.work == HOLD && run.phase != GATHERING)) return;
  for (int looked = 0; looked < session_count && run.started < session_count; looked++) {
    if (now < run.pause_until || run.started - run.ready >= LOGINS_AT_ONCE) return;
    if (sessions[next].step == DOWN) session_start(&sessions[next]);
    next = (next + 1) % session_count;
  }
}

static void find_stalled(double now) {
  static double looked_at;
  if (now - looked_at < 0.5) return;
  looked_at = now;
  for (int i = 0; i < session_count; i++) {
    struct session *session = &sessions[i];
    if (session->step == DOWN || session->step == READY || now - session->progress_at < STALLED_S) continue;
    session_fault(session, session->step == TRANSFER ? "a transfer stalled" : "a session stalled", NULL);
  }
}

static enum work parse_work(const char *name) {
  static const char *const names[] = {
      [RETR] = "retr", [STOR] = "stor", [LOGIN] = "login", [NOOP] = "noop", [HOLD] = "hold"};
  for (int i = 0; i <= HOLD; i++)
    if (!strcmp(names[i], name)) return (enum work)i;
  fprintf(stderr, "no such work: %s\n", name);
  exit(2);
}

static void usage(void) {
  fputs("usage: generator --server ADDRESS:PORT --work retr|stor|login|noop|hold [--sessions N] [--size OCTETS]\n"
        "                 [--warmup SECONDS] [--seconds SECONDS] [--cpu-of PID]...\n", stderr);
  exit(2);
}

static void parse_options(int argc, char **argv) {
  static const struct option options[] = {
      {"server", required_argument, NULL, 's'},
      {"work", required_argument, NULL, 'w'},
      {"sessions", required_argument, NULL, 'n'},
      {"size", required_argument, NULL, 'o'},
      {"warmup", required_argument, NULL, 'u'},
      {"seconds", required_argument, NULL, 't'},
      {"cpu-of", required_argument, NULL, 'c'},
      {0}};
  int option;
  while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) switch (option) {
    case 's': run.server = parse_endpoint(optarg); break;
    case 'w': run.work = parse_work(optarg); break;
    case 'n': session_count = atoi(optarg); break;
    case 'o': run.size = atoll(optarg); break;
    case 'u': warmup_s = atof(optarg); break;
    case 't': window_s = atof(optarg); break;
    case 'c': tally_watch_process(atoi(optarg)); break;
    default: usage();
    }
  if (!run.server.sin_port || session_count < 1 || window_s <= 0 || (run.work <= STOR && run.size < 1)) usage();
}

int main(int argc, char **argv) {
  tally_watch_process(getpid());
  parse_options(argc, argv);
  pattern_fill();
  loop_start();
  sessions = calloc((size_t)session_count, sizeof *sessions);
  if (!sessions) die("calloc");
  for (int i = 0; i < session_count; i++) session_prepare(&sessions[i]);
  double now = now_s();
  enter(GATHERING, now);
  while (run.phase != FINISHING || run.started > 0) {
    advance_phase(now);
    start_sessions(now);
    find_stalled(now);
    now = loop_turn(10); // 10 ms: the window's edges, where nothing else wakes the loop
  }
  tally_print();
  return 0;
}
