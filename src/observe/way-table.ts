// How does a person read the list of data connections, in a browser or a terminal? The same columns in both: when, in
// which state, who asked by which command, and who connects to whom on either leg.

import type { WayEntry, WayLeg } from './way-entry.ts';

interface Column {
  readonly heading: string;
  readonly align: 'left' | 'right';
  readonly cell: (entry: WayEntry, nowMs: number) => string;
}

export const wayColumns: readonly Column[] = [
  { heading: 'opened', align: 'left', cell: (entry, nowMs) => ago(entry.openedAt, nowMs) },
  { heading: 'state', align: 'left', cell: ({ state }) => state },
  {
    heading: 'ended',
    align: 'left',
    cell: (entry, nowMs) => (entry.endedAt === null ? '-' : ago(entry.endedAt, nowMs)),
  },
  { heading: 'client', align: 'left', cell: ({ client }) => client },
  {
    heading: 'asked',
    align: 'left',
    cell: ({ asked, toServer }) => (asked === toServer ? asked : `${asked} as ${toServer}`),
  },
  { heading: 'client leg', align: 'left', cell: ({ clientLeg }) => printLeg(clientLeg) },
  { heading: 'server leg', align: 'left', cell: ({ serverLeg }) => printLeg(serverLeg) },
  { heading: 'plane', align: 'left', cell: ({ plane }) => plane },
  { heading: 'to client', align: 'right', cell: ({ octetsToClient }) => printOctets(octetsToClient) },
  { heading: 'to server', align: 'right', cell: ({ octetsToServer }) => printOctets(octetsToServer) },
  { heading: 'listener', align: 'left', cell: ({ listener }) => listener },
  { heading: 'session/way', align: 'left', cell: ({ session, way }) => `${session}/${way}` },
  { heading: 'reason', align: 'left', cell: ({ reason }) => reason ?? '-' },
];

/** Who connects to whom; `*` for an address that the routes choose. */
function printLeg({ mode, local, remote, admits }: WayLeg): string {
  if (mode === 'dial') return `${local ?? '*'} -> ${remote ?? '*'}`;
  return `${remote ?? admits.join(', ')} -> ${local ?? '*'}`;
}

function printOctets(octets: number | null): string {
  return octets === null ? '-' : octets.toLocaleString('en-GB');
}

/** The clock of a gateway elsewhere may be a little ahead of the reader's. */
function ago(time: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
