"""A capture as a user holds it."""

from __future__ import annotations

import subprocess
import sys
import types
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from making import START, a_pass, flow_row, four_way_close, millis

from pcapstate import pipeline
from pcapstate.capture import Capture, read
from pcapstate.flow import Flow
from pcapstate.parser.problems import Problem
from pcapstate.parser.sources import CaptureError
from pcapstate.schema import TABLES

CUT = Problem(0, 8, 8, 700, "cut", "The file ends within packet 8.")


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """In place of a pass over a file: what was asked for. ``runs.file`` is a file that could be read."""

    class Runs(list):
        file = tmp_path / "x.pcap"

    runs = Runs()
    runs.file.write_bytes(b"a capture")

    def run(source, **options):
        runs.append(options)
        return a_pass(kept=options["keep"])

    monkeypatch.setattr(pipeline, "run", run)
    return runs


# --- tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_attributes(capture, name):
    made = getattr(capture, name)
    assert isinstance(made, pd.DataFrame)
    assert tuple(made.columns) == TABLES[name].names
    assert made is getattr(capture, name) is capture.table(name)


def test_an_unknown_table_is_said(capture):
    with pytest.raises(ValueError, match="no table 'packets'"):
        capture.table("packets")


def test_the_timeline_says_what_happened(capture):
    server = capture.timeline[capture.timeline.side == "server"]
    assert server.to_state.tolist() == ["SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED"]
    assert server.time.iloc[0] == pd.Timestamp(millis(5), tz="UTC")


def test_columns_need_no_pandas():
    code = """if True:
        import sys; sys.path.insert(0, "tests")
        from making import a_pass
        from pcapstate.capture import Capture
        capture = Capture(a_pass())
        repr(capture); capture.columns("timeline"); str(capture.flow(0)); capture.flow(0).story(); capture._repr_html_()
        assert "pandas" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True, cwd=__file__.rpartition("/tests/")[0])


# --- connections -----------------------------------------------------------------------------------------------


def test_connections_by_number_and_in_turn():
    capture = Capture(a_pass({**four_way_close(), "flows": [flow_row(0), flow_row(1)]}))
    assert len(capture) == 2
    assert [flow.number for flow in capture] == [0, 1]
    assert isinstance(capture.flow(1), Flow)
    assert capture[1] == capture.flow(1)


@pytest.mark.parametrize("number", [-1, 1, 99])
def test_a_number_that_is_not_there(capture, number):
    with pytest.raises(IndexError, match=f"no flow {number}: capture has only flow 0"):
        capture.flow(number)


def test_a_capture_without_connections():
    capture = Capture(a_pass({}))
    assert len(capture) == 0
    assert list(capture) == []
    assert capture.flows.empty
    assert capture.timeline.dtypes["time"] == "datetime64[ns, UTC]"
    with pytest.raises(IndexError, match="has no TCP connection"):
        capture.flow(0)


# --- facts -----------------------------------------------------------------------------------------------------


def test_facts(capture):
    assert capture.name == "capture"
    assert capture.files == ("/captures/x.pcap",)
    assert capture.packets == 8
    assert capture.duration == pytest.approx(0.08)
    assert capture.start == pd.Timestamp(START, tz="UTC")
    assert capture.times == (START, millis(80))
    assert capture.problems == ()


def test_repr_is_one_line():
    assert repr(Capture(a_pass())) == "<Capture capture: 8 packets, 1 TCP connection, 0.080 s>"
    assert repr(Capture(a_pass({}, problems=[CUT, CUT]))) == (
        "<Capture capture: 8 packets, 0 TCP connections, 0.080 s, 2 problems (see .notes)>"
    )


# --- reading ---------------------------------------------------------------------------------------------------


def test_a_small_capture_keeps_every_table(runs):
    capture = read(runs.file)
    assert capture.name == "x.pcap"
    assert len(capture.segments) == len(capture.windows) * 4 == 8
    assert [set(run["keep"]) for run in runs] == [{"segments", "windows"}]


def test_a_pipe_keeps_every_table(runs):
    read("-")
    assert set(runs[0]["keep"]) == {"segments", "windows"}


def test_a_large_capture_is_read_again_for_a_large_table(runs, monkeypatch):
    monkeypatch.setattr(pipeline, "SMALL_CAPTURE", 0)
    capture = read(runs.file, msl=7)
    assert len(capture.timeline) == 11
    assert [list(run["keep"]) for run in runs] == [[]]
    assert len(capture.windows) == 2
    assert len(capture.segments) == 8
    assert [set(run["keep"]) for run in runs] == [set(), {"windows"}, {"segments", "windows"}]
    assert {run["msl"] for run in runs} == {7}


def test_segments_bring_windows_with_them(runs):
    capture = read(runs.file, keep=())
    assert len(capture.segments) == 8
    assert len(capture.windows) == 2
    assert len(runs) == 2


def test_a_table_that_was_left_out_is_read_again(runs):
    source = pipeline.Source(runs.file)
    capture = Capture(replace(a_pass(kept=()), left_out=frozenset({"timeline"})), source)
    assert len(capture.flows) == 1
    assert runs == []
    assert len(capture.timeline) == 11
    assert [set(run["keep"]) for run in runs] == [set()]


def test_what_to_keep_may_be_said(runs):
    read(runs.file, keep=["windows"])
    assert list(runs[0]["keep"]) == ["windows"]
    with pytest.raises(ValueError, match="no table 'packets'"):
        read(runs.file, keep=["packets"])


def test_a_capture_that_changed_is_not_read_again(runs):
    capture = read(runs.file, keep=())
    runs.file.write_bytes(b"another capture")
    with pytest.raises(CaptureError, match=r"x\.pcap has changed since it was read"):
        capture.segments  # noqa: B018


def test_a_capture_that_is_gone_is_not_read_again(runs):
    capture = read(runs.file, keep=())
    runs.file.unlink()
    with pytest.raises(CaptureError, match=r"x\.pcap is gone, and would have to be read again"):
        capture.segments  # noqa: B018


def test_one_table_to_keep_need_not_be_a_list(runs):
    read(runs.file, keep="windows")
    assert list(runs[0]["keep"]) == ["windows"]


@pytest.mark.parametrize("number", ["0", 0.0, None, True, np.timedelta64(0, "s")])
def test_a_flow_has_a_whole_number(capture, number):
    with pytest.raises(TypeError, match="a flow has a whole number"):
        capture.flow(number)


def test_a_flow_by_a_number_of_numpy(capture):
    assert capture.flow(np.int64(0)) == capture[0] == capture.flow(0)
    assert type(capture.flow(np.int64(0)).number) is int


def test_a_pipe_cannot_be_read_again(runs):
    capture = read("-", keep=())
    with pytest.raises(CaptureError, match="was not kept"):
        capture.segments  # noqa: B018


def test_the_picture_of_all_connections_is_only_delegated(capture, monkeypatch):
    import pcapstate

    calls = []
    fake = types.ModuleType("pcapstate.plotting")
    fake.capture = lambda of, **options: calls.append((of, options)) or "axes"
    monkeypatch.setitem(sys.modules, "pcapstate.plotting", fake)
    monkeypatch.setattr(pcapstate, "plotting", fake, raising=False)
    assert capture.plot(theme="dark") == "axes"
    assert calls == [(capture, {"theme": "dark"})]
