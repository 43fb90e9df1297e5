// Octets as one line of text that an editor cannot spoil, and back: printable ASCII stands for itself, every other
// octet is written \xNN, CR and LF \r and \n, the backslash \\. For transcripts and messages of tests.

const NAMED: ReadonlyMap<number, string> = new Map([
  [13, '\\r'],
  [10, '\\n'],
  [92, '\\\\'],
]);

/** The octets that the text stands for. Characters beyond ASCII stand for their UTF-8. */
export function octetsOf(text: string): Uint8Array {
  const octets: number[] = [];
  for (const part of text.matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\]+)|\\$/gis)) {
    const [whole, hex, escaped, plain] = part;
    if (hex !== undefined) octets.push(Number.parseInt(hex, 16));
    else if (escaped === 'r') octets.push(13);
    else if (escaped === 'n') octets.push(10);
    else if (escaped === '\\') octets.push(92);
    else if (plain !== undefined) octets.push(...Buffer.from(plain));
    else throw new Error(`${whole} is no escape of octets`);
  }
  return Uint8Array.from(octets);
}

/** The one text that stands for these octets. */
export function textOf(octets: Uint8Array): string {
  return Array.from(octets, printed).join('');
}

function printed(octet: number): string {
  const named = NAMED.get(octet);
  if (named !== undefined) return named;
  if (octet >= 0x20 && octet < 0x7f) return String.fromCharCode(octet);
  return `\\x${octet.toString(16).padStart(2, '0')}`;
}
