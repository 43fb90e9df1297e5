// Why does our table in the kernel drop a packet? Each reason is the name of one of its counters and one value of a label.

export const dropReasons = [
  /** Of a data connection that no session expects. */
  'unexpected',
  /** Of a control connection that would have passed unread. */
  'unread',
] as const;

export type DropReason = (typeof dropReasons)[number];
