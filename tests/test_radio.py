"""802.11 data frames, and the headers of monitoring radios."""

from __future__ import annotations

import struct

import pytest
from packets import decode, decode_all, finds_tcp, ip, ip6

WLAN, RADIOTAP, PPI = 105, 127, 192
SNAP4, SNAP6 = bytes.fromhex("aaaa030000000800"), bytes.fromhex("aaaa0300000086dd")
DATA, NO_DATA, QOS_DATA, QOS_NO_DATA, BEACON, ACKNOWLEDGEMENT = 0x08, 0x48, 0x88, 0xC8, 0x80, 0xD4
TO_ACCESS_POINT, FROM_ACCESS_POINT, MORE_FRAGMENTS, RETRY, PROTECTED, ORDER = 1, 2, 4, 8, 0x40, 0x80


def frame(control=DATA, flags=TO_ACCESS_POINT, *, fragment=0, quality=b"", body=SNAP4 + ip()):
    fourth = bytes(6) if flags & 3 == 3 else b""
    return bytes([control, flags]) + bytes(20) + struct.pack("<H", 0x1230 | fragment) + fourth + quality + body


def radiotap(present, fields, inner):
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), present) + fields + inner


@pytest.mark.parametrize("flags", [0, TO_ACCESS_POINT, FROM_ACCESS_POINT, 3, RETRY, MORE_FRAGMENTS])
def test_data(flags):
    assert finds_tcp(frame(flags=flags), WLAN)
    assert finds_tcp(frame(flags=flags, body=SNAP6 + ip6()), WLAN)


@pytest.mark.parametrize("flags", [TO_ACCESS_POINT, 3])
def test_data_with_quality_of_service(flags):
    assert finds_tcp(frame(QOS_DATA, flags, quality=b"\5\0"), WLAN)
    assert finds_tcp(frame(QOS_DATA, flags | ORDER, quality=b"\5\0" + bytes(4)), WLAN)


@pytest.mark.parametrize(
    "octets",
    [
        frame(BEACON),
        frame(NO_DATA),
        frame(QOS_NO_DATA, quality=b"\0\0"),
        frame(flags=PROTECTED),
        frame(fragment=1),
        bytes([ACKNOWLEDGEMENT, 0]) + bytes(8),
    ],
    ids=["beacon", "no data", "no data with quality", "encrypted", "later fragment", "acknowledgement"],
)
def test_what_is_no_data_in_clear_is_passed_over_in_silence(octets):
    segments, problems = decode_all(octets, link=WLAN)
    assert len(segments) == 0
    assert problems == []


def test_aggregated_frames_are_taken_apart():
    first, second = SNAP4 + ip(), SNAP6 + ip6()
    body = b""
    for inner in (first, second):
        body += bytes(-len(body) % 4) + bytes(12) + struct.pack("!H", len(inner)) + inner
    segments = decode(frame(QOS_DATA, quality=b"\x80\0", body=body), link=WLAN)
    assert segments["version"].tolist() == [4, 6]
    assert segments["frame"].tolist() == [1, 1]


def test_aggregated_frames_that_are_cut():
    inner = SNAP4 + ip()
    body = bytes(12) + struct.pack("!H", len(inner)) + inner
    whole = frame(QOS_DATA, quality=b"\x80\0", body=body + body)
    assert len(decode((whole[:-30], len(whole), WLAN, 0))) == 1


def test_radiotap_fields():
    assert finds_tcp(radiotap(0, b"", frame()), RADIOTAP)
    assert finds_tcp(radiotap(0x2, b"\x10\0", frame()), RADIOTAP)
    assert finds_tcp(radiotap(0x3, bytes(8) + b"\x10", frame()), RADIOTAP)


PADDED = frame(QOS_DATA, quality=b"\5\0", body=b"\0\0" + SNAP4 + ip())


def test_a_radio_that_pads_the_header_to_four_octets():
    assert finds_tcp(radiotap(0x2, b"\x20", PADDED), RADIOTAP)
    assert finds_tcp(radiotap(0x3, bytes(8) + b"\x20", PADDED), RADIOTAP)
    assert len(decode(radiotap(0x2, b"\x00", PADDED), link=RADIOTAP)) == 0


def test_the_flags_lie_behind_further_words_of_what_is_present():
    """Bit 31 says that another word follows, and the timestamp is aligned to eight octets after them."""
    fields = struct.pack("<I", 0) + bytes(4) + bytes(8) + b"\x20"
    without = struct.pack("<I", 0x80000000) + struct.pack("<I", 0) + b"\x20"
    assert finds_tcp(radiotap(0x80000003, fields[:4] + bytes(4) + fields[8:], PADDED), RADIOTAP)
    assert finds_tcp(radiotap(0x80000002, without, PADDED), RADIOTAP)


def test_ppi_says_which_link_follows():
    header = struct.pack("<BBHI", 0, 0, 8 + 12, WLAN) + bytes(12)
    assert finds_tcp(header + frame(), PPI)
    for link, kind in ((2, "link_type"), (0x12345678, "link_type")):
        segments, problems = decode_all(struct.pack("<BBHI", 0, 0, 8, link) + frame(), link=PPI)
        assert len(segments) == 0
        assert [problem.kind for problem in problems] == [kind]


def test_a_frame_that_is_cut_in_its_header_holds_nothing():
    whole = frame(QOS_DATA, 3, quality=b"\5\0")
    for length in range(len(whole) - 24):
        assert len(decode((whole[:length], len(whole), WLAN, 0))) == 0
