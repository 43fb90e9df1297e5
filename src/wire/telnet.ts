// Which Telnet commands stand before an FTP command? Clients send IAC IP, IAC DM before ABOR so that a server busy with
// a transfer looks at its control connection. Must not break: octets of an argument are never touched, FF FF included,
// so only the start of a line is looked at, where an FTP verb, which is ASCII, cannot be meant.
// RFC 854 (commands, Synch), RFC 855 (sub-negotiation), RFC 959 §4.1.3 (ABOR), RFC 1123 §4.1.2.12 (refusing options).

/** A line of the client without the Telnet commands before its verb. */
export interface TelnetTaken {
  /** What remains of the line. */
  readonly octets: Uint8Array;
  /** IAC IP or IAC DM was there: the Telnet Synch, by the book before ABOR, STAT or QUIT. */
  readonly interrupt: boolean;
  /** What to send back to refuse each option offered or asked for; mostly empty. At most as long as the line. */
  readonly answer: Uint8Array;
}

const IAC = 0xff;
const DONT = 0xfe;
const DO = 0xfd;
const WONT = 0xfc;
const WILL = 0xfb;
const SB = 0xfa;
const IP = 0xf4;
const DM = 0xf2;
// SE, the lowest of the command octets. IAC before anything below it is an octet of data.
const SE = 0xf0;
const NOTHING = new Uint8Array(0);

/** Takes the Telnet commands from the start of a client's line (given without its end). */
export function takeTelnet(octets: Uint8Array): TelnetTaken {
  if (octets.length === 0 || octets[0]! < SE) return { octets, interrupt: false, answer: NOTHING };
  let interrupt = false;
  const answer: number[] = [];
  let at = 0;
  for (let length = commandLength(octets, at); length > 0; length = commandLength(octets, at)) {
    const command = length === 1 ? DM : octets[at + 1];
    if (command === IP || command === DM) interrupt = true;
    // RFC 1123 §4.1.2.12: each option is refused; what is already refused (WONT, DONT) is not answered, or two peers
    // would refuse one another for ever.
    if (command === WILL) answer.push(IAC, DONT, octets[at + 2]!);
    if (command === DO) answer.push(IAC, WONT, octets[at + 2]!);
    at += length;
  }
  return { octets: octets.subarray(at), interrupt, answer: answer.length === 0 ? NOTHING : Uint8Array.from(answer) };
}

/** Length of the Telnet command at this place, 0 where data begins. */
function commandLength(octets: Uint8Array, at: number): number {
  // The BSD client sends IAC IP IAC as urgent data and DM ABOR after it. The last of the urgent octets, the second IAC,
  // is missing from the stream wherever out-of-band data is not read inline on the way, so DM may stand alone.
  if (octets[at] === DM) return 1;
  if (octets[at] !== IAC) return 0;
  const command = octets[at + 1];
  // FF FF is one FF of data (RFC 854), and IAC before a lower octet or the end of the line says nothing.
  if (command === undefined || command === IAC || command < SE) return 0;
  if (command === SB) return subNegotiationLength(octets, at);
  if (command < SB) return 2;
  return at + 2 < octets.length ? 3 : 0;
}

// IAC SB <option> … IAC SE, in which IAC IAC is one octet of its data. Incomplete: 0, and the line is not a command.
function subNegotiationLength(octets: Uint8Array, at: number): number {
  for (let index = octets.indexOf(IAC, at + 2); index >= 0; index = octets.indexOf(IAC, index + 2)) {
    if (octets[index + 1] === SE) return index + 2 - at;
    if (octets[index + 1] !== IAC) return 0;
  }
  return 0;
}
