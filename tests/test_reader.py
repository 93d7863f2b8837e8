"""Captures as a user names them, whole: what comes, at which speed, and that other readers see the same."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import dpkt
import numpy as np
import pytest
from conftest import SHARED
from containers_made import (
    MAGIC_MODIFIED,
    MAGIC_NS,
    block,
    enhanced,
    interface,
    old_packet,
    pcap,
    record,
    resolution,
    section,
    simple,
    snoop,
    snoop_record,
    syn,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED, INTERPRETED, Compiled
from pcapstate.parser import CaptureError, Reader, reader
from pcapstate.parser.walk import LATEST
from pcapstate.schema import Segment

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
CORPUS = SHARED / "corpus"


def syns(count: int, first: int = 0) -> bytes:
    """A capture of that many SYNs, one a second, their sequence numbers counting."""
    return pcap(*[record(syn(n), seconds=n, fraction=0) for n in range(first, first + count)])


def segments(chunks) -> np.ndarray:
    """All segments of a reader, in one array."""
    parts = [chunk.speed.array(Segment, chunk.segments, chunk.count) for chunk in chunks]
    return np.concatenate(parts) if parts else np.zeros(0, Segment.dtype)


def packets(source, **options) -> list[tuple[int, int, int, bytes]]:
    return [(p.frame, p.time, p.wire, p.octets) for p in Reader(source, **options).packets()]


# --- chunks ------------------------------------------------------------------------------------------------------


@BOTH
def test_a_capture_becomes_segments(speed):
    got = Reader(io.BytesIO(syns(5)), speed=speed)
    found = segments(got)
    assert found["seq"].tolist() == [0, 1, 2, 3, 4]
    assert found["frame"].tolist() == found["file_frame"].tolist() == [1, 2, 3, 4, 5]
    assert found["time"].tolist() == [n * 10**9 for n in range(5)]
    assert set(found["sport"]) == {50000}


@BOTH
def test_chunks_follow_each_other(speed):
    last, frames = 0, []
    for chunk in Reader(io.BytesIO(syns(20_000)), speed=speed):
        assert chunk.speed is speed
        assert chunk.first_frame == last + 1
        assert chunk.last_time == (chunk.last_frame - 1) * 10**9
        assert chunk.frames == chunk.last_frame
        last = chunk.last_frame
        frames.append(chunk.count)
    assert last == sum(frames) == 20_000
    assert len(frames) > 1


def test_what_a_reader_knows_afterwards():
    data = syns(3, first=7)
    got = Reader([io.BytesIO(data), io.BytesIO(syns(1, first=8))], speed=INTERPRETED)
    assert len(segments(got)) == 4
    assert (got.frames, got.first_time, got.last_time) == (4, 7 * 10**9, 9 * 10**9)
    assert got.octets == len(data) + len(syns(1))
    assert [info.frames for info in got.files] == [3, 1]
    assert got.problems == []
    assert list(got) == []


def test_a_capture_without_packets_is_no_problem():
    got = Reader(io.BytesIO(pcap()))
    assert list(got) == []
    assert (got.frames, got.first_time, got.last_time, got.problems) == (0, 0, 0, [])
    assert got.files[0].format == "pcap us LE"


def test_the_size_of_files_is_known_that_of_pipes_is_not(tmp_path):
    (tmp_path / "x").write_bytes(syns(1))
    assert Reader(tmp_path / "x").size == len(syns(1))
    assert Reader(io.BytesIO(syns(1))).size == 0


def test_progress_is_told_in_octets_as_they_are_stored(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(syns(5000)))
    told: list[int] = []
    list(Reader(tmp_path / "x.gz", speed=INTERPRETED, progress=told.append))
    assert told == sorted(told)
    assert told[-1] == (tmp_path / "x.gz").stat().st_size
    assert len(told) > 1


def test_who_stops_early_leaves_no_file_open(tmp_path):
    (tmp_path / "x").write_bytes(syns(10_000))
    got = Reader(tmp_path / "x", speed=INTERPRETED)
    chunks = iter(got)
    assert next(chunks).count > 0
    chunks.close()
    assert got._set._file._stream is None


def test_what_the_decoder_could_not_read_is_a_problem_too():
    got = Reader(io.BytesIO(pcap(record(bytes(60)), link=147)))
    assert len(segments(got)) == 0
    assert [problem.frame for problem in got.problems] == [1]


# --- one source, many forms --------------------------------------------------------------------------------------

CHEAP_SYNS = [syn(n) for n in range(3)]
TIMES = [1_700_000_000 + n for n in range(3)]
FORMS = {
    "pcap": pcap(*[record(d, seconds=t) for d, t in zip(CHEAP_SYNS, TIMES, strict=True)]),
    "pcap big": pcap(*[record(d, seconds=t, order=">") for d, t in zip(CHEAP_SYNS, TIMES, strict=True)], order=">"),
    "pcap ns": pcap(
        *[record(d, seconds=t, fraction=5000) for d, t in zip(CHEAP_SYNS, TIMES, strict=True)], magic=MAGIC_NS
    ),
    "pcap modified": pcap(
        *[record(d, seconds=t, more=bytes(8)) for d, t in zip(CHEAP_SYNS, TIMES, strict=True)], magic=MAGIC_MODIFIED
    ),
    "snoop": snoop(*[snoop_record(d, t, 5) for d, t in zip(CHEAP_SYNS, TIMES, strict=True)]),
    "pcapng": section()
    + interface()
    + b"".join(enhanced(d, stamp=t * 10**6 + 5) for d, t in zip(CHEAP_SYNS, TIMES, strict=True)),
    "pcapng of all kinds": section()
    + block(4, bytes(20))
    + interface(options=resolution(9))
    + enhanced(CHEAP_SYNS[0], stamp=TIMES[0] * 10**9 + 5000)
    + section(">")
    + interface(order=">")
    + old_packet(CHEAP_SYNS[1], stamp=TIMES[1] * 10**6 + 5, order=">")
    + section()
    + interface(113)
    + block(0x777, bytes(7))
    + interface()
    + enhanced(CHEAP_SYNS[2], at=1, stamp=TIMES[2] * 10**6 + 5),
}


@BOTH
@pytest.mark.parametrize("form", FORMS)
def test_every_container_gives_the_same(form, speed):
    expected = [(n + 1, t * 10**9 + 5000, 58, d) for n, (d, t) in enumerate(zip(CHEAP_SYNS, TIMES, strict=True))]
    assert packets(io.BytesIO(FORMS[form]), speed=speed) == expected
    assert segments(Reader(io.BytesIO(FORMS[form]), speed=speed))["seq"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compression_is_found_without_a_name(compress, tmp_path):
    (tmp_path / "plain.pcap").write_bytes(compress(syns(10)))
    got = Reader(tmp_path / "plain.pcap")
    assert len(segments(got)) == 10
    assert got.files[0].compression in ("gzip", "bzip2", "xz")
    assert got.files[0].octets == len(syns(10))


def test_standard_input(monkeypatch):
    class Text:
        buffer = io.BytesIO(syns(4))

    monkeypatch.setattr(sys, "stdin", Text)
    assert len(segments(Reader("-"))) == 4


def test_a_pipe_into_another_process():
    code = "from pcapstate.parser import Reader; print(sum(chunk.count for chunk in Reader('-')))"
    done = subprocess.run([sys.executable, "-c", code], input=gzip.compress(syns(300)), capture_output=True, check=True)
    assert done.stdout.split() == [b"300"]


@BOTH
def test_a_pipe_that_fills_slowly(speed):
    reading, writing = os.pipe()
    data = syns(3000)

    def write() -> None:
        with open(writing, "wb", buffering=0) as file:
            for at in range(0, len(data), 9973):
                file.write(data[at : at + 9973])

    thread = threading.Thread(target=write)
    thread.start()
    with open(reading, "rb", buffering=0) as file:
        assert segments(Reader(file, speed=speed))["seq"].tolist() == list(range(3000))
    thread.join()


@BOTH
def test_what_has_come_through_a_pipe_is_not_kept_back(speed):
    """A capture that is still being made: each packet is seen before the next one is sent."""
    reading, writing = os.pipe()
    os.write(writing, pcap())
    with open(reading, "rb", buffering=0) as file:
        got = Reader(file, speed=speed)
        chunks = iter(got)
        for number in range(3):
            os.write(writing, record(syn(number)))
            assert next(chunks).last_frame == number + 1
        os.close(writing)
        assert list(chunks) == []
    assert (got.frames, got.problems) == (3, [])


def test_nothing_that_can_be_read_is_a_capture_error(tmp_path):
    (tmp_path / "text").write_text("hello, I am a text and nothing more")
    for source in (tmp_path / "gone", tmp_path / "text", [tmp_path / "text"], io.BytesIO(b"no capture at all, no")):
        with pytest.raises(CaptureError):
            Reader(source)


@pytest.mark.parametrize("kept", [0, 2, 20])
def test_what_ends_before_it_begins_is_a_problem_and_no_error(kept):
    got = Reader(io.BytesIO(syns(1)[:kept]))
    assert list(got) == []
    assert [problem.kind for problem in got.problems] == ["empty" if kept == 0 else "cut"]


def test_a_cut_compressed_capture(tmp_path):
    data = b"".join([syns(2000)])
    (tmp_path / "x").write_bytes(gzip.compress(data)[:-2000])
    got = Reader(tmp_path / "x", speed=INTERPRETED)
    found = segments(got)["seq"].tolist()
    assert found == list(range(len(found)))
    assert len(found) > 10
    (problem,) = got.problems
    assert (problem.kind, problem.frame) == ("cut", len(found))
    assert "gzip" in problem.text


# --- the choice of the speed -------------------------------------------------------------------------------------


def speeds(source, **options) -> list[str]:
    """Those of the chunks, one after another."""
    return [chunk.speed.name for chunk in Reader(source, **options)]


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_capture_that_will_have_many_packets_is_compiled_after_its_first(tmp_path, compress):
    (tmp_path / "x").write_bytes(compress(syns(5000)))
    assert set(speeds(tmp_path / "x", compile_from=7500)) == {"interpreted"}
    first, *rest = speeds(tmp_path / "x", compile_from=3500)
    assert (first, rest[-1]) == ("interpreted", "compiled")
    assert compress is not bytes or set(rest) == {"compiled"}


def test_a_set_has_the_packets_of_its_files_together(tmp_path):
    for n in range(4):
        (tmp_path / f"{n}").write_bytes(syns(1500, first=n * 1500))
    assert set(speeds(tmp_path, compile_from=8000)) == {"interpreted"}
    first, *rest = speeds(tmp_path, compile_from=5000)
    assert (first, set(rest)) == ("interpreted", {"compiled"})


@pytest.mark.parametrize("several", [False, True])
def test_a_pipe_goes_over_when_enough_was_read(several):
    data = [syns(4000), syns(10)] if several else [syns(4000)]
    expected = segments(Reader([io.BytesIO(d) for d in data], speed=INTERPRETED))
    got = list_with_speeds(Reader([io.BytesIO(d) for d in data], compile_from=2000))
    names = [name for name, _ in got]
    assert names[:2] == ["interpreted", "interpreted"]
    assert names[-1] == "compiled"
    assert names == sorted(names, reverse=True)
    assert np.array_equal(np.concatenate([part for _, part in got]), expected)


@pytest.mark.parametrize(("cached", "times"), [(False, 1), (True, 0)])
def test_a_wait_for_the_compiler_is_announced(tmp_path, monkeypatch, cached, times):
    (tmp_path / "x").write_bytes(syns(3000))
    monkeypatch.setattr(reader, "compiled_before", lambda: cached)
    told = []
    assert "compiled" in speeds(tmp_path / "x", compile_from=2000, compiling=lambda: told.append(1))
    assert len(told) == times


def list_with_speeds(chunks) -> list[tuple[str, np.ndarray]]:
    return [(chunk.speed.name, chunk.speed.array(Segment, chunk.segments, chunk.count)) for chunk in chunks]


def test_numba_is_not_loaded_for_a_small_capture(tmp_path):
    (tmp_path / "x").write_bytes(syns(100))
    code = (
        "import sys; from pcapstate.parser import Reader; n = sum(c.count for c in Reader(sys.argv[1]));"
        "print(n, 'numba' in sys.modules, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x"], capture_output=True, check=True)
    assert done.stdout.split() == [b"100", b"False", b"False"]


# --- any octets --------------------------------------------------------------------------------------------------

LARGER = {
    "pcap": pcap(*[record(syn(n) + bytes(n % 7), seconds=n) for n in range(30)]),
    "pcapng": FORMS["pcapng of all kinds"] + b"".join(enhanced(syn(n), at=n % 2, stamp=n) for n in range(3, 30)),
    "snoop": snoop(*[snoop_record(syn(n) + bytes(n % 5), n, 0) for n in range(30)]),
    "simple": section() + interface() + b"".join(simple(syn(n)) for n in range(30)),
}


def everything(data: bytes, speed) -> tuple[list, list, np.ndarray] | None:
    """Packets, problems and segments, or nothing when it is no capture."""
    try:
        got = Reader(io.BytesIO(data), speed=speed)
        found = [(p.file_frame, p.time, p.wire, p.link, p.octets) for p in got.packets()]
        again = Reader(io.BytesIO(data), speed=speed)
        return found, got.problems, segments(again)
    except CaptureError:
        return None


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_anywhere_raises_nothing_and_what_came_before_is_read(data):
    whole = LARGER[data.draw(st.sampled_from([*LARGER]))]
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)) | st.just(len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            place = data.draw(st.integers(0, len(damaged) - 1))
            size = data.draw(st.integers(1, 4))
            damaged[place : place + size] = data.draw(st.binary(min_size=size, max_size=size))
    first = next((n for n, (a, b) in enumerate(zip(whole, damaged, strict=False)) if a != b), len(damaged))
    slow, fast = everything(bytes(damaged), INTERPRETED), everything(bytes(damaged), COMPILED)
    if slow is None or fast is None:
        assert slow is fast
        assert first < 24
        return
    assert slow[:2] == fast[:2]
    assert np.array_equal(slow[2], fast[2])
    before = everything(whole[:first], INTERPRETED)
    if first >= 24 and before is not None:
        assert slow[0][: len(before[0])] == before[0]


@settings(deadline=None, max_examples=100)
@given(body=st.binary(max_size=300), head=st.sampled_from([pcap(), pcap(order=">"), section() + interface(), snoop()]))
def test_any_octets_after_a_header(body, head):
    slow, fast = everything(head + body, INTERPRETED), everything(head + body, COMPILED)
    assert slow is not None
    assert fast is not None
    assert slow[:2] == fast[:2]
    assert np.array_equal(slow[2], fast[2])


# --- other readers see the same ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["pcap", "pcap big", "pcap ns"])
def test_dpkt_reads_the_same_packets(form):
    theirs = [(round(float(time) * 1e6), octets) for time, octets in dpkt.pcap.Reader(io.BytesIO(FORMS[form]))]
    assert [(time // 1000, octets) for _, time, _, octets in packets(io.BytesIO(FORMS[form]))] == theirs


def corpus() -> list[Path]:
    files = sorted(path for path in CORPUS.rglob("*") if path.is_file() and path.suffix not in (".md", ".tsv"))
    return files if CORPUS.is_dir() else []


def seen_by_tshark(tshark: str, path: Path | str) -> tuple[list[tuple[int | None, int, int]], int]:
    """Time (None where a frame has none), captured and wire length of each frame, and tshark's exit code."""
    fields = [word for name in ("frame.time_epoch", "frame.cap_len", "frame.len") for word in ("-e", name)]
    done = subprocess.run(
        [tshark, "-n", "-r", path, "-T", "fields", *fields], capture_output=True, text=True, check=False
    )
    frames = []
    for line in done.stdout.splitlines():
        time, captured, wire = line.split("\t")
        whole, _, fraction = time.partition(".")
        # A file may say more than 999999 microseconds; tshark's 32 bits run over then.
        known = len(fraction) == 9 and int(whole) * 10**9 < LATEST
        frames.append((int(whole) * 10**9 + int(fraction) if known else None, int(captured), int(wire)))
    return frames, done.returncode


