// Arbitrary lives of a session: what clients, servers, data connections and the clock may do, in any order. Realistic
// words come more often than noise, since noise alone never gets past the first check.

import fc from 'fast-check';
import type { Scene } from './session-terms.ts';

/** One thing that happens. `way` counts the open ways, from the latest; 9 is one that does not exist. */
export type Move =
  | { readonly kind: 'octets'; readonly from: 'client' | 'server'; readonly octets: Uint8Array }
  | { readonly kind: 'arrived' | 'joined'; readonly way: number; readonly leg: 'client' | 'server' }
  | { readonly kind: 'ended'; readonly way: number; readonly outcome: 'completed' | 'failed' }
  | { readonly kind: 'stranger'; readonly way: number }
  | { readonly kind: 'clock'; readonly ms: number }
  | { readonly kind: 'ports'; readonly left: 'some' | 'none' }
  | { readonly kind: 'leg-ended'; readonly leg: 'client' | 'server'; readonly how: 'end' | 'reset' }
  | { readonly kind: 'connected' | 'unreachable' | 'drain' };

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

const ipv4Host = fc.constantFrom('198,51,100,2', '10,0,0,5', '10,0,0,1', '192,0,2,66', '0,0,0,0', '127,0,0,1');
const ipv6Host = fc.constantFrom('2001:db8::2', 'fd00::5', 'fd00::1', '::', '2001:db8::66', '::ffff:10.0.0.5');
const portOctets = fc.constantFrom('19,136', '78,52', '0,25', '0,0', '4,0', '255,255', '256,1');
const port = fc.constantFrom('5000', '20020', '25', '0', '1024', '65535', '65536');

const hostPort = fc.tuple(ipv4Host, portOctets).map((parts) => parts.join(','));
const extended = fc.oneof(
  fc.tuple(ipv4Host, port).map(([host, number]) => `|1|${host.replaceAll(',', '.')}|${number}|`),
  fc.tuple(ipv6Host, port).map(([host, number]) => `|2|${host}|${number}|`),
);

const noise = fc.uint8Array({ maxLength: 24 }).map((octets) => String.fromCharCode(...octets));
const name = fc.oneof(fc.stringMatching(/^[a-z]{1,4}$/), noise);

const setUpCommand = fc.oneof(
  fc.constantFrom('PASV', 'EPSV', 'EPSV 1', 'EPSV 2', 'EPSV ALL', 'pasv', 'PORT', 'LPSV', 'P@SW', 'SPDT', 'ALGS'),
  fc.constantFrom('ALGS STATUS64', 'ALGS DISABLE64', 'algs enable64', 'ALGS nothing'),
  fc.tuple(fc.constantFrom('PORT ', 'port  '), hostPort).map((parts) => parts.join('')),
  extended.map((argument) => `EPRT ${argument}`),
);
const plainCommand = fc.oneof(
  fc.constantFrom('NOOP', 'TYPE I', 'STAT', 'REIN', 'MODE B', 'FEAT', 'ABOR', 'AUTH TLS', 'XYZZY', 'SIZE a'),
  fc.constantFrom('\xff\xf4\xff\xf2ABOR', '\xff\xf4\xf2ABOR', '\xff\xfd\x01NOOP', '\xff\xf2', 'USER bert', 'PASS x'),
  fc.tuple(fc.constantFrom('RETR', 'STOR', 'LIST', 'APPE', 'MLSD', 'CWD'), name).map((parts) => parts.join(' ')),
);

const passiveReply = fc.oneof(
  fc.tuple(fc.constantFrom('227 ok (', '227 ', '227-('), hostPort).map(([before, text]) => `${before}${text})`),
  fc
    .tuple(fc.constantFrom('229 (|||', '229 !!!'), port)
    .map(([before, number]) => `${before}${number}${before.at(-1)})`),
);
const plainReply = fc.constantFrom(
  ...[
    '220 ready',
    '120 wait',
    '331 password',
    '230 in',
    '200 ok',
    '150 go',
    '125 go',
    '226 done',
    '250 done',
    '225 no',
  ],
  ...['421 bye', '425 no', '426 broken', '450 busy', '500 what', '501 what', '502 no', '522 (1)', '550 no', '213 9'],
  ...['211-status', '211 end', '227-text', '227 end', ' 227 (10,0,0,5,78,52)', '500-no', '500 no', '226', '221 bye'],
);

const lineEnd = fc.oneof({ weight: 30, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '', '\r', '\0\r\n'));

function said(from: 'client' | 'server', text: fc.Arbitrary<string>): fc.Arbitrary<Move> {
  return fc.tuple(text, lineEnd).map(([line, end]) => ({ kind: 'octets', from, octets: latin1(line + end) }));
}

const clientSays = said(
  'client',
  fc.oneof(
    { weight: 8, arbitrary: setUpCommand },
    { weight: 10, arbitrary: plainCommand },
    { weight: 1, arbitrary: noise },
  ),
);
const serverSays = said(
  'server',
  fc.oneof(
    { weight: 6, arbitrary: passiveReply },
    { weight: 14, arbitrary: plainReply },
    { weight: 1, arbitrary: noise },
  ),
);

