"""Link types: the table says where IP begins, for each of them."""

from __future__ import annotations

import struct

import pytest
from packets import IPV4, IPV6, decode_all, ethernet, finds_tcp, ip, ip6

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.links import LINK_NAMES, NOTHING, UNKNOWN_LINK, link_table

SNAP = bytes.fromhex("aaaa03000000")
KIND4, KIND6 = struct.pack("!H", IPV4), struct.pack("!H", IPV6)
BIG, LITTLE = ">I", "<I"
AVS = struct.pack("!II", 0x80211001, 64) + bytes(56)
DATA = bytes.fromhex("0801") + bytes(22)
NFLOG4 = bytes.fromhex("02000000 0800010008000200 08000500000000ff")
COOKED = bytes.fromhex("0004 0338") + bytes(10) + b"\x00\x0c"

FRAMES = {
    # what: link type, octets before IPv4, octets before IPv6
    "NULL, little endian, Linux": (0, struct.pack(LITTLE, 2), struct.pack(LITTLE, 10)),
    "NULL, big endian, OpenBSD": (0, struct.pack(BIG, 2), struct.pack(BIG, 24)),
    "NULL, FreeBSD": (0, struct.pack(LITTLE, 2), struct.pack(LITTLE, 28)),
    "NULL, Darwin": (0, struct.pack(LITTLE, 2), struct.pack(LITTLE, 30)),
    "Ethernet": (1, bytes(12) + KIND4, bytes(12) + KIND6),
    "Ethernet, 802.3 with SNAP": (1, bytes(12) + b"\0\x40" + SNAP + KIND4, bytes(12) + b"\0\x40" + SNAP + KIND6),
    "SNAP of 802.1H": (1, bytes(14) + b"\xaa\xaa\x03\0\0\xf8" + KIND4, bytes(14) + b"\xaa\xaa\x03\0\0\xf8" + KIND6),
    "LLC's own point for IP": (1, bytes(12) + b"\0\x40\x06\x06\x03", bytes(12) + b"\0\x40\x06\x06\x03"),
    "Token Ring": (6, bytes(14) + SNAP + KIND4, bytes(14) + SNAP + KIND6),
    "Token Ring, routed": (6, bytes(8) + b"\x80" + bytes(5) + b"\x06" + bytes(5) + SNAP + KIND4, None),
    "ARCNET of BSD": (7, b"\1\2\xd4\0\0\1", None),
    "SLIP": (8, bytes(16), bytes(16)),
    "PPP": (9, b"\0\x21", b"\0\x57"),
    "PPP in HDLC": (9, b"\xff\3\0\x21", b"\xff\3\0\x57"),
    "PPP, compressed protocol": (9, b"\x21", b"\x57"),
    "FDDI": (10, b"\x50" + bytes(12) + SNAP + KIND4, b"\x50" + bytes(12) + SNAP + KIND6),
    "RAW of BSD": (12, b"", b""),
    "RAW of OpenBSD": (14, b"", b""),
    "PPP_HDLC": (50, b"\xff\3\0\x21", b"\xff\3\0\x57"),
    "Cisco's HDLC on a serial line": (50, b"\x0f\0" + KIND4, b"\x8f\0" + KIND6),
    "PPP_ETHER": (51, b"\x11\0\0\1\0\x40\0\x21", b"\x11\0\0\1\0\x60\0\x57"),
    "ATM, RFC 1483": (100, SNAP + KIND4, SNAP + KIND6),
    "RAW": (101, b"", b""),
    "C_HDLC": (104, b"\x0f\0" + KIND4, b"\x0f\0" + KIND6),
    "802.11": (105, DATA + SNAP + KIND4, DATA + SNAP + KIND6),
    "LOOP": (108, struct.pack(BIG, 2), struct.pack(BIG, 24)),
    "LOOP, little endian": (108, struct.pack(LITTLE, 2), struct.pack(LITTLE, 24)),
    "ENC": (109, bytes(12), bytes(12)),
    "Linux cooked": (113, bytes(14) + KIND4, bytes(14) + KIND6),
    "PFLOG": (117, b"\x3d" + bytes(63), b"\x3d" + bytes(63)),
    "Prism": (119, bytes(144) + DATA + SNAP + KIND4, bytes(144) + DATA + SNAP + KIND6),
    "AVS as Prism": (119, AVS + DATA + SNAP + KIND4, AVS + DATA + SNAP + KIND6),
    "IP over Fibre Channel": (122, bytes(16) + SNAP + KIND4, bytes(16) + SNAP + KIND6),
    "radiotap": (127, b"\0\0\x08\0" + bytes(4) + DATA + SNAP + KIND4, b"\0\0\x08\0" + bytes(4) + DATA + SNAP + KIND6),
    "ARCNET of Linux": (129, bytes(4) + b"\xd4\0\0\1", None),
    "FireWire": (138, bytes(16) + KIND4, bytes(16) + KIND6),
    "AVS": (163, AVS + DATA + SNAP + KIND4, AVS + DATA + SNAP + KIND6),
    "PPP_PPPD": (166, b"\1\3\0\x21", b"\0\3\0\x57"),
    "Juniper": (178, b"MGC\x01" + bytes(12) + KIND4, b"MGC\x81\0\4\1\2\3\4" + bytes(12) + KIND6),
    "PPI": (192, struct.pack("<BBHI", 0, 0, 8, 1) + bytes(12) + KIND4, struct.pack("<BBHI", 0, 0, 8, 101)),
    "PPP with direction": (204, b"\1\xff\3\0\x21", b"\0\xff\3\0\x57"),
    "C_HDLC with direction": (205, b"\1\x0f\0" + KIND4, b"\0\x0f\0" + KIND6),
    "IPNET": (226, bytes(24), bytes(24)),
    "IPV4": (228, b"", None),
    "IPV6": (229, None, b""),
    "NFLOG": (239, NFLOG4 + b"\x2c\0\x09\0", NFLOG4 + b"\x40\0\x09\0"),
    "NFLOG, big endian": (239, b"\2\0\0\0" + b"\0\x2c\0\x09", b"\2\0\0\0" + b"\0\x40\0\x09"),
    "Netanalyzer": (240, bytes(4) + bytes(12) + KIND4, bytes(4) + bytes(12) + KIND6),
    "netlink": (253, COOKED + b"\x58\0\0\0\0\4" + bytes(14) + b"\x2c\0\x09\0", None),
    "EPON": (259, bytes(8) + bytes(12) + KIND4, bytes(8) + bytes(12) + KIND6),
    "MPACKET": (274, bytes(8) + bytes(12) + KIND4, bytes(8) + bytes(12) + KIND6),
    "Linux cooked 2": (276, KIND4 + bytes(18), KIND6 + bytes(18)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_ip_is_found_behind_every_link_type(name):
    link, before4, before6 = FRAMES[name]
    assert before4 is None or finds_tcp(before4 + ip(), link)
    assert before6 is None or finds_tcp(before6 + ip6(), link)


def test_every_link_type_of_the_table_is_tested():
    assert {link for link, *_ in FRAMES.values()} == set(LINK_NAMES)


@pytest.mark.parametrize("name", FRAMES)
def test_a_packet_that_ends_in_its_link_header_is_told_and_left(name):
    link, before4, before6 = FRAMES[name]
    before = before4 if before6 is None else before6
    for length in range(len(before)):
        segments, problems = decode_all((before[:length], 200, link, 0))
        assert len(segments) == 0
        assert {problem.kind for problem in problems} <= {"cut"}


@pytest.mark.parametrize("link", [2, 195, 277, 5000])
def test_an_unknown_link_type_is_a_problem(link):
    segments, problems = decode_all(ethernet(), link=link)
    assert len(segments) == 0
    (problem,) = problems
    assert (problem.kind, problem.frame, problem.text) == ("link_type", 1, f"packets of link type {link} are not read")


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_the_table_as_integers(speed):
    table = [int(number) for number in link_table(speed)]
    assert table[3:6] == [14, 12, NOTHING]
    assert table[6:9] == [UNKNOWN_LINK] * 3
    assert table[3 * 101 : 3 * 101 + 2] == [0, -1]
    assert len(table) == 3 * 277
