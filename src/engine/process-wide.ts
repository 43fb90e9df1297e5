// What belongs to the process and not to one engine: the memory in which all engines count sessions, and its descriptors.

import { SessionQuota } from '../control/session-quota.ts';

export { raiseDescriptorLimit } from '../sys/descriptor-limit.ts';

/** Zeroed memory for the session quota of all engines. */
export function newQuotaMemory(): SharedArrayBuffer {
  return new SessionQuota().memory;
}
