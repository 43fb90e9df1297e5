// Which conntrack events reach this process? A classic BPF program lets into the socket's queue only what says
// something new of flows with our ct mark, so that a router full of other traffic costs us nothing and cannot make our
// own events be lost. What it cannot judge it lets pass. linux/filter.h, linux/bpf_common.h.

import {
  attributesAt,
  CT_DELETE,
  CTA_MARK,
  CTA_PROTOINFO,
  CTA_PROTOINFO_TCP,
  CTA_PROTOINFO_TCP_STATE,
  tcpStates,
} from './conntrack-message.ts';
import * as libc from './libc.ts';

/** Without a word about where to go, to the next instruction. */
type Instruction = readonly [code: number, k: number, ifEqual?: Goal, ifNot?: Goal];
type Goal = 'next' | 'keep' | 'drop';

const LD_IMM = 0x00;
const LDX_IMM = 0x01;
const LD_W_ABS = 0x20;
const LD_B_ABS = 0x30;
const LD_W_IND = 0x40;
const LD_B_IND = 0x50;
const JEQ_K = 0x15;
const RET_K = 0x06;
const TAX = 0x07;
// SKF_AD_OFF + SKF_AD_NLATTR and SKF_AD_NLATTR_NEST: where, from the attribute at A on or within it, is the one of type
// X? 0: nowhere.
const FIND_ATTRIBUTE = 0xfffff000 + 12;
const FIND_NESTED = 0xfffff000 + 16;
const attributeHeaderOctets = 4;
/** The lower octet of nlmsghdr's type. */
const messageKindAt = 4;
const wholeMessage = 0xffffffff;
const instructionOctets = 8;

/** False, with `lastError`, where the kernel will not have it. */
export function filterFlowEvents(fd: number, mark: number): boolean {
  const instructions = assembled([...ofMark(mark), ...ofNews()]);
  const program = { length: instructions.length / instructionOctets, instructions };
  return libc.attachFilter(fd, libc.SOL_SOCKET, libc.SO_ATTACH_FILTER, program, libc.filterProgramOctets) === 0;
}

/** As `conntrack -E -m MARK`. Loads are in network order, as the mark is. */
function ofMark(mark: number): Instruction[] {
  return [
    [LD_IMM, attributesAt],
    [LDX_IMM, CTA_MARK],
    [LD_W_ABS, FIND_ATTRIBUTE],
    [JEQ_K, 0, 'drop'],
    [TAX, 0],
    [LD_W_IND, attributeHeaderOctets],
    [JEQ_K, mark, 'next', 'drop'],
  ];
}

/**
 * Not that a flow which has ended in order is forgotten: the kernel does that two minutes later and to thousands at
 * once, which could overflow the queue.
 */
function ofNews(): Instruction[] {
  return [
    [LD_B_ABS, messageKindAt],
    [JEQ_K, CT_DELETE & 0xff, 'next', 'keep'],
    [LD_IMM, attributesAt],
    [LDX_IMM, CTA_PROTOINFO],
    [LD_W_ABS, FIND_ATTRIBUTE],
    [JEQ_K, 0, 'keep'],
    [LDX_IMM, CTA_PROTOINFO_TCP],
    [LD_W_ABS, FIND_NESTED],
    [JEQ_K, 0, 'keep'],
    [LDX_IMM, CTA_PROTOINFO_TCP_STATE],
    [LD_W_ABS, FIND_NESTED],
    [JEQ_K, 0, 'keep'],
    [TAX, 0],
    [LD_B_IND, attributeHeaderOctets],
    [JEQ_K, tcpStates.indexOf('time-wait'), 'drop'],
  ];
}

/** struct sock_filter: u16 code, u8 instructions to skip when equal, u8 when not, u32 k. */
function assembled(program: readonly Instruction[]): Uint8Array {
  const octets = new Uint8Array((program.length + 2) * instructionOctets);
  const view = new DataView(octets.buffer);
  const all: Instruction[] = [...program, [RET_K, wholeMessage], [RET_K, 0]];
  for (const [index, [code, k, ifEqual = 'next', ifNot = 'next']] of all.entries()) {
    const skipped = { next: 0, keep: program.length - index - 1, drop: program.length - index };
    const at = index * instructionOctets;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, code === JEQ_K ? skipped[ifEqual] : 0);
    view.setUint8(at + 3, code === JEQ_K ? skipped[ifNot] : 0);
    view.setUint32(at + 4, k, true);
  }
  return octets;
}
