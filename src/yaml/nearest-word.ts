// Which known word did the writer of this unknown one most likely mean? Only for hints in problem reports.
// Must not break: a hint is given only where it is near enough to be worth reading.

/** The candidate nearest to the word, or undefined where none is near. Case and separators do not count. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(word);
  let nearest: string | undefined;
  // A third of the letters wrong is still a slip of the pen; more is another word.
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

function plain(word: string): string {
  // Longer than any key of ours; bounds the work for a key of a megabyte.
  return word.slice(0, 64).toLowerCase().replace(/[-_]/g, '');
}

// Letters inserted, left out, exchanged, or swapped with their neighbour (optimal string alignment).
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const exchanged = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? beforeLast[j - 2]! + 1 : exchanged;
      row.push(Math.min(exchanged, swapped, last[j]! + 1, row[j - 1]! + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
