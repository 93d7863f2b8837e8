"""The decoder: chunks, the passage from one speed to the other, problems, and whatever octets there may be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packets import GRE, IPV6, RAW, WHOLE, decode_all, ethernet, fragments, fragments6, ip, ip6, run, table, tcp, udp

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser import decode as decoding
from pcapstate.parser.decode import MOST_REPORTS, Decoder
from pcapstate.parser.links import LINK_NAMES
from pcapstate.schema import Segment

SPEEDS = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
VXLAN = udp(b"\x08" + bytes(7) + ethernet(), 4789)


# --- chunks ----------------------------------------------------------------------------------------------------


@SPEEDS
def test_a_chunk_gives_a_table_that_the_next_one_uses_again(speed):
    decoder = Decoder()
    octets, records = table([ethernet(), ethernet(bytes(28), 0x0806), ethernet()], speed)
    first, made = decoder.chunk(octets, records, 3, speed)
    assert made == 2
    assert [int(number) for number in speed.array(Segment, first, made)["frame"]] == [1, 3]
    second, made = decoder.chunk(octets, records, 1, speed)
    assert made == 1
    assert second is first
    assert decoder.problems == []


@SPEEDS
def test_no_packets(speed):
    octets, records = table([], speed)
    assert Decoder().chunk(octets, records, 0, speed)[1] == 0


@SPEEDS
def test_only_the_first_records_count(speed):
    octets, records = table([ethernet()] * 5, speed)
    assert Decoder().chunk(octets, records, 3, speed)[1] == 3


MIXED = [
    ethernet(),
    ethernet(fragments(WHOLE, 400)[0]),
    ethernet(VXLAN),
    ethernet(ip6(tcp(b"data")), IPV6),
    ethernet(fragments6(WHOLE, 400)[1], IPV6),
    ethernet(fragments(WHOLE, 400)[1]),
    (ethernet(ip(tcp(bytes(500))))[:60], 554, 1, 7),
    ethernet(fragments6(WHOLE, 400)[0], IPV6),
    ethernet(ip(fragments(WHOLE, 400, identity=9)[0], p=4)),
]


@SPEEDS
@pytest.mark.parametrize("chunk", [1, 2, 3, 5])
def test_where_a_chunk_ends_does_not_matter(speed, chunk):
    assert run(MIXED, speed, chunk=chunk) == run(MIXED, speed)


@pytest.mark.parametrize("passage", range(len(MIXED) + 1))
def test_the_passage_from_interpreted_to_compiled(passage):
    """Fragments wait across it, and what was counted stays counted."""
    decoder = Decoder()
    rows = []
    for speed, packets in ((INTERPRETED, slice(0, passage)), (COMPILED, slice(passage, None))):
        octets, records = table(MIXED, speed)
        part = records[packets]
        segments, made = decoder.chunk(octets, part, len(part), speed)
        rows += speed.array(Segment, segments, made).tolist()
    decoder.finish()
    assert (rows, decoder.problems) == run(MIXED, INTERPRETED)


def test_aggregated_frames_may_be_more_segments_than_packets():
    inner = b"\xaa\xaa\x03\0\0\0\x08\0" + ip()
    body = (bytes(12) + len(inner).to_bytes(2, "big") + inner + bytes(2)) * 6
    frame = b"\x88\x01" + bytes(22) + b"\x80\0" + body
    segments, _ = decode_all(frame, (ip(), 40, RAW, 9), frame, link=105)
    assert segments["frame"].tolist() == [1] * 6 + [2] + [3] * 6


# --- rare layers -----------------------------------------------------------------------------------------------


def test_many_rare_packets_are_worth_compiling_for(monkeypatch):
    monkeypatch.setattr(decoding, "MANY_RARE", 3)
    used = []
    decoder = Decoder()
    choose = decoder._kernel
    monkeypatch.setattr(decoder, "_kernel", lambda speed: used.append(choose(speed)) or used[-1])
    octets, records = table([ethernet(VXLAN)] * 2, COMPILED)
    counts = [decoder.chunk(octets, records, 2, COMPILED)[1] for _ in range(4)]
    assert counts == [2, 2, 2, 2]
    assert used == [decoding.decode, decoding.decode, decoding.decode_everywhere, decoding.decode_everywhere]


def test_interpreted_there_is_nothing_to_compile():
    assert Decoder()._kernel(INTERPRETED) is decoding.decode_everywhere


# --- problems --------------------------------------------------------------------------------------------------


@SPEEDS
@pytest.mark.parametrize("wrong", [ethernet()[:40], ethernet(b"\x4f" + ip()[1:]), ethernet(VXLAN[:70])])
def test_of_many_problems_of_a_kind_the_first_are_told_and_the_rest_counted(speed, wrong):
    decoder = Decoder()
    octets, records = table([wrong] * 130, speed)
    assert decoder.chunk(octets, records, 130, speed)[1] == 0
    assert [problem.frame for problem in decoder.problems] == list(range(1, MOST_REPORTS + 1))
    decoder.finish()
    last = decoder.problems[-1]
    assert len(decoder.problems) == MOST_REPORTS + 1
    assert (last.frame, last.kind, last.text[:18]) == (0, decoder.problems[0].kind, "30 more like this:")


@SPEEDS
def test_many_incomplete_packets(speed):
    packets = [fragments(WHOLE, 400, identity=number)[0] for number in range(MOST_REPORTS + 5)]
    _, problems = run(packets, speed, RAW)
    assert [problem.kind for problem in problems] == ["fragments"] * (MOST_REPORTS + 1)
    assert problems[-1].text.startswith("5 more")


def test_the_caller_may_take_the_problems_away():
    decoder = Decoder()
    octets, records = table([ethernet()[:40]], INTERPRETED)
    for _ in range(2):
        decoder.chunk(octets, records, 1, INTERPRETED)
        assert [problem.kind for problem in decoder.problems] == ["cut"]
        decoder.problems.clear()


# --- whatever octets there may be ------------------------------------------------------------------------------

LINKS = st.sampled_from([*LINK_NAMES, 2, 150, 277])
REAL = [
    *(packet if isinstance(packet, bytes) else packet[0] for packet in MIXED),
    ethernet(b"\0\7\x08\0" + ip(tcp(opts=bytes.fromhex("020405b40402080a000000010000000201030307"))), 0x8100),
    ethernet(b"\x11\0\0\1\0\x2a\0\x21" + ip(), 0x8864),
    ethernet(bytes.fromhex("00010140") + ip(), 0x8847),
    ethernet(ip(b"\xb0\0\x65\x58" + bytes(12) + ethernet(), p=GRE)),
    ethernet(udp(b"\x34\xff\0\x30" + bytes(4) + b"\0\0\0\x85\1\0\x09\0" + ip(), 2152)),
    ethernet(udp(b"\0\1\2\3" + bytes(14) + ip6(), 3544)),
    ethernet(udp(b"\x42\2" + bytes(4) + b"\0\3\0\0\0\0\x21" + ip(), 1701)),
    ethernet(udp(b"\2\0\x08\0" + bytes(12) + ip(), 6081)),
    ethernet(ip6(bytes([43, 0, 0xC2, 4, 0, 0, 0, 99, 6, 2, 4, 1, 0, 0, 0, 0]) + bytes(16) + bytes(tcp()), 0, 0), IPV6),
    ethernet(ip(b"\4\0\0\2" + bytes(40), p=108)),
    b"\0\0\x10\0\3\0\0\x80"
    + bytes(8)
    + b"\x20\0\0\0"
    + b"\x88\1"
    + bytes(22)
    + b"\0\0\0\0\xaa\xaa\3\0\0\0\x08\0"
    + ip(),
    b"\2\0\0\0\x2c\0\x09\0" + ip(),
]
"""One packet of nearly every kind that there is a kernel for."""

WIRES = st.integers(0, 1 << 33)


@st.composite
def damaged(draw):
    """A real packet with some octets changed, some left out, and a length on the wire that may lie."""
    octets = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(0, 6))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        octets = octets[: draw(st.integers(0, len(octets)))]
    link = draw(st.one_of(st.just(1), LINKS))
    return bytes(octets), draw(st.one_of(st.just(len(octets)), WIRES)), link, draw(st.integers(0, 1 << 62))


ANYTHING = st.tuples(st.binary(max_size=120), WIRES, LINKS, st.integers(0, 1 << 62))
EXAMPLES = int(os.environ.get("PCAPSTATE_FUZZ", "150"))


@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(damaged(), damaged(), ANYTHING), min_size=1, max_size=12))
def test_any_octets_give_the_same_at_both_speeds(packets):
    segments, _ = decode_all(*packets)
    for name in Segment.fields[: Segment.fields.index("flow")]:
        assert (segments[name] >= -1).all()
    assert (segments["captured"] <= segments["length"]).all()
    assert (segments["flags"] <= 0xFFF).all()
    for name in ("seq", "ack", "tsval", "tsecr", "sack_left0", "sack_right3", "src0", "dst3"):
        assert (segments[name] <= 0xFFFFFFFF).all()


@pytest.mark.slow
def test_no_kernel_reads_past_its_octets(tmp_path):
    """The same again with numba's checks of bounds, which are off otherwise; compiled anew, for the cache has none."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "XDG_CACHE_HOME": str(tmp_path), "PCAPSTATE_FUZZ": "400"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "any_octets"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
