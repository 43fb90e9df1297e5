// What does a real server hear on its control connection? A plain TCP forwarder beside it, on the same address, writes
// it down. Data connections do not pass here: in active mode the server dials the gateway, in passive mode the gateway
// its address.

import { connect, createServer } from 'node:net';
import type { Lab, LabEndpoint } from './lab.ts';

export interface ControlRecorder extends LabEndpoint {
  /** Every line from clients so far, over all sessions. */
  readonly lines: string[];
}

/** Forwards to `server` until the lab closes. */
export async function recordControl(lab: Lab, server: LabEndpoint): Promise<ControlRecorder> {
  // Below 2121, where nobody else is on an IPv4 address of the server's own; ::1 is everybody's.
  const { port } = server.host.includes(':') ? await lab.endpoint(6) : { port: 2120 };
  const lines: string[] = [];
  const sockets = new Set<{ destroy(): void }>();
  const recorder = createServer((client) => {
    const upstream = connect(server);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy()).pipe(to);
    }
    let rest = '';
    client.on('data', (octets: Buffer) => {
      const parts = (rest + octets.toString('latin1')).split('\r\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
  });
  await new Promise<void>((resolve) => recorder.listen(port, server.host, resolve));
  lab.onClose(() => {
    recorder.close();
    for (const socket of sockets) socket.destroy();
  });
  return { host: server.host, port, lines };
}
