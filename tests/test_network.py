"""IP of both versions: where a segment is from, how long it is, and the headers on its way."""

from __future__ import annotations

import struct

import pytest
from packets import (
    CLIENT6,
    IPV6,
    RAW,
    SERVER,
    SERVER6,
    decode,
    decode_all,
    ethernet,
    finds_tcp,
    ip,
    ip6,
    tcp,
    the_segment,
)

LAST = bytes.fromhex("20010db8" + "0" * 23 + "9")
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION, MOBILITY, HIP, SHIM6 = 0, 43, 44, 51, 60, 135, 139, 140


def addresses(segment):
    words = [int(segment[f"{end}{number}"]) for end in ("src", "dst") for number in range(4)]
    return struct.pack("!4I", *words[:4]), struct.pack("!4I", *words[4:])


def extended(*headers, payload=None, last=6):
    """IPv6 with extension headers: (its number, octets from the second one on)."""
    body = bytes(tcp() if payload is None else payload)
    following = last
    for number, octets in reversed(headers):
        body = bytes([following]) + octets + body
        following = number
    return ip6(body, following)


def test_what_an_ipv4_header_says():
    segment = the_segment(ip(tos=0x2E, id=0xBEEF, ttl=3), link=RAW)
    assert [int(segment[name]) for name in ("version", "tos", "ip_id", "ttl")] == [4, 0x2E, 0xBEEF, 3]
    mapped = bytes(10) + b"\xff\xff"
    assert addresses(segment) == (mapped + bytes([10, 0, 0, 1]), mapped + SERVER)


def test_what_an_ipv6_header_says():
    segment = the_segment(ip6(traffic=0xA5), link=RAW)
    assert [int(segment[name]) for name in ("version", "tos", "ip_id", "ttl")] == [6, 0xA5, -1, 64]
    assert addresses(segment) == (CLIENT6, SERVER6)


def test_options_of_ipv4():
    header = bytearray(ip()[:20] + bytes(8) + ip()[20:])
    header[0] = 0x47
    header[2:4] = struct.pack("!H", len(header))
    assert finds_tcp(bytes(header), RAW)


# --- lengths ---------------------------------------------------------------------------------------------------


def test_padding_of_a_short_frame_is_no_payload():
    assert the_segment(ethernet() + bytes(6))["length"] == 0
    assert the_segment(ethernet(ip6(), IPV6) + bytes(20))["length"] == 0


@pytest.mark.parametrize("make", [ip, ip6])
def test_a_packet_that_was_cut_keeps_its_length(make):
    whole = make(tcp(bytes(1000)))
    segment = the_segment((whole[:80], len(whole), RAW, 0))
    assert (segment["length"], segment["captured"]) == (1000, 80 - len(make()))


def test_a_packet_that_was_cut_by_a_program_that_forgot_the_true_length():
    """The frame claims to be as short as what is left of it: the IP header knows better."""
    segment = the_segment(ip(tcp(bytes(1000)))[:80], link=RAW)
    assert (segment["length"], segment["captured"]) == (1000, 40)


def test_length_0_of_ipv4_is_that_of_the_frame():
    """Segmentation offload, BIG TCP: captured before anybody filled in a length, or too long for the field."""
    segment = the_segment(ip(tcp(bytes(3000)), len=0), link=RAW)
    assert (segment["length"], segment["captured"]) == (3000, 3000)
    segment = the_segment((ip(tcp(bytes(60)), len=0), 14 + 40 + 80_000, RAW, 0))
    assert (segment["length"], segment["captured"]) == (80_014, 60)


def test_length_0_of_ipv6_is_that_of_the_frame():
    segment = the_segment(ip6(tcp(bytes(3000)), length=0), link=RAW)
    assert segment["length"] == 3000
    segment = the_segment((ip6(tcp(bytes(60)), length=0), 60 + 80_000, RAW, 0))
    assert (segment["length"], segment["captured"]) == (80_000, 60)


