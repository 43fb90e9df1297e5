// The octets of pattern.h.
#include "pattern.h"

unsigned char pattern[PATTERN_PERIOD + CHUNK_OCTETS];

void pattern_fill(void) {
  uint64_t state = 0x9e3779b97f4a7c15u;
  for (int i = 0; i < PATTERN_PERIOD; i++) {
    // Knuth's MMIX generator; only its high bits are well mixed.
    state = state * 6364136223846793005u + 1442695040888963407u;
    pattern[i] = (unsigned char)(state >> 56);
  }
  for (int i = PATTERN_PERIOD; i < (int)sizeof pattern; i++) pattern[i] = pattern[i - PATTERN_PERIOD];
}
