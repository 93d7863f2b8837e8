"""replay/episodes.py: what leaves no packet is told from which frame on it may have happened."""

from __future__ import annotations

import pytest
from ladders import replayed, segments_of

from pcapstate.schema import NOTES

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
"""


def notes(text):
    """{kind: (frame, side, text)}; the time of each is that of its frame."""
    tables = replayed(segments_of(text).rows)
    table, segments = tables.table("notes"), tables.table("segments")
    times = dict(zip(segments["frame"].tolist(), segments["time"].tolist(), strict=True))
    assert [times[frame] for frame in table["frame"].tolist()] == table["time"].tolist()
    sides = NOTES["side"].words
    return {
        kind: (int(frame), sides[side], words)
        for kind, frame, side, words in zip(table["kind"], table["frame"], table["side"], table["text"], strict=True)
    }


def test_a_connection_in_order_has_no_notes():
    assert notes(OPEN) == {}


def test_syns_without_an_answer():
    found = notes("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nSYN_SENT --> <SEQ=99><CTL=SYN> -->  +1.000\n")
    frame, side, text = found["no_answer_to_syn"]
    assert (frame, side) == (2, "client")
    assert "2 SYNs," in text


def test_syns_are_told_of_once():
    """Retransmissions without an answer are a note of their own, but not those of a SYN."""
    again = "SYN_SENT --> <SEQ=99><CTL=SYN> -->  +1.000\n"
    assert set(notes("SYN_SENT --> <SEQ=99><CTL=SYN> -->\n" + again * 5)) == {"no_answer_to_syn"}


def test_a_refused_syn_was_answered():
    assert notes("SYN_SENT --> <SEQ=99><CTL=SYN> -->\nCLOSED <-- <SEQ=0><ACK=100><CTL=RST,ACK><WND=0> <--\n") == {}


@pytest.mark.parametrize(("copies", "there"), [(2, False), (3, True)])
def test_data_without_an_answer(copies, there):
    data = "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   ... ESTABLISHED  +0.400\n"
    assert ("no_answer" in notes(OPEN + data * (copies + 1))) == there


def test_close_wait_and_fin_wait_2_that_do_not_end():
    found = notes(
        OPEN
        + """
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT
"""
    )
    assert found["close_wait"][:2] == (4, "server")
    assert found["fin_wait_2"][:2] == (5, "client")


def test_a_full_accept_queue():
    found = notes(
        OPEN
        + """
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED  +1.000
"""
    )
    assert found["accept_queue"][:2] == (3, "server")


def test_an_inferred_scale_is_told_where_it_was_settled():
    text, window = "", 4000
    for i in range(6):
        window -= 50
        text += f"ESTABLISHED --> <SEQ={100 + 400 * i}><ACK=300><CTL=ACK><DATA=400> --> ESTABLISHED\n"
        text += f"ESTABLISHED <-- <SEQ=300><ACK={500 + 400 * i}><CTL=ACK><WND={window}> <-- ESTABLISHED\n"
    frame, side, words = notes(text)["scale_inferred"]
    assert (frame, side) == (8, "server")
    assert "inferred to be 3:" in words
