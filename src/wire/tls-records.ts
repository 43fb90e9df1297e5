// Where does TLS end in octets that are passed through unread? Its records have their lengths in the clear, so their
// boundaries are known without a key; what stands at one and begins no record is text again (CCC, RFC 4217 §7).
// Must not break: nothing inside a record is ever looked at, and nothing is taken for text before a handshake began.
//
//   record = type version length *OCTET       type 20 to 24, version 3 x, length in two octets (RFC 8446 §5.1)

/** How octets went on: as TLS, as text behind it, or as neither. */
export type After = 'tls' | 'text' | 'neither';

// RFC 5246 §6.2.3: a record of TLS 1.2 may be as long, and one of TLS 1.3 less.
const recordOctetsMax = 16_384 + 2048;
const headerOctets = 5;
const HANDSHAKE = 22;
const typeFirst = 20;
const typeLast = 24;
// Blanks, digits, letters, and what Telnet begins with: all that the line of a command or a reply may begin with.
const textFirst = 32;

/** Follows one direction of one connection. */
export class TlsRecords {
  private header = 0;
  private length = 0;
  /** Of the record at hand. */
  private left = 0;
  private begun: 'no' | 'yes' = 'no';

  /** How many of these octets are TLS, and what follows them. Not to be called again once anything else has come. */
  take(octets: Uint8Array): { readonly under: number; readonly after: After } {
    for (let at = 0; at < octets.length; ) {
      if (this.left > 0) {
        const passed = Math.min(this.left, octets.length - at);
        this.left -= passed;
        at += passed;
      } else if (this.takesHeader(octets[at]!)) {
        at += 1;
      } else {
        // What has passed of a header that is none cannot be taken back, and text it is not either.
        const isText = this.header === 0 && this.begun === 'yes' && octets[at]! >= textFirst;
        return { under: at, after: isText ? 'text' : 'neither' };
      }
    }
    return { under: octets.length, after: 'tls' };
  }

  private takesHeader(octet: number): boolean {
    switch (this.header) {
      case 0:
        if (octet < typeFirst || octet > typeLast || (this.begun === 'no' && octet !== HANDSHAKE)) return false;
        this.begun = 'yes';
        break;
      case 1:
        if (octet !== 3) return false;
        break;
      case 3:
        this.length = octet << 8;
        break;
      case 4:
        this.length |= octet;
        if (this.length > recordOctetsMax) return false;
        this.left = this.length;
        break;
      default:
        break;
    }
    this.header = (this.header + 1) % headerOctets;
    return true;
  }
}
