"""``pcapstate plot`` and ``report``: they only delegate, and never leave half a file."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
from conftest import SAMPLES

import pcapstate
from pcapstate.cli import DONE, WRONG, commands, run

HANDSHAKE = str(SAMPLES / "handshake_and_close.pcap")


@pytest.fixture
def plotting(monkeypatch):
    """In place of the plotting package: writes down what it was asked for, and paints one word."""

    class Figure:
        def savefig(self, stream, **options):
            fake.saved.append(options)
            stream.write(b"a picture")

    fake = types.ModuleType("pcapstate.plotting")
    fake.calls, fake.saved = [], []
    for kind in commands.KINDS:
        made = Figure() if kind == "overview" else types.SimpleNamespace(figure=Figure())
        setattr(fake, kind, lambda flow, _kind=kind, _made=made: fake.calls.append((_kind, flow.number)) or _made)
    monkeypatch.setitem(sys.modules, "pcapstate.plotting", fake)
    monkeypatch.setattr(pcapstate, "plotting", fake, raising=False)
    return fake


@pytest.mark.parametrize("kind", commands.KINDS)
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
    monkeypatch.setattr(plotting, "states", lambda flow: (_ for _ in ()).throw(ValueError("no")))
    assert run(["plot", HANDSHAKE, "--flow", "0", "--kind", "states", "-o", str(target)]) != DONE
    assert target.read_text() == "old"


def test_the_report(tmp_path, monkeypatch, capsys):
    fake = types.ModuleType("pcapstate.report")
    fake.write = lambda capture, path: Path(path).write_text(f"{len(capture)} {len(capture.segments)}")
    monkeypatch.setitem(sys.modules, "pcapstate.report", fake)
    monkeypatch.setattr(pcapstate, "report", fake, raising=False)
    target = tmp_path / "x.html"
    assert run(["report", HANDSHAKE, "-o", str(target)]) == DONE
    assert target.read_text().startswith("1 ")
    assert capsys.readouterr().out == f"Wrote {target}: 1 connections\n"
