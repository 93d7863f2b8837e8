"""The summary: what was read, what was found, how connections ended, a table of them."""

from __future__ import annotations

import numpy as np
import pytest
from making import a_pass, flow_row, four_way_close

from pcapstate.capture import Capture
from pcapstate.cli.flows import transition_cells
from pcapstate.cli.summary import HEADINGS, flow_cells, opening, summarize, tally
from pcapstate.cli.tables import fitted
from pcapstate.parser.problems import Problem
from pcapstate.pipeline import Pass

CUT = Problem(0, 8, 8, 700, "cut", "The file ends within packet 8.")


def with_flows(*rows, problems=()):
    return Capture(a_pass({**four_way_close(), "flows": list(rows)}, problems))


def summary(capture, capsys, chosen=None, limit=20, detailed=False):
    summarize(capture, None if chosen is None else np.array(chosen), limit=limit, detailed=detailed)
    return capsys.readouterr().out


def test_the_opening_says_what_was_read(capture):
    assert opening(capture, 1) == [
        "x.pcap: 8 packets in 0.080 s, 2026-01-02 03:04:05.000 to 03:04:05.080 UTC; 1 TCP connection"
    ]


def test_the_opening_says_what_was_not_read_and_what_was_chosen():
    lines = opening(with_flows(flow_row(0), flow_row(1), problems=[CUT]), 1)
    assert lines[0].endswith("; 2 TCP connections, 1 chosen")
    assert lines[1] == "Not everything could be read: 1 in the table notes."


def test_the_opening_of_a_capture_without_packets():
    made = Pass(tables=a_pass({}).tables, kept=frozenset(), files=("empty.pcap",))
    assert opening(Capture(made), 0) == ["empty.pcap: 0 packets; 0 TCP connections"]


def test_many_files_are_counted():
    files = tuple(f"/captures/{number}.pcap" for number in range(5))
    made = Pass(tables=a_pass({}).tables, kept=frozenset(), files=files, frames=1)
    assert opening(Capture(made), 0)[0].startswith("0.pcap, 1.pcap, 2.pcap and 2 more files: 1 packet")


def test_one_is_one():
    made = Pass(tables=a_pass({}).tables, kept=frozenset(), files=("a", "b", "c", "d"), frames=1)
    assert opening(Capture(made), 0)[0].startswith("a, b, c and 1 more file: 1 packet in 0.000 s")


def test_names_cannot_steer_the_terminal():
    made = Pass(tables=a_pass({}).tables, kept=frozenset(), files=("a\x1b[2Jb.pcap",), frames=1)
    assert opening(Capture(made), 0)[0].startswith("a?[2Jb.pcap")


def test_the_whole_summary(capsys):
    capture = with_flows(flow_row(0), flow_row(1, close_reason="refused", opened="refused", closed_by="server"))
    lines = [line.strip() for line in summary(capture, capsys).splitlines() if line.strip()]
    assert lines[1] == "! 1 connection refused by 10.0.0.2:80 (flow 1)"
    assert lines[2] == "opened: three way 1, refused 1"
    assert lines[3] == "ended : fin 1, refused 1"
    assert lines[4].split() == (
        [
            "flow",
            "client",
            "server",
            "client",
            "state",
            "server",
            "state",
            "opened",
            "closed",
            "sent",
            "received",
            "seconds",
        ]
    )
    assert "TIME_WAIT" in lines[6]
    assert "client, fin" in lines[6]
    assert "server, refused" in lines[7]
    assert lines[-1] == "--flow N tells of one connection in full"


def test_the_table_is_limited_and_says_how_to_see_more(capsys):
    capture = with_flows(*(flow_row(number) for number in range(30)))
    text = summary(capture, capsys, limit=5)
    assert "10.0.0.1:40004" in text
    assert "10.0.0.1:40005" not in text
    assert "25 more: --limit 30 shows all, --filter some, -o DIR writes tables" in text
    assert "more: --limit" not in summary(capture, capsys, limit=30)
    assert "10.0.0.1" not in summary(capture, capsys, limit=0)


def test_findings_name_a_few_of_their_flows(capsys):
    capture = with_flows(*(flow_row(number, close_reason="refused") for number in range(9)))
    assert "(flows 0, 1, 2, 3, 4, 5, ... --filter 'finding refused')" in summary(capture, capsys)


