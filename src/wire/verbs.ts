// What is known about a verb: where it comes from, what it may start, whether its argument is secret, whether it is a
// way to set up a data connection? Must not break: a verb that bears an address and is not in this table could carry a
// hole past the gateway, so every dialect's is listed here, and verbs not listed are for the ruleset to refuse.
// RFC 5797 (the registry of FTP commands) and the RFC beside each row; rows without one are in use without one.

/** What a verb is about. */
type VerbGroup =
  /** Who is there, and where: login, virtual host, account, working directory, the end of the login. */
  | 'access'
  /** How files will be transferred: type, structure, mode, offset, options. */
  | 'parameter'
  /** Sets up a data connection, or changes how one is set up. */
  | 'data-set-up'
  /** Moves octets over a data connection. */
  | 'transfer'
  /** Changes files and folders without a data connection. */
  | 'file'
  /** Asks something that is answered on the control connection. */
  | 'information'
  /** Protects the connections (RFC 2228). */
  | 'security'
  /** Legal while a transfer runs (RFC 959 §4.1.3): ABOR, STAT, QUIT. */
  | 'control'
  /** Whatever the server makes of it: SITE, and messages to users of the server's host. */
  | 'server-specific';

/** What a transfer moves, seen from the client. */
export const transferDirections = ['download', 'upload', 'listing'] as const;

export type TransferDirection = (typeof transferDirections)[number];

/** One known verb. */
export interface Verb {
  /** Upper case, as `Command.verb`. */
  readonly name: string;
  /** The RFC that defines it now, undefined for verbs of drafts and dialects. */
  readonly rfc: number | undefined;
  readonly group: VerbGroup;
  /** The transfer that it asks for. */
  readonly starts: TransferDirection | undefined;
  /** The argument may hold a password or what is as good as one: it is written nowhere. */
  readonly secretArgument: boolean;
  /**
   * The command or its reply names an endpoint, or changes who dials whom: to be handled or refused, never passed on.
   */
  readonly bearsAddress: boolean;
}

type Traits = Partial<Pick<Verb, 'starts' | 'secretArgument' | 'bearsAddress'>>;

const download: Traits = { starts: 'download' };
const upload: Traits = { starts: 'upload' };
const listing: Traits = { starts: 'listing' };
const secret: Traits = { secretArgument: true };
const address: Traits = { bearsAddress: true };

