// A gateway as a service: started, told by signals, ended with an exit code.
// SIGTERM and SIGINT drain (a second one ends at once), SIGHUP reloads.

import { Gateway } from '../gateway.ts';
import type { TableKeeping } from '../perimeter/perimeter.ts';
import type { ReadSettings } from '../reloading.ts';
import type { Settings } from '../settings/settings.ts';
import { type Checked, printProblem } from '../yaml/problem.ts';

export interface ServiceParts {
  readonly settings: Settings;
  /** Reads the settings anew for SIGHUP. */
  readonly reload: () => Checked<Settings>;
  /** Who loads the table of transparent listeners; the gateway itself unless told otherwise. */
  readonly keeping?: TableKeeping;
  /** Once everything is bound. */
  readonly onReady?: () => void;
}

/** Resolves to the exit code when the gateway has ended. */
export async function serve(parts: ServiceParts): Promise<number> {
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => (end = resolve));
  const gateway = new Gateway(parts.settings, parts.keeping ?? 'installed', () => end(1));
  // Before "ready" is told: whoever waits for it may send a signal at once.
  const signals = listenToSignals(gateway, parts.reload, end);
  const started = await gateway.start();
  if (!started.ok) {
    if (signals.toldToEnd()) return ended;
    for (const problem of started.reason.split('\n')) process.stderr.write(`portcullis: ${problem}\n`);
    return 1;
  }
  parts.onReady?.();
  const code = await ended;
  await gateway.stop();
  return code;
}

function listenToSignals(
  gateway: Gateway,
  load: () => Checked<Settings>,
  end: (code: number) => void,
): { toldToEnd: () => boolean } {
  let asked = 0;
  const stop = () => {
    asked += 1;
    if (asked > 1) end(1);
    else void gateway.drain().then(() => end(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const read: ReadSettings = () => {
    const loaded = load();
    return loaded.ok ? loaded : { ok: false, reason: loaded.reason.map(printProblem).join('; ') };
  };
  process.on('SIGHUP', () => void gateway.reload(read));
  return { toldToEnd: () => asked > 0 };
}
