"""Which container a file is; the walk over one file and the merge of several, both speeds against plain Python."""

from __future__ import annotations

import heapq

import pytest
from containers_made import MAGIC_NS, block, enhanced, interface, pcap, record, section, snoop
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.containers import (
    LIMIT,
    LONGEST_HEADER,
    NONE,
    Merge,
    begin,
    could_begin,
    merge,
    recognise,
    walk,
)
from pcapstate.parser.pcapng import read_interface
from pcapstate.parser.regions import row
from pcapstate.parser.walk import BLOCKS, HEADER, MORE, PLAIN, RECORD, Interface, Walk
from pcapstate.schema import Record

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
FOREVER = 2**62


# --- what a file is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pcap(), "pcap us LE"),
        (pcap(order=">"), "pcap us BE"),
        (pcap(magic=MAGIC_NS), "pcap ns LE"),
        (pcap(magic=MAGIC_NS, order=">"), "pcap ns BE"),
        (pcap(magic=0xA1B2CD34), "pcap modified us LE"),
        (snoop(), "snoop"),
    ],
)
def test_plain_formats_are_recognised(data, words):
    assert recognise(data).words == words
    w = Walk.object()
    assert begin(recognise(data), data, w) == ""
    assert (w.format, w.position) == (PLAIN, len(data))


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_is_recognised_in_both_orders(order):
    assert recognise(section(order)[:LONGEST_HEADER]) == "pcapng"
    w = Walk.object()
    assert begin("pcapng", section(order), w) == ""
    assert (w.format, w.position) == (BLOCKS, 0)


@pytest.mark.parametrize(
    "data", [b"", bytes(24), b"hello, I am a text of 24", b"\n\r\r\n" + bytes(20), pcap()[1:] + b"x"]
)
def test_other_octets_are_no_capture(data):
    assert recognise(data) is None


@pytest.mark.parametrize("made", [pcap(), pcap(order=">"), section(), snoop()])
def test_every_cut_of_a_header_could_be_a_capture(made):
    assert all(could_begin(made[:n]) for n in range(min(len(made), 12)))


@pytest.mark.parametrize("data", [b"a", b"hello", bytes(24), b"\n\r\r\n" + bytes(8), b"snoopy"])
def test_other_short_files_could_not(data):
    assert not could_begin(data)


# --- one file ----------------------------------------------------------------------------------------------------


def prepared(files: list[bytes], speed):
    """Several files side by side in one buffer, each with its walk; pcapng ones behind section and interface."""
    walks, interfaces = speed.table(Walk, len(files)), speed.table(Interface, 1)
    Interface.copy(row(interfaces, 0), read_interface(interface(), big=False))
    place = 0
    for number, data in enumerate(files):
        w = row(walks, number)
        w.position, w.file, w.used, w.interfaces = place, number, 1, 1
        if data.startswith(section()[:4]):
            w.format, w.position = BLOCKS, place + len(section() + interface())
        else:
            begin(recognise(data[:24]), data[:24], w)
        place += len(data)
        w.end = place
    return speed.octets(b"".join(files)), walks, interfaces


def blocks(*stamps: int) -> bytes:
    return section() + interface() + b"".join(enhanced(stamp=stamp) for stamp in stamps)


@BOTH
@pytest.mark.parametrize("data", [pcap(*[record(bytes(n)) for n in range(7)]), blocks(*range(7))])
def test_a_walk_comes_back_when_the_room_is_full(speed, data):
    octets, walks, interfaces = prepared([data], speed)
    records = speed.table(Record, 3)
    row(walks, 0).file = 5
    frames, stops = [], []
    for _ in range(4):
        count = speed.of(walk)(octets, walks, 0, interfaces, records, 0, 3)
        frames += [int(row(records, i).frame) for i in range(count)]
        assert all(
            row(records, i).file == 5 and row(records, i).file_frame == row(records, i).frame for i in range(count)
        )
        stops.append(int(row(walks, 0).stop))
    assert frames == [1, 2, 3, 4, 5, 6, 7]
    assert stops == [RECORD, RECORD, MORE, MORE]


@BOTH
def test_a_walk_comes_back_at_an_interface(speed):
    octets, walks, interfaces = prepared([blocks(1, 2) + interface() + enhanced()], speed)
    assert speed.of(walk)(octets, walks, 0, interfaces, speed.table(Record, 9), 0, 9) == 2
    assert row(walks, 0).stop == HEADER


