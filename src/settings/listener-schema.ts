// Which keys may a listener have, and which values may they take? Two variants, by mode: reverse and transparent.
// deploy/reverse.yaml and deploy/inbound.yaml explain each key to operators.

import type { z } from 'zod';
import { type Address, parseAddress } from '../address/endpoint.ts';
import { parseNetwork } from '../address/network.ts';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { list, oneOf, section, sectionVariants, text, variantWord, wholeNumber } from '../yaml/schema-parts.ts';
import { portRanges } from './port-ranges.ts';
import { tlsSchema } from './tls-schema.ts';
import { listenEndpoint, ofOneHost, remoteEndpoint, toldAddress } from './usable-address.ts';

const modes = ['reverse', 'transparent'] as const;

// Names become labels of metrics and fields of log lines, where blanks and quotes are a nuisance.
const listenerName = text('a name (in quotes where it is a number)', (value) =>
  /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(value)
    ? parsed(value)
    : unreadable('expected a name of up to 32 letters, digits, - and _'),
);

const commonShape = {
  listen: listenEndpoint,
  advertise: toldAddress.optional(),
  advertiseToServer: toldAddress.optional(),
  dataPorts: portRanges.optional(),
  serverMode: oneOf(['as-client', 'passive', 'active']).optional(),
  activeSourcePort: wholeNumber(1, 65_535, 'a port').optional(),
  tls: tlsSchema.optional(),
};

const kernelPath = 'expected relay; kernel and auto need mode transparent';

const reverseSchema = section({
  name: listenerName,
  mode: variantWord('reverse', modes),
  ...commonShape,
  upstream: remoteEndpoint,
  dataPath: oneOf(['relay'], { kernel: kernelPath, auto: kernelPath }).optional(),
});

// IFNAMSIZ of the kernel is 16 with the closing zero. It allows more characters, some of which mean something to nft: a
// * at the end stands for any interface that begins so.
const interfaceName = text('the name of an interface', (value) =>
  /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(value)
    ? parsed(value)
    : unreadable('expected the name of an interface, up to 15 letters, digits, _ . and -'),
);

export const network = text('an address or a network, as 192.0.2.0/24', parseNetwork);
const port = wholeNumber(1, 65_535, 'a port');

export const publishedSchema = section({ address: toldAddress, port: port.optional(), to: remoteEndpoint });

const interceptSchema = section({
  ports: list(port, 'ports', 1).optional(),
  interface: interfaceName.optional(),
});

const sourceExpected = 'client, gateway or an address of this machine';

const transparentSchema = section({
  name: listenerName,
  mode: variantWord('transparent', modes),
  ...commonShape,
  intercept: interceptSchema.optional(),
  clients: list(network, 'networks', 1).optional(),
  egress: interfaceName.optional(),
  servers: list(network, 'networks', 1),
  publish: list(publishedSchema, 'servers {address: …, port: …, to: …}').optional(),
  source: text(sourceExpected, (value): Parsed<'client' | 'gateway' | Address> => {
    if (value === 'client' || value === 'gateway') return parsed(value);
    const address = parseAddress(value);
    return address.ok ? ofOneHost(address, address.value) : unreadable(`expected ${sourceExpected}`);
  }).optional(),
  dataPath: oneOf(['relay', 'kernel', 'auto']).optional(),
});

export const listenerShapes = {
  reverse: reverseSchema.shape,
  transparent: transparentSchema.shape,
  common: commonShape,
};
export const listenerSchema = sectionVariants('mode', [reverseSchema, transparentSchema]);

export type ListenerFile = z.output<typeof listenerSchema>;
export type ReverseFile = z.output<typeof reverseSchema>;
export type TransparentFile = z.output<typeof transparentSchema>;
export type PublishedFile = z.output<typeof publishedSchema>;
