// One task's mistake must not cost the others of its turn.

/** Runs the task; what it throws is told instead of thrown on. */
export function guarded(task: () => void, onMistake: (error: unknown) => void): void {
  try {
    task();
  } catch (error) {
    onMistake(error);
  }
}
