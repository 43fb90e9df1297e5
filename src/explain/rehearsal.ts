// What would the gateway do with this conversation? It is played to the session that the gateway itself would have,
// with nobody on the wire: what the kernel or a peer would answer is answered here as if all went well.

import { type Address, type Endpoint, isUnspecified } from '../address/endpoint.ts';
import { SessionRunner } from '../control/session-runner.ts';
import type { Action, SessionRecord } from '../session/action.ts';
import type { SessionEvent } from '../session/event.ts';
import type { Side } from '../session/expectation.ts';
import { acceptsClientLine, newSession, type SessionTerms } from '../session/session.ts';
import { latin1, latin1Octets } from '../wire/latin1.ts';
import { type ControlLine, LineSplitter } from '../wire/line-splitter.ts';
import type { Said } from './read-transcript.ts';

export interface Explained extends Said {
  /** `unsaid`: it answers a command that the server would not have heard. */
  readonly said: 'said' | 'unsaid';
  /** What was said of it, and why: the rules' decisions, refusals, what was replaced. */
  readonly records: readonly SessionRecord[];
  /** What each side would read then; secrets are left out. */
  readonly sent: readonly { readonly to: Side; readonly text: string }[];
}

const gatewayPort = 40_000;
const firstDataPort = 50_000;
const stepMs = 10;
const ownQuestion = 'PWD';

export class Rehearsal {
  private readonly runner: SessionRunner;
  private readonly splitters: Readonly<Record<Side, LineSplitter>>;
  private readonly local: Endpoint;
  private readonly waiting: ControlLine[] = [];
  private records: SessionRecord[] = [];
  private sent: { readonly to: Side; readonly text: string }[] = [];
  private nextPort = firstDataPort;
  private nowMs = 0;
  private directory = '/';
  /** Whether the server would have heard the client's latest command. */
  private latest: 'heard' | 'not-heard' = 'heard';

  /** @param inside The gateway's address towards the server. */
  constructor(terms: SessionTerms, inside: Address) {
    this.local = { address: inside, port: gatewayPort };
    this.runner = new SessionRunner(newSession(terms, { epsv: 'unknown', eprt: 'unknown' }, 0), (action) =>
      this.perform(action),
    );
    const { lineOctetsMax } = terms.limits;
    this.splitters = { client: new LineSplitter(lineOctetsMax), server: new LineSplitter(lineOctetsMax) };
    this.dispatch({ kind: 'accepted' });
  }

  /** Plays on; a conversation that begins without a greeting gets one. */
  play(said: Said, isFirst: boolean): Explained {
    this.records = [];
    this.sent = [];
    if (said.from === 'server' && this.latest === 'not-heard')
      return { ...said, said: 'unsaid', records: [], sent: [] };
    if (isFirst && said.from === 'client') this.hear('server', '220 Greeting.');
    this.hear(said.from, said.text);
    this.follow(said);
    if (said.from === 'client') this.latest = this.isAnsweredHere() ? 'not-heard' : 'heard';
    return { ...said, said: 'said', records: this.records, sent: this.sent };
  }

  /** The gateway has answered by itself, and the server has heard nothing but questions of the gateway's own. */
  private isAnsweredHere(): boolean {
    const heard = this.sent.some(({ to, text }) => to === 'server' && text !== ownQuestion);
    return !heard && this.sent.some(({ to }) => to === 'client');
  }

  get isOver(): boolean {
    const { kind } = this.runner.session.phase;
    return kind === 'lingering' || kind === 'closed';
  }

  private hear(from: Side, text: string): void {
    this.nowMs += stepMs;
    const splitter = this.splitters[from];
    splitter.give(latin1Octets(`${text}\r\n`));
    while (!splitter.isDry) {
      const line = splitter.next();
      if (line === undefined) continue;
      if (from === 'client') this.waiting.push(line);
      else this.dispatch({ kind: 'line', from, line });
    }
    this.readClient();
  }

  private readClient(): void {
    while (this.waiting.length > 0 && acceptsClientLine(this.runner.session)) {
      this.dispatch({ kind: 'line', from: 'client', line: this.waiting.shift()! });
      this.answerQuestion();
    }
  }

  /** The gateway's own PWD: the conversation need not hold an answer, because the client has not asked. */
  private answerQuestion(): void {
    const { phase } = this.runner.session;
    if (phase.kind !== 'expect-turn' || phase.held.cause !== 'directory') return;
    this.hear('server', `257 "${this.directory.replaceAll('"', '""')}"`);
  }

  /** Where the client is, by what it says: links and virtual folders are the server's own knowledge. */
  private follow({ from, text }: Said): void {
    if (from === 'server') {
      const named = /^257 "((?:[^"]|"")*)"/.exec(text)?.[1];
      if (named?.startsWith('/') === true) this.directory = named.replaceAll('""', '"');
      return;
    }
    const [, verb = '', argument = ''] = /^(\S+) ?(.*)$/.exec(text) ?? [];
    if (/^X?CUP$|^CDUP$/i.test(verb)) this.directory = resolved(`${this.directory}/..`);
    if (/^X?CWD$/i.test(verb))
      this.directory = resolved(argument.startsWith('/') ? argument : `${this.directory}/${argument}`);
  }

  private dispatch(event: SessionEvent): void {
    this.runner.dispatch(event, this.nowMs);
  }

  private perform(action: Action): SessionEvent | undefined {
    switch (action.kind) {
      case 'record':
        this.records.push(action.record);
        return undefined;
      case 'send':
        this.sent.push({ to: action.to, text: latin1(action.octets, 0, action.octets.length).trimEnd() });
        return undefined;
      case 'dial-server':
        return { kind: 'server-connected', local: this.local };
      case 'start-tls':
        return { kind: 'tls-up', leg: action.leg, facts };
      case 'end-tls':
        return { kind: 'tls-down', leg: 'client' };
      case 'open-passive-range':
        return { kind: 'passive-range-opened' };
      case 'look-at-passive-range':
        return { kind: 'passive-range-looked', connections: 0 };
      case 'look-at-ways':
        return action.when === 'now' ? { kind: 'ways-looked', news: [] } : undefined;
      case 'open-data-path': {
        const { way, client, server } = action.expectation;
        const port = (mode: 'listen' | 'dial') => (mode === 'listen' ? this.nextPort++ : undefined);
        const ports = { client: port(client.mode), server: port(server.mode) };
        return { kind: 'data-path-opened', way, plane: 'relay', ports, tookMs: 0 };
      }
      default:
        return undefined;
    }
  }
}

/** As any two would agree on. */
const facts = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', resumed: false, peerSubject: undefined } as const;

function resolved(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** Whoever is meant by an unspecified address. */
export function orElse(address: Address, other: Address): Address {
  return isUnspecified(address) ? other : address;
}
