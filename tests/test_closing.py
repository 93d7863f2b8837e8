"""replay/closing.py: FINs, their copies and order, and the calls that they show."""

from __future__ import annotations

import pytest
from ladders import STEP, check, replayed, row_of, segments_of, states, timeline

from pcapstate.schema import CLOSE_CALLS

OPEN = """
CLOSED                                                           LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.010
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.010
"""


def calls(result):
    flows = result.table("flows")
    return [CLOSE_CALLS[flows[f"{side}_close_call"][0]] for side in ("client", "server")]


def test_data_taken_after_the_fin_proves_shutdown():
    _, result = check(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=PSH,ACK><DATA=50>  <-- CLOSE_WAIT
FIN_WAIT_2    --> <SEQ=101><ACK=350><CTL=ACK>               --> CLOSE_WAIT
"""
    )
    assert calls(result) == ["shutdown_write", ""]
    assert "shutdown(SHUT_WR)" in result.table("flows")["note"][0]
    assert "(frame 6)" in result.table("flows")["note"][0]


def test_data_that_was_under_way_before_the_fin_proves_nothing():
    made = segments_of(
        OPEN
        + """
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=PSH,ACK><DATA=50>  <-- ESTABLISHED
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_1    --> <SEQ=101><ACK=350><CTL=ACK>               --> CLOSE_WAIT
"""
    )
    assert calls(replayed(made.rows)) == ["unknown", ""]


@pytest.mark.parametrize(("ip_id", "call"), [(0, "close"), (109, "unknown")])
def test_linux_shows_a_closed_socket_by_its_ip_id(ip_id, call):
    """In FIN_WAIT_2 an orphan has no counter of IP IDs any more (inet_twsk)."""
    made = segments_of(
        OPEN
        + """
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
FIN_WAIT_1    --> <SEQ=110><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=111><CTL=ACK>               <-- CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=111><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=111><ACK=301><CTL=ACK>               --> CLOSED
"""
    )
    made.rows[-1]["ip_id"] = ip_id
    assert calls(replayed(made.rows))[0] == call


def test_a_duplicate_fin_made_by_the_network_takes_nothing_back():
    text = """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT
FIN_WAIT_2    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT    +0.500  {copy}
"""
    same = replayed(segments_of(OPEN + text.format(copy="(copy)")).rows)
    assert states(timeline(same), "client")[-1] == "FIN_WAIT_2"
    anew = replayed(segments_of(OPEN + text.format(copy="")).rows)
    assert states(timeline(anew), "client")[-1] == "FIN_WAIT_1"
    assert "refuted" in anew.table("notes")["kind"].tolist()


def test_the_last_fin_restarts_2msl():
    """RFC 9293 3.10.7.4, eighth, TIME-WAIT: restart the 2 MSL timeout."""
    made = segments_of(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               ... LAST_ACK
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +4.000
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED
"""
    )
    end = row_of(timeline(replayed(made.rows, msl=10)), "client", "CLOSED")
    assert end["evidence"] == "timer"
    delay = 5 * STEP  # half of the client's handshake round trip of 10 ms
    assert abs(end["estimate"] - (made.rows[7]["time"] + delay + 20_000_000_000)) <= 5 * STEP
    assert end["note"] == "The timer started anew when the FIN came again."


def test_a_missing_octet_before_the_fin_is_sent_after_it():
    """The FIN passes in order here, the data before it was lost further on: CLOSE_WAIT begins when that is filled."""
    made = segments_of(
        OPEN
        + """
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  ... ESTABLISHED
FIN_WAIT_1    --> <SEQ=110><ACK=300><CTL=FIN,ACK>           --> ESTABLISHED
FIN_WAIT_1    <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> CLOSE_WAIT    +0.250
FIN_WAIT_2    <-- <SEQ=300><ACK=111><CTL=ACK>               <-- CLOSE_WAIT    +0.012
"""
    )
    row = row_of(timeline(replayed(made.rows)), "server", "CLOSE_WAIT")
    assert row["frame"] == 7
    assert row["earliest"] < row["estimate"] <= row["latest"] == made.rows[7]["time"]


