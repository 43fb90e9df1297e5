// Counting for tally.h. Processor time is utime + stime of /proc/PID/stat: all threads, those that ended included,
// in ticks of 10 ms, so a window of 2 s is exact to 1 %.
#include "tally.h"
#include "events.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX 4
#define FAULT_KINDS_MAX 16

struct tally tally;

static struct { double *seconds; size_t count, room; } latencies;
static struct { char text[120]; long count; } fault_kinds[FAULT_KINDS_MAX];
static struct { int pid; double opened, closed; } processes[PROCESSES_MAX];
static int process_count;
static struct { double opened, closed; } machine;
static double opened_at, closed_at;

void tally_latency(double seconds) {
  if (!tally.counting) return;
  if (latencies.count == latencies.room) {
    latencies.room = latencies.room ? 2 * latencies.room : 65536;
    latencies.seconds = realloc(latencies.seconds, latencies.room * sizeof *latencies.seconds);
    if (!latencies.seconds) die("realloc");
  }
  latencies.seconds[latencies.count++] = seconds;
}

// What stands in the JSON text must not need escaping there.
static void make_plain(char *text) {
  for (; *text; text++)
    if (*text == '"' || *text == '\\' || (unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e) *text = '?';
}

void tally_fault(const char *what, const char *detail) {
  char text[sizeof fault_kinds[0].text];
  snprintf(text, sizeof text, "%s%s%.80s", what, detail ? ": " : "", detail ? detail : "");
  make_plain(text);
  tally.faults++;
  for (int i = 0; i < FAULT_KINDS_MAX; i++) {
    if (!fault_kinds[i].count) strcpy(fault_kinds[i].text, text);
    if (strcmp(fault_kinds[i].text, text)) continue;
    fault_kinds[i].count++;
    return;
  }
}

void tally_watch_process(int pid) {
  if (process_count == PROCESSES_MAX) die("more than four processes to watch");
  processes[process_count++].pid = pid;
}

static double processor_seconds(int pid) {
  char path[40], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  unsigned long user = 0, system = 0;
  // The program's name, in parentheses, may hold anything: the fields begin behind the last one.
  if (!file || !fgets(line, sizeof line, file)) tally_fault("a watched process is gone", NULL);
  else sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  if (file) fclose(file);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// Busy time of all processors: user, nice, system, irq and softirq, without what a hypervisor took away.
static double busy_seconds(void) {
  unsigned long user = 0, nice = 0, system = 0, irq = 0, softirq = 0;
  FILE *file = fopen("/proc/stat", "r");
  if (!file || fscanf(file, "cpu %lu %lu %lu %*u %*u %lu %lu", &user, &nice, &system, &irq, &softirq) != 5)
    die("/proc/stat");
  fclose(file);
  return (double)(user + nice + system + irq + softirq) / (double)sysconf(_SC_CLK_TCK);
}

void tally_open_window(double now) {
  for (int i = 0; i < process_count; i++) processes[i].opened = processor_seconds(processes[i].pid);
  machine.opened = busy_seconds();
  opened_at = now;
  tally.counting = true;
}

void tally_close_window(double now) {
  tally.counting = false;
  closed_at = now;
  for (int i = 0; i < process_count; i++) processes[i].closed = processor_seconds(processes[i].pid);
  machine.closed = busy_seconds();
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double percentile_us(double part) {
  if (!latencies.count) return 0;
  return latencies.seconds[(size_t)(part * (double)(latencies.count - 1) + 0.5)] * 1e6;
}

void tally_print(void) {
  qsort(latencies.seconds, latencies.count, sizeof *latencies.seconds, ascending);
  printf("{\"seconds\":%.4f,\"operations\":%ld,\"octets\":%ld", closed_at - opened_at, tally.operations, tally.octets);
  printf(",\"p50Us\":%.1f,\"p99Us\":%.1f,\"maxUs\":%.1f", percentile_us(0.5), percentile_us(0.99), percentile_us(1));
  printf(",\"cpuSeconds\":[");
  for (int i = 0; i < process_count; i++) printf("%s%.2f", i ? "," : "", processes[i].closed - processes[i].opened);
  printf("],\"machineCpuSeconds\":%.2f", machine.closed - machine.opened);
  printf(",\"faults\":%ld,\"faultKinds\":{", tally.faults);
  for (int i = 0; i < FAULT_KINDS_MAX && fault_kinds[i].count; i++)
    printf("%s\"%s\":%ld", i ? "," : "", fault_kinds[i].text, fault_kinds[i].count);
  printf("}}\n");
}
