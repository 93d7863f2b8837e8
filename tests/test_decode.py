"""Packets to segments: every link, IP and TCP as dpkt builds them, decoded at both speeds with equal results."""

from __future__ import annotations

import struct
from typing import Any

import dpkt
import numpy as np
import pytest

from pcapstate.kernels import COMPILED, INTERPRETED, Speed
from pcapstate.parser.decode import Decoder
from pcapstate.schema import ACK, SYN, Record, Segment

ETHERNET, RAW = 1, 101
CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])


def tcp(**fields: Any) -> dpkt.tcp.TCP:
    made = dpkt.tcp.TCP(sport=40000, dport=80, seq=1000, ack=2000, win=500, flags=ACK)
    for name, value in fields.items():
        setattr(made, name, value)
    made.off = 5 + (len(made.opts) + 3) // 4
    return made


def ip(payload: Any, **fields: Any) -> bytes:
    made = dpkt.ip.IP(src=CLIENT, dst=SERVER, p=6, id=7, ttl=64, data=payload)
    for name, value in fields.items():
        setattr(made, name, value)
    if not made.len:
        made.len = len(made)
    return bytes(made)


def ethernet(payload: bytes, kind: int = 0x0800) -> bytes:
    return bytes(12) + struct.pack("!H", kind) + payload


def records(packets: list[tuple[int, bytes, int]], speed: Speed) -> tuple[Any, Any]:
    """A buffer of (link type, octets, length on the wire) and its records, as `speed` wants them."""
    table = speed.table(Record, len(packets))
    offset = 0
    for number, (link, octets, wire) in enumerate(packets):
        row = table[number]
        values = (number + 1, 0, number + 1, 10**9 * number, offset, len(octets), wire, link)
        if isinstance(table, np.ndarray):
            table[number] = values
        else:
            for name, value in zip(Record.fields, values, strict=True):
                setattr(row, name, value)
        offset += len(octets)
    return speed.octets(b"".join(octets for _, octets, _ in packets)), table


def decode(*packets: Any, link: int = ETHERNET, decoder: Decoder | None = None) -> np.ndarray:
    """The segments of packets at both speeds, which must be equal."""
    full = [p if isinstance(p, tuple) else (link, p, len(p)) for p in packets]
    results = []
    for speed in (INTERPRETED, COMPILED):
        using = Decoder()
        octets, table = records(full, speed)
        rows, made = using.chunk(octets, table, len(full), speed)
        results.append(speed.array(Segment, rows, made))
    assert results[0].tolist() == results[1].tolist()
    return results[0]


def test_a_segment_in_ethernet() -> None:
    (s,) = decode(ethernet(ip(tcp(data=b"hello"))))
    assert (s["sport"], s["dport"], s["seq"], s["ack"], s["window"]) == (40000, 80, 1000, 2000, 500)
    assert (s["flags"], s["length"], s["captured"], s["version"], s["ttl"], s["ip_id"]) == (ACK, 5, 5, 4, 64, 7)
    assert (s["src2"], s["src3"], s["dst3"]) == (0xFFFF, 0x0A000001, 0x0A000002)
    assert (s["frame"], s["mss"], s["sacks"], s["sack_left0"], s["sack_permitted"]) == (1, -1, 0, -1, 0)


def test_padding_of_a_short_frame_is_no_payload() -> None:
    (s,) = decode(ethernet(ip(tcp())) + bytes(6))
    assert s["length"] == 0


def test_options_of_a_syn() -> None:
    options = bytes.fromhex("020405b4 0402 080a0000000100000002 01 030307")
    (s,) = decode(ethernet(ip(tcp(flags=SYN, opts=options))))
    assert (s["mss"], s["sack_permitted"], s["tsval"], s["tsecr"], s["window_scale"]) == (1460, 1, 1, 2, 7)


@pytest.mark.parametrize("link", [12, 14, 101, 228])
def test_raw_ip(link: int) -> None:
    (s,) = decode(ip(tcp()), link=link)
    assert s["seq"] == 1000
