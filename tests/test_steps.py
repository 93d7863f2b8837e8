"""Where a ladder shows each change of state: every state of both sides is seen, also where segments cross."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import SAMPLES
from ladders import replayed, segments_of
from making import a_pass, four_way_close, millis, segment
from test_figures import ALL

import pcapstate as ps
from pcapstate.capture import Capture
from pcapstate.exchange import of_flow
from pcapstate.ladder import read, write
from pcapstate.pipeline import Pass
from pcapstate.schema import STATES
from pcapstate.steps import steps_of


def column(exchange, side):
    """The states that a side's column shows, in their order."""
    told = [state for line in exchange.lines if (state := getattr(line, side)) in STATES]
    return [state for state, before in zip(told, [None, *told], strict=False) if state != before]


def lasting(side):
    """The side's states but for those that end with the very segment which began them."""
    rows = side.transitions
    after = [*(row["frame"] for row in rows[1:]), None]
    last = [row["to_state"] for row, frame in zip(rows, after, strict=True) if frame is None or frame != row["frame"]]
    return [*([rows[0]["from_state"]] if rows[0]["from_state"] else []), *last]


def all_seen(capture):
    for number in range(min(len(capture.columns("flows")["flow"]), 5)):
        flow = capture.flow(number)
        exchange = of_flow(flow, limit=None)
        for side in flow.sides:
            if side.transitions:
                assert column(exchange, side.name) == lasting(side), write(exchange)
        frames = [line.number for line in exchange.lines if line.number is not None]
        assert frames == flow.columns("segments")["frame"].tolist()
        assert read(write(exchange)) == exchange


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
def test_every_state_of_the_samples_is_seen(path):
    all_seen(ps.read(path))


@pytest.mark.parametrize("text", ALL)
def test_every_state_of_the_figures_is_seen(text):
    all_seen(Capture(Pass(replayed(segments_of(text).rows), frozenset(("segments", "windows")))))


@pytest.mark.parametrize("text", ALL)
def test_what_is_printed_is_the_same_exchange_when_it_is_read(text):
    """Segments on two lines, departure and arrival, are one segment to who reads them."""
    rows = segments_of(text).rows
    flow = Capture(Pass(replayed(rows), frozenset(("segments", "windows")))).flow(0)
    printed = segments_of(re.sub(r"^ *\d+\.", "", flow.ladder(limit=None, raw=True), flags=re.M)).rows
    mine = [row for row in rows if row["frame"] in flow.columns("segments")["frame"]]
    names = ("seq", "flags", "length", "src3")
    assert [[row[name] for name in names] for row in printed] == [[row[name] for name in names] for row in mine]


CLOSE = """
CLOSED                                                 LISTEN
SYN_SENT     --> <SEQ=99><CTL=SYN>                 --> SYN_RECEIVED
ESTABLISHED  <-- <SEQ=299><ACK=100><CTL=SYN,ACK>   <-- SYN_RECEIVED  +0.020
ESTABLISHED  --> <SEQ=100><ACK=300><CTL=ACK>       --> ESTABLISHED   +0.010
FIN_WAIT_1   --> <SEQ=100><ACK=300><CTL=FIN,ACK>   ... ESTABLISHED   +1.000
CLOSING      <-- <SEQ=300><ACK=100><CTL=FIN,ACK>   <-- FIN_WAIT_1    +0.004
             ... <SEQ=100><ACK=300><CTL=FIN,ACK>   --> CLOSING                 (frame 4 arrives)
CLOSING      --> <SEQ=101><ACK=301><CTL=ACK>       ... CLOSING       +0.010
TIME_WAIT    <-- <SEQ=301><ACK=101><CTL=ACK>       <-- CLOSING       +0.004
             ... <SEQ=101><ACK=301><CTL=ACK>       --> TIME_WAIT               (frame 6 arrives)
"""


def test_a_simultaneous_close_is_drawn_as_in_figure_13():
    flow = Capture(Pass(replayed(segments_of(CLOSE).rows), frozenset(("segments", "windows")))).flow(0)
    printed = read(flow.ladder(raw=True)).lines[:-4]
    assert [replace(line, number=None) for line in printed] == list(read(CLOSE).lines)


# --- places ----------------------------------------------------------------------------------------------------


def places(rows, side=1, seen=None):
    """For each change of the side: its place, and whether it needs a line of its own."""
    flow = Capture(a_pass(rows)).flow(0)
    frames, times, sides = (flow.columns("segments")[name] for name in ("frame", "time", "side"))
    shown = np.ones(len(frames), bool) if seen is None else seen
    return [(step.at, step.apart) for step in steps_of(flow.sides[side], frames, times, sides, shown)]


def data_on_its_way(rows, at):
    """The server sends data while the client's FIN, captured at 50 ms, is on its way to it: 10 ms from the capture."""
    rows["segments"].insert(5, segment(6, at, "server", 1, 101, "PSH,ACK", 10))
    for row in rows["segments"][6:]:
        row["frame"] += 1
    for row in rows["timeline"]:
        row["frame"] = row["frame"] and row["frame"] + (row["frame"] > 5)
        row["estimate"] = millis(60) if (row["side"], row["event"]) == ("server", "rcv FIN") else row["estimate"]
        row["proof"] = 7 if (row["side"], row["event"]) == ("server", "rcv FIN") else row.get("proof")
    return rows


def test_segments_that_do_not_cross_have_one_line():
    assert places(four_way_close()) == [(0, False), (2, False), (4, False), (6, False), (7, False)]


def test_what_the_receiver_sent_meanwhile_comes_before_the_arrival(rows):
    assert places(data_on_its_way(rows, 58))[2] == (5.5, True)


def test_unless_it_left_after_the_arrival(rows):
    assert places(data_on_its_way(rows, 72))[2] == (4, False)


def test_or_is_not_shown(rows):
    seen = np.array([row != 5 for row in range(9)])
    assert places(data_on_its_way(rows, 58), seen=seen)[2] == (4, False)


def test_or_nobody_knows_when_it_arrived(rows):
    rows = data_on_its_way(rows, 58)
    for row in rows["timeline"]:
        row["estimate"] = None
    assert places(rows)[2] == (4, False)


def test_what_proves_the_arrival_left_after_it(rows):
    rows = data_on_its_way(rows, 58)
    for row in rows["timeline"]:
        row["proof"] = 6 if (row["side"], row["event"]) == ("server", "rcv FIN") else None
    assert places(rows)[2] == (4, False)


def test_without_a_delay_nothing_crosses(rows):
    rows["flows"][0]["rtt_server"] = None
    assert places(data_on_its_way(rows, 65))[2] == (4, False)


def test_a_change_comes_before_what_the_side_sends_next(rows):
    """Captured out of order: the FIN that the server answers lies behind its answer."""
    rows["timeline"][8]["frame"] = 8
    assert places(rows)[2:4] == [(5.5, True), (6, False)]


def test_a_change_comes_after_the_one_before_it(rows):
    rows["timeline"][8]["frame"] = 1
    assert places(rows)[1:3] == [(2, False), (2.5, True)]


def test_what_no_segment_caused_stands_at_its_time(rows):
    assert places(rows, side=0)[-1] == (7.5, True)
