"""tests/facts.py: what figures state beyond the states is understood, and what is not so fails."""

from __future__ import annotations

import pytest
from facts import labels, split, told
from ladders import check, replayed, segments_of, timeline

LAST_ACK_LOST = """
CLOSED                                                          LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                        --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>              --> ESTABLISHED
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>          --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>              <-- CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>          <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>              ... LAST_ACK
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>          <-- LAST_ACK      +0.300
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>              --> CLOSED
(2 MSL)
CLOSED

"""
TRUE = """
client ESTABLISHED confirmed, in 2, by 3, between 2 and 3
client CLOSED timer, 60 s after 8
server LAST_ACK sent, before 6
server CLOSED presumed, after 7
note refuted in 8: The ACK of the FIN in frame 7 did not arrive
label 7 lost_after
label 8 retransmission fin
label 9 time_wait_ack
flow closed_by=client close_reason=fin server_bytes=0
says Opened by a three-way handshake (frames 1, 2, 3).
says The client closed first (FIN in frame 4), the server after it (frame 6); 1 FIN was sent again.
"""


def test_what_is_so_passes():
    check(LAST_ACK_LOST + TRUE.replace("LAST_ACK sent, before 6", "LAST_ACK sent, between 4 and 6"))


@pytest.mark.parametrize(
    "line",
    [
        "client ESTABLISHED presumed",
        "client ESTABLISHED confirmed, in 3",
        "client ESTABLISHED confirmed, by 4",
        "client ESTABLISHED confirmed, between 1 and 3",
        "client ESTABLISHED confirmed, after 2",
        "client ESTABLISHED confirmed, unbounded",
        "client CLOSED timer, 30 s after 8",
        "client CLOSED sent",
        "client LISTEN sent",
        "2nd client ESTABLISHED confirmed",
        "note refuted in 8: The SYN",
        "note refuted in 7: The ACK of the FIN in frame 7 did not arrive",
        "no notes",
        "label 9 time_wait_ack",
        "no labels",
        "flow closed_by=server",
        "says Opened by a three-way handshake (frames 1, 2, 3).",
    ],
)
def test_what_is_not_so_fails(line):
    with pytest.raises(AssertionError):
        check(LAST_ACK_LOST + line + "\n")


def test_what_cannot_be_understood_is_said():
    with pytest.raises(ValueError, match="not understood after the exchange: what is this"):
        split(LAST_ACK_LOST + "no notes\nwhat is this\n")


def test_prose_before_the_exchange_is_no_fact():
    ladder, facts = split("client and server\n" + LAST_ACK_LOST + "2nd server CLOSED sent\n")
    assert ladder.startswith("client and server\n")
    assert facts == [(1, "server", "CLOSED sent")]


def test_a_row_is_told_as_such_a_line():
    result = replayed(segments_of(LAST_ACK_LOST).rows)
    segments = result.table("segments")
    times = dict(zip(segments["frame"].tolist(), segments["time"].tolist(), strict=True))
    lines = [told(row, times) for row in timeline(result)]
    assert "client ESTABLISHED confirmed, in 2, by 3, between 2 and 3" in lines
    assert "client CLOSED timer, unbounded" in lines
    assert labels(segments) == {7: "lost_after", 8: "retransmission fin", 9: "time_wait_ack"}


def test_the_timer_of_time_wait_counts_only_where_it_is_drawn():
    check(LAST_ACK_LOST.replace("(2 MSL)\nCLOSED\n", ""))
    with pytest.raises(AssertionError):
        check(LAST_ACK_LOST.replace("(2 MSL)\n", ""))


def test_the_next_connection_has_states_of_its_own():
    opening = LAST_ACK_LOST.partition("FIN_WAIT_1")[0]
    refused = """
CLOSED
SYN_SENT      --> <SEQ=50><CTL=SYN>                        -->
CLOSED        <-- <SEQ=0><ACK=51><CTL=RST,ACK><WND=0>      <--
(next connection)                                              (next connection)
"""
    check(refused + opening.replace("SYN_RECEIVED\n", "SYN_RECEIVED  +1.000\n", 1) + "2nd client SYN_SENT sent, in 3\n")


def test_comments_change_the_capture():
    made = segments_of(
        "SYN_SENT --> <SEQ=99><CTL=SYN><TSval=7><TSecr=0><SACKOK> --> LISTEN\n"
        "SYN_SENT --> <SEQ=99><CTL=SYN> --> LISTEN  (copy)\n"
        "SYN_SENT --> <SEQ=99><CTL=SYN> --> LISTEN  (not captured)\n"
        "SYN_SENT --> <SEQ=99><CTL=RST> --> LISTEN  (forged)\n"
        "SYN_SENT --> <SEQ=99><CTL=SYN><SACK=3-5,7-9> --> LISTEN\n"
    )
    first, copy, forged, last = made.rows
    assert (first["tsval"], first["tsecr"], first["sack_permitted"]) == (7, 0, 1)
    assert copy["ip_id"] == first["ip_id"]
    assert last["ip_id"] == first["ip_id"] + 2
    assert abs(forged["ip_id"] - last["ip_id"]) > 10_000
    assert (last["sacks"], last["sack_left0"], last["sack_right1"]) == (2, 3, 9)


def test_the_number_in_front_is_the_frame():
    with pytest.raises(AssertionError, match="line 2 is frame 1"):
        segments_of("  2.  SYN_SENT --> <SEQ=99><CTL=SYN> --> LISTEN\n")