def test_only_chosen_flows_are_told_of(capsys):
    capture = with_flows(flow_row(0), flow_row(1, close_reason="refused"))
    text = summary(capture, capsys, chosen=[0])
    assert "refused" not in text
    assert "1 chosen" in text


def test_a_capture_without_connections(capsys):
    assert summary(Capture(a_pass({})), capsys).strip().endswith("0 TCP connections")


def test_connections_in_full(capsys, capture):
    text = summary(capture, capsys, chosen=[0], detailed=True)
    assert "flow 0" in text
    assert "10.0.0.1:40000 opened the connection to 10.0.0.2:80 by a three-way handshake." in text
    assert "client 10.0.0.1:40000: TIME_WAIT" in text
    assert "SYN_SENT     --> <SEQ=0><CTL=SYN>" in text


def test_connections_in_full_are_limited(capsys):
    capture = with_flows(*(flow_row(number) for number in range(4)))
    text = summary(capture, capsys, chosen=[0, 1, 2, 3], limit=1, detailed=True)
    assert "3 more: --limit 4 shows all" in text


def test_how_often():
    flows = with_flows(
        *(flow_row(n, opened=word) for n, word in enumerate(["refused", "three_way", "three_way", None]))
    )
    assert tally(flows.columns("flows"), "opened") == ["three way 2", "refused 1"]


def test_a_row_of_the_table(capture):
    cells = [cell.plain for cell in flow_cells(capture.flow(0).facts)]
    assert cells[:5] == ["0", "10.0.0.1:40000", "10.0.0.2:80", "TIME_WAIT", "CLOSED"]
    assert cells[5:] == ["three way", "client, fin", "100 B", "0 B", "0.080"]


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (140, ()),
        (108, ("seconds",)),
        (100, ("seconds", "opened")),
        (89, ("seconds", "opened", "received")),
        (80, ("seconds", "opened", "received", "sent")),
        (20, ("seconds", "opened", "received", "sent")),
    ],
)
def test_on_a_narrow_terminal_what_matters_least_goes_first(capture, width, gone):
    assert fitted(HEADINGS, [flow_cells(capture.flow(0).facts)], width).left_out == gone


def test_what_was_left_out_is_said(capture, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    said = summary(capture, capsys)
    assert "  no room for: seconds, opened, received, sent (COLUMNS=" in said
    wide = said.partition("COLUMNS=")[2].split()[0]
    monkeypatch.setenv("COLUMNS", wide)
    said = summary(capture, capsys)
    assert "no room" not in said
    assert "received" in said


@pytest.mark.parametrize(
    ("facts", "closed"),
    [
        ({"closed_by": "none", "close_reason": "still_open"}, "still open"),
        ({"closed_by": None, "close_reason": None}, ""),
        ({"closed_by": "both", "close_reason": "fin"}, "both, fin"),
    ],
)
def test_who_closed(facts, closed):
    cells = flow_cells(with_flows(flow_row(**facts)).flow(0).facts)
    assert cells[6].plain == closed


def test_what_is_not_known_is_a_question_mark():
    facts = flow_row(client_state=None, server_state="", opened=None)
    assert [cell.plain for cell in flow_cells(with_flows(facts).flow(0).facts)[3:6]] == ["?", "?", "?"]


def test_a_transition_as_cells(capture):
    rows = capture.flow(0).client.transitions
    cells = [[cell.plain for cell in transition_cells(row, capture.times[0])] for row in rows]
    assert cells[1] == ["2", "0.010000", "0.010000 to 0.011000", "rcv SYN,ACK", "ESTABLISHED", "confirmed", "3", ""]
    assert cells[3][2] == "0.060000 to ?"
    assert cells[5][:2] == ["", "60.070000"]


@pytest.mark.parametrize("width", [50, 80, 140])
def test_at_every_width_states_and_reasons_are_whole(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    reasons = ("abort_unread", "data_after_close", "keep_alive_failure")
    capture = with_flows(
        *(flow_row(number, close_reason=reason, server_state="FIN_WAIT_2") for number, reason in enumerate(reasons))
    )
    said = summary(capture, capsys)
    assert "\N{HORIZONTAL ELLIPSIS}" not in said
    table = said.partition("client state")[2]
    assert table.count("FIN_WAIT_2") == table.count("TIME_WAIT") == len(reasons)
    words = " ".join(reasons).replace("_", " ").split()
    assert width < 80 or set(words) <= set(table.split())
    assert max(map(len, said.splitlines())) <= width
