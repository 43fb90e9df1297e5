// Which attributes stand in a netlink message? Read by the layout of netlink(7) alone, to check what was written.

export interface Attribute {
  /** Without the two upper bits, which are flags. */
  readonly type: number;
  /** Where its value begins and ends. */
  readonly from: number;
  readonly to: number;
}

/** The attributes of a message's body or of a nested attribute, in order. Throws where a length is wrong. */
export function attributesIn(octets: Uint8Array, from: number, to: number): Attribute[] {
  const view = new DataView(octets.buffer, octets.byteOffset, to);
  const found: Attribute[] = [];
  for (let at = from; at < to; ) {
    const size = view.getUint16(at, true);
    if (size < 4 || at + size > to) throw new RangeError(`an attribute of ${size} octets at ${at} of ${to}`);
    found.push({ type: view.getUint16(at + 2, true) & 0x3fff, from: at + 4, to: at + size });
    at += (size + 3) & ~3;
  }
  return found;
}
