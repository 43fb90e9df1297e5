// Where does a name lead, seen from the root? `.` and `..` are followed, by the text alone, since only the server knows
// its links; and each name is read in every way in which servers are known to read it.
// Must not break: two names that some server takes for the same file have a reading in common.

/** From the root on. */
type Segments = readonly string[];

const SLASH = 47;
const BACKSLASH = 92;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
// What Windows leaves out of a name: blanks and dots at its end, and what follows a colon (another stream of the same
// file).
const oddOnWindows = /\\|:|[. ](?:\/|$)/;

/** Does the name say nothing without the working directory, in one of its readings at least? */
export function isRelative(name: Uint8Array): boolean {
  return name[0] !== SLASH;
}

/** @param directory The working directory, which an absolute name does without. */
export function readingsOf(name: Uint8Array, directory: Uint8Array): readonly Segments[] {
  const path = isRelative(name) ? joined(directory, name) : name;
  const readings: Segments[] = [];
  for (const text of textsOf(path)) {
    const plain = resolved(text);
    readings.push(plain);
    if (!oddOnWindows.test(text)) continue;
    const onWindows = resolved(windowsPath(text, name[0] === BACKSLASH ? textsOf(name) : []));
    if (onWindows.join('/') !== plain.join('/')) readings.push(onWindows);
  }
  return readings;
}

function joined(directory: Uint8Array, name: Uint8Array): Uint8Array {
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path[directory.length] = SLASH;
  path.set(name, directory.length + 1);
  return path;
}

/** As UTF-8 (RFC 2640) where it is valid, composed as most systems write it, and as Latin-1 where that differs. */
function textsOf(octets: Uint8Array): string[] {
  if (octets.every((octet) => octet < 128)) return [utf8.decode(octets)];
  let latin1 = '';
  for (const octet of octets) latin1 += String.fromCharCode(octet);
  try {
    return [utf8.decode(octets).normalize('NFC'), latin1];
  } catch {
    return [latin1];
  }
}

function resolved(text: string): Segments {
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments;
}

/** @param absolute Readings of a name that begins with a backslash, and so at the root of a drive. */
function windowsPath(text: string, absolute: readonly string[]): string {
  const path = (absolute[0] ?? text).replaceAll('\\', '/');
  const segments = path.split('/').map((segment) => (/^\.+$/.test(segment) ? segment : stripped(segment)));
  return segments.join('/');
}

function stripped(segment: string): string {
  const colon = segment.indexOf(':');
  let end = colon < 0 ? segment.length : colon;
  while (end > 0 && (segment[end - 1] === '.' || segment[end - 1] === ' ')) end -= 1;
  return segment.slice(0, end);
}
