"""replay/timeline.py: events in order, through figure 5, with bounds that follow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ladders import check, replayed, segments_of, timeline

from pcapstate.kernels import INTERPRETED
from pcapstate.replay import rows as r
from pcapstate.replay.flows import clear_event, clear_side
from pcapstate.replay.memory import Store
from pcapstate.replay.timeline import NOTES, SEEN, one_way, tell_steps
from pcapstate.schema import MISSING, STATES
from pcapstate.tcp import machine

FOUR_WAY = """
CLOSED                                                           LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.010
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.004
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT    +1.000
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT    +0.020
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.500
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.005
"""


def made_from(happened, *, active=False, crossed=False, fin_after_fin=False):
    """The steps of a client made from ``{event: (low, at, high)}``, of whose peer nothing is known."""
    store = Store(INTERPRETED, room=1)
    m = store.memory
    for index in (0, 1):
        clear_side(m, index)
    m.flows[0].used = 1
    m.sides[0].crossed = m.flows[0].simultaneous = int(crossed)
    m.sides[0].syn_pure = int(active)
    m.sides[0].fin_after_fin = int(fin_after_fin)
    for event, (low, at, high) in happened.items():
        e = m.events[event]
        clear_event(e)
        e.grade = r.CONFIRMED if high < r.NEVER else r.PRESUMED
        e.low, e.at, e.high, e.frame = low, at, high, at
        if event == r.DEAD:
            e.how = machine.RCV_RST
    tell_steps(m, 0, 0, 60_000_000_000)
    return [step for step in m.steps[: m.control[r.STEP_COUNT]] if step.side == 0]


def states_of(steps):
    return [STATES[step.after] for step in steps]


def known(at):
    return (at, at, at)


@pytest.mark.parametrize(
    ("options", "events", "expected"),
    [
        ({"active": True}, {r.SYN_SENT: 1}, ["SYN_SENT"]),
        ({"active": True}, {r.SYN_SENT: 1, r.SYN_RECEIVED: 2, r.SYN_ACKED: 2}, ["SYN_SENT", "ESTABLISHED"]),
        ({}, {r.SYN_RECEIVED: 1, r.SYN_SENT: 2}, ["SYN_RECEIVED"]),
        ({}, {r.SYN_RECEIVED: 1, r.SYN_SENT: 2, r.DEAD: 3}, ["SYN_RECEIVED", "LISTEN"]),
        ({}, {r.SYN_RECEIVED: 1}, []),
        (
            {"active": True, "crossed": True},
            {r.SYN_SENT: 1, r.SYN_RECEIVED: 2, r.SYN_ACKED: 3},
            ["SYN_SENT", "SYN_RECEIVED", "ESTABLISHED"],
        ),
        ({"active": True}, {r.SYN_SENT: 1, r.DEAD: 2}, ["SYN_SENT", "CLOSED"]),
    ],
)
def test_openings(options, events, expected):
    made = made_from({event: known(at) for event, at in events.items()}, **options)
    assert states_of(made) == expected


OPENED = {r.SYN_RECEIVED: 1, r.SYN_SENT: 2, r.SYN_ACKED: 3}


@pytest.mark.parametrize(
    ("options", "events", "expected"),
    [
        ({}, {r.FIN_SENT: 5}, ["FIN_WAIT_1"]),
        ({}, {r.FIN_SENT: 5, r.FIN_ACKED: 6}, ["FIN_WAIT_1", "FIN_WAIT_2"]),
        ({}, {r.FIN_SENT: 5, r.FIN_ACKED: 6, r.FIN_RECEIVED: 6}, ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", "CLOSED"]),
        ({}, {r.FIN_SENT: 5, r.FIN_RECEIVED: 6}, ["FIN_WAIT_1", "CLOSING"]),
        ({}, {r.FIN_SENT: 5, r.FIN_RECEIVED: 6, r.FIN_ACKED: 7}, ["FIN_WAIT_1", "CLOSING", "TIME_WAIT", "CLOSED"]),
        ({}, {r.FIN_RECEIVED: 5}, ["CLOSE_WAIT"]),
        ({"fin_after_fin": True}, {r.FIN_RECEIVED: 5, r.FIN_SENT: 6}, ["CLOSE_WAIT", "LAST_ACK"]),
        (
            {"fin_after_fin": True},
            {r.FIN_RECEIVED: 5, r.FIN_SENT: 6, r.FIN_ACKED: 7},
            ["CLOSE_WAIT", "LAST_ACK", "CLOSED"],
        ),
        ({}, {r.DEAD: 5}, ["CLOSED"]),
        ({}, {r.FIN_SENT: 5, r.DEAD: 6}, ["FIN_WAIT_1", "CLOSED"]),
        (
            {"fin_after_fin": True},
            {r.FIN_RECEIVED: 5, r.FIN_SENT: 6, r.FIN_ACKED: 7, r.DEAD: 8},
            ["CLOSE_WAIT", "LAST_ACK", "CLOSED"],
        ),
    ],
)
def test_closings(options, events, expected):
    made = made_from({event: known(at) for event, at in (OPENED | events).items()}, **options)
    assert states_of(made) == ["SYN_RECEIVED", "ESTABLISHED", *expected]


def test_a_fin_before_the_handshake_ended():
    """RFC 9293 3.10.4: CLOSE in SYN-RECEIVED."""
    made = made_from({r.SYN_RECEIVED: known(1), r.SYN_SENT: known(2), r.FIN_SENT: known(3)})
    assert states_of(made) == ["SYN_RECEIVED", "FIN_WAIT_1"]


bounds = st.tuples(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000) | st.just(r.NEVER))


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 6), bounds.map(lambda b: (*sorted(b[:2]), max(b))), max_size=7),
    st.booleans(),
    st.booleans(),
)
def test_estimates_and_states_follow_the_order(happened, active, late):
    steps = made_from(happened, active=active, fin_after_fin=late)
    there = [step.estimate for step in steps]
    assert MISSING not in there
    assert there == sorted(there)
    # Each row begins where the one before ended.
    assert [step.before for step in steps][1:] == [step.after for step in steps][:-1]


def test_every_row_is_an_edge_of_the_machine():
    found, _ = check(FOUR_WAY)
    for row in found:
        edge = (row["from_state"], row["event"], row["to_state"])
        assert edge in {(e.source, e.event, e.target) for e in machine.EDGES}


def test_dwell_adds_up_and_the_timer_is_two_msl_long():
    made = segments_of(FOUR_WAY)
    found = [row for row in timeline(replayed(made.rows, msl=60)) if row["side"] == "client"]
    assert found[-1]["evidence"] == "timer"
    assert found[-1]["dwell"] == pytest.approx(120.0)
    assert found[-1]["frame"] is None
    assert sum(row["dwell"] for row in found[1:]) == pytest.approx((found[-1]["estimate"] - found[0]["estimate"]) / 1e9)


def test_estimates_lie_half_a_round_trip_off():
    made = segments_of(FOUR_WAY)
    found = {(row["side"], row["to_state"]): row for row in timeline(replayed(made.rows))}
    to_client, to_server = 4_000_000 // 2, 10_000_000 // 2
    sent = found["client", "FIN_WAIT_1"]
    assert sent["estimate"] == made.rows[3]["time"] - to_client
    assert found["server", "CLOSE_WAIT"]["estimate"] == made.rows[3]["time"] + to_server


def test_one_way_is_zero_where_nothing_was_measured():
    m = Store(INTERPRETED, room=1).memory
    clear_side(m, 0)
    assert one_way(m.sides[0]) == 0
    m.sides[0].rtt_min = 7
    assert one_way(m.sides[0]) == 3


def test_what_is_found_mid_stream_has_no_edge():
    found, _ = check(
        "ESTABLISHED --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10> --> ESTABLISHED\n"
        "ESTABLISHED <-- <SEQ=300><ACK=110><CTL=PSH,ACK><DATA=10> <-- ESTABLISHED\n"
    )
    assert [row["event"] for row in found] == ["seen", "seen"]
    assert NOTES[1] == found[0]["note"]
    assert len(machine.EVENTS) == SEEN


CLOSED_BY_RESET = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.040
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.020
{}
CLOSED        <-- <SEQ={}><CTL=RST><WND=0>                 <-- CLOSED        +3.000
"""
DATA = "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   ... ESTABLISHED  +0.400\n"


@pytest.mark.parametrize(
    ("before", "seq", "side", "words"),
    [
        (DATA * 3, 300, "client", "Its own retransmissions went unanswered"),
        (DATA, 300, "client", "Not heard of since long before the reset"),
        (DATA, 300, "server", "Gone in silence"),
        ("CLOSE_WAIT <-- <SEQ=300><ACK=100><CTL=FIN,ACK> <-- FIN_WAIT_1\n" + DATA.replace("K=300", "K=301"), 301,
         "server", "Its program had closed, so data that came after drew a reset"),
    ],
)  # fmt: skip
def test_the_end_by_a_reset_says_what_it_leaves_open(before, seq, side, words):
    (row,) = [
        r
        for r in timeline(replayed(segments_of(CLOSED_BY_RESET.format(before, seq)).rows))
        if (r["side"], r["to_state"]) == (side, "CLOSED")
    ]
    assert row["note"].startswith(words)
