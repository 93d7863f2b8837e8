"""One pass over a capture, and where it can be had again."""

from __future__ import annotations

import io
import os
from types import SimpleNamespace

import numpy as np
import pytest
from making import a_pass, columns_from, four_way_close

from pcapstate import pipeline
from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.problems import Problem
from pcapstate.pipeline import LARGE, LONGEST_MSL, SMALL_CAPTURE, SPARABLE, Pass, Source, check_msl, check_names
from pcapstate.schema import NOTES, TABLES, Coded
from pcapstate.values import records, text_objects

CUT = Problem(file=0, file_frame=8, frame=8, offset=700, kind="cut", text="The file ends within packet 8.")
NOWHERE = Problem(file=-1, file_frame=0, frame=0, offset=-1, kind="odd", text="Something, somewhere.")

# --- notes and files -------------------------------------------------------------------------------------------


def test_problems_are_the_first_notes():
    notes = records(NOTES, a_pass(problems=[CUT, NOWHERE]).columns("notes"))
    assert [note["kind"] for note in notes] == ["cut", "odd", "refuted"]
    assert notes[0] == {
        "file": "/captures/x.pcap", "file_frame": 8, "frame": 8, "time": None, "flow": None, "side": None,
        "kind": "cut", "text": "The file ends within packet 8.",
    }  # fmt: skip
    assert (notes[1]["file"], notes[1]["frame"], notes[1]["file_frame"]) == (None, None, None)
    assert notes[2]["flow"] == 0


def test_without_problems_the_notes_are_the_replays():
    assert len(records(NOTES, a_pass().columns("notes"))) == 1


def test_files_are_named_by_the_reader():
    columns = columns_from("segments", four_way_close()["segments"])
    columns["file"] = Coded(np.array([0, 1, 2, 0, -1, 1, 1, 2]), [str(number) for number in range(256)])
    tables = SimpleNamespace(table=lambda name: columns, flow_count=1, last_time=0)
    made = Pass(tables=tables, kept=frozenset(), files=("a.pcap", "b.pcap", "a.pcap"))
    names = text_objects(made.columns("segments")["file"])
    assert names.tolist() == ["a.pcap", "b.pcap", "a.pcap", "a.pcap", None, "b.pcap", "b.pcap", "a.pcap"]
    assert made.columns("segments")["file"].words == ["a.pcap", "b.pcap"]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_there(name):
    assert tuple(a_pass().columns(name)) == TABLES[name].names


# --- sources ---------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.pcap"
    path.write_bytes(b"12345")
    return path


def test_what_can_be_had_only_once_is_kept(file):
    """The fingerprint, the reader and who reads again all need the names."""
    for several in (iter([str(file)]), (name for name in [str(file)]), {str(file)}, {str(file): 1}, (str(file),)):
        source = Source(several)
        assert list(source.given) == [str(file)]
        assert source.repeatable
        assert source.name == "x.pcap"
    assert Source({"b.pcap", "a.pcap"}).given == ["a.pcap", "b.pcap"]
    assert Source(file).given == file
    assert Source(b"no name").given == b"no name"


def test_a_file_that_is_gone(file):
    source = Source(str(file))
    assert source.gone() == ""
    file.unlink()
    assert source.gone() == str(file)


def test_a_file_can_be_read_again(file):
    source = Source(str(file))
    assert source.repeatable
    assert source.small
    assert source.paths == [str(file)]
    assert source.name == "x.pcap"
    assert source.unchanged()


def test_a_file_that_grew_is_seen(file):
    source = Source(file)
    with file.open("ab") as stream:
        stream.write(b"6")
    assert not source.unchanged()


def test_a_file_written_anew_is_seen(file):
    source = Source(file)
    os.utime(file, ns=(1, 1))
    assert not source.unchanged()


def test_a_file_that_went_away_is_seen(file):
    source = Source(file)
    file.unlink()
    assert not source.unchanged()


def test_a_large_file_is_not_small(file):
    os.truncate(file, SMALL_CAPTURE + 1)
    assert not Source(file).small
    assert Source(file).repeatable


