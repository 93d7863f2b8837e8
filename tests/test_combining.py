"""Any capture as one section of pcapng: each packet as it was, with the number that it has in the merged capture."""

from __future__ import annotations

import io
import struct

import pytest
from containers_made import (
    MAGIC_MODIFIED,
    MAGIC_NS,
    MAGIC_US,
    block,
    enhanced,
    interface,
    old_packet,
    option,
    pcap,
    record,
    resolution,
    section,
    simple,
    snoop,
    snoop_record,
)
from test_copying import PACKETS, commented, copied, packets

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.combining import limits
from pcapstate.parser.reader import Reader


def blocks(made, wanted):
    """The blocks of a type, whole."""
    found, at = [], 0
    while at < len(made):
        kind, length = struct.unpack_from("<II", made, at)
        if kind == wanted:
            found.append(made[at : at + length])
        at += length
    return found


def several(files):
    """What a reader finds in several files: frame, time, link type, length on the wire, octets."""
    reader = Reader([io.BytesIO(file) for file in files])
    return [(each.frame, each.time, each.link, each.wire, each.octets) for each in reader.packets()]


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=["interpreted", "compiled"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "more"), [(MAGIC_US, b""), (MAGIC_NS, b""), (MAGIC_MODIFIED, bytes(8))])
def test_pcap(magic, more, order, speed):
    records = [
        record(each, seconds=2**31 + number, fraction=999_999 - number, wire=1500, order=order, more=more)
        for number, each in enumerate(PACKETS)
    ]
    data = pcap(*records, magic=magic, link=113, order=order)
    made, _ = copied(data, {2: ["x", "y"], 7: ["z"]}, speed)
    assert packets(made) == packets(data)
    assert commented(made) == [[], ["x", "y"], [], [], [], [], ["z"]]
    # The digits of the times are those of the file.
    assert len(blocks(made, 1)) == 1
    assert option(9, bytes([9 if magic == MAGIC_NS else 6])) in blocks(made, 1)[0]


def test_snoop():
    data = snoop(snoop_record(PACKETS[1], 1000, 7, wire=700), snoop_record(PACKETS[2], 1001, 8))
    made, _ = copied(data, {2: ["x"]})
    assert packets(made) == packets(data)
    assert commented(made) == [[], ["x"]]


def test_what_a_pcap_says_of_itself():
    assert limits(pcap(), "little") == (65_535, -1)
    header = pcap()[:20] + struct.pack("<I", 1 | 1 << 26 | 2 << 28)
    assert limits(header, "little") == (65_535, 4)
    assert option(13, b"\4") in blocks(copied(header)[0], 1)[0]
    assert copied(pcap())[0].endswith(interface(snaplen=65_535, options=resolution(6) + bytes(4)))


def test_every_length_is_padded():
    data = pcap(*(record(bytes(length)) for length in range(9)))
    made, _ = copied(data)
    assert packets(made) == packets(data)
    assert [len(each) % 4 for each in blocks(made, 6)] == [0] * 9


def files_of_both_orders():
    """A pcap between two pcapng files, of which one is big-endian, has options, names, statistics and an old block."""
    first = section(">") + interface(link=1, order=">") + interface(link=101, options=resolution(9, ">"), order=">")
    first += block(4, option(1, bytes([192, 0, 2, 1]) + b"host\0", ">") + bytes(4), order=">")
    flags = option(2, struct.pack(">I", 1), ">") + option(1, b"old", ">") + bytes(4)
    first += enhanced(PACKETS[0], at=1, stamp=10**12, order=">", options=flags)
    first += old_packet(PACKETS[1], at=0, stamp=1003 * 10**6, order=">")
    first += block(5, struct.pack(">III", 1, 0, 0) + bytes(4), order=">")
    second = pcap(record(PACKETS[2], seconds=1001), record(PACKETS[3], seconds=1004, wire=77))
    third = section() + interface(link=113, snaplen=40) + enhanced(PACKETS[4], stamp=1002 * 10**6) + simple(PACKETS[5])
    return [first, second, third]


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=["interpreted", "compiled"])
def test_several_files_are_one_capture(speed):
    files = files_of_both_orders()
    made, _ = copied(files, {1: ["first"], 3: ["third"], 4: ["simple"]}, speed)
    assert packets(made) == several(files)
    assert [each[2] for each in packets(made)] == [101, 1, 113, 113, 1, 1]
    assert commented(made) == [["old", "first"], [], ["third"], ["simple"], [], []]
    assert option(2, struct.pack("<I", 1)) in blocks(made, 6)[0]
    assert blocks(made, 4) == [block(4, option(1, bytes([192, 0, 2, 1]) + b"host\0") + bytes(4))]
    assert len(blocks(made, 3)) == 0


