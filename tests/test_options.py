"""TCP options, in order and out of it: a list is read up to its first fault, and no fault breaks the segment."""

from __future__ import annotations

import struct

import pytest
from packets import decode, ethernet, finds_tcp, ip, tcp, the_segment

from pcapstate.schema import SYN

MSS = struct.pack("!BBH", 2, 4, 1460)
SCALE = bytes([3, 3, 7])
PERMITTED = bytes([4, 2])
TIMESTAMPS = struct.pack("!BBII", 8, 10, 0x89ABCDEF, 5)
NOP, END = b"\1", b"\0"
ABSENT = {"mss": -1, "window_scale": -1, "sack_permitted": 0, "tsval": -1, "tsecr": -1, "fast_open": -1, "sacks": 0}
EDGES = [f"sack_{edge}{number}" for number in range(4) for edge in ("left", "right")]


def options(octets, **fields):
    """What is read of options: the fields that are not as if there were none."""
    segment = the_segment(ethernet(ip(tcp(b"data", opts=octets, **fields))))
    assert (segment["seq"], segment["length"], segment["captured"]) == (1000, 4, 4)
    found = {name: int(segment[name]) for name in (*ABSENT, *EDGES)}
    return {name: value for name, value in found.items() if value != ABSENT.get(name, -1)}


def sack(*edges):
    return bytes([5, 2 + 4 * len(edges)]) + struct.pack(f"!{len(edges)}I", *edges)


def test_none():
    assert options(b"") == {}


def test_those_of_a_syn():
    assert options(MSS + PERMITTED + TIMESTAMPS + NOP + SCALE, flags=SYN) == {
        "mss": 1460,
        "sack_permitted": 1,
        "tsval": 0x89ABCDEF,
        "tsecr": 5,
        "window_scale": 7,
    }


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_sack_blocks(blocks):
    edges = [0xFFFFFF00 + 10 * number & 0xFFFFFFFF for number in range(2 * blocks)]
    assert options(NOP + NOP + sack(*edges)) == {"sacks": blocks, **dict(zip(EDGES, edges, strict=False))}


def test_the_first_block_of_a_segment_does_not_stay_for_the_next():
    """Rows are used again; what the last segment had must not shine through."""
    both = ethernet(ip(tcp(opts=NOP + NOP + sack(1, 2, 3, 4)))), ethernet(ip(tcp()))
    first, second = decode(*both)
    assert (first["sacks"], first["sack_right1"]) == (2, 4)
    assert (second["sacks"], second["sack_left0"], second["sack_right1"]) == (0, -1, -1)


@pytest.mark.parametrize(
    ("octets", "length"),
    [
        (bytes([34, 2]), 0),
        (bytes([34, 10]) + bytes(8), 8),
        (bytes([254, 4, 0xF9, 0x89]), 0),
        (bytes([254, 12, 0xF9, 0x89]) + bytes(8), 8),
        (bytes([253, 8, 0xF9, 0x89]) + bytes(4), 4),
    ],
    ids=["request", "cookie", "experimental request", "experimental cookie", "the other experiment"],
)
def test_fast_open(octets, length):
    assert options(MSS + octets, flags=SYN) == {"mss": 1460, "fast_open": length}


def test_other_experiments_and_unknown_options_are_stepped_over():
    assert options(bytes([254, 4, 0xE2, 0xD4]) + bytes([253, 2]) + bytes([30, 4, 0, 0]) + MSS) == {"mss": 1460}


def test_the_scale_is_as_sent_though_above_14():
    assert options(bytes([3, 3, 200])) == {"window_scale": 200}


def test_the_end_of_the_list_is_its_end():
    assert options(PERMITTED + END + MSS) == {"sack_permitted": 1}


def test_of_two_the_last_counts():
    assert options(MSS + struct.pack("!BBH", 2, 4, 536)) == {"mss": 536}


@pytest.mark.parametrize(
    "octets",
    [
        bytes([2, 3, 9]),
        bytes([3, 4, 9, 9]),
        bytes([4, 3, 9]),
        bytes([8, 9]) + bytes(7),
        bytes([5, 2]),
        bytes([5, 8]) + bytes(6),
        bytes([5, 12]) + bytes(10),
        bytes([254, 3, 0xF9]),
    ],
    ids=["mss", "scale", "permitted", "timestamps", "no block", "most of a block", "a block and a bit", "half a magic"],
)
def test_a_length_that_is_not_the_option_s_own(octets):
    assert options(octets + MSS) == {"mss": 1460}


@pytest.mark.parametrize(
    "fault",
    [bytes([2, 0, 5, 5]), bytes([2, 1, 5, 5]), bytes([8, 40]) + bytes(2), bytes([5, 255, 0, 0])],
    ids=["length 0", "length 1", "longer than the header", "length 255"],
)
def test_a_fault_ends_the_list(fault):
    assert options(PERMITTED + NOP * 2 + fault + SCALE + NOP) == {"sack_permitted": 1}


def test_an_option_without_its_length_at_the_end():
    assert options(PERMITTED + NOP + bytes([2])) == {"sack_permitted": 1}


def test_a_full_header():
    assert options(TIMESTAMPS + NOP * 2 + sack(1, 2, 3, 4, 5, 6) + NOP * 2)["sacks"] == 3
    assert finds_tcp(ethernet(ip(tcp(opts=NOP * 40))))


def test_options_that_the_file_holds_in_part():
    frame = ethernet(ip(tcp(b"data", opts=MSS + TIMESTAMPS + NOP * 2)))
    cut = [the_segment((frame[:length], len(frame), 1, 0)) for length in range(14 + 20 + 20, len(frame) + 1)]
    assert [int(segment["mss"]) for segment in cut] == [-1] * 4 + [1460] * (len(cut) - 4)
    assert [int(segment["tsval"]) for segment in cut] == [-1] * 14 + [0x89ABCDEF] * (len(cut) - 14)
    assert {int(segment["length"]) for segment in cut} == {4}
    assert [int(segment["captured"]) for segment in cut[-5:]] == [0, 1, 2, 3, 4]
