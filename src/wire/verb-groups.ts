// What does a command do, in the words in which people write rules? Groups of verbs, beside those of verbs.ts, which
// say how the protocol treats them. RFC 959 §4.1, RFC 3659, RFC 4217.

import { lookupVerb } from './verbs.ts';

/**
 * `login` is a part of `session`: what is neither about files nor about data connections. `write` stores files and
 * makes folders. `list` tells of files without reading them.
 */
export const verbGroups = [
  'login',
  'session',
  'data',
  'navigate',
  'list',
  'read',
  'write',
  'delete',
  'rename',
  'site',
] as const;

export type VerbGroupName = (typeof verbGroups)[number];

const members: Readonly<Record<Exclude<VerbGroupName, 'session'>, readonly string[]>> = {
  login: ['USER', 'PASS', 'ACCT', 'HOST', 'REIN'],
  data: ['PORT', 'PASV', 'EPRT', 'EPSV', 'LPRT', 'LPSV', 'P@SW', 'CPSV', 'SSCN', 'SPSV', 'SPDT', 'ESTA', 'ESTP'],
  navigate: ['CWD', 'XCWD', 'CDUP', 'XCUP', 'PWD', 'XPWD', 'SMNT'],
  list: ['LIST', 'NLST', 'MLSD', 'MLST', 'SIZE', 'MDTM', 'DSIZ', 'AVBL'],
  read: ['RETR', 'THMB', 'HASH', 'MD5', 'XCRC', 'XMD5', 'XSHA', 'XSHA1', 'XSHA256', 'XSHA512'],
  write: ['STOR', 'STOU', 'APPE', 'MKD', 'XMKD', 'MFMT', 'MFCT', 'MFF', 'COMB'],
  delete: ['DELE', 'RMD', 'XRMD', 'RMDA'],
  rename: ['RNFR', 'RNTO'],
  site: ['SITE'],
};

const byVerb = new Map<string, readonly VerbGroupName[]>();
for (const [group, verbs] of Object.entries(members)) {
  for (const verb of verbs) byVerb.set(verb, group === 'login' ? ['login', 'session'] : [group as VerbGroupName]);
}
const session: readonly VerbGroupName[] = ['session'];
const list: readonly VerbGroupName[] = ['list'];
const none: readonly VerbGroupName[] = [];

/** STAT lists where it names something (RFC 959 §4.1.3). A verb that nobody knows is in no group. */
export function groupsOf(verb: string, argumentOctets: number): readonly VerbGroupName[] {
  const known = byVerb.get(verb);
  if (known !== undefined) return known;
  if (verb === 'STAT' && argumentOctets > 0) return list;
  return lookupVerb(verb) === undefined ? none : session;
}
