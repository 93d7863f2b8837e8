"""replay/opening.py: how connections are opened."""

from __future__ import annotations

import pytest
from ladders import START, STEP, check, replayed, row_of, segments_of, states, timeline

from pcapstate.schema import OPENED

LOST_SYN = """
SYN_SENT      --> <SEQ=100><CTL=SYN>                       ... LISTEN
SYN_SENT      --> <SEQ=100><CTL=SYN>                       --> SYN_RECEIVED  +1.000
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=ACK>              --> ESTABLISHED
"""


def opened(result, flow=0):
    return OPENED[result.table("flows")["opened"][flow]]


def test_the_timestamp_tells_which_syn_was_answered():
    """TSecr of the SYN,ACK names the SYN that made the request: earlier ones were lost or dropped."""
    made = segments_of(LOST_SYN)
    for row, (tsval, tsecr) in zip(made.rows, ((10, 0), (1010, 0), (5000, 1010), (1011, 5000)), strict=True):
        row.update(tsval=tsval, tsecr=tsecr)
    late = row_of(timeline(replayed(made.rows)), "server", "SYN_RECEIVED")
    assert late["frame"] == 2
    made.rows[2]["tsecr"] = 10
    early = row_of(timeline(replayed(made.rows)), "server", "SYN_RECEIVED")
    assert early["frame"] == 1


def test_without_timestamps_the_bound_stays_with_the_first_syn():
    made = segments_of(LOST_SYN)
    row = row_of(timeline(replayed(made.rows)), "server", "SYN_RECEIVED")
    assert row["earliest"] == made.rows[0]["time"]
    assert row["latest"] == made.rows[2]["time"]


def test_a_duplicate_syn_ack_refutes_nothing():
    """The network made a copy: the same IP ID, a second later (SEMANTICS R0)."""
    rows, result = check(
        """
CLOSED                                                          LISTEN
SYN_SENT      --> <SEQ=100><CTL=SYN>                       --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=ACK>              --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- ESTABLISHED  +1.000  (copy)
"""
    )
    assert row_of(rows, "server", "ESTABLISHED")["frame"] == 3
    assert len(result.table("notes")["frame"]) == 0


def test_a_copy_that_crossed_the_ack_refutes_nothing():
    made = segments_of(
        """
SYN_SENT      --> <SEQ=100><CTL=SYN>                       --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED  +0.060
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=ACK>              --> ESTABLISHED   +0.020
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- ESTABLISHED   +0.020
"""
    )
    row = row_of(timeline(replayed(made.rows)), "server", "ESTABLISHED")
    assert row["frame"] == 3


def test_the_accept_queue_is_full():
    """ACK and data arrive, and the server repeats its SYN,ACK all the same: it is in SYN_RECEIVED all along."""
    made = segments_of(
        """
SYN_SENT      --> <SEQ=100><CTL=SYN>                       --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=ACK>              --> SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=PSH,ACK><DATA=5>  --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED  +1.000
ESTABLISHED   --> <SEQ=106><ACK=301><CTL=ACK>              --> SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=PSH,ACK><DATA=5>  --> ESTABLISHED   +0.500
ESTABLISHED   <-- <SEQ=301><ACK=106><CTL=ACK>              <-- ESTABLISHED
"""
    )
    row = row_of(timeline(replayed(made.rows)), "server", "ESTABLISHED")
    assert row["earliest"] >= made.rows[2]["time"]
    assert row["frame"] > 4
    assert row["latest"] == made.rows[7]["time"]


def test_fast_open_taken_and_ignored():
    """RFC 7413: data in the SYN; what the SYN,ACK acknowledges tells whether it was taken."""
    text = """
SYN_SENT      --> <SEQ=100><CTL=SYN><DATA=5>               --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK={ack}><CTL=SYN,ACK>        <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ={ack}><ACK=301><CTL=ACK>            --> ESTABLISHED
"""
    taken = segments_of(text.format(ack=106))
    taken.rows[0]["fast_open"] = 8
    assert opened(replayed(taken.rows)) == "fast_open"
    ignored = segments_of(text.format(ack=101))
    ignored.rows[0]["fast_open"] = 8
    assert opened(replayed(ignored.rows)) == "three_way"


