// Where do the client's lines end? At LF, the CR before it dropped; telnet sequences are taken out (RFC 959 §3.1,
// RFC 854). Bounded: the remainder without an end never grows past one line's length.

const lineOctetsMax = 4096; // PATH_MAX of Linux: no usable path is longer

/** Cuts octets into lines; a line that is too long is reported once by `onTooLong` and the caller ends the session. */
export function sampleLineReader(onLine: (line: string) => void, onTooLong: () => void): (octets: Uint8Array) => void {
  let rest = '';
  return (octets) => {
    const lines = (rest + Buffer.from(octets).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineOctetsMax || lines.some((line) => line.length > lineOctetsMax)) {
      rest = '';
      onTooLong();
      return;
    }
    for (const line of lines) onLine(withoutTelnet(line.replace(/\r$/, '')));
  };
}

/**
 * RFC 854: IAC IAC is one 0xFF, IAC with WILL/WONT/DO/DONT takes an option octet, every other IAC one command octet.
 */
function withoutTelnet(line: string): string {
  return line.replaceAll(/\xff(?:(\xff)|[\xfb-\xfe].?|.|$)/gs, (_, escaped: string | undefined) => escaped ?? '');
}
