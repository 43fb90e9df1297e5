// Does the table of a perimeter forget what its transfers needed? Pinholes and translations go away long before they
// would by themselves, though those of a flow that has just ended may take a tenth of a second.

import { becomes } from '../watch.ts';
import type { Network } from './network.ts';
import { elements } from './nft.ts';

/**
 * Resolves once neither a pinhole nor a translation is left; rejects, naming those that are, when that takes too long.
 */
export async function noWayIsLeft(router: Network, family: 4 | 6): Promise<void> {
  const keys = async (name: string, kind: 'set' | 'map'): Promise<string> =>
    (await elements(router, 'portcullis', `${name}${family}`, kind)).map(({ key }) => key).join(', ');
  await becomes(() => keys('pinholes', 'set'), '');
  await becomes(() => keys('redirects', 'map'), '');
  await becomes(() => keys('sources', 'map'), '');
}
