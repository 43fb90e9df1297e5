// Everything that can happen to a session. A closed union: advance.ts has one case for each.

import type { Endpoint } from '../address/endpoint.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import type { OpenedPorts, Plane, Side, WayNews } from './expectation.ts';
import type { sessionOutcomes } from './record-words.ts';
import type { TlsFacts } from './security.ts';

export type SessionEvent =
  /** The client is there, and nothing else yet. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'server-connected'; readonly local: Endpoint }
  | { readonly kind: 'server-unreachable'; readonly reason: string }
  /** What the first read of a peer gave, before any line is cut from it: at least one octet. */
  | { readonly kind: 'first-octets'; readonly from: Side; readonly octets: Uint8Array }
  | { readonly kind: 'line'; readonly from: Side; readonly line: ControlLine }
  /** The client has ended its direction; lines that it sent before may still wait to be taken. */
  | { readonly kind: 'leg-ending'; readonly leg: 'client' }
  /** The peer of that control leg ended its direction (`end`) or broke the connection (`reset`). */
  | { readonly kind: 'leg-ended'; readonly leg: Side; readonly how: 'end' | 'reset'; readonly reason: string }
  /** The handshake of that leg is done. */
  | { readonly kind: 'tls-up'; readonly leg: Side; readonly facts: TlsFacts }
  /** It is not, and never will be: the reason, for people. */
  | { readonly kind: 'tls-failed'; readonly leg: Side; readonly reason: string }
  /** Both ends of the client's leg have taken leave of TLS. */
  | { readonly kind: 'tls-down'; readonly leg: 'client' }
  /** What has come from that peer on a leg that is passed through. */
  | { readonly kind: 'octets'; readonly from: Side; readonly octets: Uint8Array }
  /** TLS of the peers' own has ended in that peer's direction; lines follow. */
  | { readonly kind: 'leg-cleared'; readonly leg: Side }
  /** The operator has changed the rules: they hold from the next command on. */
  | { readonly kind: 'rules-changed'; readonly ruleset: Ruleset }
  | { readonly kind: 'passive-range-opened' }
  /** Why, for people. */
  | { readonly kind: 'passive-range-unavailable'; readonly reason: string }
  /** How many data connections there are between the two peers' ends of it. */
  | { readonly kind: 'passive-range-looked'; readonly connections: number }
  /** It was open and cannot be kept so. */
  | { readonly kind: 'passive-range-lost'; readonly reason: string }
  /** The answer to `start-tls` and `pass-through` where something was thrown away. */
  | { readonly kind: 'clear-text-discarded'; readonly leg: Side; readonly octets: number }
  /** `tookMs`: what opening it cost, in the kernel and here. */
  | {
      readonly kind: 'data-path-opened';
      readonly way: number;
      readonly plane: Plane;
      readonly ports: OpenedPorts;
      readonly tookMs: number;
    }
  | {
      readonly kind: 'data-path-unavailable';
      readonly way: number;
      /** Set where there is room, and the client has its part of it. */
      readonly cause?: 'no-data-port' | 'client-share';
      readonly reason: string;
    }
  /** The admitted peer has connected to a listening leg. */
  | { readonly kind: 'data-leg-arrived'; readonly way: number; readonly leg: Side }
  /** Someone else has, and was refused. */
  | { readonly kind: 'stranger'; readonly way: number; readonly leg: Side; readonly peer: Endpoint }
  | WayNews
  /** The answer to `look-at-ways`: what was not known before; often nothing. */
  | { readonly kind: 'ways-looked'; readonly news: readonly WayNews[] }
  /** A deadline has passed; the session looks which. */
  | { readonly kind: 'clock' }
  /** The gateway is going down: finish what is under way, begin nothing. */
  | { readonly kind: 'drain' }
  /** The bound of the drain has passed, or the session must end for a reason outside it. */
  | { readonly kind: 'end'; readonly outcome: SessionOutcome; readonly reason: string };

export type SessionOutcome = (typeof sessionOutcomes)[number];
