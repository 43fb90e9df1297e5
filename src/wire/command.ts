// Which command is this line, and how is a command of ours written? A line is split once: verb, one blank, argument.
// Must not break: the argument is octets, kept to the last one; the verb is compared without locale and without
// Unicode. RFC 959 §5.3 (syntax, either case), RFC 3659 §2.2 (one blank; the further ones belong to the name).

import { type Parsed, parsed, unreadable } from '../address/parsed.ts';

// command = verb [ SP argument ]    verb = 1*16 %d33-126    argument = *OCTET

/** A line of the client, split. */
export interface Command {
  /** In upper case, whatever the client wrote. */
  readonly verb: string;
  /** All that follows exactly one blank after the verb, octet for octet; empty where there is none. */
  readonly argument: Uint8Array;
}

const BLANK = 32;
const DELETE = 127;
const LOWER_A = 97;
const LOWER_Z = 122;
const NOTHING = new Uint8Array(0);
// The longest verb in use has 7 letters (XSHA256). A bound keeps a line of one word from becoming a long string.
const VERB_OCTETS_MAX = 16;

/** Splits a line, given without its end and without Telnet commands. */
export function parseCommand(octets: Uint8Array): Parsed<Command> {
  let verb = '';
  let at = 0;
  for (; at < octets.length; at += 1) {
    const octet = octets[at]!;
    if (octet === BLANK) break;
    // A tab, too: sscanf-like readers take it for a blank, others for a part of the verb.
    if (octet < BLANK || octet >= DELETE) return unreadable('the verb has an octet that is not printable ASCII');
    if (at === VERB_OCTETS_MAX) return unreadable(`the verb is longer than ${VERB_OCTETS_MAX} octets`);
    verb += String.fromCharCode(octet >= LOWER_A && octet <= LOWER_Z ? octet - 32 : octet);
  }
  if (at === 0) return unreadable('the line has no verb');
  return parsed({ verb, argument: at + 1 < octets.length ? octets.subarray(at + 1) : NOTHING });
}

/**
 * A command that the gateway sends itself, with CR LF. Throws RangeError unless both parts are ASCII without CR, LF and
 * NUL: what a peer wrote is never sent through here.
 */
export function formatCommand(verb: string, argument?: string): Uint8Array {
  const line = argument === undefined ? verb : `${verb} ${argument}`;
  const octets = new Uint8Array(line.length + 2);
  for (let index = 0; index < line.length; index += 1) {
    const code = line.charCodeAt(index);
    if (code < BLANK || code >= DELETE) throw new RangeError(`a command may not hold the character code ${code}`);
    octets[index] = code;
  }
  octets[line.length] = 13;
  octets[line.length + 1] = 10;
  return octets;
}

// Names are as long as PATH_MAX; a log line or an audit record of this length still says which file it was.
const TEXT_CHARACTERS_MAX = 512;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * An argument as text for log lines and records, never for the wire: UTF-8 where it is valid, else Latin-1; of at most
 * 512 characters, before escapes. Characters that steer a terminal or reorder text are written \xNN or \u{NNNN}.
 */
export function argumentText(argument: Uint8Array): string {
  // Not by spreading: walking an iterator costs several times as much.
  if (isPlain(argument)) return Reflect.apply(String.fromCharCode, undefined, argument);
  // Forged log entries: a name with line ends, terminal escapes or bidirectional overrides would show what never was.
  return decode(argument)
    .slice(0, TEXT_CHARACTERS_MAX)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

/** Short printable ASCII, as nearly every name is: neither decoding nor escaping has anything to do. */
function isPlain(octets: Uint8Array): boolean {
  if (octets.length > TEXT_CHARACTERS_MAX) return false;
  for (const octet of octets) if (octet < BLANK || octet >= DELETE) return false;
  return true;
}

function decode(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    // Not TextDecoder('latin1'), which by the Encoding Standard is windows-1252.
    return String.fromCharCode(...octets.subarray(0, TEXT_CHARACTERS_MAX));
  }
}

function escapeCharacter(character: string): string {
  const hex = character.codePointAt(0)!.toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}
