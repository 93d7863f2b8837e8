"""One file on its way through memory: what is read, what grows, and what is said when something is wrong."""

from __future__ import annotations

import io

import pytest
from containers_made import block, enhanced, interface, pcap, record, section, simple, snoop

from pcapstate.kernels import INTERPRETED
from pcapstate.parser.containers import walk
from pcapstate.parser.files import CaptureFile, NotACapture, region_for
from pcapstate.parser.pcapng import LARGEST_BLOCK
from pcapstate.parser.regions import Interfaces, Space
from pcapstate.parser.sources import Origin
from pcapstate.parser.walk import Walk
from pcapstate.schema import Record


class Trickle(io.RawIOBase):
    """Gives its octets in small pieces, and can be read forward only."""

    def __init__(self, data: bytes, piece: int = 7) -> None:
        self.data, self.at, self.piece = data, 0, piece

    def readable(self):
        return True

    def read(self, count=-1):
        raise AssertionError("readinto is there")

    def readinto(self, view):
        got = self.data[self.at : self.at + min(self.piece, len(view))]
        view[: len(got)] = got
        self.at += len(got)
        return len(got)


class Opened:
    """A file, read with a region of `size` octets; `packets` are its octets, packet by packet."""

    def __init__(self, data: bytes, size: int = 4096, file=None) -> None:
        self.space, self.interfaces, self.w = Space(INTERPRETED), Interfaces(INTERPRETED), Walk.object()
        self.file = CaptureFile(Origin("it", file=file or io.BytesIO(data)), 3, self.space, size)
        self.file.begin(self.w)
        self.packets: list[bytes] = []
        record = Record.object()
        while self.w.used:
            if walk(self.space.octets, [self.w], 0, self.interfaces.table, [record], 0, 1):
                self.packets.append(bytes(self.space.octets[record.offset : record.offset + record.captured]))
            else:
                self.file.go_on(self.w, self.interfaces)
        self.file.note(self.w)

    @property
    def told(self) -> list[tuple[str, int, int]]:
        """Kind, frame in the file, and offset of each problem."""
        assert all(problem.file == 3 and problem.text for problem in self.file.problems)
        return [(problem.kind, problem.file_frame, problem.offset) for problem in self.file.problems]


FOUR = [bytes([n]) * n for n in (60, 1, 200, 77)]
MADE = {
    "pcap": pcap(*map(record, FOUR)),
    "pcapng": section() + interface() + b"".join(map(enhanced, FOUR)),
    "two sections": section() + interface() + enhanced(FOUR[0]) + enhanced(FOUR[1])
    + section(">") + interface(101, order=">") + enhanced(FOUR[2], order=">") + enhanced(FOUR[3], order=">"),
}  # fmt: skip


@pytest.mark.parametrize("size", [64, 100, 256, 4096])
@pytest.mark.parametrize("piece", [1, 7, 100_000])
@pytest.mark.parametrize("name", MADE)
def test_neither_the_region_nor_the_pieces_that_come_change_what_is_read(name, size, piece):
    opened = Opened(b"", size, Trickle(MADE[name], piece))
    assert opened.packets == FOUR
    assert opened.told == []
    assert opened.file.info.octets == len(MADE[name])


def test_what_is_told_of_a_file():
    info = Opened(pcap(record(seconds=5), record(seconds=3), link=113)).file.info
    assert (info.path, info.format, info.compression, info.links) == ("it", "pcap us LE", "", [113])
    assert (info.frames, info.first_time, info.last_time) == (2, 5_000_005_000, 3_000_005_000)


def test_what_is_told_of_a_pcapng_file():
    made = section() + interface(1) + interface(113) + interface(1) + enhanced(stamp=1) + enhanced(at=1, stamp=2)
    info = Opened(made).file.info
    assert (info.format, info.links, info.frames, info.first_time, info.last_time) == (
        "pcapng",
        [1, 113],
        2,
        1000,
        2000,
    )


def test_regions_are_given_back():
    opened = Opened(MADE["pcap"], 64)
    assert opened.space.take(256) < len(opened.space.data)
    opened.file.close(opened.w)
    assert opened.file.stored == len(MADE["pcap"])


def test_a_file_may_take_larger_pieces_from_now_on():
    opened = Opened.__new__(Opened)
    opened.space, opened.interfaces, opened.w = Space(INTERPRETED), Interfaces(INTERPRETED), Walk.object()
    data = pcap(*[record(bytes(50)) for _ in range(100)])
    file = CaptureFile(Origin("it", file=io.BytesIO(data)), 0, opened.space, 128)
    file.begin(opened.w)
    file.wanted = 1024
    opened.w.position = opened.w.end - 5
    opened.w.stop, opened.w.need = 1, 10
    assert file.go_on(opened.w, opened.interfaces)
    assert opened.w.end - opened.w.position == 1024


@pytest.mark.parametrize("origin_size", [0, 10, 4095, 4096, 100_000])
def test_small_files_need_small_regions_with_room_to_see_their_end(origin_size):
    size = region_for(65536, Origin("x", origin_size))
    assert origin_size < size or size == 65536
    assert size <= max(4096, origin_size + 4096)
    assert region_for(65536, Origin("x")) == 65536


