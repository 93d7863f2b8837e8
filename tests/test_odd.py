"""Fragments put together, aggregated frames taken apart, compressed payloads: packet by packet."""

from __future__ import annotations

import itertools
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import (
    IPV6,
    RAW,
    WHOLE,
    decode,
    decode_all,
    ethernet,
    finds_tcp,
    fragments,
    fragments6,
    ip,
    ip6,
    tcp,
    the_segment,
    udp,
)

from pcapstate.kernels import INTERPRETED
from pcapstate.parser import odd
from pcapstate.parser.links import LLC, NOTHING, PROTOCOL, TCP, Cursor
from pcapstate.parser.odd import Fragments, Start, Waiting, inflated, subframes
from pcapstate.schema import Record, Segment

SECOND = 1_000_000_000


@pytest.mark.parametrize("make", [fragments, fragments6])
@pytest.mark.parametrize("size", [8, 16, 24, 200, 616])
def test_fragments_are_put_together_at_the_last_of_them(make, size):
    parts = make(WHOLE, size)
    segment = the_segment(*parts, link=RAW)
    assert (segment["seq"], segment["length"], segment["captured"]) == (1000, 600, 600)
    assert segment["frame"] == len(parts)


@pytest.mark.parametrize("make", [fragments, fragments6])
def test_in_any_order(make):
    for order in itertools.permutations(make(WHOLE, 208)):
        segment = the_segment(*order, link=RAW)
        assert (segment["frame"], segment["length"]) == (3, 600)


def test_the_frame_and_the_time_are_those_of_the_fragment_that_completes():
    first, second = fragments(WHOLE, 400)
    segments = decode((first, 420, RAW, 5), (ip(tcp(seq=7)), 40, RAW, 6), (second, 240, RAW, 1_000_005))
    assert segments["frame"].tolist() == [2, 3]
    assert segments["time"].tolist() == [6, 1_000_005]


def test_a_fragment_that_comes_twice():
    first, second = fragments(WHOLE, 400)
    assert the_segment(first, first, second, link=RAW)["frame"] == 3


def test_of_octets_that_are_there_twice_the_first_count():
    overlapping = fragments(bytes(tcp(b"a" * 28)), 24)
    forged = fragments(bytes(tcp(b"b" * 28, seq=9)), 24)
    segment = the_segment(overlapping[0], forged[0], overlapping[1], link=RAW)
    assert segment["seq"] == 1000


def test_different_datagrams_are_kept_apart():
    """Identification, protocol and addresses make the difference; here one of them each time."""
    first, second = fragments(WHOLE, 400)
    for _, other in (
        fragments(WHOLE, 400, identity=8),
        fragments(WHOLE, 400, protocol=17),
        fragments(WHOLE, 400, source=3),
    ):
        segments, problems = decode_all(first, other, link=RAW)
        assert len(segments) == 0
        assert [problem.kind for problem in problems] == ["fragments", "fragments"]
    assert len(decode(first, fragments(WHOLE, 400, identity=8)[0], second, link=RAW)) == 1


def test_two_datagrams_between_each_other():
    a = fragments(WHOLE, 400, identity=1)
    b = fragments6(WHOLE, 400, identity=1)
    segments = decode(a[0], b[1], b[0], a[1], link=RAW)
    assert segments["frame"].tolist() == [3, 4]
    assert segments["version"].tolist() == [6, 4]


def test_the_rest_that_never_comes_is_told():
    segments, problems = decode_all(fragments(WHOLE, 400)[0], ip(), link=RAW)
    assert segments["frame"].tolist() == [2]
    (problem,) = problems
    assert (problem.kind, problem.frame) == ("fragments", 1)


def test_fragments_that_the_file_holds_in_part_keep_their_lengths():
    first, second = fragments(WHOLE, 400)
    segment = the_segment((first[:100], len(first), RAW, 0), (second[:60], len(second), RAW, 1))
    assert (segment["length"], segment["captured"], segment["frame"]) == (600, 60, 2)


def test_fragments_in_ethernet_with_padding():
    first, second = fragments(bytes(tcp(b"x" * 12)), 24)
    segment = the_segment(ethernet(first) + bytes(2), ethernet(second) + bytes(18))
    assert (segment["length"], segment["captured"]) == (12, 12)


def test_fragments_of_a_tunnel():
    outer = fragments(ip(tcp(bytes(600))), 400, protocol=4)
    assert the_segment(*outer, link=RAW)["length"] == 600
    datagram = udp(b"\x08" + bytes(7) + ethernet(ip(tcp(bytes(600)))), 4789)[20:]
    assert the_segment(*fragments(datagram, 400, protocol=17), link=RAW)["length"] == 600


def test_fragments_in_fragments():
    inner = fragments(WHOLE, 304)
    outer = [
        part for number, packet in enumerate(inner) for part in fragments(packet, 160, identity=number, protocol=4)
    ]
    assert the_segment(*outer, link=RAW)["length"] == 600


def test_fragments_of_what_holds_no_tcp_do_not_wait():
    segments, problems = decode_all(*fragments(bytes(600), 400, protocol=1)[:1], link=RAW)
    assert len(segments) == 0
    assert problems == []


def test_fragments_behind_extension_headers():
    first, second = fragments6(WHOLE, 400)
    wrapped = [ip6(bytes([44, 0, 1, 4, 0, 0, 0, 0]) + packet[40:], 60) for packet in (first, second)]
    assert the_segment(*wrapped, link=RAW)["length"] == 600


