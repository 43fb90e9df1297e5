// Can a reply with this code answer that command? What pairs replies with commands where one was lost, came twice, or
// came late: most codes belong to few verbs (RFC 959 §5.4), so a reply often says itself what it answers.
// Must not break: a 227 or 229 answers nothing but the set-up that asked for it, and a transfer that the server has
// begun is not ended by what only other commands are answered with.

import { lookupVerb } from '../wire/verbs.ts';

/**
 * `own`: made for this verb. `possible`: said of anything, or by this verb among others. `alien`: said of others only.
 */
export type ReplyFit = 'own' | 'possible' | 'alien';

/** What is known of a command that waits for its reply. */
export interface Asked {
  readonly verb: string;
  /** `marked`: the server has answered a transfer with a 1yz, so its final reply is still to come. */
  readonly progress: 'asked' | 'marked';
}

const set = (...verbs: string[]): ReadonlySet<string> => new Set(verbs);
const passive = set('PASV', 'EPSV');
const login = set('USER', 'PASS', 'ACCT');
const security = set('AUTH', 'ADAT');
const restart = set('REST', 'RNFR', 'RANG');

/** Final codes that few verbs get. To the others they are alien. */
const owners: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [211, set('FEAT', 'STAT', 'HELP')],
  [212, set('STAT')],
  [213, set('STAT', 'SIZE', 'MDTM', 'MFMT', 'MFCT', 'MFF', 'HASH', 'MD5', 'AVBL', 'DSIZ', 'XCRC', 'XMD5')],
  [214, set('HELP', 'SITE')],
  [215, set('SYST')],
  [220, set('HOST', 'REIN')],
  [221, set('QUIT')],
  [225, set('ABOR')],
  [226, set('ABOR')],
  [227, passive],
  // RFC 1639, for LPSV alone, which is refused: it answers another set-up wrongly, or nothing.
  [228, passive],
  [229, passive],
  [230, login],
  [232, login],
  [234, security],
  [235, security],
  [257, set('PWD', 'XPWD', 'MKD', 'XMKD')],
  [331, login],
  [332, login],
  [334, security],
  [335, security],
  [350, restart],
  [425, set()],
  [426, set('ABOR')],
]);

/** Of the verbs that are answered with 200 or 250 which of the two belongs to which; servers exchange them. */
const usual: ReadonlyMap<number, ReadonlySet<string>> = new Map([
  [200, set('NOOP', 'TYPE', 'STRU', 'MODE', 'ALLO', 'PORT', 'EPRT', 'SITE', 'OPTS', 'LANG', 'CLNT', 'CSID', 'PRET')],
  [250, set('CWD', 'XCWD', 'CDUP', 'XCUP', 'DELE', 'RMD', 'XRMD', 'RNTO', 'MLST', 'SMNT')],
]);

/** Codes that end or break a transfer, whatever else is going on. */
const ofTransfers = new Set([226, 250, 425, 426]);
// RFC 959 §5.4: of the 5yz only 551 and 552 may follow the mark; the others (syntax, not logged in) come in its place.
const lowestAfterMark = 550;

export function replyFit({ verb, progress }: Asked, code: number): ReplyFit {
  if (isTransferVerb(verb)) return fitOfTransfer(progress, code);
  // RFC 959 §5.4 has marks only for transfers; 120 belongs to no command but REIN.
  if (code < 200) return 'alien';
  const owning = owners.get(code);
  if (owning !== undefined) return owning.has(verb) || (code === 425 && passive.has(verb)) ? 'own' : 'alien';
  if (code >= 400) return 'possible';
  if (passive.has(verb)) return 'alien';
  return usual.get(code)?.has(verb) === true ? 'own' : 'possible';
}

function fitOfTransfer(progress: Asked['progress'], code: number): ReplyFit {
  if (code < 200) return code === 120 ? 'alien' : progress === 'asked' ? 'own' : 'possible';
  if (ofTransfers.has(code)) return 'own';
  if (code < 400) return 'alien';
  return progress === 'marked' && code >= 500 && code < lowestAfterMark ? 'alien' : 'possible';
}

/** Is the server asked by it to listen for a data connection? */
export function isPassiveVerb(verb: string): verb is 'PASV' | 'EPSV' {
  return passive.has(verb);
}

/** Does its answer say whether somebody is in? */
export function isLoginVerb(verb: string): boolean {
  return login.has(verb);
}

/** Does the verb ask for a transfer over a data connection? */
export function isTransferVerb(verb: string): boolean {
  return lookupVerb(verb)?.starts !== undefined;
}
