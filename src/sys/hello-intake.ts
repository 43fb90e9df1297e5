// Takes in a client's first message under TLS, by which it is known which certificate it wants and that it means to
// speak FTP. RFC 7301 §3.2 and §6 (ALPN); RFC 8446 §6 (alerts).
// Must not break: what is kept is bounded; a client that means another protocol gets no handshake (ALPACA).

import { clientHelloOctetsMax, readClientHello } from '../wire/client-hello.ts';
import { type Stream, WOULD_BLOCK } from './stream.ts';

/** A ClientHello with all octets that came with it, or why there is none. */
export type HelloTaken =
  | { readonly kind: 'hello'; readonly serverName: string | undefined; readonly octets: Uint8Array }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'refused'; readonly reason: string };

const fragment = new Uint8Array(clientHelloOctetsMax);
const incomplete: HelloTaken = { kind: 'incomplete' };
// What FTP is called among the protocols.
const ftpProtocols: ReadonlySet<string> = new Set(['ftp', 'ftp-data']);
// A fatal alert no_application_protocol (120), in a record of its own.
const noApplicationProtocol = Uint8Array.of(21, 3, 3, 0, 2, 2, 120);

export class HelloIntake {
  private octets: Uint8Array = new Uint8Array(0);

  /** Goes on as far as what has come allows. */
  take(carrier: Stream): HelloTaken {
    for (;;) {
      const count = carrier.receive(fragment);
      if (count === WOULD_BLOCK) return incomplete;
      if (count <= 0) return refused('the connection ended before the TLS handshake');
      this.octets = joined(this.octets, fragment.subarray(0, count));
      const taken = this.judge(carrier);
      if (taken.kind !== 'incomplete') return taken;
    }
  }

  private judge(carrier: Stream): HelloTaken {
    const { octets } = this;
    const hello = readClientHello(octets);
    if (hello.kind === 'no-tls' || octets.length > 2 * clientHelloOctetsMax) return refused('the peer speaks no TLS');
    if (hello.kind === 'incomplete') return incomplete;
    const { serverName, protocols } = hello;
    if (protocols.length > 0 && !protocols.some((each) => ftpProtocols.has(each))) {
      carrier.send(noApplicationProtocol);
      return refused(`the client means to speak ${protocols.map(printable).join(', ')}`);
    }
    return { kind: 'hello', serverName, octets };
  }
}

function refused(reason: string): HelloTaken {
  return { kind: 'refused', reason };
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
