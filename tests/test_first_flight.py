"""replay/first_flight.py: a first flight of one segment shows that the SYN before it was not the first.

``(not captured)`` is what was lost before the capture point.
"""

from __future__ import annotations

import pytest
from ladders import back, both_speeds, labels_of, rows_of, sent

SIZE = 1448
STAMPS = {"mss": 1460, "tsval": 1, "tsecr": 1, "sack_permitted": 1, "window_scale": 0}

ONCE_MORE = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                          ...               (not captured)
SYN_SENT      --> <SEQ=99><CTL=SYN>                          ...         +1.000  (not captured)
"""
SYNS = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=9000>                --> SYN_RECEIVED  +{}
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=60000> <-- SYN_RECEIVED  +{}
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000>      --> ESTABLISHED   +0.020
"""
OPEN = ONCE_MORE + SYNS.format("1.000", "0.020")


def full(nth, wait=0.0001, **changes):
    """The ``nth`` full segment of the client."""
    return sent(100 + nth * SIZE, changes.pop("length", SIZE), wait, **changes)


def acked(count, wait=0.020, **changes):
    return back(100 + count * SIZE, wait, **changes)


ALONE = full(0) + acked(1) + full(1, 0.020) + full(2, flags="PSH,ACK")


def syn(text, **changes):
    """(label, cause) of the SYN."""
    return labels_of(rows_of(text, **{**STAMPS, **changes}))[0]


def test_one_segment_although_there_is_more():
    """RFC 5681 3.1: the initial window after a SYN that was lost is one segment."""
    assert syn(OPEN + ALONE) == ("retransmission", "syn")
    table = both_speeds(rows_of(OPEN + ALONE, **STAMPS)).table("segments")
    assert table["proof"][0] == 7
    flows = both_speeds(rows_of(OPEN + ALONE, **STAMPS)).table("flows")
    assert (flows["client_retransmissions"][0], flows["client_lost_before"][0]) == (1, 1)


@pytest.mark.parametrize("missing", [{"sack_permitted": 0}, {"window_scale": -1}, {"tsval": 0}])
def test_stacks_that_always_begin_with_one_are_known_by_what_they_do_not_offer(missing):
    assert syn(OPEN + ALONE, **missing) == ("", "")


def test_two_segments_are_an_ordinary_beginning():
    assert syn(OPEN + full(0) + full(1) + acked(2) + full(2, 0.020)) == ("", "")


@pytest.mark.parametrize(
    "flight",
    [
        full(0, flags="PSH,ACK") + acked(1) + full(1, 0.020) + full(2),  # it had written no more
        full(0, length=1000) + back(1100, 0.020) + sent(1100, SIZE, 0.020) + sent(1100 + SIZE, SIZE, 0.0001),
        full(0) + acked(1) + full(1, 0.020) + acked(2) + full(2, 0.020),  # one at a time, always
        full(0) + acked(1) + full(1, 0.020) + acked(2, 0.0005) + full(2, 0.0005),
        full(0) + acked(1) + full(1, 0.020) + full(2, 0.300),  # written later
        full(0) + full(1).replace("\n", "  (not captured)\n") + acked(1) + full(1, 0.020) + full(2),
        full(0) + acked(1, 0.0005) + full(1, 0.0005) + full(2),  # too fast for a program that writes
        full(0) + acked(1) + full(0, 0.300) + acked(1) + full(1, 0.020) + full(2),  # a timeout of its own
    ],
)
def test_other_reasons_for_one_segment(flight):
    assert syn(OPEN + flight) == ("", "")


def test_a_small_window_of_the_peer_is_a_reason_too():
    text = OPEN.replace("<WND=60000>", "<WND=2000>")
    assert syn(text + ALONE) == ("", "")


def test_the_syns_that_were_seen_are_reason_enough():
    """One SYN too late to be the first, or an answer so late that more SYNs may have been sent after this one."""
    twice = OPEN.replace("...         +1.000  (not captured)", "...         +1.000")
    found = labels_of(rows_of(twice + ALONE, **STAMPS))
    assert [label for label, _ in found[:2]] == ["", "retransmission"]
    assert syn(SYNS.format("0.001", "1.500") + ALONE) == ("", "")


def test_a_simultaneous_open_has_a_syn_and_a_syn_ack():
    opening = """
    SYN_SENT      --> <SEQ=99><CTL=SYN><WND=9000>                ...
    SYN_SENT      <-- <SEQ=299><CTL=SYN><WND=60000>              <-- SYN_SENT
    SYN_RECEIVED  --> <SEQ=99><ACK=300><CTL=SYN,ACK><WND=9000>   --> SYN_RECEIVED  +0.020
    ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=60000> <-- ESTABLISHED   +0.020
    """
    assert syn(opening + sent(100, 0, 0.020) + ALONE) == ("", "")


def test_a_capture_that_begins_later_has_no_syn_to_name():
    rows = rows_of(OPEN + ALONE, **STAMPS)[3:]
    assert {label for label, _ in labels_of(rows)} == {""}