def test_a_fast_open_server_sends_data_in_syn_received():
    made = segments_of(
        """
SYN_SENT      --> <SEQ=100><CTL=SYN><DATA=5>               --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK=106><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   <-- <SEQ=301><ACK=106><CTL=PSH,ACK><DATA=9>  <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=106><ACK=310><CTL=ACK>              --> ESTABLISHED
"""
    )
    made.rows[0]["fast_open"] = 8
    row = row_of(timeline(replayed(made.rows)), "server", "ESTABLISHED")
    assert (row["frame"], row["evidence"]) == (4, "presumed")


def test_two_responders():
    """The SYN,ACK that the client acknowledges counts."""
    made = segments_of(
        """
SYN_SENT      --> <SEQ=100><CTL=SYN>                          --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>             <-- SYN_RECEIVED
ESTABLISHED   <-- <SEQ=900000000><ACK=101><CTL=SYN,ACK>       <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=900000001><CTL=ACK>           --> ESTABLISHED
"""
    )
    result = replayed(made.rows)
    assert result.table("flows")["server_isn"][0] == 900000000
    assert result.table("notes")["kind"].tolist() == ["two_syn_acks"]
    assert states(timeline(result), "client") == ["CLOSED", "SYN_SENT", "ESTABLISHED"]


def test_the_syn_that_was_not_captured_is_deduced():
    made = segments_of(
        """
SYN_SENT      <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=ACK>              --> ESTABLISHED
"""
    )
    rows = timeline(replayed(made.rows))
    first = row_of(rows, "client", "SYN_SENT")
    assert (first["evidence"], first["latest"]) == ("deduced", START + STEP)


def test_options_as_offered():
    made = segments_of(LOST_SYN)
    made.rows[0].update(mss=1460, window_scale=7, sack_permitted=1, tsval=1, tsecr=0)
    made.rows[1].update(mss=1460, window_scale=7, sack_permitted=1, tsval=2, tsecr=0)
    made.rows[2].update(mss=1400, window_scale=3)
    flows = replayed(made.rows).table("flows")
    names = ("mss", "window_scale", "sack", "timestamps", "isn")
    assert [flows[f"client_{name}"][0] for name in names] == [1460, 7, 1, 1, 100]
    assert [flows[f"server_{name}"][0] for name in names] == [1400, 3, 0, 0, 300]


def test_a_side_may_close_before_it_is_open():
    """RFC 9293 3.10.4, CLOSE in SYN-RECEIVED: the FIN passes before the ACK that would open the connection."""
    made = segments_of(
        """
SYN_SENT      --> <SEQ=100><CTL=SYN>                       ... SYN_SENT
SYN_RECEIVED  <-- <SEQ=300><CTL=SYN>                       <-- SYN_SENT
SYN_RECEIVED  --> <SEQ=100><ACK=301><CTL=SYN,ACK>          --> SYN_RECEIVED
FIN_WAIT_1    --> <SEQ=101><ACK=301><CTL=FIN,ACK>          --> SYN_RECEIVED
FIN_WAIT_1    <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED
FIN_WAIT_2    <-- <SEQ=301><ACK=102><CTL=ACK>              <-- CLOSE_WAIT
"""
    )
    rows = timeline(replayed(made.rows))
    assert states(rows, "client") == ["CLOSED", "SYN_SENT", "SYN_RECEIVED", "FIN_WAIT_1", "FIN_WAIT_2"]


FAST_CLOSE = """
SYN_SENT      --> <SEQ=100><CTL=SYN><DATA=5>               --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=300><ACK=106><CTL=SYN,ACK>          <-- SYN_RECEIVED  +0.040
ESTABLISHED   --> <SEQ=106><ACK=301><CTL=ACK>              --> {state}  +0.020
CLOSE_WAIT    <-- <SEQ=301><ACK=106><CTL=FIN,ACK>          <-- FIN_WAIT_1    +{wait}
CLOSE_WAIT    --> <SEQ=106><ACK=302><CTL=ACK>              --> FIN_WAIT_2    +0.020
"""


@pytest.mark.parametrize(("wait", "echo", "state"), [
    ("0.020", None, "SYN_RECEIVED"),
    ("0.200", None, "ESTABLISHED"),
    ("0.042", 1000, "SYN_RECEIVED"),
    ("0.042", 1002, "ESTABLISHED"),
])
def test_a_fast_open_server_may_close_before_it_is_open(wait, echo, state):
    """RFC 7413: its FIN passes after the ACK, but was sent before that arrived: sooner than a round trip, or with an
    echo of the SYN's timestamp."""
    made = segments_of(FAST_CLOSE.format(wait=wait, state=state))
    made.rows[0]["fast_open"] = 8
    if echo:
        for row, (tsval, tsecr) in zip(made.rows, ((1000, 0), (7, 1000), (1002, 7), (9, echo), (1004, 9)), strict=True):
            row.update(tsval=tsval, tsecr=tsecr)
    found = states(timeline(replayed(made.rows)), "server")
    assert found[:2] == ["LISTEN", "SYN_RECEIVED"]
    assert found[2:] == ["ESTABLISHED"] * (state == "ESTABLISHED") + ["FIN_WAIT_1", "FIN_WAIT_2"]


