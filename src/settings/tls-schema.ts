// Which keys may the section `tls` of a listener have? deploy/ftps.yaml explains each to operators.

import type { z } from 'zod';
import { parsed, unreadable } from '../address/parsed.ts';
import { list, oneOf, section, text, trueOrFalse } from '../yaml/schema-parts.ts';

const path = text('the path of a file', (value) =>
  value === '' ? unreadable('expected the path of a file') : parsed(value),
);

const pair = section({ certificate: path, key: path });

const clientSchema = section({
  mode: oneOf(['off', 'optional', 'required', 'implicit']),
  certificate: path.optional(),
  key: path.optional(),
  certificates: list(pair, '{certificate: …, key: …}', 1).optional(),
  requireReuse: trueOrFalse.optional(),
  clientCa: path.optional(),
  clientCertificate: oneOf(['optional', 'required']).optional(),
  acceptTruncation: trueOrFalse.optional(),
  clearCommandChannel: trueOrFalse.optional(),
});

const fingerprint = text('a SHA-256 fingerprint in hexadecimal', (value) => {
  const digits = value.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits)
    ? parsed(digits)
    : unreadable('expected a SHA-256 fingerprint, 64 hexadecimal digits (openssl x509 -fingerprint -sha256)');
});

// A name, or the text of an address: both stand in certificates.
const serverName = text('the name in the server’s certificate', (value) =>
  /^[A-Za-z0-9_.:-]{1,253}$/.test(value) ? parsed(value) : unreadable('expected a host name or an address'),
);

const serverSchema = section({
  mode: oneOf(['off', 'required', 'match-client', 'implicit']),
  ca: path.optional(),
  name: serverName.optional(),
  fingerprint: fingerprint.optional(),
  verify: trueOrFalse.optional(),
  acceptTruncation: trueOrFalse.optional(),
});

export const tlsSchema = section({ client: clientSchema.optional(), server: serverSchema.optional() });

export type ClientTlsFile = z.output<typeof clientSchema>;
export type ServerTlsFile = z.output<typeof serverSchema>;
export type TlsFile = z.output<typeof tlsSchema>;
