// Does this text fit that pattern? `*` stands for any run of characters, `?` for one; everything else for itself.
// Must not break: the work is bounded by the product of the lengths, whatever is matched. A pattern that began anew at
// each of its stars (as backtracking expressions do) could be made to hang the gateway by a name.

/** `any-case`: A and a are the same letter, for the letters of ASCII and those that have one lower-case form. */
export type Letters = 'exact' | 'any-case';

export function fitsWildcard(pattern: string, text: string, letters: Letters): boolean {
  return letters === 'exact' ? fits(pattern, text) : fits(pattern.toLowerCase(), text.toLowerCase());
}

function fits(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  /** Where the text goes on behind what the latest star stands for. */
  let resume = 0;
  for (let index = 0; index < text.length; ) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at;
      resume = index;
      at += 1;
    } else if (wanted === '?' || (wanted !== undefined && wanted === text[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      // Only the latest star is tried longer: whatever an earlier one could take, this one can take too.
      resume += 1;
      index = resume;
      at = star + 1;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
