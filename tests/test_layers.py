"""What lies between a link header and IP: tags, labels, sessions, lengths."""

from __future__ import annotations

import struct

import pytest
from packets import decode, decode_all, ethernet, finds_tcp, ip, ip6, tcp, the_segment

MPLS_BOTTOM, MPLS_ABOVE = bytes.fromhex("00010140"), bytes.fromhex("00010040")


def tagged(kind, inner, following=0x0800):
    return ethernet(struct.pack("!HH", 0x2064, following) + inner, kind)


@pytest.mark.parametrize("kind", [0x8100, 0x88A8, 0x9100, 0x9200])
def test_a_vlan_tag(kind):
    assert finds_tcp(tagged(kind, ip()))
    assert finds_tcp(tagged(kind, ip6(), 0x86DD))


def test_vlan_tags_in_each_other():
    assert finds_tcp(tagged(0x88A8, struct.pack("!HH", 7, 0x8100) + struct.pack("!HH", 9, 0x0800) + ip(), 0x8100))


def test_a_tag_with_llc_inside():
    assert finds_tcp(tagged(0x8100, bytes.fromhex("aaaa030000000800") + ip(), 0x0030))


def test_a_tag_of_a_virtual_port():
    assert finds_tcp(ethernet(bytes(4) + b"\x08\x00" + ip(), 0x8926))


@pytest.mark.parametrize("kind", [0x8847, 0x8848])
def test_mpls_labels(kind):
    assert finds_tcp(ethernet(MPLS_BOTTOM + ip(), kind))
    assert finds_tcp(ethernet(MPLS_ABOVE + MPLS_ABOVE + MPLS_BOTTOM + ip6(), kind))


def test_mpls_with_a_control_word_before_ethernet():
    assert finds_tcp(ethernet(MPLS_BOTTOM + bytes(4) + ethernet(), 0x8847))


def test_mpls_without_a_bottom_or_with_nothing_known_below():
    assert len(decode(ethernet(MPLS_ABOVE * 5, 0x8847))) == 0
    assert len(decode(ethernet(MPLS_BOTTOM, 0x8847))) == 0
    assert len(decode(ethernet(MPLS_BOTTOM + b"\xf0" + ip(), 0x8847))) == 0


def test_pppoe():
    assert finds_tcp(ethernet(b"\x11\0\0\1" + struct.pack("!H", 42) + b"\0\x21" + ip(), 0x8864))
    assert finds_tcp(ethernet(b"\x11\0\0\1" + struct.pack("!H", 62) + b"\0\x57" + ip6(), 0x8864))


def test_the_length_of_pppoe_ends_an_ip_packet_that_says_it_is_longer():
    """A box on the way gave the frame's padding to the IP packet; the octets are none of the connection's."""
    frame = ethernet(b"\x11\0\0\1" + struct.pack("!H", 42) + b"\0\x21" + ip(tcp(bytes(6))), 0x8864)
    assert the_segment(frame)["length"] == 0


def test_mpls_in_ppp():
    assert finds_tcp(b"\xff\3\x02\x81" + MPLS_BOTTOM + ip(), 9)
    assert finds_tcp(b"\xff\3\x02\x83" + MPLS_BOTTOM + ip6(), 9)


def test_ppp_and_a_bridged_frame_by_their_ethertypes():
    assert finds_tcp(ethernet(b"\0\x21" + ip(), 0x880B))
    assert finds_tcp(ethernet(ethernet(), 0x6558))


@pytest.mark.parametrize(
    "packet",
    [
        ethernet(bytes(28), 0x0806),
        ethernet(bytes(60), 0x88CC),
        ethernet(bytes.fromhex("424203") + bytes(40), 0x0026),
        ethernet(bytes.fromhex("aaaa0300000c2000") + bytes(40), 0x0030),
        ethernet(bytes.fromhex("e0e003") + bytes(40), 0x0026),
    ],
    ids=["ARP", "LLDP", "spanning tree", "Cisco discovery", "another network layer"],
)
def test_what_is_not_ip_is_passed_over_in_silence(packet):
    segments, problems = decode_all(packet)
    assert len(segments) == 0
    assert problems == []


@pytest.mark.parametrize(
    ("octets", "link"),
    [
        (struct.pack("<I", 7) + ip(), 0),
        (b"\xff\3\xc0\x21" + ip(), 9),
        (bytes(4) + b"\xd5\0\0\1" + ip(), 129),
        (bytes(4) + b"\xd4\2\0\1" + ip(), 129),
        (b"MGC\x02" + ethernet(), 178),
        (b"MGD\x01" + ethernet(), 178),
    ],
    ids=["another family", "LCP", "another protocol", "a later fragment", "no Ethernet", "no magic"],
)
def test_what_looks_like_a_link_but_holds_no_ip(octets, link):
    assert len(decode(octets, link=link)) == 0


def test_an_arcnet_exception_packet():
    assert finds_tcp(bytes(4) + b"\xd4\xff\xff\xff\xd4\0\0\1" + ip(), 129)


def test_headers_that_take_no_octets_do_not_go_round_for_ever():
    """GRE in IP in GRE ... costs octets; but bridging in Ethernet must end too."""
    deep = ip()
    for _ in range(60):
        deep = struct.pack("!HH", 1, 0x0800 if deep == ip() else 0x8100) + deep
    assert len(decode(ethernet(deep, 0x8100))) == 0


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(b"\x11\0\0\1\0\x2a\0\x21" + ip(), 0x8864),
        ethernet(MPLS_ABOVE + MPLS_BOTTOM + ip(), 0x8847),
        ethernet(bytes(4) + b"\x08\x00" + ip(), 0x8926),
        tagged(0x88A8, struct.pack("!HH", 7, 0x0800) + ip(), 0x8100),
    ],
    ids=["PPPoE", "MPLS", "virtual port", "two tags"],
)
def test_a_frame_that_is_cut_before_ip_is_told(frame):
    for length in range(14, len(frame) - 40):
        segments, problems = decode_all((frame[:length], len(frame), 1, 0))
        assert len(segments) == 0
        assert [problem.kind for problem in problems] == ["cut"]