def test_dsack_says_that_the_first_fin_had_arrived():
    made = segments_of(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT    +0.300
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT    +0.012
"""
    )
    assert row_of(timeline(replayed(made.rows)), "server", "CLOSE_WAIT")["frame"] == 5
    made.rows[-1].update(sacks=1, sack_left0=100, sack_right0=101)
    assert row_of(timeline(replayed(made.rows)), "server", "CLOSE_WAIT")["frame"] == 4


def test_a_fin_that_was_not_captured_is_inferred():
    rows, _ = check(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT    (not captured)
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED
"""
    )
    assert row_of(rows, "client", "FIN_WAIT_1")["evidence"] == "presumed"


def test_an_octet_that_was_not_captured_is_no_fin_if_data_follows():
    check(
        OPEN
        + """
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=1>   --> ESTABLISHED   (not captured)
ESTABLISHED   <-- <SEQ=300><ACK=101><CTL=ACK>               <-- ESTABLISHED
ESTABLISHED   --> <SEQ=101><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
"""
    )


def test_a_fin_whose_first_copy_was_lost_before_the_capture_point():
    """An ACK with a number beyond the FIN shows that it was sent: the peer's FIN crossed it (simultaneous close)."""
    rows, _ = check(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           ... ESTABLISHED   (not captured)
CLOSING       <-- <SEQ=300><ACK=100><CTL=FIN,ACK>           <-- FIN_WAIT_1
CLOSING       --> <SEQ=101><ACK=301><CTL=ACK>               --> FIN_WAIT_2    +0.012
CLOSING       --> <SEQ=100><ACK=301><CTL=FIN,ACK>           --> TIME_WAIT     +0.300
TIME_WAIT     <-- <SEQ=301><ACK=101><CTL=ACK>               <-- TIME_WAIT     +0.012
"""
    )
    assert row_of(rows, "client", "FIN_WAIT_1")["evidence"] == "presumed"


def test_a_fin_that_carries_the_ack_crosses_the_copy_of_the_other():
    """Both ACKs are lost; the FINs that come again carry them, and cross: nothing that they carry is refuted."""
    check(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           ... FIN_WAIT_1
CLOSING       <-- <SEQ=300><ACK=100><CTL=FIN,ACK>           <-- CLOSING
CLOSING       --> <SEQ=101><ACK=301><CTL=ACK>               ... CLOSING       +0.012
CLOSING       --> <SEQ=100><ACK=301><CTL=FIN,ACK>           --> CLOSING       +0.250
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- TIME_WAIT     +0.003
"""
    )


def test_a_forged_fin_beyond_what_was_sent():
    """One sender has one FIN: the one that leaves no hole."""
    check(
        OPEN
        + """
ESTABLISHED   --> <SEQ=6000><ACK=300><CTL=FIN,ACK>          --> ESTABLISHED   (forged)
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
FIN_WAIT_1    --> <SEQ=110><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=111><CTL=ACK>               <-- CLOSE_WAIT
"""
    )


def waiting(wait):
    """A server that is sending when the client closes, and closes itself ``wait`` seconds after its last octets."""
    return f"""
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED   +0.500
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK><DATA=50>      <-- ESTABLISHED
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=350><ACK=101><CTL=ACK><DATA=50>      <-- CLOSE_WAIT    +0.010
FIN_WAIT_2    --> <SEQ=101><ACK=400><CTL=ACK>               --> CLOSE_WAIT    +0.010
TIME_WAIT     <-- <SEQ=400><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +{wait}
TIME_WAIT     --> <SEQ=101><ACK=401><CTL=ACK>               --> CLOSED        +0.010
"""