def test_folders_and_globs_stand_for_their_files(file):
    (file.parent / "y.pcap").write_bytes(b"1")
    for given in (file.parent, str(file.parent / "*.pcap"), [file, file.parent / "y.pcap"]):
        assert [os.path.basename(path) for path in Source(given).paths] == ["x.pcap", "y.pcap"]


@pytest.mark.parametrize("given", ["-", io.BytesIO(b""), ["-"], "/no/such/file", 7])
def test_what_comes_only_once(given):
    source = Source(given)
    assert not source.repeatable
    assert not source.small


def test_a_named_pipe_comes_only_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not Source(tmp_path / "pipe").repeatable


def test_names(tmp_path):
    with (tmp_path / "opened.pcap").open("wb") as stream:
        assert Source(stream).name == "opened.pcap"
    assert Source("-").name == "standard input"
    assert Source(["a/x.pcap"]).name == "x.pcap"
    assert Source(["x", "y"]).name == "2 files"
    assert Source(f"{tmp_path}/").name == tmp_path.name
    assert Source(io.BytesIO()).name == "an open file"


def test_names_of_tables_are_checked():
    check_names(["flows", "notes"])
    with pytest.raises(ValueError, match="no table 'flow'; the tables are flows, timeline"):
        check_names(["flow"])


# --- the run ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "noted"), [(INTERPRETED, 0), (COMPILED, 1)], ids=["interpreted", "compiled"])
def test_chunks_may_be_led_through_something(at, noted, monkeypatch):
    """And a whole run of the compiled kernels is noted, so that the next one knows that they are there."""
    import pcapstate.parser.reader
    import pcapstate.replay.engine

    class Reader(list):
        def __init__(self, source, progress, compiling):
            super().__init__([1, 2, 3])
            self.files, self.problems = [SimpleNamespace(path="x.pcap")], [CUT]
            self.frames, self.first_time, self.last_time = 3, 10, 20
            self.speed = at

    seen, notes = {}, []
    monkeypatch.setattr(pipeline, "note_compiled", lambda: notes.append(1))

    def replay(chunks, *, msl, keep, leave_out):
        seen.update(chunks=list(chunks), msl=msl, keep=keep, leave_out=leave_out)
        return SimpleNamespace(flow_count=0, last_time=0)

    monkeypatch.setattr(pcapstate.parser.reader, "Reader", Reader)
    monkeypatch.setattr(pcapstate.replay.engine, "replay", replay)
    made = pipeline.run("x", msl=1.5, keep=["windows"], through=lambda chunks: (10 * chunk for chunk in chunks))
    assert seen == {"chunks": [10, 20, 30], "msl": 1.5, "keep": ("windows",), "leave_out": ()}
    assert (made.files, made.frames, made.first_time, made.last_time) == (("x.pcap",), 3, 10, 20)
    assert made.problems == (CUT,)
    assert made.kept == {"windows"}
    assert len(notes) == noted


# --- what is asked for -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("msl", [0, 30, 0.5, np.int64(120), np.float32(2.5), LONGEST_MSL])
def test_a_maximum_segment_lifetime(msl):
    assert check_msl(msl) == msl
    assert isinstance(check_msl(msl), float)


@pytest.mark.parametrize(
    "msl",
    [-1, -0.5, float("nan"), float("inf"), 1e300, LONGEST_MSL + 1, "30", None, True, [30], np.timedelta64(30, "s")],
)
def test_what_is_none(msl, file):
    with pytest.raises(ValueError, match=r"^msl .*: a maximum segment lifetime is a number of seconds, 0 to 604,800"):
        check_msl(msl)
    with pytest.raises(ValueError, match=r"^msl "):
        pipeline.run(file, msl=msl)


@pytest.mark.parametrize("name", TABLES)
def test_what_a_pass_has(name):
    """The tables of packets if they were kept, the others if they were not left out."""
    assert Pass(tables=None, kept=frozenset({name})).has(name)
    assert Pass(tables=None, kept=frozenset()).has(name) == (name not in LARGE)
    assert Pass(tables=None, kept=frozenset(), left_out=frozenset(SPARABLE)).has(name) == (
        name not in (*LARGE, *SPARABLE)
    )
