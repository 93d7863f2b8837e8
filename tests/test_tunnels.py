"""Tunnels: what is taken is the innermost segment."""

from __future__ import annotations

import struct

import pytest
from packets import GRE, IPV4, IPV6, RAW, decode, decode_all, ethernet, finds_tcp, ip, ip6, tcp, the_segment, udp

VXLAN_HEADER = b"\x08" + bytes(7)


def gre(flags, protocol, rest=b"", inner=None):
    return ip(struct.pack("!HH", flags, protocol) + rest + (ip() if inner is None else inner), p=GRE)


def gtp(flags, rest=b"", kind=255, inner=None):
    inner = ip() if inner is None else inner
    return udp(struct.pack("!BBHI", flags, kind, len(rest + inner), 7) + rest + inner, 2152)


# --- by protocol number ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "packet",
    [
        ip(ip(), p=4),
        ip(ip6(), p=41),
        ip6(ip(), 4),
        ip6(ip6(), 41),
        ip(b"\x30\0" + ethernet(), p=97),
        ip(bytes.fromhex("00010140") + ip(), p=137),
        ip(ip(ip6(ip(), 4), p=41), p=4),
    ],
    ids=["IP in IP", "6in4", "4in6", "6in6", "EtherIP", "MPLS in IP", "four of them"],
)
def test_ip_in_ip(packet):
    assert finds_tcp(packet, RAW)


def test_the_inner_packet_says_who_and_how_long():
    inner = ip(tcp(b"data"), src=bytes([192, 168, 0, 1]), id=99, ttl=9)
    segment = the_segment(ip(inner + bytes(10), p=4, id=1, ttl=64), link=RAW)
    assert [int(segment[name]) for name in ("src3", "ip_id", "ttl", "length")] == [0xC0A80001, 99, 9, 4]


def test_no_packet_goes_on_after_the_one_that_it_is_in():
    outer = ip(ip(tcp(b"data"), len=9999), p=4)
    assert the_segment(outer, link=RAW)["length"] == 4


@pytest.mark.parametrize(
    ("flags", "rest"),
    [(0, 0), (0x8000, 4), (0x2000, 4), (0x1000, 4), (0xB000, 12)],
    ids=["plain", "checksum", "key", "sequence", "all"],
)
def test_gre(flags, rest):
    assert finds_tcp(gre(flags, IPV4, bytes(rest)), RAW)
    assert finds_tcp(gre(flags, IPV6, bytes(rest), ip6()), RAW)
    assert finds_tcp(gre(flags, 0x6558, bytes(rest), ethernet()), RAW)
    assert finds_tcp(gre(flags, 0x8847, bytes(rest) + bytes.fromhex("00010140")), RAW)


def test_gre_with_routing_or_of_another_version_or_as_keep_alive():
    assert len(decode(gre(0x4000, IPV4, bytes(4)), gre(2, IPV4), gre(0, 0), link=RAW)) == 0


def test_pptp():
    assert finds_tcp(gre(0x3001, 0x880B, bytes(8) + b"\xff\3\0\x21"), RAW)
    assert finds_tcp(gre(0x3081, 0x880B, bytes(12) + b"\x21"), RAW)
    assert len(decode(gre(0x2081, 0x880B, bytes(8), b""), link=RAW)) == 0


def test_erspan():
    assert finds_tcp(gre(0, 0x88BE, b"", ethernet()), RAW)
    assert finds_tcp(gre(0x1000, 0x88BE, bytes(4) + b"\x10" + bytes(7), ethernet()), RAW)
    assert finds_tcp(gre(0x1000, 0x22EB, bytes(4) + b"\x20" + bytes(11), ethernet()), RAW)
    assert finds_tcp(gre(0x1000, 0x22EB, bytes(4) + b"\x20" + bytes(10) + b"\1" + bytes(8), ethernet()), RAW)
    assert len(decode(gre(0x1000, 0x22EB, bytes(4) + b"\x20", b""), link=RAW)) == 0


def test_a_wireless_frame_that_an_access_point_hands_on():
    assert finds_tcp(gre(0, 0x8200, b"\x08\x02" + bytes(22) + bytes.fromhex("aaaa030000000800")), RAW)


# --- by port ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", [4789, 8472])
def test_vxlan(port):
    assert finds_tcp(udp(VXLAN_HEADER + ethernet(), port), RAW)
    assert finds_tcp(udp(VXLAN_HEADER + ethernet(ip6(), IPV6), port), RAW)
    assert len(decode(udp(bytes(8) + ethernet(), port), link=RAW)) == 0


def test_the_port_may_be_at_either_end():
    assert finds_tcp(udp(VXLAN_HEADER + ethernet(), 50001, source=4789), RAW)
    assert finds_tcp(udp(VXLAN_HEADER + ethernet(), 2152, source=4789), RAW)


def test_vxlan_in_ipv6():
    datagram = udp(VXLAN_HEADER + ethernet(), 4789)[20:]
    assert finds_tcp(ip6(datagram, 17), RAW)


