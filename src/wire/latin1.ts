// Octets as text of one character each, to compare a few of them with words, and text as octets.

/** Those from `start` on, before `end`; places outside of them are left out. */
export function latin1(octets: Uint8Array, start = 0, end = octets.length): string {
  let text = '';
  const last = Math.min(end, octets.length);
  for (let at = Math.max(start, 0); at < last; at += 1) text += String.fromCharCode(octets[at]!);
  return text;
}

/** The text's octets; every character of it is one octet. */
export function latin1Octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
