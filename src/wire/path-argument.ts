// Which files or folders does a command name, and are they known? Octets as the client wrote them, not resolved yet.
// Must not break: where servers differ in what an argument means, all that it may mean is named, or it is `unclear`.
// RFC 959 §4.1, RFC 3659 §3–§7, RFC 1123 §4.1.2.

export type PathArgument =
  /** It names nothing. */
  | { readonly kind: 'none' }
  /** It names something, and what cannot be told. */
  | { readonly kind: 'unclear'; readonly reason: string }
  /** One of these; the empty name is the working directory. */
  | { readonly kind: 'named'; readonly names: readonly Uint8Array[] };

type Reader = (argument: Uint8Array) => PathArgument;

const none: PathArgument = { kind: 'none' };
const nothing = new Uint8Array(0);
const BLANK = 32;
const HYPHEN = 45;
const TILDE = 126;
/** The letter R: `LIST -lR`. */
const RECURSIVE = 82;
const QUOTE = 34;
const wildcards = new Set([...'*?[{'].map((character) => character.charCodeAt(0)));

const whole: Reader = (argument) => named(argument);

/** Servers expand wildcards in listings, and take words that begin with a hyphen for options of ls(1). */
const listed: Reader = (argument) => {
  const path = withoutOptions(argument);
  const options = argument.subarray(0, argument.length - path.length);
  if (options.includes(RECURSIVE) || isLong(options)) return unclear('a listing of all below');
  if (path.some((octet) => wildcards.has(octet))) return unclear('a listing by wildcards');
  return named(path);
};

/** RFC 3659 §3: a time to ask about, or (in use without an RFC) a time to set and the name behind it. */
const timed: Reader = (argument) => {
  const blank = argument.indexOf(BLANK);
  const isTime = blank > 0 && argument.subarray(0, blank).every((octet) => isDigit(octet) || octet === 46);
  return isTime ? named(argument, argument.subarray(blank + 1)) : named(argument);
};

/** MFMT time path, MFF facts path. */
const behindFirstWord: Reader = (argument) => {
  const blank = argument.indexOf(BLANK);
  return blank < 0 ? unclear('an argument of one word') : named(argument.subarray(blank + 1));
};

/** XCRC "path" 0 100, XCRC path, XCRC path 0 100. */
const hashed: Reader = (argument) => {
  if (argument[0] === QUOTE) {
    const end = argument.indexOf(QUOTE, 1);
    return end < 0 ? unclear('a name with one quotation mark') : named(argument, argument.subarray(1, end));
  }
  const names = [argument];
  let rest = argument;
  for (let word = 0; word < 2; word += 1) {
    const blank = rest.lastIndexOf(BLANK);
    if (blank <= 0 || !rest.subarray(blank + 1).every(isDigit)) break;
    rest = rest.subarray(0, blank);
    names.push(rest);
  }
  return named(...names);
};

/** What sites can do with files is theirs to say, but for the commands that are known everywhere. */
const site: Reader = (argument) => {
  const [verb, rest] = firstWord(argument);
  switch (verb) {
    case 'CPFR':
    case 'CPTO':
    case 'MKDIR':
    case 'RMDIR':
      return named(rest);
    case 'CHMOD':
    case 'CHGRP':
      return behindFirstWord(rest);
    case 'HELP':
    case 'IDLE':
    case 'UMASK':
    case 'WHO':
    case 'QUOTA':
      return none;
    default:
      return rest.length === 0 ? none : unclear(`what SITE ${/^[A-Z]+$/.test(verb) ? verb : ''} names`.trimEnd());
  }
};

const readers: Readonly<Record<string, Reader>> = {
  CWD: whole,
  XCWD: whole,
  SMNT: whole,
  CDUP: () => named(Uint8Array.of(46, 46)),
  XCUP: () => named(Uint8Array.of(46, 46)),
  RETR: whole,
  STOR: whole,
  STOU: whole,
  APPE: whole,
  DELE: whole,
  RMD: whole,
  XRMD: whole,
  RMDA: whole,
  MKD: whole,
  XMKD: whole,
  RNFR: whole,
  RNTO: whole,
  SIZE: whole,
  DSIZ: whole,
  AVBL: whole,
  MDTM: timed,
  LIST: listed,
  NLST: listed,
  MLSD: listed,
  MLST: whole,
  STAT: (argument) => (argument.length === 0 ? none : listed(argument)),
  MFMT: behindFirstWord,
  MFCT: behindFirstWord,
  MFF: behindFirstWord,
  HASH: hashed,
  MD5: hashed,
  XCRC: hashed,
  XMD5: hashed,
  XSHA: hashed,
  XSHA1: hashed,
  XSHA256: hashed,
  XSHA512: hashed,
  COMB: () => unclear('several names in one command'),
  THMB: () => unclear('a name behind a format'),
  SITE: site,
};

/** @param known Whether the verb stands in the gateway's table: of others nobody can say what they name. */
export function pathArgument(verb: string, argument: Uint8Array, known: boolean): PathArgument {
  const reader = Object.hasOwn(readers, verb) ? readers[verb] : undefined;
  if (reader !== undefined) return reader(argument);
  return known || argument.length === 0 ? none : unclear('what a command names that the gateway does not know');
}

/** The command behind SITE, in upper case; undefined where there is none. */
export function siteCommand(argument: Uint8Array): string | undefined {
  const [verb] = firstWord(argument);
  return verb === '' ? undefined : verb;
}

/** Words of 32 octets at most: no server has longer ones. */
function firstWord(argument: Uint8Array): [word: string, rest: Uint8Array] {
  let begin = 0;
  while (argument[begin] === BLANK) begin += 1;
  const blank = argument.indexOf(BLANK, begin);
  const end = blank < 0 ? argument.length : blank;
  const word = String.fromCharCode(...argument.subarray(begin, Math.min(end, begin + 32))).toUpperCase();
  return [word, argument.subarray(Math.min(end + 1, argument.length))];
}

/** `--recursive`, and whatever else ls(1) takes by such a word. */
function isLong(options: Uint8Array): boolean {
  return options.some((octet, at) => octet === HYPHEN && options[at + 1] === HYPHEN);
}

function withoutOptions(argument: Uint8Array): Uint8Array {
  let rest = argument;
  while (rest[0] === HYPHEN) {
    const blank = rest.indexOf(BLANK);
    if (blank < 0) return nothing;
    rest = rest.subarray(blank + 1);
  }
  return rest;
}

// A tilde is the home folder of whoever the server thinks, which it does not tell.
function named(...names: Uint8Array[]): PathArgument {
  if (names.some((name) => name[0] === TILDE)) return unclear('a home folder');
  return { kind: 'named', names };
}

function unclear(reason: string): PathArgument {
  return { kind: 'unclear', reason: `not known: ${reason}` };
}

function isDigit(octet: number): boolean {
  return octet >= 48 && octet <= 57;
}