def test_statistics_are_of_the_interface_that_they_were_of():
    first = section() + interface(link=101) + enhanced(PACKETS[0], stamp=10**9)
    second = section() + interface(link=113) + enhanced(PACKETS[1], stamp=2 * 10**9)
    second += block(5, struct.pack("<III", 0, 1, 2)) + block(5, struct.pack("<III", 9, 1, 2))
    made, _ = copied([first, second])
    (found,) = blocks(made, 5)  # interface 9 is not there
    (number,) = struct.unpack_from("<I", found, 8)
    assert blocks(made, 1)[number] == interface(link=113)
    assert found == block(5, struct.pack("<III", number, 1, 2))


def test_interfaces_that_are_alike_are_described_once_but_not_two_of_one_file():
    alike = [section() + interface() + interface() + enhanced(each, at=1, stamp=10**9) for each in PACKETS[:3]]
    made, _ = copied(alike)
    assert len(blocks(made, 1)) == 2
    assert [struct.unpack_from("<I", each, 8) for each in blocks(made, 6)] == [(1,), (1,), (1,)]
    plain = [pcap(record(each)) for each in PACKETS[:3]]
    assert len(blocks(copied(plain)[0], 1)) == 1


def test_frames_that_are_no_packets_keep_the_numbers():
    custom = block(0xBAD, struct.pack("<I", 1) + b"data")
    first = section() + interface() + custom + enhanced(PACKETS[0], stamp=1000 * 10**6) + custom + custom
    first += enhanced(PACKETS[1], stamp=1004 * 10**6) + custom
    second = pcap(*(record(each, seconds=1001 + 2 * number) for number, each in enumerate(PACKETS[2:5])))
    made, _ = copied([first, second], {4: ["four"], 7: ["seven"]})
    assert [each[:1] + each[4:] for each in packets(made)] == [each[:1] + each[4:] for each in several([first, second])]
    assert [each[0] for each in packets(made)] == [2, 3, 4, 7, 8]
    assert commented(made) == [[], [], ["four"], ["seven"], []]
    assert len(blocks(made, 0xBAD)) == 4  # the last is behind all packets


def test_a_block_that_is_too_large_to_be_kept_is_left_out():
    large = block(0x1234, bytes(17 << 20))
    first = section() + interface() + enhanced(PACKETS[0], stamp=10**9) + large + enhanced(PACKETS[1], stamp=3 * 10**9)
    second = section() + interface() + enhanced(PACKETS[2], stamp=2 * 10**9) + block(4, bytes(4))
    made, _ = copied([first, second])
    assert packets(made) == several([first, second])
    assert blocks(made, 0x1234) == []
    assert len(blocks(made, 4)) == 1


def test_sections_of_one_file_among_several():
    first = section() + interface(link=101) + enhanced(PACKETS[0], stamp=10**9) + section(">")
    first += interface(link=113, order=">") + enhanced(PACKETS[1], stamp=3 * 10**9, order=">")
    second = pcap(record(PACKETS[2], seconds=2000))
    made, _ = copied([first, second])
    assert packets(made) == several([first, second])


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=["interpreted", "compiled"])
def test_more_than_is_in_memory_at_a_time(speed):
    def one(first):
        data = section() + interface(link=first)
        for number in range(40):
            data += enhanced(bytes([first + number]) * 30_000, stamp=10**9 + 2 * number + first)
            data += block(4, bytes(4)) if number % 10 == 0 else b""
        return data

    files = [one(0), one(1), pcap(*(record(bytes(20_000), seconds=1000, fraction=number) for number in range(50)))]
    by_frame = {frame: [f"frame {frame}"] for frame in range(1, 131, 7)}
    made, _ = copied(files, by_frame, speed)
    assert packets(made) == several(files)
    assert commented(made) == [by_frame.get(frame, []) for frame in range(1, 131)]
    assert len(blocks(made, 4)) == 8


def test_a_damaged_file_is_copied_up_to_there():
    first = pcap(record(PACKETS[0], seconds=1), record(PACKETS[1], seconds=3)[:-5])
    second = section() + interface() + enhanced(PACKETS[2], stamp=2 * 10**6) + enhanced(PACKETS[3])[:-6]
    made, reader = copied([first, second])
    assert sorted(problem.kind for problem in reader.problems) == ["cut", "cut"]
    assert [each[4] for each in packets(made)] == [PACKETS[0], PACKETS[2]]