@pytest.mark.parametrize("before", [b"", b"\0", b"\0\0\1\0", b"\5\4\0\0\0\0"], ids=["alone", "pad", "padn", "other"])
def test_a_jumbogram_says_its_length_in_an_option(before):
    area = before + struct.pack("!BBI", 0xC2, 4, 16 + 20 + 70_000)
    area += bytes(-(len(area) + 2) % 8)
    hop = struct.pack("!BB", 6, (len(area) + 2) // 8 - 1) + area
    length = len(hop) + 20 + 70_000
    hop = hop.replace(struct.pack("!I", 16 + 20 + 70_000), struct.pack("!I", length))
    packet = ip6(hop + bytes(tcp(bytes(50))), HOP_BY_HOP, length=0)
    segment = the_segment((packet, 40 + length + 4, RAW, 0))
    assert (segment["length"], segment["captured"]) == (70_000, 50)


def test_options_without_a_jumbo_length():
    hop = bytes([6, 0, 1, 4, 0, 0, 0, 0])
    assert the_segment(ip6(hop + bytes(tcp(b"data")), HOP_BY_HOP, length=0), link=RAW)["length"] == 4


def test_a_jumbo_length_beside_a_length_does_not_count():
    hop = struct.pack("!BBBBI", 6, 0, 0xC2, 4, 70_000)
    assert the_segment(ip6(hop + bytes(tcp(b"data")), HOP_BY_HOP), link=RAW)["length"] == 4


# --- extension headers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [HOP_BY_HOP, ROUTING, DESTINATION, MOBILITY, HIP, SHIM6])
def test_an_extension_header_is_stepped_over(number):
    assert finds_tcp(extended((number, bytes([0, 1, 4, 0, 0, 0, 0]))), RAW)
    assert finds_tcp(extended((number, bytes([1, 1, 12]) + bytes(12))), RAW)


def test_many_extension_headers():
    assert finds_tcp(extended(*[(DESTINATION, bytes([0, 1, 4, 0, 0, 0, 0]))] * 8), RAW)


def test_an_authentication_header_in_both_versions():
    header = bytes([4, 0, 0]) + bytes(20)
    assert finds_tcp(extended((AUTHENTICATION, header)), RAW)
    assert finds_tcp(ip(b"\6" + header + bytes(tcp()), p=AUTHENTICATION), RAW)


def test_an_atomic_fragment_is_whole():
    assert finds_tcp(extended((FRAGMENT, bytes([0]) + bytes(2) + b"abcd")), RAW)


def test_no_next_header():
    segments, problems = decode_all(extended(last=59), link=RAW)
    assert len(segments) == 0
    assert problems == []


def test_extension_headers_are_of_version_6_only():
    assert len(decode(ip(bytes([6, 0, 1, 4, 0, 0, 0, 0]) + bytes(tcp()), p=DESTINATION), link=RAW)) == 0


@pytest.mark.parametrize(
    ("kind", "left", "entries", "expected"),
    [
        (0, 2, [SERVER6, LAST], LAST),
        (0, 0, [SERVER6, LAST], SERVER6),
        (2, 1, [LAST], LAST),
        (4, 1, [LAST, SERVER6], LAST),
        (4, 0, [LAST, SERVER6], SERVER6),
        (3, 1, [LAST], SERVER6),
    ],
    ids=["source route", "source route at its end", "mobile", "segment routing", "at its end", "unknown"],
)
def test_the_peer_is_the_last_stop_of_a_routing_header(kind, left, entries, expected):
    header = bytes([2 * len(entries), kind, left, 0, 0, 0, 0]) + b"".join(entries)
    assert addresses(the_segment(extended((ROUTING, header)), link=RAW)) == (CLIENT6, expected)


# --- what is not as it should be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "packet",
    [
        ethernet(b"\x55" + ip()[1:]),
        ethernet(b"\x44" + ip()[1:]),
        ethernet(ip(len=19)),
        ethernet(b"\x40" + ip6()[1:], IPV6),
    ],
    ids=["version 5", "header of 16", "total length of 19", "version 4 in IPv6"],
)
def test_a_header_that_contradicts_itself_is_told(packet):
    segments, problems = decode_all(packet)
    assert len(segments) == 0
    assert [problem.kind for problem in problems] == ["malformed"]


def test_neither_version():
    segments, problems = decode_all(b"\x50" + ip()[1:], link=RAW)
    assert len(segments) == 0
    assert problems == []


@pytest.mark.parametrize("packet", [ip(), ip6(), extended((DESTINATION, bytes([0, 1, 4, 0, 0, 0, 0])))])
def test_a_header_that_the_file_holds_in_part_is_told(packet):
    for length in range(len(packet) - 20):
        segments, problems = decode_all((packet[:length], len(packet), RAW, 0))
        assert len(segments) == 0
        assert [problem.kind for problem in problems] == ["cut"]


def test_an_extension_header_that_the_file_holds_in_part_is_told():
    packet = extended((DESTINATION, bytes([3, 1, 28]) + bytes(28)))
    for length in range(48, 72):
        segments, problems = decode_all((packet[:length], len(packet), RAW, 0))
        assert len(segments) == 0
        assert [problem.kind for problem in problems] == ["cut"]