@pytest.mark.parametrize(
    ("following", "inner"),
    [(1, ip()), (2, ip6()), (3, ethernet()), (5, bytes.fromhex("00010140") + ip())],
    ids=["IPv4", "IPv6", "Ethernet", "MPLS"],
)
def test_vxlan_with_a_next_protocol(following, inner):
    assert finds_tcp(udp(b"\x0c\0\0" + bytes([following]) + bytes(4) + inner, 4790), RAW)
    assert len(decode(udp(b"\x0c\0\0\x09" + bytes(4) + inner, 4790), link=RAW)) == 0
    assert len(decode(udp(b"\x00\0\0" + bytes([following]) + bytes(4) + inner, 4790), link=RAW)) == 0


def test_geneve():
    assert finds_tcp(udp(b"\0\0\x65\x58" + bytes(4) + ethernet(), 6081), RAW)
    assert finds_tcp(udp(b"\2\0\x08\0" + bytes(4) + bytes(8) + ip(), 6081), RAW)
    assert finds_tcp(udp(b"\0\0\x86\xdd" + bytes(4) + ip6(), 6081), RAW)
    assert len(decode(udp(b"\x40\0\x65\x58" + bytes(4) + ethernet(), 6081), link=RAW)) == 0


@pytest.mark.parametrize(
    ("flags", "rest"),
    [
        (0x30, b""),
        (0x32, bytes(4)),
        (0x31, bytes(4)),
        (0x34, b"\0\0\0\x85" + b"\1\0\x09\0"),
        (0x34, b"\0\0\0\xc0" + b"\1\0\x09\x85" + b"\2\0\0\0\0\0\0\0"),
    ],
    ids=["plain", "sequence", "PDU number", "extension", "two extensions"],
)
def test_gtp(flags, rest):
    assert finds_tcp(gtp(flags, rest), RAW)
    assert finds_tcp(gtp(flags, rest, inner=ip6()), RAW)


def test_gtp_that_holds_no_packet():
    packets = [gtp(0x30, kind=1), gtp(0x50), gtp(0x20), gtp(0x34, b"\0\0\0\x85" + bytes(4)), gtp(0x30, inner=b"\0")]
    segments, problems = decode_all(*packets, link=RAW)
    assert len(segments) == 0
    assert {problem.kind for problem in problems} <= {"cut"}


@pytest.mark.parametrize(
    "before",
    [b"", bytes(8), b"\0\1\0\0" + bytes(9), b"\0\1\2\3" + bytes(5 + 9), b"\0\1\0\0" + bytes(9 + 8)],
    ids=["plain", "origin", "authentication", "authentication with a key", "both"],
)
def test_teredo(before):
    assert finds_tcp(udp(before + ip6(), 3544), RAW)


def test_teredo_that_holds_no_packet():
    assert len(decode(udp(bytes(8), 3544), udp(b"\0\1\xff\xff" + bytes(40), 3544), link=RAW)) == 0


@pytest.mark.parametrize(
    ("flags", "header"),
    [(0x0002, 4), (0x4002, 6), (0x0802, 8), (0x4802, 10)],
    ids=["plain", "length", "sequence", "both"],
)
def test_l2tp(flags, header):
    assert finds_tcp(udp(struct.pack("!H", flags) + bytes(header) + b"\xff\3\0\x21" + ip(), 1701), RAW)


def test_l2tp_with_an_offset_and_control_messages():
    assert finds_tcp(udp(struct.pack("!H4xH3x", 0x0202, 3) + b"\0\x21" + ip(), 1701), RAW)
    assert len(decode(udp(b"\xc8\x02" + bytes(40), 1701), udp(b"\0\3" + bytes(40), 1701), link=RAW)) == 0
    assert len(decode(udp(b"\x42\x02" + bytes(6), 1701), link=RAW)) == 0


def test_mpls_in_udp():
    assert finds_tcp(udp(bytes.fromhex("00010140") + ip(), 6635), RAW)


@pytest.mark.parametrize(
    "packet",
    [
        udp(bytes(100), 53),
        udp(b"", 4789),
        ip(b"\0\0", p=17),
        ip(bytes(64), p=1),
        ip(bytes(64), p=50),
        ip(bytes(64), p=132),
    ],
    ids=["DNS", "an empty datagram", "no ports", "ICMP", "ESP", "SCTP"],
)
def test_what_holds_no_tcp_is_passed_over_in_silence(packet):
    segments, problems = decode_all(packet, link=RAW)
    assert len(segments) == 0
    assert problems == []


def test_tcp_quoted_in_an_icmp_error_is_not_taken():
    assert len(decode(ip(struct.pack("!BBHI", 3, 3, 0, 0) + ip()[:28], p=1), link=RAW)) == 0


def test_tunnels_that_are_cut_anywhere():
    whole = [
        gre(0xB000, 0x6558, bytes(12), ethernet()),
        udp(VXLAN_HEADER + ethernet(), 4789),
        gtp(0x34, b"\0\0\0\x85" + b"\1\0\x09\0"),
        udp(b"\0\1\2\3" + bytes(5 + 9) + ip6(), 3544),
        udp(struct.pack("!H4xH3x", 0x0202, 3) + b"\0\x21" + ip(), 1701),
        gre(0x3081, 0x880B, bytes(12) + b"\x21"),
    ]
    cuts = [(packet[:length], len(packet), RAW, 0) for packet in whole for length in range(len(packet) - 4)]
    segments, problems = decode_all(*cuts)
    assert len(segments) == 0
    assert {problem.kind for problem in problems} == {"cut"}
