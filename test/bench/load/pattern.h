// What is in the files that the benchmark moves? The octet at offset i is pattern[i % PATTERN_PERIOD], so either end
// can tell a lost, repeated or swapped block by its content alone, without a file on a disk.
// The rule: the period is a prime above every buffer size in use, or a block moved by a whole period would look right.
#pragma once
#include <stdint.h>

#define PATTERN_PERIOD 65537
// Most octets compared or sent at once: as large as a gateway's splice, small enough to stay in a core's second-level
// cache.
#define CHUNK_OCTETS (256 * 1024)
// Chunks of one file before the other sockets have their turn: 2 MiB, half a millisecond of work.
#define CHUNKS_PER_TURN 8

extern unsigned char pattern[PATTERN_PERIOD + CHUNK_OCTETS];

void pattern_fill(void);

// The CHUNK_OCTETS octets that stand at an offset of every file.
static inline const unsigned char *pattern_at(int64_t offset) { return pattern + offset % PATTERN_PERIOD; }
