// Everything that a session can ask of the shell, performed one after another, in order. A closed union.
// `record` is how the session is observed: tests assert what would be logged and counted without a logger.

import type { Endpoint } from '../address/endpoint.ts';
import type { ReplacementCause } from '../policy/decision.ts';
import type { ForeignProtocol } from '../wire/foreign-protocol.ts';
import type { TransferDirection } from '../wire/verbs.ts';
import type { SessionOutcome } from './event.ts';
import type { DataResult, Expectation, OpenedPorts, Plane, SetUpVerb, Side } from './expectation.ts';
import type { PassiveRange } from './opaque.ts';
import type {
  bounceKinds,
  refusalCauses,
  replyOrigins,
  rewriteKinds,
  transferOutcomes,
  wayOutcomes,
} from './record-words.ts';
import type { Protection, TlsFacts } from './security.ts';

export type Action =
  /**
   * Answered at once by `server-unreachable` where that cannot even begin, else later by that or `server-connected`.
   */
  | { readonly kind: 'dial-server' }
  /**
   * The handshake begins, behind what has been sent before. `in-the-clear`: what that peer has sent and nobody has read
   * is thrown away first, and told by `clear-text-discarded`. Answered later by `tls-up` or `tls-failed`.
   */
  | { readonly kind: 'start-tls'; readonly leg: Side; readonly before: 'nothing' | 'in-the-clear' }
  /** The leg takes leave of TLS, behind what has been sent before. Answered later by `tls-down`. */
  | { readonly kind: 'end-tls'; readonly leg: 'client' }
  /**
   * From now on the leg's octets come as `octets`, up to `leg-cleared` or `tls-failed`. What that peer has sent and
   * nobody has read is thrown away first, and told by `clear-text-discarded`.
   */
  | { readonly kind: 'pass-through'; readonly leg: Side }
  /** Answered before anything else happens by `passive-range-opened` or `passive-range-unavailable`. */
  | { readonly kind: 'open-passive-range'; readonly range: PassiveRange }
  /** New data connections of it pass no more; those there are end where `endFlows` says so. */
  | { readonly kind: 'close-passive-range' }
  /** Answered by `passive-range-looked` before anything else happens. */
  | { readonly kind: 'look-at-passive-range' }
  /** Whether each leg of the way is under TLS is settled now, and nothing has moved in it before. */
  | {
      readonly kind: 'protect-data-path';
      readonly way: number;
      readonly client: Protection;
      readonly server: Protection;
    }
  | { readonly kind: 'send'; readonly to: Side; readonly octets: Uint8Array }
  /** As `send`, the last octet urgent: the Telnet Synch that precedes ABOR (RFC 959 §4.1.3). */
  | { readonly kind: 'send-urgent'; readonly to: Side; readonly octets: Uint8Array }
  /** Answered before anything else happens by `data-path-opened` or `data-path-unavailable`. */
  | { readonly kind: 'open-data-path'; readonly expectation: Expectation }
  | { readonly kind: 'dial-data-leg'; readonly way: number; readonly leg: Side }
  /**
   * The server is at work on the way's transfer: the way is neither unused nor idle, however long nothing moves in it.
   */
  | { readonly kind: 'keep-data-path'; readonly way: number }
  /**
   * Answered by `ways-looked`: before anything else happens, or (`after-sending`) once all lines of this turn have
   * left.
   */
  | { readonly kind: 'look-at-ways'; readonly ways: readonly number[]; readonly when: 'now' | 'after-sending' }
  /**
   * The server's last word of the way's transfer: once one peer has ended its direction, the other has a moment left.
   */
  | { readonly kind: 'conclude-data-path'; readonly way: number }
  /** The way is gone, used or not; what flows in it is reset. */
  | { readonly kind: 'close-data-path'; readonly way: number }
  /** Ends our direction of a control leg once everything sent before has left. */
  | { readonly kind: 'end-writing'; readonly leg: Side }
  /** Closes a control leg once everything sent before has left. */
  | { readonly kind: 'close-leg'; readonly leg: Side }
  /** The client has to go for what it has sent: its address waits longer before its next session begins. */
  | { readonly kind: 'charge-client' }
  | { readonly kind: 'remember-dialect'; readonly dialect: Partial<ServerDialect> }
  | { readonly kind: 'record'; readonly record: SessionRecord };