def test_a_dsack_of_the_syn_shows_a_simultaneous_open():
    """The client's SYN,ACK was lost before the capture point; its ACK says that the peer's SYN had come already."""
    made = segments_of(
        """
SYN_SENT      --> <SEQ=100><CTL=SYN>                       --> SYN_SENT
SYN_RECEIVED  <-- <SEQ=300><CTL=SYN>                       <-- SYN_SENT
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=SYN,ACK>          <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=101><ACK=301><CTL=ACK>              --> ESTABLISHED
"""
    )
    made.rows[3].update(sacks=1, sack_left0=300, sack_right0=301)
    assert states(timeline(replayed(made.rows)), "client") == ["CLOSED", "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED"]


IGNORED = """
SYN_SENT      --> <SEQ=99><CTL=SYN><DATA=5><FO=8>           --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.040
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED   +0.020
ESTABLISHED   <-- <SEQ=300><ACK=105><CTL=ACK>               <-- ESTABLISHED   +0.040
"""


def test_data_in_a_syn_that_was_ignored_counts_when_it_is_sent_anew():
    """RFC 7413 4.2: the acknowledgement of the SYN alone. The round trip is that of the data, not of the SYN."""
    result = replayed(segments_of(IGNORED).rows)
    flows = result.table("flows")
    assert opened(result) == "three_way"
    assert flows["client_bytes"][0] == 5
    assert flows["rtt_server"][0] == 0.04
    assert row_of(timeline(result), "server", "ESTABLISHED")["proof"] == 4


def test_a_lost_syn_ack_is_told_once():
    made = segments_of("""
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
SYN_SENT      ... <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.040
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED  +1.000
""")
    assert replayed(made.rows).table("notes")["kind"].tolist() == ["refuted"]


@pytest.mark.parametrize(("data_first", "kinds"), [(True, ["accept_queue", "refuted"]), (False, ["refuted"])])
def test_an_accept_queue_is_only_suspected_where_data_had_passed(data_first, kinds):
    data = "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> SYN_RECEIVED\n"
    again = "ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +1.000\n"
    made = segments_of(
        """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.040
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> SYN_RECEIVED  +0.020
"""
        + (data + again if data_first else again + data)
    )
    assert replayed(made.rows).table("notes")["kind"].tolist() == kinds


@pytest.mark.parametrize(("late", "evidence", "frame"), [("0.000200", "confirmed", 2), ("1.000", "deduced", 1)])
def test_a_syn_that_the_capture_shows_after_its_answer(late, evidence, frame):
    """At once it is the one that was answered; a second later another, sent because the SYN,ACK had not come."""
    result = replayed(
        segments_of(f"""
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED  +{late}
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.020
""").rows
    )
    row = row_of(timeline(result), "server", "SYN_RECEIVED")
    assert (row["evidence"], row["frame"]) == (evidence, frame)
    assert (result.table("segments")["label"][1] == 0) == (evidence == "confirmed")


def test_who_refused_a_syn_opens_another_connection_with_its_own():
    """It had no socket when the SYN came (RFC 9293 3.10.7.1), so its own is not a simultaneous open."""
    made = segments_of(
        """
SYN_SENT      --> <SEQ=100><CTL=SYN>                        --> CLOSED
CLOSED        <-- <SEQ=0><ACK=101><CTL=RST,ACK><WND=0>      <-- CLOSED
CLOSED        <-- <SEQ=300><CTL=SYN>                        <-- SYN_SENT      +0.020
CLOSED        --> <SEQ=0><ACK=301><CTL=RST,ACK><WND=0>      --> CLOSED
"""
    )
    rows = timeline(replayed(made.rows))
    assert states(rows, "client", 0) == states(rows, "client", 1) == ["CLOSED", "SYN_SENT", "CLOSED"]
    assert states(rows, "server", 0) == states(rows, "server", 1) == []
