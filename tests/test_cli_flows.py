"""``pcapstate ladder`` and connections in full, on real captures."""

from __future__ import annotations

import re

import pytest
from conftest import SAMPLES
from rich.console import Console

import pcapstate as ps
from pcapstate.cli import DONE, WRONG, flows, run
from pcapstate.ladder import read

HANDSHAKE = str(SAMPLES / "handshake_and_close.pcap")
TWO_FLOWS = str(SAMPLES / "port_reuse_in_time_wait.pcap")


def ladders(capsys, *arguments):
    assert run(["ladder", *arguments]) == DONE
    return capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
def test_every_sample_has_a_ladder_that_can_be_read(path, capsys):
    text = ladders(capsys, str(path), "--flow", "0")
    exchange = read(text)
    assert exchange.title.startswith("Flow 0: ")
    assert exchange.lines[-1].client or exchange.lines[-1].server
    assert any(line.segment and "SYN" in line.segment.flags for line in exchange.lines)


def test_the_last_ack_that_was_lost(capsys):
    """As RFC 9293 3.6 has it: the FIN comes again, and is acknowledged again from TIME_WAIT."""
    lines = read(ladders(capsys, str(SAMPLES / "lost_last_ack.pcap"))).lines
    ends = [(line.client, line.server, line.arrives) for line in lines if line.segment][-3:]
    assert ends == [
        ("TIME_WAIT", "LAST_ACK", False),
        ("TIME_WAIT", "LAST_ACK", True),
        ("TIME_WAIT", "CLOSED", True),
    ]


def test_all_flows_come_when_none_is_named(capsys):
    text = ladders(capsys, TWO_FLOWS)
    assert [line for line in text.splitlines() if line.startswith("Flow")] == [
        "Flow 0: 10.77.0.1:40000 -> 10.77.0.2:8080",
        "Flow 1: 10.77.0.1:40000 -> 10.77.0.2:8080",
    ]


def test_only_those_that_are_named(capsys):
    text = ladders(capsys, TWO_FLOWS, "--flow", "1")
    assert "Flow 1: " in text
    assert "Flow 0: " not in text


def test_many_flows_are_not_all_printed(capsys, monkeypatch):
    monkeypatch.setattr(flows, "MOST_LADDERS", 1)
    text = ladders(capsys, TWO_FLOWS)
    assert "Flow 1: " not in text
    assert text.endswith("1 more connection: --flow names those to show\n")


def test_raw_numbers(capsys):
    relative, raw = ladders(capsys, HANDSHAKE), ladders(capsys, HANDSHAKE, "--raw")
    assert "<SEQ=0><CTL=SYN>" in relative
    assert "<SEQ=0><CTL=SYN>" not in raw


def test_long_flows_are_folded_unless_all_is_said(capsys):
    path = str(SAMPLES / "lost_data.pcap")
    assert "segments not shown" in ladders(capsys, path)
    assert "segments not shown" not in ladders(capsys, path, "--all")


def test_a_capture_without_tcp(capsys, tmp_path):
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    assert ladders(capsys, str(empty)) == "no TCP connection\n"
    assert run(["ladder", str(empty), "--flow", "0"]) == WRONG


def test_the_longest_gaps_of_a_connection(capsys, monkeypatch):
    """The window of the slow reader is zero for long: the gap has its cause and its frames."""
    path = str(SAMPLES / "slow_reader_zero_window.pcap")
    assert run(["analyze", path, "--flow", "0"]) == DONE
    out = capsys.readouterr().out
    assert "longest gaps in sending" in out
    assert "a zero window of the" in out
    every = flows.longest(ps.read(path).flow(0))
    monkeypatch.setattr(flows, "MOST_STALLS", 1)
    (row,) = flows.longest(ps.read(path).flow(0))
    assert row["duration"] == max(other["duration"] for other in every)


def test_the_cells_of_a_gap():
    row = {
        "side": "server", "start": 1_500_000_000, "duration": 0.25, "cause": "timeout_stall", "detail": "tail",
        "start_frame": 3, "end_frame": 9,
    }  # fmt: skip
    assert [cell.plain for cell in flows.stall_cells(row, 1_000_000_000)] == [
        "server",
        "0.500000",
        "0.250 s",
        "a retransmission timeout, as too little followed the loss to tell of it sooner",
        "3 to 9",
    ]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
def test_every_sample_in_full(path, capsys):
    assert run(["analyze", str(path), "--flow", "0"]) == DONE
    out = capsys.readouterr().out
    assert "client 10.77.0.1:" in out
    assert "evidence" in out
    assert "left in" in out


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
@pytest.mark.parametrize("width", [60, 80, 140])
def test_states_and_seconds_are_whole_at_every_width(path, width, capsys, monkeypatch):
    """Half a state is another state: FIN_WAIT_1 and FIN_WAIT_2 differ in their last letter."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["analyze", str(path), "--flow", "0"]) == DONE
    before, _, after = capsys.readouterr().out.partition("\nclient 10.77.0.1:")
    tables, _, _ = re.split(r"(\n\n +10\.77\.0\.1)", after)
    assert "\N{HORIZONTAL ELLIPSIS}" not in before + tables
    assert max(len(line) for line in tables.splitlines()) <= width
    for side in ps.read(path).flow(0).sides:
        for row in side.transitions:
            when = f"{((row['estimate'] or row['time']) - side.flow.facts['start']) / 1e9:.6f}"
            assert any(when in line.split() and row["to_state"] in line.split() for line in tables.splitlines())


def test_notes_that_have_no_room_stand_below(capsys, monkeypatch):
    path = str(SAMPLES / "lost_last_ack.pcap")
    for width, line in (
        ("140", "presumed          An earlier copy had no effect: it was sent again."),
        ("80", "  frame 13, rcv ACK of FIN: An earlier copy had no effect: it was sent again."),
        ("80", "  2MSL: The timer started anew when the FIN came again."),
    ):
        monkeypatch.setenv("COLUMNS", width)
        assert run(["analyze", path, "--flow", "0"]) == DONE
        assert line in capsys.readouterr().out


def test_columns_without_room_are_named(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert run(["analyze", HANDSHAKE, "--flow", "0"]) == DONE
    said = capsys.readouterr().out
    assert "  no room for: proof, between" in said
    assert "note" not in said


def test_for_how_long_a_side_has_been_in_close_wait(capsys):
    """A half-close that the capture cuts off: the server still sends."""
    segments = ps.parse(SAMPLES / "half_close.pcap")
    capture = ps.replay(segments[segments.frame <= 8])
    flows.print_flows(Console(width=140), capture, [0], limit=1)
    lines = capsys.readouterr().out.splitlines()
    assert any(re.fullmatch(r"server 10\.77\.0\.2:8080: CLOSE_WAIT, for at least 0\.\d{3} s", line) for line in lines)
    assert "client 10.77.0.1:54549: FIN_WAIT_2" in lines
