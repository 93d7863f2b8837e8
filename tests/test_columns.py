"""replay/columns.py: settled flows as the columns of schema."""

from __future__ import annotations

import numpy as np
import pytest
from ladders import replayed, segments_of

from pcapstate.replay import columns
from pcapstate.replay.columns import address, addresses, empty, known, seconds
from pcapstate.replay.rows import NEVER
from pcapstate.replay.sentences import sentences
from pcapstate.schema import FLOWS, MISSING, TABLES, Coded

TWO = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.010
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.004
"""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((0, 0, 0xFFFF, 0x0A000001), "10.0.0.1"),
        ((0x20010DB8, 0, 0, 1), "2001:db8::1"),
        ((0, 0, 0, 1), "::1"),
    ],
)
def test_addresses_as_text(words, text):
    assert address(words) == text


def test_each_address_is_written_once():
    coded = addresses(np.array([[0, 0, 0xFFFF, 2], [0, 0, 0xFFFF, 1], [0, 0, 0xFFFF, 2]]))
    assert [coded.words[code] for code in coded.codes] == ["0.0.0.2", "0.0.0.1", "0.0.0.2"]
    assert len(coded.words) == 2


def test_missing_is_missing():
    assert known(np.array([-1, 0, 5])).tolist() == [MISSING, 0, 5]
    assert np.isnan(seconds(np.array([NEVER, -1]))).all()
    assert seconds(np.array([1_500_000_000])).tolist() == [1.5]


@pytest.mark.parametrize("column", FLOWS.columns, ids=lambda column: column.name)
def test_a_column_of_which_nothing_is_known(column):
    values = empty(column.dtype, 3)
    codes = values.codes if isinstance(values, Coded) else values
    assert len(codes) == 3
    if column.dtype == "int64":
        assert (codes == 0).all()
    elif column.dtype == "float64":
        assert np.isnan(codes).all()
    else:
        assert set(codes.tolist()) <= {-1, MISSING}


def test_the_facts_of_a_flow():
    flows = replayed(segments_of(TWO).rows).table("flows")
    assert flows["client_address"].words[flows["client_address"].codes[0]] == "10.0.0.1"
    assert flows["server_address"].words[flows["server_address"].codes[0]] == "10.0.0.2"
    assert (flows["client_port"][0], flows["server_port"][0]) == (40000, 80)
    assert flows["duration"][0] == pytest.approx(0.014)
    assert flows["rtt_server"][0] == pytest.approx(0.010)
    states = TABLES["flows"]["client_state"].words
    assert [states[flows[f"{side}_state"][0]] for side in ("client", "server")] == ["ESTABLISHED"] * 2


def test_a_server_that_never_answered_has_no_state_and_one_that_refused_is_closed():
    states = TABLES["flows"]["server_state"].words
    silent = replayed(segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\n").rows).table("flows")
    assert states[silent["server_state"][0]] == ""
    refused = replayed(
        segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nCLOSED <-- <SEQ=0><ACK=100><CTL=RST,ACK><WND=0> <--\n").rows
    ).table("flows")
    assert states[refused["server_state"][0]] == "CLOSED"


def test_the_timeline_is_sorted_and_names_both_ends():
    table = replayed(segments_of(TWO).rows).table("timeline")
    assert (np.diff(table["estimate"]) >= 0).all()
    for mine, peer in (("address", "peer_address"),):
        ends = {
            (table[mine].words[a], table[peer].words[b])
            for a, b in zip(table[mine].codes, table[peer].codes, strict=True)
        }
        assert ends == {("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1")}
    assert set(zip(table["port"].tolist(), table["peer_port"].tolist(), strict=True)) == {(40000, 80), (80, 40000)}


def test_a_column_of_flows_is_made_once_and_when_it_is_asked_for(monkeypatch):
    written = []
    monkeypatch.setattr(columns, "sentences", lambda table: written.append(1) or sentences(table))
    flows = replayed(segments_of(TWO).rows).table("flows")
    assert "note" in flows
    assert len(flows) == len(list(flows)) == len(FLOWS.names)
    assert written == []
    for _ in range(2):
        assert flows["note"].tolist() == [
            "Opened by a three-way handshake (frames 1, 2, 3). Not closed within the capture."
        ]
    assert written == [1]


@pytest.mark.parametrize("name", ["nonsense", ""])
def test_there_is_no_other_column(name):
    flows = replayed(segments_of(TWO).rows).table("flows")
    assert name not in flows
    with pytest.raises(KeyError):
        flows[name]


def test_addresses_are_written_when_they_are_asked_for():
    words = columns.Addresses(np.array([[0, 0, 0xFFFF, 0x0A000001], [0x20010DB8, 0, 0, 1]]))
    assert len(words) == 2
    assert words[1] == "2001:db8::1"
    assert list(words) == list(words[:]) == ["10.0.0.1", "2001:db8::1"]
    with pytest.raises(IndexError):
        words[2]


CLOSING = """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT    +0.020
"""
CLOSED = """
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.100
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.010
"""


@pytest.mark.parametrize(
    ("text", "column", "state", "count"),
    [
        (TWO, "to_state", "CLOSE_WAIT", 0),
        (TWO + CLOSING, "to_state", "CLOSE_WAIT", 1),
        (TWO + CLOSING + CLOSED, "to_state", "CLOSE_WAIT", 0),
        (TWO + CLOSING + CLOSED, "from_state", "TIME_WAIT", 1),
    ],
)
def test_how_long_sides_wait_is_what_the_timeline_says(text, column, state, count):
    made = replayed(segments_of(text).rows)
    whole, seen = made.table("timeline"), made.glimpse("timeline")
    code = TABLES["timeline"][column].words.index(state)
    rows = np.flatnonzero(seen[column] == code)
    assert len(rows) == count
    for row in rows:
        (same,) = np.flatnonzero((whole[column] == code) & (whole["side"] == seen["side"][row]))
        for name in ("flow", "estimate", "dwell") if state == "TIME_WAIT" else ("flow", "latest"):
            assert seen[name][row] == whole[name][same], name
