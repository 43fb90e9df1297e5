// Where in a table does a client's address belong, so that no client can choose its place? HalfSipHash-2-4 (Aumasson
// and Bernstein, the variant for 32-bit machines): without the key nobody can compute two addresses that meet.

/** Of so many whole words; the key is two words. */
export function keyedHash(key0: number, key1: number, words: readonly number[]): number {
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0;
      v1 = rotated(v1, 5) ^ v0;
      v0 = rotated(v0, 16);
      v2 = (v2 + v3) | 0;
      v3 = rotated(v3, 8) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = rotated(v3, 7) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = rotated(v1, 13) ^ v2;
      v2 = rotated(v2, 16);
    }
  };
  for (const word of words) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  const last = words.length << 26; // the length in octets, in the highest octet
  v3 ^= last;
  rounds(2);
  v0 ^= last;
  v2 ^= 0xff;
  rounds(4);
  return (v1 ^ v3) >>> 0;
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
