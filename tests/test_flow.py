"""A connection and its sides as a user asks them."""

from __future__ import annotations

import sys
import types
from datetime import timedelta

import pandas as pd
import pytest
from making import START, a_pass, flow_row, four_way_close, millis, step

from pcapstate.capture import Capture
from pcapstate.flow import Both, endpoint
from pcapstate.schema import FLOWS, TABLES


@pytest.fixture
def flow(capture):
    return capture.flow(0)


def flow_with(timeline, **facts):
    rows = {**four_way_close(), "timeline": timeline, "flows": [flow_row(**facts)]}
    return Capture(a_pass(rows)).flow(0)


# --- facts -----------------------------------------------------------------------------------------------------


def test_facts_are_attributes(flow):
    assert (flow.number, flow.opened, flow.closed_by, flow.close_reason) == (0, "three_way", "client", "fin")
    assert flow.rtt_server == 0.02
    assert flow.rtt_client is None
    assert flow.client_sack is True
    assert flow.note is None


def test_times_are_timestamps(flow):
    assert flow.start == pd.Timestamp(START, tz="UTC")
    assert (flow.end - flow.start).total_seconds() == flow.duration


def test_a_missing_time_is_not_a_time():
    assert pd.isna(flow_with([], end=0, start=None).start)


def test_every_fact_is_listed(flow):
    assert set(FLOWS.names) <= set(dir(flow))
    assert {"mss", "isn", "window_scale", "bytes", "states"} <= set(dir(flow.client))


@pytest.mark.parametrize("name", ["nonsense", "_private", "__deepcopy__"])
def test_what_is_no_fact_is_an_attribute_error(flow, name):
    with pytest.raises(AttributeError):
        getattr(flow, name)
    with pytest.raises(AttributeError):
        getattr(flow.client, name)


def test_sides(flow):
    assert (flow.client.address, flow.client.port, flow.client.name) == ("10.0.0.1", 40_000, "client")
    assert (flow.server.address, flow.server.port, flow.server.name) == ("10.0.0.2", 80, "server")
    assert flow.sides == (flow.client, flow.server)
    assert flow.client.peer is flow.server
    assert flow.server.peer is flow.client
    assert (flow.client.isn, flow.server.isn, flow.client.mss, flow.server.mss) == (99, 299, 1460, None)


def test_endpoints_of_both_versions_of_ip():
    assert endpoint("10.0.0.1", 80) == "10.0.0.1:80"
    assert endpoint("2001:db8::1", 443) == "[2001:db8::1]:443"


def test_flows_are_equal_when_they_are_the_same(capture):
    other = Capture(a_pass())
    assert capture.flow(0) == capture.flow(0)
    assert hash(capture.flow(0)) == hash(capture.flow(0))
    assert capture.flow(0) != other.flow(0)
    assert capture.flow(0) != 0


def test_sides_are_equal_when_they_are_the_same(capture):
    flow = capture.flow(0)
    assert flow.client == capture.flow(0).client
    assert hash(flow.client) == hash(capture.flow(0).client)
    assert len({flow.client, flow.server, capture.flow(0).server}) == 2
    assert flow.client != flow.server
    assert flow.client != Capture(a_pass()).flow(0).client
    assert flow.client != "client"


# --- states ----------------------------------------------------------------------------------------------------


def test_states_of_an_active_opener(flow):
    expected = "CLOSED SYN_SENT ESTABLISHED FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT CLOSED"
    assert " ".join(flow.client.states) == expected


def test_states_of_a_passive_opener_begin_with_what_leaves_no_trace(flow):
    assert " ".join(flow.server.states) == "CLOSED LISTEN SYN_RECEIVED ESTABLISHED CLOSE_WAIT LAST_ACK CLOSED"


def test_states_of_a_side_picked_up_mid_stream():
    flow = flow_with(
        [step("client", 4, 0, "", "seen", "ESTABLISHED"), step("client", 5, 1, "ESTABLISHED", "x", "CLOSED")]
    )
    assert flow.client.states == ("ESTABLISHED", "CLOSED")
    assert flow.server.states == ()


def test_the_final_state_is_that_at_the_last_frame(flow):
    assert flow.client.final_state == "TIME_WAIT"
    assert flow.server.final_state == "CLOSED"
    # A timer that runs out later is one more state of the timeline, and not the final one.
    assert flow.client.states[-1] == "CLOSED"
    assert flow_with([], server_state=None).server.final_state is None
    assert flow_with([], server_state="").server.final_state is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (-1, ("CLOSED", "LISTEN")),
        (0, ("SYN_SENT", "LISTEN")),
        (15, ("ESTABLISHED", "SYN_RECEIVED")),
        (65, ("FIN_WAIT_2", "CLOSE_WAIT")),
        (79, ("TIME_WAIT", "LAST_ACK")),
        (1_000, ("TIME_WAIT", "CLOSED")),
        (60_071, ("CLOSED", "CLOSED")),
    ],
)
def test_the_states_at_a_time(flow, at, expected):
    assert flow.at(millis(at)) == Both(*expected)


@pytest.mark.parametrize("time", [0.030, timedelta(milliseconds=30), "03:04:05.030", millis(30)], ids=str)
def test_a_time_may_be_given_in_many_ways(flow, time):
    """What they are is told in ``moments``; here: all questions take them."""
    assert flow.at(time) == flow.at(millis(30)) == (flow.client.at(time), flow.server.at(time))
    assert flow.possible_at(time) == (flow.client.possible_at(time), flow.server.possible_at(time))


