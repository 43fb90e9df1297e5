// A session for tests of the session core, at the point of its life where a test begins: described by a few words, the
// rest as a gateway with the packaged rules and the default limits would have it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, type Endpoint, parseAddress } from '../../src/address/endpoint.ts';
import { parseNetwork } from '../../src/address/network.ts';
import type { Ruleset } from '../../src/policy/ruleset.ts';
import type { ServerDialect } from '../../src/session/action.ts';
import { advance } from '../../src/session/advance.ts';
import { defaultLimits, type Limits } from '../../src/session/limits.ts';
import type { TlsTerms } from '../../src/session/security.ts';
import { newSession, type Session, type SessionTerms } from '../../src/session/session.ts';
import { loadPackagedRules } from '../../src/settings/load-rules.ts';
import { parseRuleset } from '../../src/settings/parse-ruleset.ts';
import { LineSplitter } from '../../src/wire/line-splitter.ts';
import { printProblem } from '../../src/yaml/problem.ts';
import { octetsOf } from './escaped-text.ts';
import { linesOf } from './lines.ts';

/** What a test may say of its listener; all texts as an operator would write them. */
export interface Scene {
  readonly client?: string;
  readonly gateway?: string;
  readonly server?: string;
  /** The gateway's address on the server's side. */
  readonly inside?: string;
  readonly serverMode?: SessionTerms['serverMode'];
  readonly advertise?: string;
  readonly advertiseToServer?: string;
  readonly activeSourcePort?: number;
  readonly dataSource?: SessionTerms['dataSource'];
  readonly endFlows?: boolean;
  readonly unspecifiedAddress?: 'replace' | 'refuse';
  readonly foreignPassiveAddress?: 'replace' | 'refuse';
  readonly unknownVerbs?: 'refuse' | 'forward';
  /** Verbs with a comma between them. */
  readonly allowedVerbs?: string;
  readonly malformedReply?: 'forward' | 'close';
  readonly beforeLogin?: 'refuse' | 'allow';
  /** One span, as `5000-5999`. */
  readonly activePorts?: string;
  /** Networks of a pair, with a plus sign between them. */
  readonly fxp?: string;
  readonly clientTls?: TlsTerms['client'];
  readonly serverTls?: TlsTerms['server'];
  readonly clearCommandChannel?: 'yes' | 'no';
  /** The name of a file in rules/, without its ending. */
  readonly rules?: string;
  readonly dialect?: Partial<ServerDialect>;
  readonly limits?: Partial<Limits>;
}

const packaged = loadPackagedRules();
assert.ok(packaged.ok, 'the packaged rules are readable');

function rulesetOf(name: string | undefined): Ruleset {
  assert.ok(packaged.ok);
  if (name === undefined) return packaged.value.ruleset;
  const file = join(import.meta.dirname, '../../rules', `${name}.yaml`);
  const read = parseRuleset(file, readFileSync(file, 'utf8'), name);
  assert.ok(read.ok, read.ok ? '' : read.reason.map(printProblem).join('\n'));
  return read.value.ruleset;
}

function termsOf(scene: Scene): SessionTerms {
  const server = scene.server ?? '10.0.0.5';
  const ruleset = rulesetOf(scene.rules);
  const { dataConnections, verbs } = ruleset;
  return {
    clientPeer: endpoint(scene.client ?? '198.51.100.2', 40_001),
    clientLocal: endpoint(scene.gateway ?? '203.0.113.10', 21),
    serverPeer: endpoint(server, 21),
    advertise: scene.advertise === undefined ? undefined : address(scene.advertise),
    advertiseToServer: scene.advertiseToServer === undefined ? undefined : address(scene.advertiseToServer),
    serverMode: scene.serverMode ?? 'as-client',
    activeSourcePort: scene.activeSourcePort,
    dataSource: scene.dataSource ?? 'routes',
    endFlows: scene.endFlows ?? false,
    ownPorts: [21, 9121],
    ruleset: {
      ...ruleset,
      dataConnections: {
        ...dataConnections,
        unspecifiedAddress: scene.unspecifiedAddress ?? dataConnections.unspecifiedAddress,
        foreignPassiveAddress: scene.foreignPassiveAddress ?? dataConnections.foreignPassiveAddress,
        beforeLogin: scene.beforeLogin ?? dataConnections.beforeLogin,
        activePorts: scene.activePorts === undefined ? undefined : [spanOf(scene.activePorts)],
        fxp: scene.fxp === undefined ? [] : [pairOf(scene.fxp)],
      },
      verbs: {
        ...verbs,
        unknown: scene.unknownVerbs ?? verbs.unknown,
        allow: scene.allowedVerbs === undefined ? verbs.allow : new Set(scene.allowedVerbs.split(',')),
      },
      malformedReply: scene.malformedReply ?? ruleset.malformedReply,
    },
    limits: { ...defaultLimits, ...scene.limits },
    listener: 'front',
    // A Monday, 12:00 UTC.
    epochMs: Date.UTC(2026, 0, 5, 12),
    tls: {
      client: scene.clientTls ?? 'off',
      server: scene.serverTls ?? 'off',
      clearCommandChannel: scene.clearCommandChannel === 'yes',
      passivePorts: scene.clientTls === 'pass-through' ? { from: 30_000, to: 30_999 } : undefined,
    },
  };
}

/** A session whose client was accepted at time 0; nothing else has happened. */
export function acceptedSession(scene: Scene): Session {
  return newSession(termsOf(scene), { epsv: 'unknown', eprt: 'unknown', ...scene.dialect }, 0);
}

/** The gateway's end of the connection to the server. */
export function serverLocal(scene: Scene): Endpoint {
  return endpoint(scene.inside ?? ((scene.server ?? '').includes(':') ? 'fd00::1' : '10.0.0.1'), 45_001);
}

/** A session that is connected to its server, greeted, and waits for the client's first command. */
export function greetedSession(scene: Scene): Session {
  const connected = advance(acceptedSession(scene), { kind: 'server-connected', local: serverLocal(scene) }, 0).session;
  return hear(connected, 'server', '220 ready');
}

/** A session in which anna has logged in. */
export function loggedInSession(scene: Scene): Session {
  const named = hear(hear(greetedSession(scene), 'client', 'USER anna'), 'server', '331 and the password');
  return hear(hear(named, 'client', 'PASS secret'), 'server', '230 welcome');
}

/** How far a session has come when a test begins. */
export type Progress = 'accepted' | 'greeted' | 'logged-in';

export const sessionAt: Readonly<Record<Progress, (scene: Scene) => Session>> = {
  accepted: acceptedSession,
  greeted: greetedSession,
  'logged-in': loggedInSession,
};

function hear(session: Session, from: 'client' | 'server', text: string): Session {
  const lines = linesOf(new LineSplitter(1024), octetsOf(`${text}\\r\\n`));
  return advance(session, { kind: 'line', from, line: lines[0]! }, 0).session;
}

function spanOf(text: string): { from: number; to: number } {
  const [from = 0, to = 0] = text.split('-').map(Number);
  return { from, to };
}

function pairOf(text: string): { between: ReturnType<typeof network>; and: ReturnType<typeof network> } {
  const [between = '', and = ''] = text.split('+');
  return { between: network(between), and: network(and) };
}

function network(text: string) {
  const read = parseNetwork(text);
  assert.ok(read.ok, `${text} is a network`);
  return read.value;
}

function address(text: string): Address {
  const read = parseAddress(text);
  assert.ok(read.ok, `${text} is an address`);
  return read.value;
}

function endpoint(text: string, port: number): Endpoint {
  return { address: address(text), port };
}
