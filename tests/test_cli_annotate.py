"""``pcapstate annotate``: what it says, what it refuses before the work, and exit codes."""

from __future__ import annotations

import io
import os
import sys
import types

import pytest
from conftest import SAMPLES
from test_copying import commented

import pcapstate as ps
from pcapstate.cli import DAMAGED, DONE, INTERRUPTED, WRONG, run
from pcapstate.cli.reading import Interruptible

HANDSHAKE = str(SAMPLES / "handshake_and_close.pcap")
THREE = str(SAMPLES / "listener_restart_reuseaddr.pcap")


def comments(path):
    return [text for texts in commented(path.read_bytes()) for text in texts]


def test_a_file_with_comments(tmp_path, capsys):
    target = tmp_path / "y.pcapng"
    assert run(["annotate", HANDSHAKE, "-o", str(target)]) == DONE
    assert capsys.readouterr().out == f"Wrote {target}: 11 packets, 12 comments on 1 connection\n"
    assert len(comments(target)) == 12
    assert ps.read(target).timeline.equals(ps.read(HANDSHAKE).timeline)
    assert os.listdir(tmp_path) == ["y.pcapng"]


@pytest.mark.parametrize(
    ("options", "flows"),
    [
        (["--flow", "0,2"], {0, 2}),
        (["--filter", "port 1"], set()),
        (["--filter", "host 10.9.0.1", "--flow", "1"], set()),
        ([], {0, 1, 2}),
    ],
)
def test_the_connections_that_are_chosen(options, flows, tmp_path, capsys):
    target = tmp_path / "y.pcapng"
    assert run(["annotate", THREE, "-o", str(target), *options]) == DONE
    assert {int(text.split()[2]) for text in comments(target)} == flows
    assert capsys.readouterr().out.endswith(f"on {len(flows)} connection{'' if len(flows) == 1 else 's'}\n")
    assert len(commented(target.read_bytes())) == ps.read(THREE).packets


def test_labels_on_wish(tmp_path):
    target = tmp_path / "y.pcapng"
    slow = str(SAMPLES / "slow_reader_zero_window.pcap")
    assert run(["annotate", slow, "-o", str(target), "-q"]) == WRONG
    assert run(["annotate", slow, "-o", str(target)]) == DONE
    assert not any("zero window" in text for text in comments(target))
    assert run(["annotate", slow, "-o", str(target), "--labels"]) == DONE
    assert any("zero window" in text for text in comments(target))


def test_several_files_become_one(tmp_path, capsys):
    target = tmp_path / "y.pcapng"
    assert run(["annotate", HANDSHAKE, THREE, "-o", str(target)]) == DONE
    assert "on 4 connections" in capsys.readouterr().out
    assert ps.read(target).timeline.equals(ps.read([HANDSHAKE, THREE]).timeline)


def test_standard_output(monkeypatch, capsys):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", types.SimpleNamespace(buffer=written, isatty=lambda: False, flush=lambda: None))
    assert run(["annotate", HANDSHAKE, "-o", "-"]) == DONE
    assert len(commented(written.getvalue())) == 11


def test_a_terminal_is_no_place_for_a_capture(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert run(["annotate", HANDSHAKE, "-o", "-"]) == WRONG
    assert "a capture is not for a terminal" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["y.pcap", "y.CAP", "y.pcapng.gz", "y.csv"])
def test_only_pcapng_has_room_for_comments(name, tmp_path, capsys):
    assert run(["annotate", HANDSHAKE, "-o", str(tmp_path / name)]) == WRONG
    assert "only pcapng has room for comments" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_the_capture_itself_is_never_written_to(tmp_path, capsys):
    path = tmp_path / "x.pcapng"
    assert run(["annotate", HANDSHAKE, "-o", str(path)]) == DONE
    before = path.read_bytes()
    assert run(["annotate", str(path), "-o", str(path)]) == WRONG
    assert "is the capture itself" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_pipe_is_refused_before_it_is_read(tmp_path, monkeypatch, capsys):
    data = io.BytesIO((SAMPLES / "half_close.pcap").read_bytes())
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=data))
    assert run(["annotate", "-", "-o", str(tmp_path / "y.pcapng")]) == WRONG
    assert "save what comes from a pipe first" in capsys.readouterr().err
    assert data.tell() == 0


def test_what_is_not_there_or_no_capture(tmp_path, capsys):
    assert run(["annotate", str(tmp_path / "gone.pcap"), "-o", str(tmp_path / "y.pcapng")]) == WRONG
    assert "No such file" in capsys.readouterr().err
    assert run(["annotate", __file__, "-o", str(tmp_path / "y.pcapng")]) == WRONG
    assert "not a capture file" in capsys.readouterr().err
    assert run(["annotate", HANDSHAKE, "-o", str(tmp_path / "no" / "y.pcapng")]) == WRONG
    assert os.listdir(tmp_path) == []


def test_a_flow_that_is_not_there(tmp_path, capsys):
    assert run(["annotate", HANDSHAKE, "--flow", "7", "-o", str(tmp_path / "y.pcapng")]) == WRONG
    assert "the capture has only flow 0" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_damaged_capture(tmp_path, capsys):
    path, target = tmp_path / "x.pcap", tmp_path / "y.pcapng"
    path.write_bytes((SAMPLES / "half_close.pcap").read_bytes()[:-9])
    assert run(["annotate", str(path), "-o", str(target)]) == DAMAGED
    told = capsys.readouterr()
    assert "the file ends within a packet" in told.err
    assert "Wrote" in told.out
    assert len(commented(target.read_bytes())) == ps.read(path).packets


def test_an_interrupt_writes_nothing(tmp_path, monkeypatch, capsys):
    def interrupted(self, chunks):
        self.interrupted = True
        return iter(chunks)

    monkeypatch.setattr(Interruptible, "chunks", interrupted)
    assert run(["annotate", HANDSHAKE, "-o", str(tmp_path / "y.pcapng")]) == INTERRUPTED
    assert "was not written" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_an_interrupt_while_it_is_written_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "y.pcapng"
    target.write_bytes(b"old")

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pcapstate.parser.copying.copy", interrupt)
    assert run(["annotate", HANDSHAKE, "-o", str(target)]) == INTERRUPTED
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["y.pcapng"]