def test_what_is_no_time_is_refused_by_all(flow):
    for ask in (flow.at, flow.possible_at, flow.client.at, flow.server.possible_at):
        with pytest.raises(ValueError, match="is no time"):
            ask(None)


def test_a_side_that_is_not_known_has_no_state():
    assert flow_with([], client_state=None, server_state=None).at(START) == (None, None)
    mid_stream = flow_with([step("client", 4, 10, "", "seen", "ESTABLISHED")])
    assert mid_stream.at(millis(5)).client is None
    assert mid_stream.at(millis(10)).client == "ESTABLISHED"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (-1, ("CLOSED",)),
        (0.5, ("CLOSED", "SYN_SENT")),
        (5, ("SYN_SENT",)),
        (50.5, ("ESTABLISHED", "FIN_WAIT_1")),
        # FIN_WAIT_2 is presumed from 60 on and has no latest: until the FIN proves it, both are possible.
        (65, ("FIN_WAIT_1", "FIN_WAIT_2")),
    ],
)
def test_the_states_possible_at_a_time(flow, at, expected):
    assert flow.possible_at(millis(at)).client == expected


def test_what_is_certain_later_ends_what_was_open(flow):
    """From 71 ms on the client is in TIME_WAIT for certain, so the open end of FIN_WAIT_1 is over too."""
    assert "FIN_WAIT_1" not in flow.possible_at(millis(75)).client


def test_before_a_side_picked_up_mid_stream_is_seen_nothing_is_known():
    rows = [
        step("client", 4, 10, "", "seen", "ESTABLISHED", earliest=None, estimate=millis(8)),
        step("client", 5, 20, "ESTABLISHED", "snd FIN", "FIN_WAIT_1", earliest=None, latest=millis(20)),
    ]
    flow = flow_with(rows)
    for at, expected in ((-1e9, ()), (7.9, ()), (8, ("ESTABLISHED", "FIN_WAIT_1")), (21, ("FIN_WAIT_1",))):
        assert flow.possible_at(millis(at)).client == expected
        assert (flow.at(millis(at)).client is None) == (expected == ())


def test_possible_states_of_a_side_that_is_not_known():
    assert flow_with([], client_state=None).possible_at(START).client == ()


# --- tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["timeline", "segments", "windows", "stalls", "notes"])
def test_tables_hold_only_the_flow(name):
    rows = four_way_close()
    rows["flows"].append(flow_row(1))
    for key in ("timeline", "segments", "windows", "stalls", "notes"):
        rows[key] = [row for pair in ((row, {**row, "flow": 1}) for row in rows[key]) for row in pair]
    flow = Capture(a_pass(rows)).flow(1)
    made = getattr(flow, name)
    assert set(made.flow) == {1}
    assert len(made) == len(four_way_close()[name])
    assert isinstance(made.index, pd.RangeIndex)
    assert tuple(made.columns) == TABLES[name].names


@pytest.mark.parametrize("name", ["timeline", "segments", "windows", "stalls"])
def test_a_sides_tables(flow, name):
    for side in flow.sides:
        made = getattr(side, name)
        assert set(made.side) == {side.name}
        assert len(made) > 0


# --- faces -----------------------------------------------------------------------------------------------------


def test_repr_is_one_line(flow):
    assert repr(flow) == "<Flow 0: 10.0.0.1:40000 -> 10.0.0.2:80, TIME_WAIT/CLOSED, fin>"
    assert repr(flow.client).startswith("<Side client 10.0.0.1:40000: CLOSED SYN_SENT ESTABLISHED")
    assert repr(flow_with([]).client) == "<Side client 10.0.0.1:40000: no state seen>"


def test_str_is_the_ladder(flow):
    assert str(flow) == flow.ladder()
    assert "<SEQ=0><CTL=SYN>" in str(flow)
    assert "<SEQ=99><CTL=SYN>" in flow.ladder(raw=True)


def test_story_is_text(flow):
    assert flow.story().startswith("10.0.0.1:40000 opened the connection")


@pytest.fixture
def pictures(monkeypatch):
    """In place of the plotting package: what was asked for."""
    calls = []
    fake = types.ModuleType("pcapstate.plotting")
    for kind in ("ladder", "windows", "sequence", "states", "machine", "overview"):
        setattr(fake, kind, lambda flow, _kind=kind, **options: calls.append((_kind, flow.number, options)) or _kind)
    import pcapstate

    monkeypatch.setitem(sys.modules, "pcapstate.plotting", fake)
    monkeypatch.setattr(pcapstate, "plotting", fake, raising=False)
    return calls


@pytest.mark.parametrize("kind", ["ladder", "windows", "sequence", "states", "machine"])
def test_the_accessor_only_delegates(flow, pictures, kind):
    axes = object()
    assert getattr(flow.plot, kind)(ax=axes, theme="dark") == kind
    assert pictures == [(kind, 0, {"ax": axes, "theme": "dark"})]


def test_the_accessor_itself_is_the_overview(flow, pictures):
    assert flow.plot(theme="dark") == "overview"
    assert pictures == [("overview", 0, {"theme": "dark"})]


def test_the_accessor_names_its_pictures(flow):
    assert list(flow.plot) == ["ladder", "windows", "sequence", "states", "machine"]


def test_an_overview_takes_no_axes(capture):
    with pytest.raises(ValueError, match=r"a figure of its own: ax goes with \.ladder"):
        capture.flow(0).plot(ax=object())
