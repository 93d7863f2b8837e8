"""A pcapng file copied with comments: what it was it stays, octet for octet; what is copied is read as before."""

from __future__ import annotations

import io
import struct

import pytest
from containers_made import block, enhanced, interface, old_packet, option, pcap, record, resolution, section, simple

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.copying import copy
from pcapstate.parser.reader import Reader

PACKETS = [bytes([number]) * (50 + number) for number in range(7)]


def remarks(by_frame):
    """Comments as `copy` asks for them, from a dict of frames and texts."""
    left = [(frame, text) for frame in sorted(by_frame) for text in by_frame[frame]]

    def until(frame):
        given = [(at, text) for at, text in left if at <= frame]
        del left[: len(given)]
        return [at for at, _ in given], [text for _, text in given]

    return until


def copied(data, by_frame=(), speed=INTERPRETED):
    """The copy of files (octets, or a list of such), with comments, and the reader that read them."""
    sources = [io.BytesIO(each) for each in (data if isinstance(data, list) else [data])]
    written = io.BytesIO()
    reader = Reader(sources if len(sources) > 1 else sources[0], speed=speed)
    copy(reader, remarks(dict(by_frame)), written.write)
    return written.getvalue(), reader


def packets(data):
    """What a reader finds: frame, time, link type, length on the wire, octets."""
    reader = Reader(io.BytesIO(data))
    found = [(each.frame, each.time, each.link, each.wire, each.octets) for each in reader.packets()]
    assert reader.problems == []
    return found


def commented(data: bytes, order: str = "<") -> list[list[str]]:
    """The comments of each packet of a pcapng file, worked out block by block."""
    found = []
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from(order + "II", data, at)
        if kind in (2, 6):
            (captured,) = struct.unpack_from(order + "I", data, at + 20)
            found.append(_comments(data[at + 28 + (captured + 3 & ~3) : at + length - 4], order))
        elif kind == 3:
            found.append([])
        at += length
    return found


def _comments(octets, order):
    found, at = [], 0
    while at + 4 <= len(octets):
        code, length = struct.unpack_from(order + "HH", octets, at)
        if code == 0:
            assert octets[at:] == bytes(4)
            break
        if code == 1:
            found.append(octets[at + 4 : at + 4 + length].decode())
        at += 4 + (length + 3 & ~3)
    else:
        assert not octets, "the options have no end"
    return found


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_file_without_comments_stays_as_it_is(order):
    first = section(order) + interface(order=order) + block(0x55, b"what is this", order=order)
    data = first + b"".join(enhanced(each, order=order) for each in PACKETS) + block(0xBAD, bytes(8), order=order)
    assert copied(data)[0] == data
    assert copied(data, speed=COMPILED)[0] == data


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_blocks_with_comments_are_made_anew(order):
    flags = option(2, struct.pack(order + "I", 1), order)
    before = section(order) + interface(order=order) + enhanced(PACKETS[1], order=order)
    after = enhanced(PACKETS[3], order=order) + block(0xBAD, bytes(8), order=order)
    data = before + enhanced(PACKETS[2], order=order, options=flags + bytes(4)) + after
    mine = option(1, b"one", order) + option(1, b"another", order)
    new = enhanced(PACKETS[2], order=order, options=flags + mine + bytes(4))
    assert copied(data, {2: ["one", "another"]})[0] == before + new + after
    assert commented(copied(data, {2: ["one", "another"]})[0], order) == [[], ["one", "another"], []]


def test_comments_that_are_there_come_first():
    old = option(1, b"old")
    data = section() + interface() + enhanced(PACKETS[0], options=old + bytes(4)) + enhanced(PACKETS[1], options=old)
    assert commented(copied(data, {1: ["new"], 2: ["new"]})[0]) == [["old", "new"], ["old", "new"]]


def test_the_obsolete_packet_block_has_comments_too():
    data = section() + interface() + old_packet(PACKETS[2]) + old_packet(PACKETS[3])
    made, _ = copied(data, {2: ["x"]})
    assert commented(made) == [[], ["x"]]
    assert made.startswith(data[: len(section() + interface() + old_packet(PACKETS[2]))])
    assert packets(made) == packets(data)


@pytest.mark.parametrize("wire", [None, 900])
def test_a_simple_packet_has_no_room_and_becomes_an_enhanced_one(wire):
    described = interface(snaplen=53, options=resolution(9))
    data = section() + described + enhanced(PACKETS[1], stamp=10**18 + 7)
    data += simple(PACKETS[3], wire) + simple(PACKETS[3])
    made, reader = copied(data, {2: ["x"]})
    assert [problem.kind for problem in reader.problems] == ["untimed"]
    assert commented(made) == [[], ["x"], []]
    once, again = ([each.octets for each in Reader(io.BytesIO(one)).packets()] for one in (data, made))
    assert once == again
    times = [each.time for each in Reader(io.BytesIO(made)).packets()]
    assert times == [10**18 + 7] * 3


