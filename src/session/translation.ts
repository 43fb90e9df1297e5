// Does this session stand between an IPv6 client and an IPv4 server, and which of the client's verbs are translated in
// it? ALGS tells the client, and turns the translation off and on (RFC 6384 §11). In every other session ALGS stays
// refused. Must not break: even with the translation off no set-up goes around the gateway. A translator of packets
// would then let EPSV and EPRT pass as they are; here EPSV is only asked of the server under its own name, through a
// way of ours, and EPRT is refused, since an IPv4 server can do nothing with an IPv6 address but one with both families
// might dial it.

import { decide } from '../policy/decide.ts';
import { argumentText, type Command } from '../wire/command.ts';
import type { Action } from './action.ts';
import { answerClient } from './answer.ts';
import { type Refusal, refuse } from './refuse.ts';
import { changed, type Session } from './session.ts';

/** The sessions of which RFC 6384 speaks. */
export function joinsIpv6ToIpv4({ terms }: Session): boolean {
  return terms.clientPeer.address.family === 6 && terms.serverPeer.address.family === 4;
}

/** Only in sessions that join IPv6 to IPv4. */
export function onAlgs(session: Session, command: Command, out: Action[]): Session {
  switch (argumentText(command.argument).toUpperCase()) {
    case 'STATUS64':
      return tellStatus(session, out);
    case 'ENABLE64':
      return tellStatus(changed(session, { translation: 'on' }), out);
    case 'DISABLE64':
      // Where the operator says how servers are asked, EPSV cannot be left as it is.
      if (session.terms.serverMode !== 'as-client') {
        return refuse(session, notForParameter('ALGS', 'the listener says how the server is asked'), out);
      }
      return tellStatus(changed(session, { translation: 'off' }), out);
    default:
      return refuse(session, notForParameter('ALGS', 'ALGS with an unknown parameter'), out);
  }
}

/** RFC 6384 has one reply for what is understood and not done: to EPSV ALL in §6 and to ALGS in §11. */
export function notForParameter(verb: 'ALGS' | 'EPSV', reason: string): Refusal {
  const cause = verb === 'EPSV' ? 'epsv-all' : 'malformed-command';
  return { cause, code: 504, text: 'Command not implemented for that parameter.', reason, verb };
}

// RFC 6384 §11: 216 and one of three words, which programs read.
function tellStatus(session: Session, out: Action[]): Session {
  return answerClient(session, 216, statusOf(session), out);
}

// There is no word for EPRT alone, which rules that refuse EPSV leave.
function statusOf(session: Session): 'NONE' | 'EPSV' | 'EPSVEPRT' {
  if (session.translation === 'off' || !allows(session, 'EPSV')) return 'NONE';
  return allows(session, 'EPRT') ? 'EPSVEPRT' : 'EPSV';
}

function allows(session: Session, verb: 'EPSV' | 'EPRT'): boolean {
  const subject = { kind: 'verb', verb, known: true, asksForData: true, login: 'in', site: undefined } as const;
  return decide(session.terms.ruleset, subject).verdict === 'allow';
}
