"""replay/answers.py: segments without octets, in ladders."""

from __future__ import annotations

import pytest
from ladders import back, both_speeds, labels_of, replayed, rows_of, sent

from pcapstate.schema import LABELS, MISSING

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=9000>                --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=60000> <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000>      --> ESTABLISHED   +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000><DATA=100> --> ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=200><CTL=ACK><WND=60000>     <-- ESTABLISHED   +0.020
"""
"""Nothing is under way after it; places 0 to 4."""


def names(text, changes=None, **every):
    return [label for label, _ in labels_of(rows_of(OPEN + text, changes, **every))][5:]


def last_proof(text):
    table = both_speeds(rows_of(OPEN + text)).table("segments")
    return None if table["proof"][-1] == MISSING else int(table["proof"][-1])


# --- duplicate ACKs, and what only looks like one --------------------------------------------------------------


def test_what_acknowledges_something_new_is_ordinary():
    assert names(sent(200, 100) + back(300, 0.020)) == ["", ""]


def test_a_duplicate_ack():
    """RFC 5681 2: data outstanding, none in it, the number and the window of the last one."""
    assert names(sent(200, 100) + back(200, 0.020)) == ["", "duplicate_ack"]


def test_nothing_outstanding_makes_it_none():
    assert names(back(200, 0.020)) == [""]


def test_another_window_makes_it_an_update():
    assert names(sent(200, 100) + back(200, 0.020, window=50000)) == ["", "window_update"]


def test_unless_it_reports_what_arrived_beyond_a_hole():
    """RFC 6675 2: a segment with new SACK blocks is a duplicate ACK, whatever its window."""
    text = sent(200, 100) + sent(300, 100) + back(200, 0.020, window=50000)
    text += back(200, 0.001, window=40000)
    sack = {"sacks": 1, "sack_left0": 300, "sack_right0": 400}
    assert names(text, {7: sack, 8: sack})[2:] == ["duplicate_ack", "window_update"]


@pytest.mark.parametrize(
    ("blocks", "label"), [((300, 400), "duplicate_ack"), ((150, 180), ""), ((150, 180, 300, 400), "duplicate_ack")]
)
def test_a_block_shows_that_something_is_outstanding(blocks, label):
    """Only one direction was captured: what has arrived was sent. A DSACK tells of nothing."""
    sack = {"sacks": len(blocks) // 2}
    for i, edge in enumerate(blocks):
        sack[f"sack_{('left', 'right')[i % 2]}{i // 2}"] = edge
    rows = rows_of(OPEN + back(200, 0.020), {5: sack})
    assert labels_of(rows)[-1][0] == label
    assert labels_of([row for row in rows if row["sport"] == 80])[-1][0] == label


def test_the_third_is_a_sign_of_a_loss():
    text = sent(200, 100) + sent(300, 100) * 1 + back(200, 0.020) + back(200) + back(200) + sent(200, 100, 0.020)
    table = both_speeds(rows_of(OPEN + text)).table("segments")
    assert (int(table["label"][-1]), int(table["proof"][-1])) == (LABELS.index("retransmission"), 10)


def test_a_window_update():
    assert names(back(200, 0.100, window=30000)) == ["window_update"]


def test_a_copy_of_an_ack():
    """The IP ID of the ACK before, from a host that counts them."""
    text = sent(200, 100) + back(300, 0.020) + back(300, 0.001)
    rows = rows_of(OPEN + text)
    assert [label for label, _ in labels_of(rows)][-1] == ""
    rows[-1]["ip_id"] = rows[-2]["ip_id"]
    assert labels_of(rows)[-1] == ("duplicate", "network")


def test_an_ack_that_was_overtaken():
    """What a receiver acknowledges never goes back: the smaller number was sent first."""
    assert names(sent(200, 100) + sent(300, 100) + back(400, 0.020) + back(300))[-1] == "reordered"


def test_a_segment_without_ack_is_ordinary():
    assert names(sent(200, 0, flags="PSH")) == [""]


# --- is anybody there -----------------------------------------------------------------------------------------


def test_a_keep_alive_and_its_answer():
    """RFC 9293 3.8.4: one number below SND.NXT; nothing is under way, and it was silent."""
    text = sent(199, 0, 5.0) + back(200, 0.020)
    assert names(text) == ["keep_alive", "keep_alive_ack"]
    assert last_proof(text) == 6


def test_a_keep_alive_that_nobody_answers_is_sent_again():
    assert names(sent(199, 0, 5.0) + sent(199, 0, 1.0) + sent(199, 0, 1.0)) == ["keep_alive"] * 3


def test_a_number_below_that_is_none():
    """Too soon, or too far below: nothing is said of it."""
    assert names(sent(199, 0, 0.100), {5: {"ip_id": 0}}) == [""]
    assert names(sent(150, 0, 5.0)) == [""]
    assert names(sent(200, 100) + sent(299, 0, 5.0))[-1] == ""


def test_a_bare_segment_with_an_older_mark_was_overtaken():
    rows = rows_of(OPEN + sent(200, 100) + sent(200))
    rows[-1]["ip_id"], rows[-2]["ip_id"] = rows[-2]["ip_id"], rows[-1]["ip_id"]
    assert labels_of(rows)[-1][0] == "reordered"


# --- is there room --------------------------------------------------------------------------------------------

CLOSED = sent(200, 100) + back(300, 0.020, window=0)


def test_linux_probes_a_zero_window_with_an_old_number():
    text = CLOSED + sent(299, 0, 0.300) + back(300, 0.020, window=0)
    assert names(text)[2:] == ["window_probe", "window_probe_ack"]
    assert last_proof(text) == 8


def test_it_may_be_below_what_is_under_way():
    """The octet below the first that is not acknowledged, whatever was sent behind it."""
    text = sent(200, 100) + sent(300, 100) + back(300, 0.020, window=0) + sent(299, 0, 0.300)
    assert names(text)[-1] == "window_probe"


def test_a_probe_that_finds_the_window_open():
    """The answer is the update that was lost, or not yet sent."""
    text = CLOSED + sent(299, 0, 0.300) + back(300, 0.020, window=5000)
    assert names(text)[2:] == ["window_probe", "window_update"]


def test_a_probe_that_crosses_the_update():
    text = CLOSED + back(300, 0.300, window=5000) + sent(299, 0, 0.005) + back(300, 0.020, window=5000)
    assert names(text)[2:] == ["window_update", "window_probe", "window_probe_ack"]


def test_a_probe_with_the_next_octet():
    """BSD, Windows, RFC 9293 3.8.6.1. The answer does not take it while there is no room."""
    small = OPEN.replace("<ACK=200><CTL=ACK><WND=60000>", "<ACK=200><CTL=ACK><WND=0>").replace("60000", "100")
    text = sent(200, 1, 0.300) + back(200, 0.020, window=0)
    assert [label for label, _ in labels_of(rows_of(small + text))][5:] == ["window_probe", "window_probe_ack"]


# --- answers to what is not acceptable -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        "ESTABLISHED --> <SEQ=250><CTL=RST><WND=0> --> ESTABLISHED",  # inside the window: RFC 5961 3.2
        "ESTABLISHED --> <SEQ=900000000><ACK=300><CTL=ACK><DATA=9> --> ESTABLISHED",  # RFC 9293 3.10.7.4, first
    ],
)
def test_a_challenge_ack(odd):
    assert names(f"{odd}\n" + back(200, 0.020))[-1] == "challenge_ack"


def test_an_ack_out_of_time_wait():
    """RFC 9293 3.10.7.8: the retransmitted FIN of the peer is acknowledged again."""
    text = """
FIN_WAIT_1    --> <SEQ=200><ACK=300><CTL=FIN,ACK><WND=9000>  --> CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=201><CTL=FIN,ACK><WND=60000> <-- LAST_ACK  +0.020
TIME_WAIT     --> <SEQ=201><ACK=301><CTL=ACK><WND=9000>      ... LAST_ACK  +0.020
TIME_WAIT     <-- <SEQ=300><ACK=201><CTL=FIN,ACK><WND=60000> <-- LAST_ACK  +0.300
TIME_WAIT     --> <SEQ=201><ACK=301><CTL=ACK><WND=9000>      --> CLOSED    +0.020
"""
    assert names(text)[3:] == ["retransmission", "time_wait_ack"]


def test_octets_that_only_a_bare_segment_shows():
    """Its number lies beyond what was seen, and they arrived: the capture has missed the octets between."""
    rows = rows_of(OPEN + sent(500) + back(500, 0.020))
    table = replayed(rows).table("segments")
    assert [LABELS[label] for label in table["label"]][5:] == ["", ""]
    assert labels_of(rows)[5] == ("", "lost_in_capture")
