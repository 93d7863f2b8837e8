"""replay/endpoint.py: a segment's numbers, the sender's sequence space, its window."""

from __future__ import annotations

import pytest
from ladders import check, replayed, row_of, segments_of, states, timeline

from pcapstate.schema import MISSING

OPEN = """
CLOSED                                                           LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=500>                --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=600>  <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=10>       --> ESTABLISHED
"""
DATA = """
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10><WND=10> --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK><WND=20>              <-- ESTABLISHED
"""


def column(result, name, table="segments"):
    return [None if value == MISSING else value for value in result.table(table)[name].tolist()]


def test_relative_numbers_count_from_the_isn():
    _, result = check(OPEN + DATA)
    assert column(result, "seq") == [0, 0, 1, 1, 1]
    assert column(result, "ack") == [None, 1, 1, 1, 11]
    assert column(result, "in_flight")[3] == 10


def test_mid_stream_the_first_octet_is_1():
    _, result = check(
        "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10> --> ESTABLISHED\n"
        "ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=PSH,ACK><DATA=5>  <-- ESTABLISHED\n"
    )
    assert column(result, "seq") == [1, 1]
    assert column(result, "ack") == [1, 11]


@pytest.mark.parametrize(("client", "server", "window"), [(7, 3, 10 << 7), (7, -1, 10), (-1, 3, 10), (20, 0, 10 << 14)])
def test_windows_are_scaled_if_both_syns_offer_it(client, server, window):
    """RFC 7323 2.2 and 2.3: never on a SYN, only if both offered it, and by 14 at the most."""
    made = segments_of(OPEN)
    made.rows[0]["window_scale"], made.rows[1]["window_scale"] = client, server
    assert column(replayed(made.rows), "window") == [500, 600, window]


def test_without_the_syns_the_scale_is_unknown_but_zero_is_zero():
    made = segments_of(
        "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=10> --> ESTABLISHED\n"
        "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=0>  --> ESTABLISHED\n"
    )
    assert column(replayed(made.rows), "window") == [None, 0]


def test_an_older_segment_does_not_move_the_window():
    """RFC 9293 3.10.7.4, fifth: SND.WL1 and SND.WL2. The second ACK was overtaken on the way."""
    made = segments_of(OPEN + DATA + "ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK><WND=900> <-- ESTABLISHED\n")
    flows = replayed(made.rows).table("flows")
    assert flows["server_window_max"][0] == 900  # it was advertised all the same
    assert flows["server_window_min"][0] == 20


def test_zero_windows_are_counted_and_timed():
    made = segments_of(
        OPEN
        + """
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK><WND=0>        <-- ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK><WND=0>        <-- ESTABLISHED  +0.500
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK><WND=30>       <-- ESTABLISHED  +0.250
"""
    )
    flows = replayed(made.rows).table("flows")
    assert flows["server_zero_windows"][0] == 2
    assert flows["server_zero_window_time"][0] == pytest.approx(0.75)


def test_octets_are_counted_once():
    made = segments_of(
        OPEN
        + DATA
        + DATA
        + """
ESTABLISHED   --> <SEQ=105><ACK=300><CTL=PSH,ACK><DATA=10> --> ESTABLISHED
"""
    )
    flows = replayed(made.rows).table("flows")
    assert (flows["client_bytes"][0], flows["server_bytes"][0]) == (15, 0)
    assert (flows["client_packets"][0], flows["server_packets"][0]) == (5, 3)


def test_a_hole_filled_later_counts_too():
    made = segments_of(
        OPEN
        + """
ESTABLISHED   --> <SEQ=110><ACK=300><CTL=PSH,ACK><DATA=10> --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10> --> ESTABLISHED
"""
    )
    assert replayed(made.rows).table("flows")["client_bytes"][0] == 20


def test_a_number_far_from_all_that_was_sent_changes_nothing():
    rows, _ = check(
        OPEN
        + DATA
        + """
ESTABLISHED   --> <SEQ=1073741924><ACK=300><CTL=FIN,ACK>    --> ESTABLISHED
ESTABLISHED   --> <SEQ=110><ACK=300><CTL=PSH,ACK><DATA=5>   --> ESTABLISHED
"""
    )
    assert all(row["event"] != "snd FIN" for row in rows)


def test_found_mid_stream():
    """New octets of both sides show that neither had sent a FIN (SEMANTICS C5)."""
    made = segments_of(
        "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10> --> ESTABLISHED\n"
        "ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=PSH,ACK><DATA=5>  <-- ESTABLISHED\n"
    )
    first = row_of(timeline(replayed(made.rows)), "client", "ESTABLISHED")
    assert (first["from_state"], first["event"], first["evidence"], first["earliest"]) == ("", "seen", "deduced", None)


def test_mid_stream_a_fin_may_be_the_second_one():
    """The peer only acknowledges: it may have sent its FIN before the capture, and then this is LAST_ACK."""
    made = segments_of(
        "FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>          --> CLOSE_WAIT\n"
        "FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>              <-- CLOSE_WAIT\n"
    )
    rows = timeline(replayed(made.rows))
    assert states(rows, "client") == ["ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2"]
    assert {row["evidence"] for row in rows if row["side"] == "client"} == {"presumed"}


def test_one_side_only():
    """Only the client was captured; what it acknowledges tells of the server."""
    rows, result = check(
        """
CLOSED                                                           LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=400><CTL=ACK>               --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=500><CTL=ACK>               --> ESTABLISHED
ESTABLISHED                                                      FIN_WAIT_1
CLOSE_WAIT    --> <SEQ=100><ACK=501><CTL=ACK>               --> FIN_WAIT_1
CLOSE_WAIT                                                       FIN_WAIT_2
LAST_ACK      --> <SEQ=100><ACK=501><CTL=FIN,ACK>           --> TIME_WAIT
"""
    )
    assert row_of(rows, "client", "ESTABLISHED")["evidence"] == "deduced"
    assert row_of(rows, "server", "FIN_WAIT_1")["evidence"] == "presumed"
    assert column(result, "window") == [1000] * 6  # no scale offered, so none agreed


def test_one_side_only_and_a_single_octet_at_the_end_is_no_proof_of_a_fin():
    check(
        """
CLOSED                                                           LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=301><CTL=ACK>               --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=302><CTL=ACK>               --> ESTABLISHED
"""
    )


def test_whether_a_scale_was_agreed_is_unknown_without_the_answer():
    made = segments_of(
        """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
"""
    )
    made.rows[0]["window_scale"] = 7
    assert column(replayed(made.rows), "window") == [1000, None]


def test_a_reset_without_a_connection_has_no_relative_number():
    made = segments_of(
        "SYN_SENT --> <SEQ=99><CTL=SYN> -->\nCLOSED <-- <SEQ=0><ACK=100><CTL=RST,ACK><WND=0> <--\n",
    )
    assert column(replayed(made.rows), "seq") == [0, None]
