"""intervals.py: how long windows were zero, what opened them, and how often they were probed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from conftest import SAMPLES
from ladders import back, replayed, segments_of, sent
from making import columns_from, millis, segment

import pcapstate as ps
from pcapstate.intervals import zero_windows
from pcapstate.schema import MISSING, ZERO_WINDOWS

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=500>                --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=600>  <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000>     --> ESTABLISHED
"""


def rows(windows, segments=()):
    """Intervals as tuples (flow, side, first frame, last frame, probes), None where there is no end."""
    found = zero_windows(columns_from("windows", windows), columns_from("segments", list(segments)))
    assert tuple(found) == ZERO_WINDOWS.names
    names = ("flow", "side", "start_frame", "end_frame", "probes")
    return [
        tuple(None if value == MISSING else value for value in row)
        for row in zip(*(found[name].tolist() for name in names), strict=True)
    ]


def window(frame, state, side="server", flow=0):
    return {"flow": flow, "side": side, "frame": frame, "time": millis(frame), "state": state, "scale_known": "known"}


def probe(frame, side="client", flow=0):
    return segment(frame, frame, side, 1, 1, "ACK", flow=flow, label="window_probe")


def test_nothing_was_zero():
    assert rows([]) == []
    assert rows([window(1, "open"), window(2, "full")]) == []


def test_from_the_segment_that_closes_it_to_the_one_that_opens_it():
    table = [window(1, "open"), window(4, "zero"), window(9, "open"), window(12, "zero"), window(13, "full")]
    assert rows(table) == [(0, 1, 4, 9, 0), (0, 1, 12, 13, 0)]


def test_without_an_end():
    assert rows([window(4, "zero")], [probe(5), probe(700)]) == [(0, 1, 4, None, 2)]


def test_times_are_those_of_the_frames():
    found = zero_windows(columns_from("windows", [window(4, "zero"), window(9, "open")]), columns_from("segments", []))
    assert (found["start"].tolist(), found["end"].tolist()) == ([millis(4)], [millis(9)])


def test_each_side_of_each_flow_for_itself():
    table = [
        window(1, "zero", "client", 1),
        window(2, "zero", "server", 0),
        window(3, "open", "server", 1),
        window(5, "open", "client", 1),
        window(7, "zero", "client", 0),
    ]
    probes = [probe(3, "server", 1), probe(4, "client", 1), probe(4, "client", 0), probe(6, "server", 1)]
    assert rows(table, probes) == [(1, 0, 1, 5, 1), (0, 1, 2, None, 1), (0, 0, 7, None, 0)]


def test_only_probes_count():
    other = segment(5, 5, "client", 1, 1, "ACK", label="keep_alive")
    assert rows([window(4, "zero"), window(9, "open")], [other, probe(6), probe(10)]) == [(0, 1, 4, 9, 1)]


def test_as_the_replay_finds_them():
    text = OPEN + sent(100, 600) + back(700, window=0) + sent(699, 0, 0.3) + back(700, window=0) + back(700, window=9)
    result = replayed(segments_of(text).rows)
    found = zero_windows(result.table("windows"), result.table("segments"))
    assert {
        name: values.tolist() for name, values in found.items() if name in ("side", "start_frame", "end_frame")
    } == {
        "side": [1],
        "start_frame": [5],
        "end_frame": [8],
    }
    assert found["probes"].tolist() == [1]
    assert (found["end"] - found["start"]).tolist() == [302_000_000]


def test_a_side_tells_its_own():
    flow = ps.read(SAMPLES / "slow_reader_zero_window.pcap").flow(0)
    found = flow.server.zero_window_intervals
    assert list(found.columns) == list(ZERO_WINDOWS.names)
    assert found[["start_frame", "end_frame", "probes"]].to_numpy().tolist() == [[16, 23, 3]]
    lasted = (found["end"] - found["start"]).sum() / pd.Timedelta(seconds=1)
    assert np.isclose(lasted, flow.server.zero_window_time)
    assert len(flow.client.zero_window_intervals) == 0
