// Why does a benchmark not run here? For what the reader of the message can change: a missing tool, right or build.
// Anything else that is thrown is a fault of the bench and keeps its stack.

export class CannotRun extends Error {}
