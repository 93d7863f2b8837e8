"""replay/refuted.py: segments that passed the capture point without effect are marked."""

from __future__ import annotations

from ladders import replayed, segments_of

from pcapstate.replay.refuted import LOST_AFTER, NO_EFFECT
from pcapstate.schema import MISSING

LAST_ACK_LOST = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                        --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>              --> ESTABLISHED
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>          --> CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>          <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>              ... LAST_ACK
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>          <-- LAST_ACK      +0.300
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>              --> CLOSED
"""


def test_the_ack_that_did_not_arrive_is_marked_with_its_proof():
    table = replayed(segments_of(LAST_ACK_LOST).rows).table("segments")
    assert [frame for frame, cause in zip(table["frame"], table["cause"], strict=True) if cause == LOST_AFTER] == [6]
    assert table["proof"][5] == 7


QUEUE_FULL = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                        --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>              XXX SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><DATA=10>     XXX SYN_RECEIVED  +0.010
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><DATA=10>     XXX SYN_RECEIVED  +0.300
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>          <-- SYN_RECEIVED  +0.700
ESTABLISHED   --> <SEQ=110><ACK=300><CTL=ACK>              --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><DATA=10>     --> ESTABLISHED   +0.500
ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK>              <-- ESTABLISHED
ESTABLISHED   --> <SEQ=110><ACK=300><CTL=ACK><DATA=10>     ... ESTABLISHED   +0.010
ESTABLISHED   --> <SEQ=110><ACK=300><CTL=ACK><DATA=10>     --> ESTABLISHED   +0.500
ESTABLISHED   <-- <SEQ=300><ACK=120><CTL=ACK>              <-- ESTABLISHED
"""


def test_what_a_listener_may_have_ignored_is_not_called_lost():
    """Its accept queue may be full (delivered but ignored). What is sent again later was lost."""
    table = replayed(segments_of(QUEUE_FULL).rows).table("segments")
    by_frame = dict(zip(table["frame"].tolist(), table["cause"].tolist(), strict=True))
    assert [frame for frame, cause in by_frame.items() if cause == NO_EFFECT] == [3, 4]
    assert [frame for frame, cause in by_frame.items() if cause == LOST_AFTER] == [10]


def test_without_a_refutation_nothing_is_marked():
    table = replayed(segments_of(LAST_ACK_LOST).rows[:6]).table("segments")
    assert LOST_AFTER not in table["cause"].tolist()
    assert table["proof"][5] == MISSING


def test_a_fin_that_a_dsack_says_had_come_is_not_marked():
    """Its copy was needless: the acknowledgement of it was lost, not the FIN."""
    fin = "FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>          --> CLOSE_WAIT    +0.400\n"
    for dsack, lost in (("<SACK=100-101>", []), ("", [4])):
        ack = f"FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>{dsack}       <-- CLOSE_WAIT    +0.040\n"
        table = replayed(segments_of(LAST_ACK_LOST.partition("FIN_WAIT_1")[0] + fin + fin + ack).rows).table("segments")
        frames = zip(table["frame"].tolist(), table["cause"], strict=True)
        assert [frame for frame, cause in frames if cause == LOST_AFTER] == lost


def test_tables_without_segments_stay_as_they_are():
    from pcapstate.replay.engine import replay

    assert len(replay([]).table("segments")["cause"]) == 0
