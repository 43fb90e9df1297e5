// May the client give this command? Here the access rules meet the session: what is known of the command is put before
// them, what they want to know and can be found out is found out first, and what they say becomes a reply.
// Must not break: each command is judged once, and before anything of it reaches the server.

import type { AccessSubject, SubjectPaths } from '../policy/access-subject.ts';
import { decide } from '../policy/decide.ts';
import { type AccessDecision, asksForPaths, couldPass, decideAccess } from '../policy/decide-access.ts';
import { argumentText } from '../wire/command.ts';
import { latin1Octets } from '../wire/latin1.ts';
import { pathArgument, siteCommand } from '../wire/path-argument.ts';
import { isRelative, readingsOf } from '../wire/path-readings.ts';
import { groupsOf } from '../wire/verb-groups.ts';
import type { Verb } from '../wire/verbs.ts';
import type { Action } from './action.ts';
import { awaitsLogin } from './awaited-replies.ts';
import { sendAway } from './ending.ts';
import { recordRefusal, refuse } from './refuse.ts';
import { isLoginVerb, isPassiveVerb } from './reply-fit.ts';
import { isSetUpVerb } from './requested-set-up.ts';
import { type ClientCommand, changed, type Session } from './session.ts';
import { freeWay } from './ways.ts';

/** `wants`: it cannot be judged before that is known. `over`: the gateway has answered it. */
export type AccessAnswer =
  | { readonly kind: 'granted'; readonly session: Session }
  | { readonly kind: 'wants'; readonly what: 'login' | 'directory' }
  | { readonly kind: 'over'; readonly session: Session };

/** @param patience `must-go`: what is not known by now is held against the client. */
export function judgeAccess(
  session: Session,
  given: ClientCommand,
  patience: 'may-wait' | 'must-go',
  out: Action[],
): AccessAnswer {
  const { access } = session.terms.ruleset;
  if (access.rules.length === 0 && access.otherwise === 'allow') return { kind: 'granted', session };
  const { verb } = given.command;
  const isUndecided = awaitsLogin(session.awaited) && !isLoginVerb(verb);
  if (isUndecided && patience === 'may-wait') return { kind: 'wants', what: 'login' };
  const subject = subjectOf(session, given, isUndecided ? 'unclear' : loginOf(session));
  const isAsked = asksForPaths(access, subject);
  if (isAsked && patience === 'may-wait' && wantsDirectory(session, given)) return { kind: 'wants', what: 'directory' };
  const paths = isAsked ? pathsOf(session, given) : noPaths;
  const decision = decideAccess(access, { ...subject, paths });
  const unread = unreadFromHere(session, verb, decision);
  return follow(session, given, unread ?? decision, paths, out);
}

const noPaths: SubjectPaths = { kind: 'none' };

function follow(
  session: Session,
  given: ClientCommand,
  { verdict, rule, reason, reply }: AccessDecision,
  paths: SubjectPaths,
  out: Action[],
): AccessAnswer {
  const { verb } = given.command;
  const name = given.verb?.name ?? 'other';
  switch (verdict) {
    case 'report':
      out.push({ kind: 'record', record: { kind: 'reported', verb: name, rule, reason } });
      return { kind: 'granted', session: remembering(session, verb, paths) };
    case 'allow':
      out.push({ kind: 'record', record: { kind: 'granted', verb: name, rule, reason } });
      return { kind: 'granted', session: remembering(session, verb, paths) };
    case 'deny': {
      const text = reply ?? 'Not permitted by the rules of the gateway.';
      const refusal = { cause: 'denied-by-rule', code: denialCode(given), text, reason, verb: name, rule } as const;
      return { kind: 'over', session: refuse(session, refusal, out) };
    }
    case 'close': {
      recordRefusal({ cause: 'denied-by-rule', reason, verb: name, rule }, out);
      const farewell = reply ?? 'Not permitted by the rules of the gateway; closing the control connection.';
      const ending = { outcome: 'closed-by-rule', reason: `rule ${rule}: ${reason}`, farewell } as const;
      return { kind: 'over', session: sendAway(session, ending, out) };
    }
  }
}

/** What RNFR names is judged once more with RNTO, which is when it moves. */
function remembering(session: Session, verb: string, paths: SubjectPaths): Session {
  const renaming = verb === 'RNFR' ? paths : undefined;
  return session.renaming === renaming ? session : changed(session, { renaming });
}

/**
 * Behind AUTH that is passed through nothing can be judged any more. So it takes a rule that allows AUTH by its name:
 * whoever wrote it has thought of it.
 */
function unreadFromHere({ terms }: Session, verb: string, decision: AccessDecision): AccessDecision | undefined {
  if (verb !== 'AUTH' || terms.tls.client !== 'pass-through') return undefined;
  if (decision.verdict === 'deny' || decision.verdict === 'close') return undefined;
  const rule = terms.ruleset.access.rules.find(({ name }) => name === decision.rule);
  if (rule?.verdict === 'allow' && rule.when.verb?.has('AUTH') === true) return undefined;
  return {
    verdict: 'deny',
    rule: decision.rule,
    reason: 'behind AUTH the rules could not be applied, and none of them allows AUTH by its name',
    reply: 'TLS would hide from the gateway what its rules have to judge.',
  };
}

