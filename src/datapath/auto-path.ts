// Which plane carries this data connection? The kernel where it can join the legs, this process otherwise: one decision
// for each, told in log and metrics as its plane. A kernel that could and fails is a failure, not a reason for the
// relay: what was meant to run at wire speed would quietly run here, and the trouble would go unseen.

import type { Expectation } from '../session/expectation.ts';
import type { DataPath, Opening, WayOwner } from './data-path.ts';
import { planHole } from './hole-of.ts';

export class AutoPath implements DataPath {
  private readonly kernel: DataPath;
  private readonly relay: DataPath;

  constructor(kernel: DataPath, relay: DataPath) {
    this.kernel = kernel;
    this.relay = relay;
  }

  open(expectation: Expectation, owner: WayOwner): Opening {
    const path = planHole(expectation).ok ? this.kernel : this.relay;
    return path.open(expectation, owner);
  }
}
