// The lines that name an endpoint, written anew with the advertised endpoint in place of the real one.
// 227 goes out in the classic form with parentheses: clients and other ALGs on the path parse that one (RFC 1123
// §4.1.2.6), and no text of the server's survives in which its private address might stand.

import type { Endpoint } from '../address/endpoint.ts';
import { formatCommand } from '../wire/command.ts';
import { printEprt } from '../wire/extended-address.ts';
import { printHostPort } from '../wire/host-port.ts';
import type { SetUpVerb } from './expectation.ts';

/** The set-up command for the server; active ones name where the gateway listens. */
export function askServer(verb: 'PASV' | 'EPSV'): Uint8Array;
export function askServer(verb: 'PORT' | 'EPRT', advertised: Endpoint): Uint8Array;
export function askServer(verb: SetUpVerb, advertised?: Endpoint): Uint8Array {
  if (advertised === undefined) return formatCommand(verb);
  return formatCommand(verb, verb === 'PORT' ? printHostPort(advertised) : printEprt(advertised));
}

export interface Announcement {
  readonly code: number;
  readonly text: string;
}

/** The positive reply to the client's set-up command; passive ones name where the gateway listens. */
export function announcement(asked: SetUpVerb, advertised: Endpoint | undefined): Announcement {
  if (advertised === undefined) return { code: 200, text: `${asked} command successful.` };
  return asked === 'PASV'
    ? { code: 227, text: `Entering Passive Mode (${printHostPort(advertised)})` }
    : { code: 229, text: `Entering Extended Passive Mode (|||${advertised.port}|)` };
}
