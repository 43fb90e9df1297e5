// Which directory does a 257 name? RFC 959 Appendix II: 257 SP <"> directory name <"> …, with quotation marks in the
// name doubled. Only paths from a root with slashes are taken: of others (MVS, VMS) no path can be made.

const QUOTE = 34;
const SLASH = 47;

/** The name in the text behind `257 `, or undefined where it holds none that can be used. */
export function directoryIn(text: Uint8Array): Uint8Array | undefined {
  const begin = text.indexOf(QUOTE);
  if (begin < 0 || text[begin + 1] !== SLASH) return undefined;
  const name: number[] = [];
  for (let at = begin + 1; at < text.length; at += 1) {
    const octet = text[at]!;
    if (octet === QUOTE) {
      if (text[at + 1] !== QUOTE) return Uint8Array.from(name);
      at += 1;
    }
    name.push(octet);
  }
  return undefined;
}
