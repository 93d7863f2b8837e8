"""Packets made by hand (dpkt builds IP and TCP), and decoding them in every form there is, with equal results."""

from __future__ import annotations

import struct
from typing import Any

import dpkt
import numpy as np

from pcapstate.kernels import COMPILED, INTERPRETED, Speed
from pcapstate.parser import decode as decoding
from pcapstate.parser.decode import Decoder
from pcapstate.schema import ACK, Record, Segment

ETHERNET, RAW = 1, 101
IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP, GRE = 6, 17, 47
CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
CLIENT6, SERVER6 = bytes.fromhex("20010db8" + "0" * 23 + "1"), bytes.fromhex("20010db8" + "0" * 23 + "2")


def tcp(data: bytes = b"", **fields: Any) -> dpkt.tcp.TCP:
    """A segment from port 40000 to 80, SEQ 1000, ACK 2000, window 500."""
    values = {"sport": 40000, "dport": 80, "seq": 1000, "ack": 2000, "win": 500, "flags": ACK, "opts": b""} | fields
    made = dpkt.tcp.TCP(data=data, **values)
    made.opts += bytes(-len(made.opts) % 4)
    made.off = 5 + len(made.opts) // 4
    return made


def ip(payload: Any = None, **fields: Any) -> bytes:
    """An IPv4 packet from 10.0.0.1 to 10.0.0.2; dpkt fills in the length unless it is given."""
    payload = tcp() if payload is None else payload
    length = fields.pop("len", 20 + len(payload))
    values = {"src": CLIENT, "dst": SERVER, "p": TCP, "id": 7, "ttl": 64} | fields
    made = bytes(dpkt.ip.IP(data=payload, **values))
    return made[:2] + struct.pack("!H", length) + made[4:]


def ip6(payload: Any = None, protocol: int = TCP, length: int = -1, traffic: int = 0) -> bytes:
    """An IPv6 packet from 2001:db8::1 to 2001:db8::2."""
    payload = bytes(tcp() if payload is None else payload)
    length = len(payload) if length < 0 else length
    return struct.pack("!IHBB", 0x60000000 | traffic << 20, length, protocol, 64) + CLIENT6 + SERVER6 + payload


def ethernet(payload: bytes | None = None, kind: int = IPV4) -> bytes:
    """An Ethernet frame; of IPv4 with a segment, if nothing else is said."""
    return bytes(range(12)) + struct.pack("!H", kind) + (ip() if payload is None else payload)


def udp(payload: bytes, port: int, source: int = 50000) -> bytes:
    """A datagram in IPv4."""
    return ip(struct.pack("!HHHH", source, port, 8 + len(payload), 0) + payload, p=UDP)


def fragments(payload: bytes, size: int, *, identity: int = 7, protocol: int = TCP, source: int = 1) -> list[bytes]:
    """IPv4 packets with at most `size` octets of the payload each."""
    made = []
    for offset in range(0, len(payload), size):
        part = payload[offset : offset + size]
        more = 0x2000 if offset + size < len(payload) else 0
        packet = bytearray(ip(part, id=identity, p=protocol, src=bytes([10, 0, 0, source])))
        packet[6:8] = struct.pack("!H", more | offset // 8)
        made.append(bytes(packet))
    return made


def fragments6(payload: bytes, size: int, *, identity: int = 7, protocol: int = TCP) -> list[bytes]:
    """The same of IPv6."""
    made = []
    for offset in range(0, len(payload), size):
        part = payload[offset : offset + size]
        more = 1 if offset + size < len(payload) else 0
        made.append(ip6(struct.pack("!BBHI", protocol, 0, offset | more, identity) + part, 44))
    return made


WHOLE = bytes(tcp(bytes(range(200)) * 3))
"""A segment of 600 octets, to be fragmented."""


def table(packets: list[Any], speed: Speed, link: int = ETHERNET) -> tuple[Any, Any]:
    """A buffer and the records of packets: octets, or (octets, length on the wire, link type, nanoseconds)."""
    rows = speed.table(Record, len(packets))
    joined = bytearray()
    for number, packet in enumerate(packets):
        octets, wire, kind, time = packet if isinstance(packet, tuple) else (packet, len(packet), link, number * 1000)
        values = (number + 1, 0, number + 1, time, len(joined), len(octets), wire, kind, len(joined))
        if isinstance(rows, np.ndarray):
            rows[number] = values
        else:
            for name, value in zip(Record.fields, values, strict=True):
                setattr(rows[number], name, value)
        joined += octets
    return speed.octets(joined), rows


def run(packets: list[Any], speed: Speed, link: int = ETHERNET, chunk: int = 0) -> tuple[list[Any], list[Any]]:
    """Segments (as tuples in the order of `Segment.fields`) and problems at one speed, so many packets a chunk."""
    using = Decoder()
    made: list[Any] = []
    step = chunk or max(len(packets), 1)
    octets, rows = table(packets, speed, link)
    for first in range(0, len(packets), step):
        part = rows[first : first + step]
        segments, count = using.chunk(octets, part, len(part), speed)
        made += speed.array(Segment, segments, count).tolist()
    using.finish()
    return made, using.problems


def decode_all(*packets: Any, link: int = ETHERNET) -> tuple[np.ndarray, list[Any]]:
    """Segments and problems; interpreted, compiled, and compiled with the rarer layers must agree."""
    results = [run(list(packets), speed, link) for speed in (INTERPRETED, COMPILED)]
    before, decoding.MANY_RARE = decoding.MANY_RARE, 0
    try:
        results.append(run(list(packets), COMPILED, link))
    finally:
        decoding.MANY_RARE = before
    assert results[0] == results[1] == results[2]
    return np.array(results[0][0], Segment.dtype), results[0][1]


def decode(*packets: Any, link: int = ETHERNET) -> np.ndarray:
    """The segments alone."""
    return decode_all(*packets, link=link)[0]


def the_segment(*packets: Any, link: int = ETHERNET) -> Any:
    """The only segment of packets: the one that `tcp` makes, if nothing else was said."""
    segments = decode(*packets, link=link)
    assert len(segments) == 1
    return segments[0]


def finds_tcp(packet: bytes, link: int = ETHERNET) -> bool:
    """Whether the segment that `tcp` makes is found in a packet."""
    segments = decode(packet, link=link)
    return len(segments) == 1 and segments[0]["seq"] == 1000 and segments[0]["dport"] == 80
