// Does an upstream lead to a listener of ours, and which family does a listener take?
// Must not break: [::] takes IPv4 connections too, as the gateway opens it (RFC 3493 §5.3, IPV6_V6ONLY off).

import { type Address, type Endpoint, isUnspecified } from '../address/endpoint.ts';
import { addressesMeet } from '../address/meeting.ts';
import { contains, parseNetwork } from '../address/network.ts';

/** Whether connections of the family can arrive there. */
export function takesFamily(listen: Address, family: 4 | 6): boolean {
  return listen.family === family || listen.text === '::';
}

/**
 * The listener, by its index, at which connections to the upstream of the given one arrive; undefined where none is.
 */
export function nextListener(
  listeners: readonly { readonly listen: Endpoint | undefined; readonly upstream: Endpoint | undefined }[],
  index: number,
): number | undefined {
  const upstream = listeners[index]?.upstream;
  if (upstream === undefined) return undefined;
  const next = listeners.findIndex(({ listen }) => listen !== undefined && arrivesAt(upstream, listen));
  return next < 0 ? undefined : next;
}

// With a wildcard only loopback is certainly this host; which other addresses it has, the file cannot tell.
function arrivesAt(upstream: Endpoint, listen: Endpoint): boolean {
  if (upstream.port !== listen.port) return false;
  if (upstream.address.text === listen.address.text) return true;
  return (
    isUnspecified(listen.address) && addressesMeet(listen.address, upstream.address) && isLoopback(upstream.address)
  );
}

function isLoopback(address: Address): boolean {
  const loopback = parseNetwork(address.family === 4 ? '127.0.0.0/8' : '::1');
  return loopback.ok && contains(loopback.value, address);
}