# --- wrong files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"hello, I am just a text, nothing more", bytes(100), b"x"])
def test_what_is_no_capture_is_refused(data):
    with pytest.raises(NotACapture, match="it: not a capture"):
        Opened(data)


def test_an_empty_file_is_told():
    opened = Opened(b"")
    assert opened.told == [("empty", 0, 0)]
    assert opened.packets == []


@pytest.mark.parametrize("made", [pcap(), snoop(), section()])
@pytest.mark.parametrize("kept", [1, 3, 4, 8])
def test_a_file_that_ends_in_its_header_is_told(made, kept):
    assert Opened(made[:kept]).told == [("cut", 0, 0)]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("size", [64, 100, 4096])
def test_a_file_cut_anywhere_gives_what_came_before(name, size):
    made = MADE[name]
    whole = {len(made)}
    for cut in range(28, len(made)):
        opened = Opened(made[:cut], size)
        assert opened.packets == FOUR[: len(opened.packets)]
        if opened.told:
            ((kind, frame, offset),) = opened.told
            assert (kind, frame) == ("cut", len(opened.packets))
            assert 0 <= offset <= cut
        else:
            whole.add(cut)
    # Between two records or blocks nobody can see that something is missing.
    assert len(whole) == {"pcap": 4, "pcapng": 6, "two sections": 8}[name]


def test_a_lying_length_is_told_with_its_place_and_costs_no_memory():
    made = pcap(record(FOUR[0]), record(FOUR[1], captured=0xFFFFFFFF, wire=60), record())
    opened = Opened(made)
    assert opened.packets == FOUR[:1]
    assert opened.told == [("damaged", 1, 24 + 76)]
    assert "4294967295 octets" in opened.file.problems[0].text
    assert "after packet 1" in opened.file.problems[0].text
    assert len(opened.space.data) < 10_000


def test_a_lying_length_within_bounds_takes_no_more_memory_than_there_are_octets():
    opened = Opened(pcap(record(FOUR[0]), record(FOUR[1], captured=200_000), link=249))
    assert opened.told == [("cut", 1, 24 + 76)]
    assert len(opened.space.data) < 10_000


def test_a_large_packet_is_read_in_a_small_region():
    large = bytes(range(256)) * 1000
    opened = Opened(pcap(record(large), record()), 64)
    assert opened.packets == [large, bytes(60)]


DAMAGED_NG = {
    "interface": enhanced(at=7),
    "lengths": block(6, bytes(80), again=5),
    "section version": section(version=(2, 0)),
    "section order": block(0x0A0D0D0A, b"\x1a\x2b\x3c\x4e" + bytes(12)),
    "section length": block(0x0A0D0D0A, b"\x1a\x2b\x3c\x4d" + bytes(12), length=20),
    "interface block": block(1, bytes(4)),
}


@pytest.mark.parametrize("name", DAMAGED_NG)
def test_damaged_blocks_end_the_file(name):
    before = section() + interface() + enhanced(FOUR[0])
    opened = Opened(before + DAMAGED_NG[name] + enhanced())
    assert opened.packets == FOUR[:1]
    assert opened.told == [("damaged", 1, len(before))]


@pytest.mark.parametrize("missing", [0, 1, 1_000_000])
def test_a_stranger_of_many_megabytes_is_passed_over(missing):
    before = section() + interface() + enhanced(FOUR[0])
    stranger = block(0x77, bytes(LARGEST_BLOCK))
    opened = Opened(before + stranger[: len(stranger) - missing] + (b"" if missing else enhanced(FOUR[1])))
    assert len(opened.space.data) < 100_000
    assert opened.packets == FOUR[: 1 if missing else 2]
    assert [kind for kind, *_ in opened.told] == (["cut"] if missing else [])


def test_what_is_odd_in_a_header_is_told_and_the_file_read():
    opened = Opened(pcap(record(FOUR[0]), link=0x00020001))
    assert opened.packets == FOUR[:1]
    assert [kind for kind, *_ in opened.told] == ["odd"]


def test_packets_without_a_time_are_told_once():
    opened = Opened(section() + interface() + enhanced() + simple() + simple())
    assert opened.told == [("untimed", 2, -1)]
    opened.file.note(opened.w)
    assert len(opened.told) == 1


def test_a_time_out_of_reach_is_told_once():
    opened = Opened(section() + interface() + enhanced(stamp=2**64 - 1) * 3)
    assert opened.told == [("odd", 1, -1)]


class Fails(Trickle):
    def readinto(self, view):
        return super().readinto(view) or self.fail()

    def fail(self):
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("kept", [24 + 76, 24 + 76 + 9, 24 + 76 + 16])
def test_an_error_of_the_system_is_the_one_problem(kept):
    opened = Opened(b"", 4096, Fails(MADE["pcap"][:kept]))
    assert opened.packets == FOUR[:1]
    assert opened.told == [("unreadable", 1, 100)]
    assert "Input/output error" in opened.file.problems[0].text


def test_an_error_within_the_header_is_told_too():
    assert Opened(b"", 4096, Fails(MADE["pcap"][:20])).told[-1] == ("unreadable", 0, 0)
