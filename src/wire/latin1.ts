// Octets as text of one character each, to compare a few of them with words.

/** Those from `start` on, before `end`; places outside of them are left out. */
export function latin1(octets: Uint8Array, start = 0, end = octets.length): string {
  let text = '';
  const last = Math.min(end, octets.length);
  for (let at = Math.max(start, 0); at < last; at += 1) text += String.fromCharCode(octets[at]!);
  return text;
}
