// Why does our table in the kernel drop a packet? Each reason is the name of one of its counters and one value of a
// label.

export const dropReasons = [
  /** Of a data connection that no session expects. */
  'unexpected',
  /** Of a control connection that would have passed unread. */
  'unread',
  /** Of no connection. */
  'stray',
  /** Of connections begun at a pinhole: more than its peer can need, or than one. */
  'attempts',
] as const;

export type DropReason = (typeof dropReasons)[number];
