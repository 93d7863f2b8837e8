"""replay/labels.py and what it asks: the class of each segment, in ladders whose last column but one says it."""

from __future__ import annotations

import pytest
from ladders import replayed, segments_of

from pcapstate.schema import CAUSES, LABELS

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED   +0.020
"""
DATA = "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED\n"
ACKED = "ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK>               <-- ESTABLISHED   +0.020\n"


def labels(text, **changes):
    table = replayed(segments_of(OPEN + text, **changes).rows).table("segments")
    return [LABELS[code] for code in table["label"]][3:]


def causes(text):
    table = replayed(segments_of(OPEN + text).rows).table("segments")
    return [CAUSES[code] for code in table["cause"]][3:]


def test_data_and_its_acknowledgement_are_ordinary():
    assert labels(DATA + ACKED) == ["", ""]


def test_the_same_octets_again_by_timeout():
    again = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.300\n")
    assert labels(DATA + again + ACKED) == ["", "retransmission", ""]
    assert causes(DATA + again + ACKED)[1] == "timeout"


def test_a_copy_of_one_transmission_is_a_duplicate():
    copy = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   (copy)\n")
    assert labels(DATA + copy + ACKED) == ["", "duplicate", ""]


def test_what_was_acknowledged_long_ago_is_sent_again_for_nothing():
    again = DATA.replace("--> ESTABLISHED\n", "--> ESTABLISHED   +0.900\n")
    assert causes(DATA + ACKED + again)[2] == "spurious"


def test_a_segment_that_was_overtaken():
    """Its IP ID lies before that of the one that overtook it: the sender sent it first."""
    made = segments_of(
        OPEN
        + """
ESTABLISHED   --> <SEQ=110><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
"""
    )
    made.rows[3]["ip_id"], made.rows[4]["ip_id"] = made.rows[4]["ip_id"], made.rows[3]["ip_id"]
    table = replayed(made.rows).table("segments")
    assert [LABELS[code] for code in table["label"]][3:] == ["", "reordered"]


def test_keep_alive_and_its_answer():
    """RFC 9293 3.8.4: no octets, or one of garbage, below SND.NXT; nothing is under way, the window open."""
    idle = "ESTABLISHED   --> <SEQ=109><ACK=300><CTL=ACK>               --> ESTABLISHED   +10.000\n"
    assert labels(DATA + ACKED + idle + ACKED)[2:] == ["keep_alive", "keep_alive_ack"]


@pytest.mark.parametrize("form", ["old octet", "new octet"])
def test_window_probe_and_its_answer(form):
    """Linux probes with an old number and no octet, BSD with the next octet (RFC 9293 3.8.6.1)."""
    closed = ACKED.replace("<CTL=ACK>     ", "<CTL=ACK><WND=0>")
    seq, data = ("109", "") if form == "old octet" else ("110", "<DATA=1>")
    probe = f"ESTABLISHED   --> <SEQ={seq}><ACK=300><CTL=ACK>{data} --> ESTABLISHED   +0.300\n"
    small = OPEN.replace("<CTL=SYN,ACK>          ", "<CTL=SYN,ACK><WND=10>  ")
    table = replayed(segments_of(small + DATA + closed + probe + closed).rows).table("segments")
    assert [LABELS[code] for code in table["label"]][3:] == ["", "", "window_probe", "window_probe_ack"]


def test_window_update():
    opened = ACKED.replace("<CTL=ACK>     ", "<CTL=ACK><WND=9000>")
    assert labels(DATA + ACKED + opened)[2] == "window_update"


def test_duplicate_acks_need_something_outstanding():
    """RFC 5681, 2: the receiver of the ACK has outstanding data."""
    more = "".join(
        f"ESTABLISHED   --> <SEQ={seq}><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED\n" for seq in (110, 120, 130)
    )
    assert labels(DATA + ACKED + more + ACKED + ACKED)[5:] == ["duplicate_ack"] * 2


def test_an_ack_out_of_time_wait():
    close = """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.020
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               ... LAST_ACK      +0.020
TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK      +0.300
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED        +0.020
"""
    assert labels(close)[3:] == ["retransmission", "time_wait_ack"]
    assert causes(close)[3] == "fin"


def test_a_challenge_ack():
    forged = """
ESTABLISHED   --> <SEQ=200><CTL=RST><WND=0>                 --> ESTABLISHED   (forged)
ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>               <-- ESTABLISHED   +0.020
"""
    assert labels(forged)[1] == "challenge_ack"


def test_a_syn_again():
    table = replayed(
        segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nSYN_SENT --> <SEQ=99><CTL=SYN> -->  +1.000\n").rows
    ).table("segments")
    assert [LABELS[code] for code in table["label"]] == ["", "retransmission"]
    assert CAUSES[table["cause"][1]] == "syn"


def test_the_reset_that_refuses_a_syn_is_ordinary():
    table = replayed(
        segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nCLOSED <-- <SEQ=0><ACK=100><CTL=RST,ACK><WND=0> <--\n").rows
    ).table("segments")
    assert [LABELS[code] for code in table["label"]] == ["", ""]