@BOTH
def test_a_walk_fills_the_rows_that_it_is_given_of_the_file_that_it_is_given(speed):
    octets, walks, interfaces = prepared([blocks(1), pcap(record(seconds=8), record(seconds=9)), blocks(3)], speed)
    records = speed.table(Record, 5)
    assert speed.of(walk)(octets, walks, 1, interfaces, records, 2, 5) == 4
    assert [int(row(records, i).time) // 10**9 for i in range(5)] == [0, 0, 8, 9, 0]
    assert {int(row(records, i).file) for i in (2, 3)} == {1}
    assert [int(row(walks, i).packets) for i in range(3)] == [0, 2, 0]
    assert row(walks, 1).first_time == 8_000_005_000


@BOTH
def test_the_first_time_is_that_of_a_packet(speed):
    data = section() + interface() + block(9) + enhanced(stamp=7) + enhanced(stamp=5)
    octets, walks, interfaces = prepared([data], speed)
    for _ in range(2):
        speed.of(walk)(octets, walks, 0, interfaces, speed.table(Record, 1), 0, 1)
    w = row(walks, 0)
    assert (w.first_time, w.time, w.frame, w.packets) == (7000, 5000, 3, 2)


# --- several files -----------------------------------------------------------------------------------------------


def merged(files: list[bytes], speed, room: int = 4, limit: int = FOREVER) -> list[tuple[int, int, int, int]]:
    """Frame, file, frame in the file, and time of every packet, until nothing more comes."""
    octets, walks, interfaces = prepared(files, speed)
    heads, records, plan = speed.table(Record, len(files)), speed.table(Record, room), speed.table(Merge, 1)
    order = speed.integers(len(files))
    row(plan, 0).limit = limit
    found, waiting = [], [*range(len(files))]
    for _ in range(1000):
        row(plan, 0).waiting = waiting.pop() if waiting else NONE
        count = speed.of(merge)(octets, walks, heads, order, interfaces, records, 0 if waiting else room, plan)
        for i in range(count):
            r = row(records, i)
            found.append((int(r.frame), int(r.file), int(r.file_frame), int(r.time)))
        stopped = int(row(plan, 0).stopped)
        if stopped == LIMIT or (stopped == NONE and not (count or waiting)):
            break
    assert row(plan, 0).stopped == (NONE if limit == FOREVER else LIMIT)
    return found


def in_plain_python(files: list[list[int]]) -> list[tuple[int, int, int, int]]:
    heads = [(times[0], number, 0) for number, times in enumerate(files) if times]
    heapq.heapify(heads)
    found = []
    while heads:
        time, number, place = heapq.heappop(heads)
        found.append((len(found) + 1, number, place + 1, time))
        if place + 1 < len(files[number]):
            heapq.heappush(heads, (files[number][place + 1], number, place + 1))
    return found


@BOTH
@settings(deadline=None)
@given(
    times=st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=1, max_size=5),
    ng=st.lists(st.booleans(), min_size=5),
)
def test_the_earliest_next_packet_comes_next(speed, times, ng):
    files = [
        blocks(*seconds_to_stamps(seconds)) if blocky else pcap(*[record(seconds=s, fraction=0) for s in seconds])
        for seconds, blocky in zip(times, ng, strict=False)
    ]
    expected = in_plain_python([[s * 10**9 for s in seconds] for seconds in times])
    assert merged(files, speed) == expected


def seconds_to_stamps(seconds: list[int]) -> list[int]:
    return [s * 10**6 for s in seconds]


@BOTH
def test_nothing_comes_that_is_not_earlier_than_the_limit(speed):
    files = [pcap(*[record(seconds=s, fraction=0) for s in (1, 5, 2)]), pcap(*[record(seconds=s) for s in (3, 9)])]
    assert [time // 10**9 for *_, time in merged(files, speed, limit=5 * 10**9)] == [1, 3]


@BOTH
def test_blocks_that_are_numbered_count_in_the_whole_set(speed):
    with_journal = (
        section() + interface() + block(9, bytes(8)) * 2 + enhanced(stamp=10**6) + block(9) + enhanced(stamp=3 * 10**6)
    )
    found = merged([with_journal, pcap(record(seconds=2, fraction=0))], speed)
    assert [(frame, file, file_frame) for frame, file, file_frame, _ in found] == [(3, 0, 3), (4, 1, 1), (6, 0, 5)]