@pytest.mark.parametrize(
    ("wait", "evidence"),
    [("0.010", ["presumed"] * 2), ("0.090", ["presumed"] * 2), ("0.500", ["confirmed", "sent"])],
)
def test_a_fin_may_wait_behind_data(wait, evidence):
    """FIN_WAIT_1 begins with the call (RFC 9293 3.10.4), and that may have come while octets were to be sent: then
    the peer's FIN found the server in FIN_WAIT_1. Not if the server was idle before it sent its own."""
    rows, _ = check(OPEN + waiting(wait))
    assert [row_of(rows, "server", state)["evidence"] for state in ("CLOSE_WAIT", "LAST_ACK")] == evidence


def test_a_bare_ack_of_the_fin_shows_that_nothing_waits():
    """All that the server had sent is acknowledged by the FIN: with more to send it would have sent it instead."""
    rows, _ = check(
        OPEN
        + """
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK><DATA=50>      <-- ESTABLISHED   +0.500
FIN_WAIT_1    --> <SEQ=100><ACK=350><CTL=FIN,ACK>           --> CLOSE_WAIT    +0.010
FIN_WAIT_2    <-- <SEQ=350><ACK=101><CTL=ACK>               <-- CLOSE_WAIT    +0.010
FIN_WAIT_2    <-- <SEQ=350><ACK=101><CTL=ACK><DATA=50>      <-- CLOSE_WAIT
TIME_WAIT     <-- <SEQ=400><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=401><CTL=ACK>               --> CLOSED        +0.010
"""
    )
    assert [row_of(rows, "server", state)["evidence"] for state in ("CLOSE_WAIT", "LAST_ACK")] == ["confirmed", "sent"]


def test_the_acknowledgement_of_an_unseen_fin_is_no_sign_of_reading():
    """The octet that is acknowledged beyond all data is the peer's FIN, which was not captured."""
    made = segments_of(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT    +0.010
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.010  (not captured)
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.010
"""
    )
    assert calls(replayed(made.rows)) == ["unknown", "unknown"]


def test_data_after_a_fin_that_was_not_captured_proves_shutdown():
    made = segments_of(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT    +0.010  (not captured)
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT    +0.010
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=PSH,ACK><DATA=50>  <-- CLOSE_WAIT    +0.010
FIN_WAIT_2    --> <SEQ=101><ACK=350><CTL=ACK>               --> CLOSE_WAIT    +0.010
"""
    )
    assert calls(replayed(made.rows))[0] == "shutdown_write"


def test_a_side_that_was_never_captured_most_likely_acknowledged_our_fin():
    one_way = """
CLOSED                                                           LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.010
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT    +0.010
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.010
"""
    rows = timeline(replayed(segments_of(one_way).rows))
    assert states(rows, "client")[3:] == ["FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
    assert states(rows, "server")[3:] == ["CLOSE_WAIT", "LAST_ACK", "CLOSED"]
    assert {r["evidence"] for r in rows if r["to_state"] in ("FIN_WAIT_2", "TIME_WAIT")} == {"presumed"}


SACKED = """
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><DATA=10>      ... ESTABLISHED   +0.010
FIN_WAIT_1    --> <SEQ=110><ACK=300><CTL=FIN,ACK>           --> ESTABLISHED
FIN_WAIT_1    <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED   +0.010
"""


def sacked(text):
    made = segments_of(OPEN + SACKED + text)
    made.rows[5].update(sacks=1, sack_left0=110, sack_right0=111)
    return states(timeline(replayed(made.rows)), "server")


def test_a_fin_that_arrived_before_what_it_follows_has_no_effect():
    """The SACK block says that it is there, the acknowledgement that it is not in order (RFC 9293 3.10.7.4, eighth)."""
    again = "FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=ACK><DATA=10>      --> CLOSE_WAIT    +0.300\n"
    reset = "CLOSED        --> <SEQ=111><ACK=300><CTL=RST,ACK>           --> CLOSED        +0.300\n"
    assert sacked(again)[-1] == "CLOSE_WAIT"
    assert sacked(reset)[-2:] == ["ESTABLISHED", "CLOSED"]