/** Could the client give this command, with any argument? For what it is told that can be done. */
export function couldBeGiven(session: Session, verb: Verb, site: string | undefined): boolean {
  const { ruleset } = session.terms;
  const { name, group, starts } = verb;
  if (group === 'data-set-up' && !isSetUpVerb(name) && name !== 'ALGS') return false;
  const asksForData = group === 'data-set-up' || starts !== undefined;
  const known = { kind: 'verb', verb: name, known: true, asksForData, login: 'in', site } as const;
  if (decide(ruleset, known).verdict === 'refuse') return false;
  const argument = site === undefined ? nothing : latin1Octets(site);
  const given: ClientCommand = {
    command: { verb: name, argument },
    verb,
    octets: nothing,
    interrupt: false,
    access: 'not-judged',
  };
  return couldPass(ruleset.access, subjectOf(session, given, session.login.kind === 'in' ? 'in' : 'unclear'));
}

function wantsDirectory(session: Session, { command, verb }: ClientCommand): boolean {
  if (session.directory.kind !== 'unknown' || session.login.kind !== 'in') return false;
  const argument = pathArgument(command.verb, command.argument, verb !== undefined);
  return argument.kind === 'named' && argument.names.some(isRelative);
}

function pathsOf(session: Session, { command, verb }: ClientCommand): SubjectPaths {
  const argument = pathArgument(command.verb, command.argument, verb !== undefined);
  if (argument.kind === 'none') return noPaths;
  if (argument.kind === 'unclear') return argument;
  const { directory, renaming } = session;
  if (directory.kind !== 'known' && argument.names.some(isRelative))
    return { kind: 'unclear', reason: 'the working directory is not known' };
  const root = directory.kind === 'known' ? directory.octets : nothing;
  const readings = argument.names.flatMap((name) => readingsOf(name, root));
  if (command.verb !== 'RNTO' || renaming === undefined) return { kind: 'known', readings: [readings] };
  return renaming.kind === 'known' ? { kind: 'known', readings: [...renaming.readings, readings] } : renaming;
}

const nothing = new Uint8Array(0);

function subjectOf(session: Session, { command, verb }: ClientCommand, login: AccessSubject['login']): AccessSubject {
  const { terms, security } = session;
  return {
    listener: terms.listener,
    client: terms.clientPeer.address,
    server: terms.serverPeer.address,
    user: userOf(session, command.verb, command.argument),
    login,
    clientTls: security.client === 'tls',
    serverTls: security.server === 'tls',
    certificate: security.clientCertificate,
    verb: command.verb,
    groups: groupsOf(command.verb, command.argument.length),
    site: command.verb === 'SITE' ? siteCommand(command.argument) : undefined,
    argument: verb?.secretArgument === true && command.verb !== 'SITE' ? '' : argumentText(command.argument),
    argumentOctets: command.argument.length,
    paths: noPaths,
    direction: verb?.starts,
    mode: modeOf(session, command.verb),
    epochMs: terms.epochMs + session.lastActivityMs,
  };
}

function loginOf({ login }: Session): 'in' | 'out' {
  return login.kind === 'in' ? 'in' : 'out';
}

/** Whom USER names; for what follows it, whom the last one named that the server may still let in. */
function userOf({ login, awaited }: Session, verb: string, argument: Uint8Array): string | undefined {
  if (verb === 'USER') return argumentText(argument);
  if (isLoginVerb(verb)) {
    for (const entry of awaited.toReversed()) if (entry.kind === 'server' && entry.verb === 'USER') return entry.user;
  }
  return login.kind === 'none' ? undefined : login.user;
}

function modeOf(session: Session, verb: string): 'active' | 'passive' | undefined {
  if (isPassiveVerb(verb)) return 'passive';
  if (verb === 'PORT' || verb === 'EPRT') return 'active';
  const way = freeWay(session);
  if (way === undefined) return undefined;
  return way.expectation.client.mode === 'listen' ? 'passive' : 'active';
}

const storing: ReadonlySet<string> = new Set(['STOR', 'STOU', 'APPE', 'RNTO']);

/** RFC 959 §5.4: 553 for a name that is not allowed, 550 for a file, 530 for who may not log in, 502 for the rest. */
function denialCode({ command, verb }: ClientCommand): number {
  if (storing.has(command.verb)) return 553;
  if (isLoginVerb(command.verb)) return 530;
  const groups = groupsOf(command.verb, command.argument.length);
  const isAboutFiles = groups.some((group) => aboutFiles.has(group)) || verb?.starts !== undefined;
  return isAboutFiles ? 550 : 502;
}

const aboutFiles: ReadonlySet<string> = new Set(['navigate', 'list', 'read', 'write', 'delete', 'rename']);
