// What belongs to the process and not to one engine: the memory in which all engines count sessions, and its
// descriptors.

export { newQuotaMemory } from '../control/session-quota.ts';
export { raiseDescriptorLimit } from '../sys/descriptor-limit.ts';
