// Why can a listener not be opened? In one sentence for an operator, which says what to do about it.

import { type Endpoint, octetsOfAddress, printEndpoint } from '../address/endpoint.ts';
import type { ListenerSettings } from '../settings/settings.ts';
import type { SysErrorCode } from '../sys/errno.ts';
import { mayBind } from '../sys/may-bind.ts';
import type { SocketAddress } from '../sys/socket-address.ts';

export function sourcePortProblem(listener: ListenerSettings): string | undefined {
  const { activeSourcePort: port, listen } = listener;
  if (port === undefined) return undefined;
  const code = mayBind(socketAddress({ address: listen.address, port }));
  if (code !== 'EACCES') return undefined;
  return (
    `listener ${listener.name}: no right to send from port ${port} (activeSourcePort); ` +
    `give the process CAP_NET_BIND_SERVICE or leave the setting out`
  );
}

export function noPortsProblem(listener: ListenerSettings, engines: number): string {
  return engines > 1
    ? `listener ${listener.name}: dataPorts has too few ports for ${engines} engines, which divide them; add some`
    : `listener ${listener.name}: dataPorts has only ports that devices on the path treat specially ` +
        `(5060 …); add others`;
}

export function socketAddress({ address, port }: Endpoint): SocketAddress {
  return { octets: octetsOfAddress(address), port };
}

export type PortHolder = 'another program' | 'a data connection of this gateway';

export function bindProblem(listener: ListenerSettings, code: SysErrorCode, holder: PortHolder): string {
  const where = printEndpoint(listener.listen);
  switch (code) {
    case 'EADDRINUSE':
      return holder === 'another program'
        ? `listener ${listener.name}: ${where} is in use by another program; ` +
            `stop that one (ss -ltnp shows it) or choose another port`
        : `listener ${listener.name}: ${where} is in use by a data connection of this gateway; ` +
            `try again when it has ended, or choose another port`;
    case 'EACCES':
      return `listener ${listener.name}: no right to listen on ${where}; ports below 1024 need CAP_NET_BIND_SERVICE`;
    case 'EPERM':
      return (
        `listener ${listener.name}: no right to take connections to other machines on ${where}; ` +
        `transparent listeners need CAP_NET_ADMIN`
      );
    case 'EADDRNOTAVAIL':
      return (
        `listener ${listener.name}: ${where} is no address of this machine; ` +
        `choose one that \`ip address\` shows, or 0.0.0.0 for all`
      );
    default:
      return `listener ${listener.name}: cannot listen on ${where}: ${code}`;
  }
}