/** What a server was seen not to understand; remembered per upstream, so that only its first session pays. */
export interface ServerDialect {
  readonly epsv: 'unknown' | 'refused';
  readonly eprt: 'unknown' | 'refused';
}

export type RefusalCause = (typeof refusalCauses)[number];

export type WayOutcome = (typeof wayOutcomes)[number];

export type RewriteKind = (typeof rewriteKinds)[number];

export type BounceKind = (typeof bounceKinds)[number];

/** What is told of a transfer when it is over; the fields of the audit line are made of it. */
export interface TransferRecord {
  /** Unique in the session; it stands in the other log lines as well. */
  readonly way: number;
  readonly plane: Plane;
  /** The argument of USER; undefined before it. */
  readonly user: string | undefined;
  /** RETR, STOR, LIST, …, in upper case. */
  readonly verb: string;
  /** As the client wrote it; not resolved against a working directory, which only the server knows. */
  readonly path: string;
  readonly direction: TransferDirection;
  readonly outcome: (typeof transferOutcomes)[number];
  /** In words, for people; not stable. */
  readonly reason: string;
  /** The final reply that the client got for the transfer; undefined if there was none. */
  readonly replyCode: number | undefined;
  readonly octetsToClient: number;
  readonly octetsToServer: number;
  readonly durationMs: number;
  /** The other ends of the data connection's two legs; undefined where none was established. */
  readonly clientPeer: Endpoint | undefined;
  readonly serverPeer: Endpoint | undefined;
}

export type SessionRecord =
  | { readonly kind: 'command'; readonly verb: string }
  | { readonly kind: 'reply'; readonly code: number; readonly origin: (typeof replyOrigins)[number] }
  | { readonly kind: 'rewrite'; readonly what: RewriteKind }
  | {
      readonly kind: 'refusal';
      readonly cause: RefusalCause;
      readonly reason: string;
      readonly verb: string | undefined;
      readonly target: Endpoint | undefined;
      /** Set where the refused thing would have sent a data connection to the wrong host. */
      readonly bounce: BounceKind | undefined;
      readonly rule: string | undefined;
    }
  /** What an access rule lets pass, where there are any. */
  | { readonly kind: 'granted'; readonly verb: string; readonly rule: string; readonly reason: string }
  /** What a rule would deny if it were not on trial; it has passed. */
  | { readonly kind: 'reported'; readonly verb: string; readonly rule: string; readonly reason: string }
  /** A target that was healed instead of refused: counted as an attempt all the same. */
  | {
      readonly kind: 'replaced';
      readonly cause: ReplacementCause;
      readonly bounce: BounceKind | undefined;
      readonly reason: string;
      readonly target: Endpoint;
    }
  | { readonly kind: 'stranger'; readonly way: number; readonly leg: Side; readonly peer: Endpoint }
  | {
      readonly kind: 'way-opened';
      readonly way: number;
      readonly plane: Plane;
      /** What the client said, and what the server was asked for it. */
      readonly asked: SetUpVerb;
      readonly toServer: SetUpVerb;
      readonly expectation: Expectation;
      readonly ports: OpenedPorts;
      readonly setUpMs: number;
    }
  | {
      readonly kind: 'way';
      readonly way: number;
      readonly plane: Plane;
      readonly outcome: WayOutcome;
      /** For people: why it ended; undefined for `used`. */
      readonly reason: string | undefined;
      /** Where the data path told how it ended; undefined where the session ended it, so that nobody counted. */
      readonly result: DataResult | undefined;
    }
  | { readonly kind: 'tls-up'; readonly leg: Side; readonly facts: TlsFacts }
  | { readonly kind: 'tls-failed'; readonly leg: Side; readonly reason: string }
  /** Sent in the clear, to be taken for said under TLS (an injection), or by mistake. */
  | { readonly kind: 'clear-text-discarded'; readonly leg: Side; readonly octets: number }
  /** From here on the session is not read; its data connections pass where this says. */
  | { readonly kind: 'opaque'; readonly range: PassiveRange }
  /** Both its legs are in the clear again. */
  | { readonly kind: 'read-again' }
  | { readonly kind: 'login'; readonly user: string }
  /** What spoke was no FTP client; its session has ended with this. */
  | { readonly kind: 'foreign-protocol'; readonly from: Side; readonly protocol: ForeignProtocol }
  | { readonly kind: 'transfer'; readonly transfer: TransferRecord }
  | { readonly kind: 'session-ended'; readonly outcome: SessionOutcome; readonly reason: string };