const way = fc.constantFrom(0, 0, 0, 0, 1, 2, 9);
const leg = fc.constantFrom('client', 'server');
const dataMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constantFrom('arrived', 'joined'), way, leg }),
  fc.record({ kind: fc.constant('ended'), way, outcome: fc.constantFrom('completed', 'failed') }),
  fc.record({ kind: fc.constant('stranger'), way }),
);
const clockMove: fc.Arbitrary<Move> = fc.record({
  kind: fc.constant('clock'),
  ms: fc.constantFrom(0, 1_000, 3_000, 30_000, 31_000, 61_000, 901_000),
});
const rareMove: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant('ports'), left: fc.constantFrom('some', 'none') }),
  fc.record({ kind: fc.constant('leg-ended'), leg, how: fc.constantFrom('end', 'reset') }),
  fc.record({ kind: fc.constantFrom('connected', 'unreachable', 'drain') }),
);

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 30, arbitrary: clientSays },
  { weight: 30, arbitrary: serverSays },
  { weight: 14, arbitrary: dataMove },
  { weight: 3, arbitrary: clockMove },
  { weight: 1, arbitrary: rareMove },
);

// What belongs together, so that arbitrary lives get as far as data that flows; anything may come between.
const client = (text: string): Move => ({ kind: 'octets', from: 'client', octets: latin1(`${text}\r\n`) });
const server = (text: string): Move => ({ kind: 'octets', from: 'server', octets: latin1(`${text}\r\n`) });
const underTls = (from: 'client' | 'server', type: number): Move => ({
  kind: 'octets',
  from,
  octets: Uint8Array.of(type, 3, 3, 0, 2, 1, 2),
});
const arrived = (leg: 'client' | 'server'): Move => ({ kind: 'arrived', way: 0, leg });
const joined: Move = { kind: 'joined', way: 0, leg: 'client' };
const ended: Move = { kind: 'ended', way: 0, outcome: 'completed' };
const phrase: fc.Arbitrary<Move[]> = fc.constantFrom(
  [client('PASV'), server('227 ok (10,0,0,5,78,52)')],
  [client('EPSV'), server('229 ok (|||20020|)')],
  [client('PASV'), server('229 ok (|||20020|)')],
  [client('EPSV'), server('502 no'), server('227 ok (10,0,0,5,78,52)')],
  [client('PORT 198,51,100,2,19,136'), server('200 ok')],
  [client('EPRT |2|2001:db8::2|5000|'), server('200 ok')],
  [client('EPRT |1|198.51.100.2|5000|'), server('502 no'), server('200 ok')],
  [client('RETR a'), arrived('client'), joined, server('150 go')],
  [client('STOR a'), arrived('server'), server('150 go'), joined],
  [client('MLSD a'), server('150 go')],
  [ended, server('226 done')],
  [server('226 done'), ended],
  [client('ABOR'), server('426 broken'), server('226 done')],
  [client('USER bert'), server('331 password'), client('PASS x'), server('230 in')],
  [client('AUTH TLS'), server('234 go'), underTls('client', 22), underTls('server', 22)],
  [underTls('client', 23), underTls('server', 23), underTls('client', 21), client('NOOP'), server('200 ok')],
);

/** Up to 40 things, or a few more. */
export const moves: fc.Arbitrary<Move[]> = fc
  .array(fc.oneof({ weight: 3, arbitrary: move.map((single) => [single]) }, { weight: 2, arbitrary: phrase }), {
    maxLength: 24,
    size: 'max',
  })
  .map((parts) => parts.flat());

/** Small limits, so that arbitrary lives reach them. */
export const tightLimits = { commandsInFlightMax: 4, waysPerSessionMax: 3, replyLinesMax: 4, replyOctetsMax: 90 };

export interface ArbitraryScene extends Scene {
  readonly client: string;
  readonly server: string;
  readonly gateway: string;
}

export const scenes: fc.Arbitrary<ArbitraryScene> = fc
  .record({
    client: fc.constantFrom('198.51.100.2', '198.51.100.2', '2001:db8::2'),
    server: fc.constantFrom('10.0.0.5', '10.0.0.5', 'fd00::5'),
    serverMode: fc.constantFrom('as-client', 'passive', 'active'),
    unspecifiedAddress: fc.constantFrom('replace', 'refuse'),
    foreignPassiveAddress: fc.constantFrom('replace', 'refuse'),
    unknownVerbs: fc.constantFrom('refuse', 'forward'),
    limits: fc.constantFrom({}, tightLimits),
    clientTls: fc.constantFrom('off', 'off', 'off', 'pass-through'),
  })
  .map((scene) => ({ ...scene, gateway: scene.client.includes(':') ? '2001:db8::10' : '203.0.113.10' }));

export const beginnings = fc.constantFrom('accepted', 'greeted', 'logged-in', 'logged-in', 'logged-in');
