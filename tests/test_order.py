"""replay/order.py and replay/proofs.py: the order of a side's events is certain only where a segment shows it."""

from __future__ import annotations

import pytest
from ladders import replayed, row_of, segments_of, states, timeline

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.010
"""


def found(text, **changes):
    return timeline(replayed(segments_of(OPEN + text, **changes).rows))


def test_an_ack_before_the_fin_proves_the_passive_close():
    """The bare ACK of the peer's FIN carries SND.NXT below the side's own FIN: that had not been sent."""
    rows = found(
        """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT    +0.020
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.100
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.010
"""
    )
    assert states(rows, "server") == ["LISTEN", "SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED"]
    assert row_of(rows, "server", "LAST_ACK")["evidence"] == "sent"
    assert row_of(rows, "server", "CLOSE_WAIT")["evidence"] == "confirmed"


def test_a_fin_that_does_not_acknowledge_the_other_came_first():
    rows = found(
        """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           ... FIN_WAIT_1
CLOSING       <-- <SEQ=300><ACK=100><CTL=FIN,ACK>           <-- CLOSING
CLOSING       --> <SEQ=101><ACK=301><CTL=ACK>               --> TIME_WAIT     +0.010
TIME_WAIT     <-- <SEQ=301><ACK=101><CTL=ACK>               <-- TIME_WAIT     +0.020
"""
    )
    for side in ("client", "server"):
        assert states(rows, side)[-3:] == ["FIN_WAIT_1", "CLOSING", "TIME_WAIT"]
        assert row_of(rows, side, "FIN_WAIT_1")["evidence"] == "sent"


@pytest.mark.parametrize(("gap", "evidence"), [(1, "sent"), (2, "presumed")])
def test_a_gap_in_the_ip_ids_leaves_room_for_a_fin_that_was_lost(gap, evidence):
    """A FIN with the acknowledgement of the other: its first copy, if nothing was sent between (IP IDs run)."""
    made = segments_of(
        OPEN
        + """
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED   +0.020
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.020
"""
    )
    made.rows[-1]["ip_id"] = made.rows[3]["ip_id"] + gap
    rows = timeline(replayed(made.rows))
    assert states(rows, "server")[-2:] == ["CLOSE_WAIT", "LAST_ACK"]
    assert row_of(rows, "server", "LAST_ACK")["evidence"] == evidence


def test_bounds_of_proved_neighbours_bound_each_other():
    rows = found(
        """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT    +0.020
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.100
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.010
"""
    )
    waited = row_of(rows, "client", "FIN_WAIT_2")
    ended = row_of(rows, "client", "TIME_WAIT")
    assert waited["evidence"] == "confirmed"
    assert waited["latest"] == ended["latest"]
    assert row_of(rows, "client", "FIN_WAIT_1")["latest"] <= waited["latest"]
