// Every bound of one session, in one record. Settings fill it; each default stands with its argument.

export interface Limits {
  /** Longest control line, its end included. 4096 holds PATH_MAX and a verb; longer lines are refused whole. */
  readonly lineOctetsMax: number;
  /**
   * Lines and octets of one multi-line reply that is kept until it is whole; what is sent on as it comes has no such
   * bound.
   */
  readonly replyLinesMax: number;
  readonly replyOctetsMax: number;
  /** Commands sent on and not yet answered; beyond it the client is simply not read. */
  readonly commandsInFlightMax: number;
  /** From accept to the server's greeting; also bounds the dial. */
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  /** From the beginning of a TLS handshake to its end, and from AUTH to its reply. */
  readonly tlsHandshakeTimeoutMs: number;
  /** From the greeting to a successful login. */
  readonly loginTimeoutMs: number;
  /** A control connection on which nothing happens and no data moves. */
  readonly idleTimeoutMs: number;
  /** How long an opened way waits for its data connection. */
  readonly expectationTimeoutMs: number;
  /** A data connection on which no octet moves. */
  readonly dataIdleTimeoutMs: number;
  /**
   * How long a command, or a reply of the gateway's own, waits for replies that come first; then it goes its way,
   * whatever is missing.
   */
  readonly holdTimeoutMs: number;
  /** How long a session goes on whose client has ended its direction, where nothing happens and no data moves. */
  readonly farewellTimeoutMs: number;
  /** Transfers that one session may have under way, counting those whose control replies are already done. */
  readonly waysPerSessionMax: number;
  /**
   * Commands of one session a second, and at once after a pause; beyond it the client is not read. Before login far
   * less.
   */
  readonly commandsPerSecond: number;
  readonly commandBurst: number;
  /** Lines that a client may send in vain before its session ends; see budget.ts. */
  readonly refusedCommandsMax: number;
}

export const defaultLimits: Limits = {
  lineOctetsMax: 4096,
  // Set-ups and refusals are answered in a few lines; a session has at most one such reply.
  replyLinesMax: 500,
  replyOctetsMax: 16_384,
  commandsInFlightMax: 64,
  connectTimeoutMs: 10_000,
  // Servers that look up the client's name before the greeting take up to 30 s of DNS time-outs.
  greetingTimeoutMs: 60_000,
  // Some round trips and a client's signature; a telephone line takes three seconds.
  tlsHandshakeTimeoutMs: 10_000,
  loginTimeoutMs: 60_000,
  // RFC 1123 §4.1.3.2: at least 5 minutes; 15 spares people who think between commands.
  idleTimeoutMs: 900_000,
  expectationTimeoutMs: 30_000,
  dataIdleTimeoutMs: 600_000,
  // Many round trips, and less than any client's own patience.
  holdTimeoutMs: 2_000,
  // A server that delays the refusal of a login, as most do, takes up to three seconds.
  farewellTimeoutMs: 5_000,
  waysPerSessionMax: 8,
  // A session that fetches small files over loopback sends some 10,000, one that asks nothing but NOOP twice as many.
  commandsPerSecond: 50_000,
  commandBurst: 50_000,
  // Mirror tools ask for what is refused once for each file, between commands that succeed.
  refusedCommandsMax: 200,
};
