// Integer socket options, without a buffer per call. socket(7), tcp(7), ip(7).

import { nameOfErrno, type SysErrorCode } from './errno.ts';
import * as libc from './libc.ts';

const value = new Int32Array(1);
const valueOctets = new Uint8Array(value.buffer);
const length = new Int32Array(1);
const lengthOctets = new Uint8Array(length.buffer);

export function setInteger(fd: number, level: number, option: number, to: number): boolean {
  value[0] = to;
  return libc.setsockopt(fd, level, option, valueOctets, 4) === 0;
}

/** Reads an option that holds an errno (SO_ERROR): its name, or undefined where it is zero. */
export function integerOption(fd: number, level: number, option: number): SysErrorCode | undefined {
  value[0] = 0;
  length[0] = 4;
  if (libc.getsockopt(fd, level, option, valueOctets, lengthOctets) < 0) return libc.lastError();
  return value[0] === 0 ? undefined : nameOfErrno(value[0]!);
}

export type Purpose = 'control' | 'data';

/** Sets what connections of that purpose want; on a listener, for all that it accepts. */
export function preparedFor(purpose: Purpose | undefined, fd: number): void {
  // Data connections want the kernel's defaults: without TCP_NODELAY, so that segments are full.
  if (purpose === 'control') asControl(fd);
}

/**
 * Lines leave at once; urgent octets stay in the stream (RFC 1123 §4.1.2.10); a silent peer is probed after 2 minutes,
 * below the usual time-outs of NATs on the path. Each option is a system call for every session, so no more than these.
 */
function asControl(fd: number): void {
  setInteger(fd, libc.IPPROTO_TCP, libc.TCP_NODELAY, 1);
  setInteger(fd, libc.SOL_SOCKET, libc.SO_OOBINLINE, 1);
  setInteger(fd, libc.SOL_SOCKET, libc.SO_KEEPALIVE, 1);
  setInteger(fd, libc.IPPROTO_TCP, libc.TCP_KEEPIDLE, 120);
}

/**
 * The socket may have an address that is not this machine's: it listens for, or speaks as, somebody whose packets pass
 * here (ip(7), ipv6(7)). False without CAP_NET_ADMIN; `lastError` says so.
 */
export function asTransparent(fd: number, family: number): boolean {
  return family === libc.AF_INET6
    ? setInteger(fd, libc.IPPROTO_IPV6, libc.IPV6_TRANSPARENT, 1)
    : setInteger(fd, libc.IPPROTO_IP, libc.IP_TRANSPARENT, 1);
}

/**
 * What the socket sends carries this mark for routes and packet filters of this machine. False without CAP_NET_ADMIN.
 */
export function setMark(fd: number, mark: number): boolean {
  return setInteger(fd, libc.SOL_SOCKET, libc.SO_MARK, mark);
}

/**
 * Packets of the socket pass no other interface, in either direction (socket(7)). False where there is none of this
 * name.
 */
export function boundToInterface(fd: number, name: string): boolean {
  const octets = new TextEncoder().encode(`${name}\0`);
  return libc.setsockopt(fd, libc.SOL_SOCKET, libc.SO_BINDTODEVICE, octets, octets.length) === 0;
}

const IP_TOS = 1;
const IPV6_TCLASS = 67;

/**
 * Packets of the socket carry this code point (RFC 2474 §3); on a listener, those of all connections that it accepts
 * from now on. The two bits below belong to ECN (RFC 3168 §5), and the kernel keeps them to itself.
 */
export function setDscp(fd: number, family: number, codePoint: number): void {
  const octet = codePoint << 2;
  // An IPv6 socket may speak IPv4 (ipv6(7)), and then this one counts.
  setInteger(fd, libc.IPPROTO_IP, IP_TOS, octet);
  if (family === libc.AF_INET6) setInteger(fd, libc.IPPROTO_IPV6, IPV6_TCLASS, octet);
}

const zero = new Uint8Array(new Int32Array([1, 0]).buffer);
const none = new Uint8Array(new Int32Array([0, 0]).buffer);

/** From now on close() resets the connection. */
export function lingerZero(fd: number): void {
  libc.setsockopt(fd, libc.SOL_SOCKET, libc.SO_LINGER, zero, zero.length);
}

/** From now on close() ends the connection in order. */
export function lingerNot(fd: number): void {
  libc.setsockopt(fd, libc.SOL_SOCKET, libc.SO_LINGER, none, none.length);
}
