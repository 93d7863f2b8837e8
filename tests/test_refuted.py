"""replay/refuted.py: segments that passed the capture point without effect are marked."""

from __future__ import annotations

from ladders import replayed, segments_of

from pcapstate.replay.refuted import LOST_AFTER
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
