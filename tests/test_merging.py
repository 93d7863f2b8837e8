"""Several files as one capture: their order, what is open at a time, and what is wrong in one of them."""

from __future__ import annotations

import io

import pytest
from containers_made import block, enhanced, interface, pcap, record, section
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.merging import Several, first_packet
from pcapstate.parser.regions import Tables, row
from pcapstate.parser.sources import CaptureError, Origin, origins

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)


def at(*seconds: int, size: int = 60) -> bytes:
    """A file with a packet at each second."""
    return pcap(*[record(bytes(size), seconds=s, fraction=0) for s in seconds])


class Set:
    """Files in a folder or in memory, merged; `found` are file, frame in it, and second of each packet."""

    def __init__(self, named: list[Origin], speed=INTERPRETED, change_after: int | None = None) -> None:
        self.tables, self.files, self.problems = Tables(speed), [], []
        self.several = Several(named, self.tables, self.files, self.problems)
        self.found: list[tuple[int, int, int]] = []
        self.frames: list[int] = []
        self.most_open = 0
        for count in self.several.batches():
            for i in range(count):
                r = row(self.tables.records, i)
                self.found.append((int(r.file), int(r.file_frame), int(r.time) // 10**9))
                self.frames.append(int(r.frame))
                assert self.tables.space.octets[int(r.offset)] == 0
            self.most_open = max(self.most_open, sum(file is not None for file in self.several._open))
            if change_after is not None and len(self.found) >= change_after and self.tables.speed is INTERPRETED:
                self.tables.become(COMPILED)
                self.several.widen()
        self.several.close()

    @property
    def seconds(self) -> list[int]:
        return [second for *_, second in self.found]


@pytest.fixture
def write(tmp_path):
    def write(*files: bytes) -> list[Origin]:
        for number, data in enumerate(files):
            (tmp_path / f"{number}.pcap").write_bytes(data)
        return origins([tmp_path / f"{number}.pcap" for number in range(len(files))])

    return write


def in_memory(*files: bytes) -> list[Origin]:
    return [Origin(str(number), file=io.BytesIO(data)) for number, data in enumerate(files)]


@BOTH
def test_files_that_overlap_are_merged(speed, write):
    made = Set(write(at(1, 4, 7), at(2, 5, 8), at(3, 6, 9)), speed)
    assert made.seconds == list(range(1, 10))
    assert made.frames == list(range(1, 10))
    assert [file for file, *_ in made.found] == [0, 1, 2] * 3
    assert [info.frames for info in made.files] == [3, 3, 3]


@BOTH
def test_packets_at_the_same_time_come_in_the_order_of_the_files(speed, write):
    assert [file for file, *_ in Set(write(at(5, 5), at(5), at(5, 5)), speed).found] == [0, 0, 1, 2, 2]


def test_the_order_within_a_file_stays(write):
    assert Set(write(at(1, 9, 2), at(5))).seconds == [1, 5, 9, 2]


def test_a_rotated_set_is_read_one_after_the_other_however_it_is_named(write):
    made = Set(write(at(7, 8, 9), at(1, 2, 3), at(4, 5, 6)))
    assert made.seconds == list(range(1, 10))
    assert [file for file, *_ in made.found] == [1, 1, 1, 2, 2, 2, 0, 0, 0]
    assert made.most_open == 1


def test_a_long_rotated_set_needs_the_memory_of_one_file(write):
    made = Set(write(*[at(*range(n * 1000, (n + 1) * 1000), size=100) for n in range(30)]))
    assert made.seconds == list(range(30_000))
    assert len(made.tables.space.data) < 600_000


def test_many_small_files_at_the_same_time(write):
    made = Set(write(*[at(n, 1000, 2000 - n) for n in range(150)]))
    assert made.seconds == sorted(made.seconds)
    assert len(made.found) == 450


def test_pipes_and_files_may_be_merged(write):
    made = Set([*write(at(1, 4), at(2, 6)), *in_memory(at(3, 5))])
    assert made.seconds == [1, 2, 3, 4, 5, 6]


def test_formats_and_link_types_may_be_merged(write):
    ng = section() + interface(113) + enhanced(stamp=2 * 10**6) + interface(101) + enhanced(at=1, stamp=4 * 10**6)
    ng_big = section(">") + interface(1, order=">") + enhanced(stamp=3 * 10**6, order=">")
    made = Set(write(at(1, 5), ng, ng_big))
    assert made.seconds == [1, 2, 3, 4, 5]
    assert [info.links for info in made.files] == [[1], [113, 101], [1]]


def test_numbered_blocks_before_the_last_packet_count(write):
    ng = section() + interface() + block(9) + enhanced(stamp=2 * 10**6) + block(9)
    made = Set(write(at(1, 3), ng))
    assert made.frames == [1, 3, 4]
    assert sum(info.frames for info in made.files) == 5


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_the_passage_from_one_speed_to_the_other_changes_nothing(data):
    files = [at(*data.draw(st.lists(st.integers(0, 50), max_size=60)), size=3000) for _ in range(3)]
    whole = Set(in_memory(*files))
    changed = Set(in_memory(*files), change_after=data.draw(st.integers(0, 100)))
    assert changed.found == whole.found
    assert changed.frames == whole.frames


# --- wrong files -------------------------------------------------------------------------------------------------


def test_what_is_no_capture_is_an_error(write):
    with pytest.raises(CaptureError, match=r"1\.pcap: not a capture"):
        Set(write(at(1), b"hello, I am a text and nothing more", at(2)))


def test_other_files_of_a_folder_are_passed_over(tmp_path):
    (tmp_path / "a.pcap").write_bytes(at(1))
    (tmp_path / "b.txt").write_bytes(b"hello, I am a text and nothing more")
    (tmp_path / "c.pcap").write_bytes(at(2))
    made = Set(origins(tmp_path))
    assert made.found == [(0, 1, 1), (1, 1, 2)]
    assert made.problems == []


def test_a_folder_without_captures_is_an_error(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"hello, I am a text and nothing more")
    with pytest.raises(CaptureError, match="no file in the folder"):
        Set(origins(tmp_path))


@pytest.mark.parametrize(("name", "told"), [("py.typed", 0), ("b", 0), ("b.pcap", 1), ("b.pcap12", 1)])
def test_an_empty_file_of_a_folder_is_one_of_the_set_if_it_is_called_so(tmp_path, name, told):
    (tmp_path / "a.pcap1").write_bytes(at(1))
    (tmp_path / name).touch()
    made = Set(origins(tmp_path))
    assert made.seconds == [1]
    assert [problem.kind for problem in made.problems] == ["empty"] * told


def test_empty_files_make_no_capture_of_a_folder(tmp_path):
    (tmp_path / "py.typed").touch()
    (tmp_path / "x.pcap").touch()
    with pytest.raises(CaptureError, match="no file in the folder is a capture"):
        Set(origins(tmp_path))


def test_files_without_packets_are_told_and_the_others_read(write):
    made = Set(write(at(1), b"", at(), at(2)[:20], at(3)))
    assert made.seconds == [1, 3]
    assert [(problem.kind, problem.file, problem.frame) for problem in made.problems] == [
        ("empty", 1, 0),
        ("cut", 3, 0),
    ]
    assert [info.frames for info in made.files] == [1, 0, 0, 0, 1]


def test_a_pipe_without_packets_is_told(write):
    made = Set([*write(at(1)), *in_memory(b"", at(2))])
    assert made.seconds == [1, 2]
    assert [(problem.kind, problem.file) for problem in made.problems] == [("empty", 1)]


def test_no_packets_at_all(write):
    made = Set(write(b"", at()))
    assert made.found == []
    assert len(made.files) == 2


@BOTH
def test_a_cut_file_among_others_is_told_with_both_numbers(speed, write):
    made = Set(write(at(1, 3, 5)[:-10], at(2, 4, 6)), speed)
    assert made.seconds == [1, 2, 3, 4, 6]
    (problem,) = made.problems
    assert (problem.kind, problem.file, problem.file_frame, problem.frame) == ("cut", 0, 2, 3)


def test_a_file_that_vanishes_is_told(write, tmp_path):
    named = write(at(1), at(5), at(9))
    tables, files, problems = Tables(INTERPRETED), [], []
    several = Several(named, tables, files, problems)
    (tmp_path / "1.pcap").unlink()
    assert sum(several.batches()) == 2
    assert [(problem.kind, problem.file) for problem in problems] == [("unreadable", 1)]
    several.close()


def test_octets_are_counted_as_they_are_stored(write):
    files = [at(1, 2, 3), at(2, 5), at(9)]
    made = Set(write(*files))
    assert made.several.stored == sum(map(len, files))


# --- looking into a file -----------------------------------------------------------------------------------------


def test_a_look_finds_the_first_packet_and_closes_the_file(write):
    (origin,) = write(at(7, 3))
    first = first_packet(origin, 4)
    assert (first.time, first.info.format, first.problems) == (7 * 10**9, "pcap us LE", [])


def test_a_look_goes_past_blocks_larger_than_it_reads_at_a_time(write):
    (origin,) = write(section() + interface() + block(10, bytes(300_000)) + enhanced(stamp=7))
    assert first_packet(origin, 0).time == 7000


def test_a_look_into_a_file_without_packets(write):
    (origin,) = write(section() + interface())
    assert first_packet(origin, 0).time is None
