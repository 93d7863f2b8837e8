"""``pcapstate plot`` and ``report``: they only delegate, and never leave half a file."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
from conftest import SAMPLES

import pcapstate
from pcapstate.cli import DONE, WRONG, commands, run
from pcapstate.plotting.style import STYLES

HANDSHAKE = str(SAMPLES / "handshake_and_close.pcap")
THREE = str(SAMPLES / "listener_restart_reuseaddr.pcap")


@pytest.fixture
def plotting(monkeypatch):
    """In place of the plotting package: writes down what it was asked for, and paints one word."""

    class Figure:
        def savefig(self, stream, **options):
            fake.saved.append(options)
            stream.write(b"a picture")

    fake = types.ModuleType("pcapstate.plotting")
    fake.calls, fake.options, fake.saved = [], [], []
    for kind in commands.KINDS:
        made = Figure() if kind == "overview" else types.SimpleNamespace(figure=Figure())

        def draw(of, _kind=kind, _made=made, **options):
            fake.calls.append((_kind, getattr(of, "number", None)))
            fake.options.append(options)
            return _made

        setattr(fake, kind, draw)
    monkeypatch.setitem(sys.modules, "pcapstate.plotting", fake)
    monkeypatch.setattr(pcapstate, "plotting", fake, raising=False)
    return fake


@pytest.mark.parametrize("kind", [kind for kind in commands.KINDS if kind != "capture"])
def test_every_kind(plotting, kind, tmp_path, capsys):
    target = tmp_path / "x.svg"
    assert run(["plot", HANDSHAKE, "--flow", "0", "--kind", kind, "-o", str(target)]) == DONE
    assert plotting.calls == [(kind, 0)]
    assert plotting.saved == [{"format": "svg"}]
    assert target.read_text() == "a picture"
    assert capsys.readouterr().out == f"Wrote {target}: {kind} of flow 0\n"


def test_the_overview_is_what_comes_without_a_kind(plotting, tmp_path):
    assert run(["plot", HANDSHAKE, "--flow", "0", "-o", str(tmp_path / "x.PNG")]) == DONE
    assert plotting.calls == [("overview", 0)]
    assert plotting.saved == [{"format": "png"}]


def test_an_ending_that_is_no_picture_is_said_before_the_work(plotting, tmp_path, capsys):
    assert run(["plot", "nothing.pcap", "--flow", "0", "-o", str(tmp_path / "x.docx")]) == WRONG
    assert "the ending must be one of .png, .svg, .pdf" in capsys.readouterr().err


@pytest.mark.parametrize("flow", ["1", "-1"])
def test_a_flow_that_is_not_there(plotting, flow, tmp_path, capsys):
    assert run(["plot", HANDSHAKE, "--flow", flow, "-o", str(tmp_path / "x.svg")]) == WRONG
    assert "counted from 0" in capsys.readouterr().err
    assert plotting.calls == []


def test_a_picture_that_fails_leaves_the_old_one(plotting, tmp_path, monkeypatch):
    target = tmp_path / "x.svg"
    target.write_text("old")
    monkeypatch.setattr(plotting, "states", lambda flow, **options: (_ for _ in ()).throw(ValueError("no")))
    assert run(["plot", HANDSHAKE, "--flow", "0", "--kind", "states", "-o", str(target)]) != DONE
    assert target.read_text() == "old"


def test_all_connections_of_a_capture_in_one_picture(plotting, tmp_path, capsys):
    target = tmp_path / "x.svg"
    assert run(["plot", THREE, "--kind", "capture", "--theme", "dark", "-o", str(target)]) == DONE
    assert plotting.calls == [("capture", None)]
    assert plotting.options == [{"theme": "dark"}]
    assert capsys.readouterr().out == f"Wrote {target}: 3 connections\n"


def test_the_only_connection_needs_no_number(plotting, tmp_path, capsys):
    assert run(["plot", HANDSHAKE, "-o", str(tmp_path / "x.svg")]) == DONE
    assert plotting.calls == [("overview", 0)]
    assert run(["plot", THREE, "-o", str(tmp_path / "x.svg")]) == WRONG
    assert "the capture has 3 connections: choose one with --flow, 0 to 2" in capsys.readouterr().err


def test_the_themes_are_those_of_the_pictures():
    assert tuple(STYLES) == commands.THEMES


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--kind ladder --frames 4-7 --raw", {"frames": (4, 7), "numbers": "raw"}),
        ("--kind ladder --time 0-0.25 --rows 12", {"time": (0.0, 0.25), "rows": 12}),
        ("--kind windows --side server", {"side": "server"}),
        ("--kind machine --side client", {"side": "client"}),
        ("--kind states", {}),
    ],
)
def test_options_reach_the_picture(plotting, words, options, tmp_path):
    assert run(["plot", HANDSHAKE, *words.split(), "-o", str(tmp_path / "x.svg")]) == DONE
    assert plotting.options == [{"theme": "light", **options}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--kind states --frames 1-2", "--frames goes with --kind ladder, not with states"),
        ("--kind ladder --side client", "--side goes with --kind windows or sequence or machine, not with ladder"),
        ("--raw", "--raw goes with --kind ladder, not with overview"),
        ("--kind ladder --frames 7-4", "--frames 7-4: expected a range from the smaller to the larger"),
        ("--kind ladder --time now", "--time now: expected a range"),
    ],
)
def test_options_that_make_no_sense(plotting, words, said, tmp_path, capsys):
    assert run(["plot", HANDSHAKE, *words.split(), "-o", str(tmp_path / "x.svg")]) == WRONG
    assert said in capsys.readouterr().err
    assert plotting.calls == []


def test_a_range_without_a_segment_is_wrong_use(tmp_path, capsys):
    target = tmp_path / "x.svg"
    assert run(["plot", HANDSHAKE, "--kind", "ladder", "--frames", "400-500", "-o", str(target)]) == WRONG
    assert "flow 0 has no segment in the range asked for: frames 400 to 500" in capsys.readouterr().err
    assert not target.exists()


def test_a_capture_without_a_connection_has_no_picture(plotting, tmp_path, capsys):
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(Path(HANDSHAKE).read_bytes()[:24])
    assert run(["plot", str(empty), "-o", str(tmp_path / "x.svg")]) == WRONG
    assert "there is no TCP connection to draw" in capsys.readouterr().err


def test_the_report(tmp_path, monkeypatch, capsys):
    fake = types.ModuleType("pcapstate.report")
    fake.write = lambda capture, path: Path(path).write_text(f"{len(capture)} {len(capture.segments)}")
    monkeypatch.setitem(sys.modules, "pcapstate.report", fake)
    monkeypatch.setattr(pcapstate, "report", fake, raising=False)
    target = tmp_path / "x.html"
    assert run(["report", HANDSHAKE, "-o", str(target)]) == DONE
    assert target.read_text().startswith("1 ")
    assert capsys.readouterr().out == f"Wrote {target}: 1 connection\n"
