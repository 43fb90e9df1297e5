// Where sessions of one listener get what they share: poller, data path, terms, and whom to tell.

import type { Endpoint } from '../address/endpoint.ts';
import type { DataPath } from '../datapath/data-path.ts';
import type { PassiveRanges } from '../datapath/passive-range.ts';
import type { ServerDialect } from '../session/action.ts';
import type { Poller } from '../sys/poller.ts';
import type { DialOptions } from '../sys/tcp-socket.ts';
import type { ListenerSecurity } from '../tls/session-security.ts';
import type { Place } from './session-quota.ts';
import type { Turns } from './turns.ts';
import type { SessionFacts, Witness } from './witness.ts';

/** What was learnt of one server; shared by all sessions of an engine that go there. */
export interface Upstream {
  dialect: ServerDialect;
}

export interface ServicePoint {
  readonly poller: Poller;
  readonly dataPath: DataPath;
  /** Undefined where no listener passes TLS through. */
  readonly passiveRanges: PassiveRanges | undefined;
  readonly witness: Witness;
  /** Who works next, among all sessions of the engine. */
  readonly turns: Turns;
  /** Undefined where neither leg of this listener is ever under TLS. */
  readonly security: ListenerSecurity | undefined;
  /** How the server leg of this client's session leaves. */
  serverDial(client: Endpoint): DialOptions;
  onSessionOver(facts: SessionFacts, place: Place): void;
}
