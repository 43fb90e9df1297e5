// What does a client say before TLS begins to hide it: which server name, and which protocol it means to speak? Read
// from the octets of its first records, so that a certificate can be chosen before OpenSSL sees them.
// RFC 8446 §4.1.2 and §5.1 (ClientHello, records), RFC 6066 §3 (server name), RFC 7301 §3.1 (ALPN).
// Must not break: never throws, keeps nothing, and looks at each octet a few times at most.

export type ClientHello =
  | {
      readonly kind: 'hello';
      /** In lower case; undefined where the client names none. */
      readonly serverName: string | undefined;
      /** Protocols in the client's order; empty where it names none. */
      readonly protocols: readonly string[];
    }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'no-tls' };

/** Longest ClientHello that is waited for, in octets with its record headers; real ones have some 500. */
export const clientHelloOctetsMax = 16_384;

const handshakeRecord = 22;
const clientHello = 1;
const recordHeader = 5;
const messageHeader = 4;
const serverNameExtension = 0;
const alpnExtension = 16;
const hostName = 0;
// Legacy version and random.
const fixedPart = 34;

const incomplete: ClientHello = { kind: 'incomplete' };
const noTls: ClientHello = { kind: 'no-tls' };

/** Reads the beginning of a connection. */
export function readClientHello(octets: Uint8Array): ClientHello {
  const message = messageOf(octets);
  return message instanceof Uint8Array ? readMessage(message) : message;
}

/** The handshake message without its header, taken together from all the records over which it is spread. */
function messageOf(octets: Uint8Array): Uint8Array | ClientHello {
  const fragments: Uint8Array[] = [];
  let have = 0;
  for (let at = 0; ; ) {
    const record = recordAt(octets, at);
    if (!(record instanceof Uint8Array)) return record;
    fragments.push(record);
    have += record.length;
    const begun = together(fragments, have);
    const wanted = messageOctets(begun);
    if (wanted === undefined) return noTls;
    if (have >= wanted) return begun.subarray(messageHeader, wanted);
    at += recordHeader + numberAt(octets, at + 3, 2);
  }
}

/** As much of a record's content as there is. */
function recordAt(octets: Uint8Array, at: number): Uint8Array | ClientHello {
  if (at < octets.length && (octets[at] !== handshakeRecord || (octets[at + 1] ?? 3) !== 3)) return noTls;
  if (at + recordHeader > octets.length) return incomplete;
  const length = numberAt(octets, at + 3, 2);
  if (length === 0 || length > clientHelloOctetsMax) return noTls;
  return octets.subarray(at + recordHeader, at + recordHeader + length);
}

/** How long the message is with its header, as far as its beginning tells; undefined: it is none of a client's. */
function messageOctets(begun: Uint8Array): number | undefined {
  if (begun.length > 0 && begun[0] !== clientHello) return undefined;
  if (begun.length < messageHeader) return messageHeader;
  const octets = messageHeader + numberAt(begun, 1, 3);
  return octets > clientHelloOctetsMax ? undefined : octets;
}

function together(parts: readonly Uint8Array[], octets: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(octets);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function readMessage(message: Uint8Array): ClientHello {
  const reader = new Reader(message);
  reader.skip(fixedPart);
  reader.vector(1); // legacy session id
  reader.vector(2); // cipher suites
  reader.vector(1); // compression methods
  const extensions = new Reader(reader.vector(2));
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type === serverNameExtension) serverName = nameIn(content);
    else if (type === alpnExtension) protocols = protocolsIn(content);
  }
  // What is not as the RFC has it is OpenSSL's to refuse, with the alert that is due.
  return { kind: 'hello', serverName, protocols };
}

function nameIn(content: Uint8Array): string | undefined {
  const list = new Reader(new Reader(content).vector(2));
  while (!list.isAtEnd) {
    const type = list.number(1);
    const name = list.vector(2);
    if (type === hostName) return text(name).toLowerCase();
  }
  return undefined;
}

function protocolsIn(content: Uint8Array): readonly string[] {
  const list = new Reader(new Reader(content).vector(2));
  const protocols: string[] = [];
  while (!list.isAtEnd) protocols.push(text(list.vector(1)));
  return protocols;
}

function text(octets: Uint8Array): string {
  return String.fromCharCode(...octets.subarray(0, 255));
}

function numberAt(octets: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let index = at; index < at + width; index += 1) value = value * 256 + (octets[index] ?? 0);
  return value;
}

/** Takes fields from the front; behind the end there is nothing but zeros and empty vectors. */
class Reader {
  private readonly octets: Uint8Array;
  private at = 0;

  constructor(octets: Uint8Array) {
    this.octets = octets;
  }

  get isAtEnd(): boolean {
    return this.at >= this.octets.length;
  }

  skip(octets: number): void {
    this.at += octets;
  }

  number(width: number): number {
    const value = numberAt(this.octets, this.at, width);
    this.at += width;
    return value;
  }

  /** A vector with its length in front of it (RFC 8446 §3.4). */
  vector(lengthWidth: number): Uint8Array {
    const length = this.number(lengthWidth);
    const content = this.octets.subarray(this.at, this.at + length);
    this.at += length;
    return content;
  }
}