const verbs: readonly Verb[] = [
  // RFC 959, the base.
  verb('USER', 959, 'access'),
  verb('PASS', 959, 'access', secret),
  verb('ACCT', 959, 'access', secret),
  verb('CWD', 959, 'access'),
  verb('CDUP', 959, 'access'),
  verb('SMNT', 959, 'access'),
  verb('REIN', 959, 'access'),
  verb('QUIT', 959, 'control'),
  verb('PORT', 959, 'data-set-up', address),
  verb('PASV', 959, 'data-set-up', address),
  verb('TYPE', 959, 'parameter'),
  verb('STRU', 959, 'parameter'),
  verb('MODE', 959, 'parameter'),
  verb('RETR', 959, 'transfer', download),
  verb('STOR', 959, 'transfer', upload),
  verb('STOU', 959, 'transfer', upload),
  verb('APPE', 959, 'transfer', upload),
  verb('ALLO', 959, 'parameter'),
  // RFC 3659 §5 redefines REST for stream mode.
  verb('REST', 3659, 'parameter'),
  verb('RNFR', 959, 'file'),
  verb('RNTO', 959, 'file'),
  verb('ABOR', 959, 'control'),
  verb('DELE', 959, 'file'),
  verb('RMD', 959, 'file'),
  verb('MKD', 959, 'file'),
  verb('PWD', 959, 'information'),
  verb('LIST', 959, 'transfer', listing),
  verb('NLST', 959, 'transfer', listing),
  // SITE PSWD (Serv-U) and SITE ADDUSER (glftpd) hold passwords, and nobody knows all dialects.
  verb('SITE', 959, 'server-specific', secret),
  verb('SYST', 959, 'information'),
  verb('STAT', 959, 'control'),
  verb('HELP', 959, 'information'),
  verb('NOOP', 959, 'information'),

  // RFC 775, kept alive by RFC 1123 §4.1.3.1 and by clients that still try them first.
  verb('XCUP', 775, 'access'),
  verb('XCWD', 775, 'access'),
  verb('XMKD', 775, 'file'),
  verb('XPWD', 775, 'information'),
  verb('XRMD', 775, 'file'),

  // RFC 737: messages to a terminal, a mailbox, or both.
  verb('XSEN', 737, 'server-specific'),
  verb('XSEM', 737, 'server-specific'),
  verb('XMAS', 737, 'server-specific'),

  // RFC 1639, long addresses; obsolete, and a way around whoever knows only PORT and PASV.
  verb('LPRT', 1639, 'data-set-up', address),
  verb('LPSV', 1639, 'data-set-up', address),

  // RFC 2228. MIC, CONF and ENC wrap whole commands, PASS included, and MIC does not even encrypt them.
  verb('AUTH', 2228, 'security'),
  verb('ADAT', 2228, 'security', secret),
  verb('PBSZ', 2228, 'security'),
  verb('PROT', 2228, 'security'),
  verb('CCC', 2228, 'security'),
  verb('MIC', 2228, 'security', secret),
  verb('CONF', 2228, 'security', secret),
  verb('ENC', 2228, 'security', secret),

  // RFC 2389, RFC 2428, RFC 2640, RFC 3659, RFC 6384, RFC 7151.
  verb('FEAT', 2389, 'information'),
  verb('OPTS', 2389, 'parameter'),
  verb('EPRT', 2428, 'data-set-up', address),
  verb('EPSV', 2428, 'data-set-up', address),
  verb('LANG', 2640, 'parameter'),
  verb('MDTM', 3659, 'information'),
  verb('SIZE', 3659, 'information'),
  verb('MLST', 3659, 'information'),
  verb('MLSD', 3659, 'transfer', listing),
  // Talks to the translating gateway itself, which a server behind another one should not hear.
  verb('ALGS', 6384, 'data-set-up'),
  verb('HOST', 7151, 'access'),

  // PASV under a name that a firewall looking for the word does not see: vsftpd, Pure-FTPd, FileZilla Server.
  verb('P@SW', undefined, 'data-set-up', address),
  // Secured server-to-server transfers: PASV with the TLS roles exchanged, and the switch for the same (glftpd,
  // ioFTPD).
  verb('CPSV', undefined, 'data-set-up', address),
  verb('SSCN', undefined, 'data-set-up', address),
  // draft-rosenau-ftp-single-port: data connections by way of the control port; Pure-FTPd, with two more of its own.
  verb('SPSV', undefined, 'data-set-up', address),
  verb('SPDT', undefined, 'data-set-up', address),
  verb('ESTA', undefined, 'data-set-up', address),
  verb('ESTP', undefined, 'data-set-up', address),
  // DrFTPD is told before PASV what will be transferred, so that it can choose the host to announce.
  verb('PRET', undefined, 'parameter'),

  verb('CLNT', undefined, 'information'),
  verb('CSID', undefined, 'information'),
  verb('MFMT', undefined, 'file'),
  verb('MFCT', undefined, 'file'),
  verb('MFF', undefined, 'file'),
  verb('RANG', undefined, 'parameter'),
  verb('COMB', undefined, 'file'),
  verb('RMDA', undefined, 'file'),
  verb('AVBL', undefined, 'information'),
  verb('DSIZ', undefined, 'information'),
  verb('THMB', undefined, 'transfer', download),
  verb('HASH', undefined, 'information'),
  verb('MD5', undefined, 'information'),
  verb('XCRC', undefined, 'information'),
  verb('XMD5', undefined, 'information'),
  verb('XSHA', undefined, 'information'),
  verb('XSHA1', undefined, 'information'),
  verb('XSHA256', undefined, 'information'),
  verb('XSHA512', undefined, 'information'),
];

const byName: ReadonlyMap<string, Verb> = new Map(verbs.map((known) => [known.name, known]));

/** What is known about a verb (in upper case, as `parseCommand` gives it); undefined where nothing is. */
export function lookupVerb(name: string): Verb | undefined {
  return byName.get(name);
}

/** The names of all known verbs: the closed set of metric labels, beside which there is only `other`. */
export const knownVerbs: readonly string[] = verbs.map((known) => known.name);

function verb(name: string, rfc: number | undefined, group: VerbGroup, traits: Traits = {}): Verb {
  return { name, rfc, group, starts: undefined, secretArgument: false, bearsAddress: false, ...traits };
}