# --- how long, and how much ------------------------------------------------------------------------------------


def here(octets, layer=0):
    return Start(octets, 0, len(octets), len(octets), layer)


def row(kind, **fields):
    made = kind.object()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def add(waiting, packet, *, time=0, frame=1):
    return waiting.add(
        here(packet), row(Segment, version=4, src3=packet[15], dst3=2), row(Record, time=time, frame=frame)
    )


def test_patience_ends():
    waiting = Fragments()
    first, second = fragments(WHOLE, 400)
    assert add(waiting, first, time=0, frame=1) is None
    assert add(waiting, second, time=61 * SECOND, frame=2) is None
    assert [record.frame for record in waiting.give_up(everything=False)] == [1]
    assert [record.frame for record in waiting.give_up(everything=True)] == [2]
    assert list(waiting.give_up(everything=True)) == []


def test_patience_does_not_end_within_a_minute():
    waiting = Fragments()
    first, second = fragments(WHOLE, 400)
    assert add(waiting, first) is None
    joined = add(waiting, second, time=60 * SECOND)
    assert (joined.octets, joined.layer, joined.limit) == (WHOLE, TCP, len(WHOLE))


def test_too_many_datagrams_push_the_oldest_out(monkeypatch):
    monkeypatch.setattr(odd, "MOST_WAITING", 3)
    waiting = Fragments()
    for identity in range(5):
        add(waiting, fragments(WHOLE, 400, identity=identity)[0], frame=identity)
    assert [record.frame for record in waiting.give_up(everything=False)] == [0, 1]
    assert [record.frame for record in waiting.give_up(everything=True)] == [2, 3, 4]


def test_too_many_octets_push_the_oldest_out(monkeypatch):
    monkeypatch.setattr(odd, "MOST_OCTETS", 1000)
    waiting = Fragments()
    for identity in range(5):
        add(waiting, fragments(WHOLE, 400, identity=identity)[0], frame=identity)
    assert [record.frame for record in waiting.give_up(everything=False)] == [0, 1]


def test_a_fragment_without_octets_is_passed_over():
    waiting = Fragments()
    assert add(waiting, fragments(WHOLE, 400)[0][:20]) is None
    assert list(waiting.give_up(everything=True)) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4)), max_size=12))
def test_pieces_make_a_whole_when_they_cover_it(places):
    """Against the plain definition: a set of octets."""
    waiting = Waiting(None, 6, size=6)
    covered = set()
    text = b"abcdefghij"
    for offset, length in places:
        if offset not in waiting.pieces:
            covered |= set(range(offset, offset + length))
        waiting.add(offset, length, text[offset : offset + length])
    assert waiting.whole() == (covered >= set(range(6)))
    if waiting.whole():
        assert waiting.octets() == b"abcdef"


# --- aggregated frames, compressed payloads --------------------------------------------------------------------


def subframe(payload):
    return bytes(12) + struct.pack("!H", len(payload)) + payload


def test_subframes():
    octets = subframe(b"abcde") + b"\0" + subframe(b"xy")
    starts = subframes(here(octets))
    assert [(start.at, start.end, start.limit, start.layer) for start in starts] == [
        (14, 19, 19, LLC),
        (34, 36, 36, LLC),
    ]


def test_subframes_that_are_cut_or_empty():
    assert subframes(here(bytes(13))) == []
    assert [start.layer for start in subframes(here(subframe(b"")))] == [NOTHING]
    (start,) = subframes(here(subframe(bytes(100))[:50]))
    assert (start.end, start.limit) == (50, 114)


def compressed(octets, following=4, algorithm=2):
    squeeze = zlib.compressobj(wbits=-15)
    return struct.pack("!BBH", following, 0, algorithm) + squeeze.compress(octets) + squeeze.flush()


def test_a_compressed_payload():
    assert finds_tcp(ip(compressed(ip()), p=108), RAW)
    assert finds_tcp(ip(compressed(bytes(tcp()), 6, 0x1234), p=108), RAW)
    assert finds_tcp(ethernet(ip6(compressed(ip6(), 41), 108), IPV6))


def test_a_compressed_payload_that_cannot_be_read():
    packet = ip(compressed(ip()), p=108)
    assert len(decode((packet[:-3], len(packet), RAW, 0), ip(b"\4\0\0\2" + b"\xff" * 9, p=108), ip(b"\4", p=108))) == 0


def test_a_payload_does_not_blow_up():
    bomb = compressed(bytes(10_000_000))
    (start,) = inflated(here(bomb))
    assert len(start.octets) == 65_535
    assert start.layer == PROTOCOL + 4


def test_a_start_is_what_its_cursor_was():
    cursor = INTERPRETED.table(Cursor, 1)[0]
    cursor.at, cursor.end, cursor.limit, cursor.wire, cursor.layer = 110, 150, 160, 170, TCP
    start = Start.of(b"x" * 50, cursor, 100)
    assert start == Start(b"x" * 50, 10, 50, 60, TCP, 70)
    start.set(cursor)
    assert (cursor.at, cursor.end, cursor.limit, cursor.wire, cursor.layer) == (10, 50, 60, 70, TCP)
    Start(b"", 1, 2, 3, TCP).set(cursor)
    assert cursor.wire == 3