EXPLAINED = {
    # tshark does not know xz.
    "test-dns.pcap.xz",
    # Reserved bits of the link type are set, and tshark refuses the file; its one packet can be read.
    "clusterfuzz-5685520970809344",
    # Frames from 60 on are dated in the year 586524: later than nanoseconds in 63 bits tell.
    "pcapng-example.pcapng.zst",
}


@pytest.mark.tshark
@pytest.mark.shared
@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_tshark_reads_the_same_packets(tshark, path):
    theirs, code = seen_by_tshark(tshark, path)
    got = Reader(path, speed=INTERPRETED)
    ours = {p.frame: (p.time, len(p.octets), p.wire) for p in got.packets()}
    if path.name not in EXPLAINED:
        assert got.frames == len(theirs)
        assert bool(got.problems) == (code != 0) or {problem.kind for problem in got.problems} == {"untimed"}
    for number, frame in enumerate(theirs, start=1):
        if number in ours:
            time, captured, wire = ours[number]
            # tshark shows no more than 31 bits of a length.
            assert (captured, min(wire, 2**31 - 1)) == frame[1:]
            assert frame[0] in (None, time)


@pytest.mark.shared
@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_both_speeds_read_the_same_segments(path):
    slow, fast = Reader(path, speed=INTERPRETED), Reader(path, speed=COMPILED)
    assert np.array_equal(segments(slow), segments(fast))
    assert slow.problems == fast.problems
    assert slow.files == fast.files


@pytest.mark.tshark
@pytest.mark.shared
def test_mergecap_merges_the_same(tshark, tmp_path):
    mergecap = shutil.which("mergecap")
    if mergecap is None:
        pytest.skip("mergecap is not installed")
    files = [path for path in corpus() if path.parent.name in ("chitcp", "zeek", "tcpdump") and path.suffix == ".pcap"][
        :25
    ]
    if not files:
        pytest.skip(f"no captures at {CORPUS}")
    subprocess.run([mergecap, "-w", tmp_path / "all.pcapng", *files], check=True, capture_output=True)
    theirs, _ = seen_by_tshark(tshark, tmp_path / "all.pcapng")
    for speed in (INTERPRETED, COMPILED):
        ours = packets(files, speed=speed)
        assert [(time, len(octets), wire) for _, time, wire, octets in ours] == theirs
        assert [frame for frame, *_ in ours] == list(range(1, len(theirs) + 1))


def test_chunks_say_their_speed():
    (chunk,) = Reader(io.BytesIO(syns(1)), speed=COMPILED)
    assert isinstance(chunk.speed, Compiled)
