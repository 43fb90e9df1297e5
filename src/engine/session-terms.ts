// What every session of a listener begins with, but for its peers: the operator's settings in the words of the session.

import type { DoorTerms } from '../control/front-door.ts';
import type { TlsTerms } from '../session/security.ts';
import type { ListenerSettings, Settings } from '../settings/settings.ts';
import { isTerminated, type ListenerTls } from '../settings/tls-settings.ts';

/** @param epochMs Milliseconds since 1970 at the moment 0 of the clock of the session's events. */
export function sessionTermsOf(listener: ListenerSettings, settings: Settings, epochMs: number): DoorTerms['session'] {
  return {
    advertise: listener.advertise,
    advertiseToServer: listener.advertiseToServer,
    serverMode: listener.serverMode,
    activeSourcePort: listener.activeSourcePort,
    // A session between two others speaks as they do, whatever the routes would choose.
    dataSource: listener.mode === 'transparent' ? 'control-leg' : 'routes',
    endFlows: listener.mode === 'transparent' && settings.kernel.endFlows,
    ownPorts: ownPortsOf(settings),
    ruleset: settings.rules,
    limits: settings.limits,
    tls: tlsTerms(listener.tls),
    listener: listener.name,
    epochMs,
  };
}

function tlsTerms({ client, server }: ListenerTls): TlsTerms {
  const clearCommandChannel = isTerminated(client) && client.clearCommandChannel;
  const passivePorts = client.mode === 'pass-through' ? client.passivePorts : undefined;
  return { client: client.mode, server: server.mode, clearCommandChannel, passivePorts };
}

/** Where this process listens, but for data. */
function ownPortsOf({ listeners, admin }: Settings): number[] {
  const ports = listeners.map(({ listen }) => listen.port);
  return admin === undefined ? ports : [...ports, admin.listen.port];
}
