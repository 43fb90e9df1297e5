// What must be undone when the run ends, however it ends? Namespaces, control groups and files on tmpfs.
// (Processes are ended before; see process.ts.)
// The rule: each step is registered before the thing it undoes exists, all steps run (last first), and none may wait,
// because they also run on Ctrl-C and while the process exits.

type Undo = () => void;

const steps: Undo[] = [];

export function onCleanUp(undo: Undo): void {
  steps.push(undo);
}

/** Runs every step once, last registered first; a step that fails is told on stderr and stops no other. */
export function cleanUp(): void {
  for (let undo = steps.pop(); undo !== undefined; undo = steps.pop()) {
    try {
      undo();
    } catch (error) {
      process.stderr.write(`clean-up: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}