def test_a_section_no_longer_says_how_long_it_is():
    inner = interface() + enhanced(PACKETS[0])
    data = section(length=len(inner)) + inner + section(">", length=40) + interface(order=">")
    data += enhanced(PACKETS[1], order=">")
    made, _ = copied(data, {2: ["x"]})
    assert made.startswith(section() + inner + section(">") + interface(order=">"))
    assert packets(made) == packets(data)


def test_each_section_has_its_own_byte_order_and_interfaces():
    first = section(">") + interface(link=1, order=">") + interface(link=101, order=">")
    first += enhanced(PACKETS[1], at=1, order=">")
    data = first + section() + interface(link=113, snaplen=20) + simple(PACKETS[2]) + enhanced(PACKETS[3])
    made, _ = copied(data, {1: ["a"], 2: ["b"], 3: ["c"]})
    assert [each.link for each in Reader(io.BytesIO(made)).packets()] == [101, 113, 113]
    assert b"\0\1\0\1a\0\0\0" in made
    assert b"\1\0\1\0b\0\0\0" in made


def test_frames_that_are_no_packets_keep_the_numbers():
    data = section() + interface() + block(9, b"MESSAGE=x\n") + enhanced(PACKETS[0]) + block(0xBAD, bytes(8))
    data += enhanced(PACKETS[1])
    made, reader = copied(data, {2: ["two"], 4: ["four"]})
    assert commented(made) == [["two"], ["four"]]
    assert [frame for frame, *_ in packets(made)] == [2, 4]
    assert reader.frames == 4


def test_a_block_whose_length_is_not_a_multiple_of_4():
    odd = enhanced(PACKETS[1])
    length = struct.pack("<I", len(odd) - 1)
    odd = odd[:4] + length + odd[8:-4] + length
    data = section() + interface() + odd + enhanced(PACKETS[2])
    assert copied(data)[0] == data
    made, _ = copied(data, {1: ["x"]})
    assert commented(made) == [["x"], []]
    assert packets(made) == packets(data)


def test_what_could_be_read_of_a_damaged_file_is_copied():
    whole = section() + interface() + enhanced(PACKETS[0]) + enhanced(PACKETS[1])
    made, reader = copied(whole + enhanced(PACKETS[2])[:-7], {1: ["x"], 2: ["y"], 3: ["not there"]})
    assert [problem.kind for problem in reader.problems] == ["cut"]
    assert commented(made) == [["x"], ["y"]]
    assert packets(made) == packets(whole)
    broken = whole + enhanced(PACKETS[2], captured=999) + enhanced(PACKETS[3])
    made, reader = copied(broken)
    assert [problem.kind for problem in reader.problems] == ["damaged"]
    assert made == whole


def test_a_file_that_ends_within_its_header_is_a_capture_without_packets():
    for data in (section()[:20], pcap()[:20], b""):
        made, reader = copied(data)
        assert packets(made) == []
        assert reader.problems != []


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED])
def test_more_than_is_in_memory_at_a_time(speed):
    large = [bytes([number % 251]) * 60_000 for number in range(110)]
    data = section() + interface() + block(0x1234, bytes(1 << 20)) + b"".join(enhanced(each) for each in large)
    data += block(0x1234, bytes(17 << 20)) + enhanced(PACKETS[0]) + block(5, bytes(12))
    by_frame = {frame: [f"frame {frame}"] for frame in range(1, 112, 3)}
    made, _ = copied(data, by_frame, speed)
    assert commented(made) == [by_frame.get(frame, []) for frame in range(1, 112)]
    assert packets(made) == packets(data)
    # Nothing but the comments is more, and the mark of the options' end behind them.
    assert len(made) == len(data) + sum(4 + (len(text) + 3 & ~3) + 4 for (text,) in by_frame.values())


def test_a_compressed_file_is_copied_as_what_it_holds(tmp_path):
    import gzip

    data = section() + interface() + enhanced(PACKETS[0])
    written = io.BytesIO()
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(data))
    copy(Reader(path), remarks({}), written.write)
    assert written.getvalue() == data


def test_another_container_or_several_files_become_one_section():
    assert packets(copied(pcap(record(PACKETS[0])))[0]) == packets(pcap(record(PACKETS[0])))
    one = section() + interface() + enhanced(PACKETS[0])
    assert copied([one, one])[0].count(section()[:4]) == 1
