"""Capture files made by hand, octet by octet, for tests that read them."""

from __future__ import annotations

import struct
from fractions import Fraction

MAGIC_US, MAGIC_NS, MAGIC_MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34


def pcap(*records: bytes, magic: int = MAGIC_US, link: int = 1, version=(2, 4), order: str = "<") -> bytes:
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, 65535, link) + b"".join(records)


def record(
    data: bytes = bytes(60),
    *,
    seconds: int = 1000,
    fraction: int = 5,
    wire: int | None = None,
    captured: int | None = None,
    order: str = "<",
    more: bytes = b"",
) -> bytes:
    """A pcap record; `more` are octets that a modified format has in its header."""
    captured = len(data) if captured is None else captured
    wire = captured if wire is None else wire
    return struct.pack(order + "IIII", seconds, fraction, captured, wire) + more + data


def snoop(*records: bytes, link: int = 4) -> bytes:
    return b"snoop\0\0\0" + struct.pack(">II", 2, link) + b"".join(records)


def snoop_record(
    data: bytes, seconds: int, micros: int, *, wire: int | None = None, length: int | None = None
) -> bytes:
    pad = bytes(-len(data) % 4)
    length = 24 + len(data) + len(pad) if length is None else length
    wire = len(data) if wire is None else wire
    return struct.pack(">IIIIII", wire, len(data), length, 0, seconds, micros) + data + pad


def block(
    kind: int, body: bytes = b"", *, order: str = "<", length: int | None = None, again: int | None = None
) -> bytes:
    """A pcapng block; `length` and `again` are what it says of its length, where that is a lie."""
    body += bytes(-len(body) % 4)
    length = 12 + len(body) if length is None else length
    again = length if again is None else again
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", again)


def section(order: str = "<", version=(1, 0), length: int = -1, options: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, length) + options, order=order)


def interface(link: int = 1, snaplen: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order=order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def resolution(code: int, order: str = "<") -> bytes:
    """The option if_tsresol."""
    return option(9, bytes([code]), order)


def enhanced(
    data: bytes = bytes(60),
    *,
    at: int = 0,
    stamp: int = 10**15,
    order: str = "<",
    captured: int | None = None,
    wire: int | None = None,
    options: bytes = b"",
) -> bytes:
    """An Enhanced Packet Block of interface `at`."""
    captured = len(data) if captured is None else captured
    wire = captured if wire is None else wire
    head = struct.pack(order + "IIIII", at, stamp >> 32, stamp & 0xFFFFFFFF, captured, wire)
    return block(6, head + data + bytes(-len(data) % 4) + options, order=order)


def simple(data: bytes = bytes(60), wire: int | None = None, order: str = "<") -> bytes:
    return block(3, struct.pack(order + "I", len(data) if wire is None else wire) + data, order=order)


def old_packet(data: bytes = bytes(60), *, at: int = 0, stamp: int = 10**15, order: str = "<") -> bytes:
    """The obsolete Packet Block."""
    head = struct.pack(order + "HHIIII", at, 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data))
    return block(2, head + data, order=order)


def exact_nanoseconds(stamp: int, code: int) -> int:
    """A pcapng time stamp in nanoseconds, rounded down, by exact arithmetic."""
    one = 2 ** (code & 0x7F) if code & 0x80 else 10**code
    return int(Fraction(stamp, one) * 10**9 // 1)


ETHERNET_IPV4_TCP = bytes.fromhex(
    "00005e0053020000 5e005301 0800"
    "4500002c 00010000 4006 0000 c0000201 c0000202"
    "c3500050 00000064 00000000 6002ffff 0000 0000 020405b4"
)
"""A SYN from 192.0.2.1 port 50000 to 192.0.2.2 port 80 with sequence number 100."""


def syn(sequence: int) -> bytes:
    """The same with another sequence number."""
    return ETHERNET_IPV4_TCP[:38] + sequence.to_bytes(4, "big") + ETHERNET_IPV4_TCP[42:]
