import type { TlsTerms } from '../../src/session/security.ts';

/** What a listener without TLS has. */
export const noTls: TlsTerms = { client: 'off', server: 'off', clearCommandChannel: false, passivePorts: undefined };
