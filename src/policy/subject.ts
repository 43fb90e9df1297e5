// What may be asked of the rules: one verb, or one endpoint of a data connection. A subject holds facts and no rules.

import type { Address, Endpoint } from '../address/endpoint.ts';

export type Subject = VerbSubject | ActiveTargetSubject | PassiveTargetSubject;

/** A command is to be forwarded. */
export interface VerbSubject {
  readonly kind: 'verb';
  /** Upper case. */
  readonly verb: string;
  /** Whether the gateway's table of verbs has it. */
  readonly known: boolean;
  /** Whether it sets up a data connection or begins a transfer. */
  readonly asksForData: boolean;
  readonly login: 'out' | 'in';
  /** The command behind SITE, upper case; undefined for other verbs, and for SITE alone. */
  readonly site: string | undefined;
}

/** The client names, in PORT or EPRT, the endpoint to which the server shall connect. */
export interface ActiveTargetSubject {
  readonly kind: 'active-target';
  readonly target: Endpoint;
  /** The client's address on the control connection. */
  readonly controlPeer: Address;
  /** The server's address on the control connection. */
  readonly server: Address;
  /** Where the gateway itself listens. */
  readonly ownPorts: readonly number[];
}

/** The server names, in its 227 or 229, the endpoint to which the client shall connect. */
export interface PassiveTargetSubject {
  readonly kind: 'passive-target';
  readonly target: Endpoint;
  /** The server's address on the control connection. */
  readonly controlPeer: Address;
}
