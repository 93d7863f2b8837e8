"""pcapng block by block, at both speeds; time stamps of every resolution against exact arithmetic."""

from __future__ import annotations

import struct

import pytest
from containers_made import (
    block,
    enhanced,
    exact_nanoseconds,
    interface,
    old_packet,
    option,
    resolution,
    section,
    simple,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.pcapng import (
    LARGEST_BLOCK,
    Unreadable,
    check_section,
    nanoseconds,
    read_interface,
    section_length,
    walk_pcapng,
)
from pcapstate.parser.regions import row
from pcapstate.parser.walk import (
    HEADER,
    LATEST,
    LENGTHS_DIFFER,
    LONG_BLOCK,
    LONG_PACKET,
    MORE,
    NO_INTERFACE,
    OVER_BLOCK,
    RECORD,
    SHORT_BLOCK,
    STRANGER,
    Interface,
    Walk,
)
from pcapstate.schema import Record

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
ORDERS = pytest.mark.parametrize("order", ["<", ">"])


ONE_INTERFACE = (interface(),)


class Walked:
    """Blocks in memory under way in a section with the given interfaces."""

    def __init__(self, data: bytes, speed, interfaces=ONE_INTERFACE, order: str = "<") -> None:
        self.walks, self.records = speed.table(Walk, 1), speed.table(Record, 1)
        self.w, self.record = row(self.walks, 0), row(self.records, 0)
        # A section of another file comes first in the table.
        self.interfaces = speed.table(Interface, 3 + len(interfaces))
        for place, described in enumerate(interfaces, start=3):
            Interface.copy(row(self.interfaces, place), read_interface(described, big=order == ">"))
        self.w.big, self.w.end = int(order == ">"), len(data)
        self.w.interfaces_at, self.w.interfaces = 3, len(interfaces)
        self._octets = speed.octets(data)
        self._run = speed.of(walk_pcapng)

    def step(self) -> int:
        self._run(self._octets, self.walks[0], self.interfaces, self.records, 0, 1)
        return int(self.w.stop)

    def found(self) -> tuple[int, ...]:
        r = self.record
        return tuple(int(n) for n in (r.file_frame, r.time, r.offset, r.captured, r.wire, r.link))


# --- packets -----------------------------------------------------------------------------------------------------


@BOTH
@ORDERS
def test_an_enhanced_packet(speed, order):
    data = enhanced(bytes(61), stamp=1_700_000_000_123_456, wire=99, order=order)
    walked = Walked(data, speed, [interface(113, order=order)], order)
    assert walked.step() == RECORD
    assert walked.found() == (1, 1_700_000_000_123_456_000, 28, 61, 99, 113)
    assert walked.w.position == len(data)
    assert walked.step() == MORE


@BOTH
@ORDERS
def test_an_obsolete_packet_has_a_short_interface_number(speed, order):
    described = [interface(1, order=order), interface(101, order=order)]
    walked = Walked(old_packet(at=1, stamp=5, order=order), speed, described, order)
    assert walked.step() == RECORD
    assert walked.found() == (1, 5000, 28, 60, 60, 101)


@BOTH
@ORDERS
def test_a_simple_packet_belongs_to_the_first_interface_and_has_no_time(speed, order):
    described = [interface(101, order=order), interface(1, order=order)]
    data = enhanced(at=1, stamp=7, order=order) + simple(order=order) + simple(order=order)
    walked = Walked(data, speed, described, order)
    assert [walked.step(), walked.step()] == [RECORD, RECORD]
    assert walked.found() == (2, 7000, len(enhanced()) + 12, 60, 60, 101)
    assert walked.step() == RECORD
    assert (walked.w.untimed, walked.w.frame) == (2, 3)


@BOTH
def test_the_snap_length_cuts_simple_packets(speed):
    walked = Walked(simple(bytes(40), wire=60), speed, [interface(snaplen=40)])
    assert walked.step() == RECORD
    assert walked.found()[3:5] == (40, 60)


@BOTH
def test_every_interface_has_its_link_type_and_its_clock(speed):
    described = [interface(1), interface(101, options=resolution(9)), interface(113, options=resolution(0x80 | 10))]
    walked = Walked(b"".join(enhanced(at=at, stamp=2048) for at in (2, 0, 1)), speed, described)
    found = []
    while walked.step() == RECORD:
        found.append((walked.record.link, walked.record.time))
    assert found == [(113, 2 * 10**9), (1, 2_048_000), (101, 2048)]


@BOTH
def test_unknown_blocks_are_stepped_over(speed):
    strangers = b"".join(block(kind, bytes(n)) for kind, n in ((4, 8), (5, 0), (10, 100), (0x80000001, 4)))
    walked = Walked(strangers + enhanced(), speed)
    assert walked.step() == RECORD
    assert walked.found()[0] == 1


@BOTH
@pytest.mark.parametrize("kind", [9, 0xBAD, 0x40000BAD, 0x204, 0x216, 0x221])
def test_some_blocks_are_numbered_though_they_are_no_packets(speed, kind):
    walked = Walked(block(kind, bytes(8)) + enhanced(), speed)
    assert walked.step() == RECORD
    assert walked.found()[0] == 2


@BOTH
def test_a_length_that_is_no_multiple_of_four_is_padded(speed):
    walked = Walked(block(0x77, bytes(8), length=17) + enhanced(), speed)
    assert walked.step() == RECORD


@BOTH
def test_the_walk_stops_at_sections_and_interfaces(speed):
    for header in (section(), section(">"), interface()):
        walked = Walked(enhanced() + header + enhanced(), speed)
        assert [walked.step(), walked.step()] == [RECORD, HEADER]
        assert walked.w.position == len(enhanced())


@BOTH
@pytest.mark.parametrize("kept", [0, 4, 11, 12, 31, 91])
def test_a_cut_block_asks_for_the_rest(speed, kept):
    walked = Walked(enhanced()[:kept], speed)
    assert walked.step() == MORE
    assert walked.w.need == (12 if kept < 12 else 92)
    assert (walked.w.position, walked.w.frame) == (0, 0)


DAMAGED = {
    "shorter than a block": (block(0x77, length=11), SHORT_BLOCK, 11),
    "packet block too short": (block(6, bytes(16)), SHORT_BLOCK, 28),
    "simple block too short": (block(3), SHORT_BLOCK, 12),
    "packet block too long": (block(6, bytes(40), length=LARGEST_BLOCK + 4), LONG_BLOCK, LARGEST_BLOCK + 4),
    "interface too long": (block(1, bytes(40), length=2**32 - 1), LONG_BLOCK, 2**32 - 1),
    "two lengths": (block(6, bytes(80), again=77), LENGTHS_DIFFER, 77),
    "unknown interface": (enhanced(at=1), NO_INTERFACE, 1),
    "unknown interface, old": (old_packet(at=5), NO_INTERFACE, 5),
    "more than the block holds": (enhanced(captured=61), OVER_BLOCK, 61),
    "simple, more than the block holds": (simple(wire=64), OVER_BLOCK, 64),
    "more than any packet": (enhanced(captured=262_145), LONG_PACKET, 262_145),
    "simple, more than any packet": (simple(wire=262_145), LONG_PACKET, 262_145),
}


@BOTH
@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named_and_not_passed(speed, name):
    data, stop, value = DAMAGED[name]
    walked = Walked(enhanced() + data + bytes(200), speed)
    assert [walked.step(), walked.step()] == [RECORD, stop]
    assert walked.w.value == value
    assert walked.w.position == len(enhanced())


@BOTH
def test_packets_without_any_interface_are_damage(speed):
    for data in (simple(), enhanced()):
        assert Walked(data, speed, []).step() == NO_INTERFACE


@BOTH
def test_a_large_stranger_is_for_others_to_pass_over(speed):
    walked = Walked(block(0x77, bytes(40), length=LARGEST_BLOCK + 1), speed)
    assert walked.step() == STRANGER
    assert walked.w.need == LARGEST_BLOCK + 4


# --- time --------------------------------------------------------------------------------------------------------


def stamped(stamp: int, code: int, speed, offset: int = 0) -> int:
    options = resolution(code) + option(14, struct.pack("<q", offset))
    table = speed.table(Interface, 1)
    Interface.copy(row(table, 0), read_interface(interface(options=options), big=False))
    return int(speed.of(nanoseconds)(stamp >> 32, stamp & 0xFFFFFFFF, table[0]))


@BOTH
@settings(deadline=None)
@given(stamp=st.integers(0, 2**64 - 1), code=st.integers(0, 27) | st.integers(128, 255))
def test_every_resolution_is_exact(speed, stamp, code):
    # What is too late is not told to the nanosecond; 10**-19 and finer begin to count beyond 2**63 in 1970.
    exact = exact_nanoseconds(stamp & (2**63 - 1) if 18 < code < 128 else stamp, code)
    got = stamped(stamp, code, speed)
    if got == LATEST:
        assert exact > LATEST - 2 * 10**9
    else:
        assert got == exact


@BOTH
@pytest.mark.parametrize("code", [128, 128 + 20, 128 + 31, 0, 3, 9])
def test_what_is_later_than_63_bits_tell_is_the_latest(speed, code):
    assert stamped(2**64 - 1, code, speed) == LATEST


@BOTH
@pytest.mark.parametrize("code", [28, 40, 100, 127])
def test_what_is_finer_than_time_stamps_reach_is_the_beginning_of_1970(speed, code):
    assert stamped(2**64 - 1, code, speed) in (0, 1)


@BOTH
@pytest.mark.parametrize("seconds", [3600, -3600, 10**9, -(10**9)])
def test_the_offset_is_added(speed, seconds):
    assert stamped(1_000_000, 6, speed, seconds) == (1 + seconds) * 10**9


@BOTH
@pytest.mark.parametrize(("offset", "limit"), [(2**62, LATEST), (-(2**63), -LATEST)])
def test_times_stay_where_differences_fit_in_63_bits(speed, offset, limit):
    assert abs(stamped(1_000_000, 6, speed, offset) - limit) <= 10**9


@BOTH
def test_the_first_unlikely_time_is_remembered(speed):
    walked = Walked(enhanced() + enhanced(stamp=2**64 - 1) * 2, speed)
    while walked.step() == RECORD:
        pass
    assert (walked.w.unlikely, walked.record.time) == (2, LATEST)


# --- sections and interfaces -------------------------------------------------------------------------------------


@ORDERS
def test_a_section_tells_its_byte_order_and_length(order):
    made = section(order, options=option(2, b"an hour ago", order))
    big, length = section_length(made[:12])
    assert (big, length) == (order == ">", len(made))
    check_section(made, big=big)


@pytest.mark.parametrize("version", [(1, 0), (1, 2)])
def test_known_versions_of_the_format(version):
    check_section(section(version=version), big=False)


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (section(version=(2, 0)), r"version 2\.0"),
        (section(version=(1, 1)), r"version 1\.1"),
        (section()[:-4] + bytes(4), "lengths differ"),
    ],
)
def test_sections_that_cannot_be_read(made, word):
    with pytest.raises(Unreadable, match=word):
        check_section(made, big=False)


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (section()[:8] + b"\x1a\x2b\x3c\x4e", "byte order"),
        (block(0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D), length=24)[:12], "24 octets"),
        (block(0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D), length=2**32 - 1)[:12], "4294967295 octets"),
    ],
)
def test_sections_of_which_not_even_the_length_is_known(head, word):
    with pytest.raises(Unreadable, match=word):
        section_length(head)


@ORDERS
def test_an_interface_without_options_counts_microseconds(order):
    made = read_interface(interface(113, 96, order=order), big=order == ">")
    assert (made.link, made.snaplen, made.bound, made.offset) == (113, 96, 262_144, 0)
    assert made.factor == 1000


@pytest.mark.parametrize(
    "options",
    [
        option(9, b"\x09\x09"),  # a wrong length
        option(14, b"\x01"),
        struct.pack("<HH", 9, 100) + b"\x09\0\0\0",  # runs past the block
        option(0, b"") + resolution(9),  # after the end of the list
        b"\x09",
    ],
)
def test_options_that_contradict_themselves_are_left_out(options):
    made = read_interface(interface(options=options), big=False)
    assert (made.factor, made.offset) == (1000, 0)


def test_other_options_are_passed_by():
    options = option(2, b"eth0") + option(3, b"odd length") + resolution(3)
    assert read_interface(interface(options=options), big=False).factor == 1_000_000


def test_an_interface_that_is_too_short_cannot_be_read():
    with pytest.raises(Unreadable, match="16 octets"):
        read_interface(block(1, bytes(4)), big=False)
