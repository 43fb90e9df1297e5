// Which keys may the section `tls` of a listener have? deploy/ftps.yaml explains each to operators.
// Which of them go together, tls-check.ts says.

import type { z } from 'zod';
import { parsed, unreadable } from '../address/parsed.ts';
import { list, oneOf, section, text, trueOrFalse } from '../yaml/schema-parts.ts';
import { hostName } from './host-name.ts';
import { portRange } from './port-ranges.ts';

const path = text('the path of a PEM file', (value) =>
  value === '' ? unreadable('expected the path of a PEM file') : parsed(value),
);

const pair = section({ certificate: path, key: path });

const clientSchema = section({
  mode: oneOf(['off', 'optional', 'required', 'implicit', 'pass-through']),
  certificate: path.optional(),
  key: path.optional(),
  certificates: list(pair, 'pairs {certificate: …, key: …}', 1).optional(),
  requireReuse: trueOrFalse.optional(),
  clientCa: path.optional(),
  clientCertificate: oneOf(['optional', 'required']).optional(),
  acceptTruncation: trueOrFalse.optional(),
  clearCommandChannel: trueOrFalse.optional(),
  passivePorts: portRange.optional(),
});

const fingerprint = text('a SHA-256 fingerprint', (value) => {
  const digits = value.replaceAll(':', '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits)
    ? parsed(digits)
    : unreadable('expected a SHA-256 fingerprint, 64 hexadecimal digits (openssl x509 -noout -fingerprint -sha256)');
});

const serverSchema = section({
  mode: oneOf(['off', 'required', 'match-client', 'implicit']),
  ca: path.optional(),
  name: hostName.optional(),
  fingerprint: fingerprint.optional(),
  verify: trueOrFalse.optional(),
  acceptTruncation: trueOrFalse.optional(),
});

export const tlsSchema = section({ client: clientSchema.optional(), server: serverSchema.optional() });

export const tlsShapes = { client: clientSchema.shape, server: serverSchema.shape };

export type ClientTlsFile = z.output<typeof clientSchema>;
export type ServerTlsFile = z.output<typeof serverSchema>;
export type TlsFile = z.output<typeof tlsSchema>;
