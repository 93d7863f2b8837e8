"""replay/skipped.py: what packets that nobody saw must have held, by the IP IDs that they used up.

In the ladders IP IDs run, also those of what is ``(not captured)``: it was lost before the capture point.
"""

from __future__ import annotations

import pytest
from kernel_calls import both, packet, sender, side
from ladders import back, both_speeds, labels_of, rows_of, sent

from pcapstate.replay import skipped

SYNS = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=9000>               --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=60000> <-- SYN_RECEIVED  +0.020
"""
SIZE = 1448
"""Octets in a full packet: an MSS of 1460 less the timestamps."""

SIZES = {"mss": 1460, "timestamps": 1}
STAMPS = {"mss": 1460, "tsval": 1, "tsecr": 1}
OFFERED = {**STAMPS, "sack_permitted": 1, "window_scale": 0}
MORE = 100 + SIZE


def lost(line):
    """The same line, but the segment never comes to the capture point."""
    return line.replace("\n", "  (not captured)\n")


def names(text, **changes):
    """Labels of what was captured."""
    return [label for label, _ in labels_of(rows_of(text, **changes))]


def asks(seq, ack, wait=0.030, length=10):
    """The client writes something, and has an acknowledgement."""
    return sent(seq, length, wait, flags="PSH,ACK") + back(ack, 0.020)


TALK = asks(100, 110) + asks(110, 120) + asks(120, 130)
"""From here on the IDs of the client are known to count."""

HANDSHAKE = SYNS + sent(100, 0, 0.020)


# --- the next octets -------------------------------------------------------------------------------------------


def test_the_first_copy_was_lost_before_the_capture_point():
    text = HANDSHAKE + TALK + lost(sent(130, 10, flags="PSH,ACK")) + asks(130, 140, 0.250)
    assert labels_of(rows_of(text))[-2:] == [("retransmission", "lost_before"), ("", "")]
    assert both_speeds(rows_of(text)).table("flows")["client_lost_before"][0] == 1


def test_what_was_skipped_may_have_been_an_acknowledgement():
    """The server sent something meanwhile: one of the IDs that are missing belongs to its acknowledgement."""
    told = back(130, 0.020, length=10)
    data = "ESTABLISHED --> <SEQ=130><ACK=310><CTL=PSH,ACK><WND=9000><DATA=10> --> ESTABLISHED  +{:.4f}\n"
    gone = lost(sent(130, 0, 0.020, ack=310))
    assert names(HANDSHAKE + TALK + told + gone + data.format(0.250))[-1] == ""
    twice = lost(data.format(0.010))
    assert names(HANDSHAKE + TALK + told + gone + twice + data.format(0.250))[-1] == "retransmission"


def test_a_bare_ack_with_the_next_number_shows_that_nothing_was_sent_beyond():
    """So what had been skipped before the retransmission held older octets, whatever the signs were."""
    first = sent(130, 10) + lost(sent(140, 10, flags="PSH,ACK")) + sent(130, 10, 0.300) + back(140, 0.020)
    rest = sent(140, 10, 0.030, flags="PSH,ACK")
    assert names(HANDSHAKE + TALK + first + rest)[-1] == "retransmission"
    assert names(HANDSHAKE + TALK + first + sent(140) + rest)[-1] == ""


@pytest.mark.parametrize(("wait", "label"), [(0.002, ""), (0.060, "retransmission")])
def test_what_was_skipped_just_now_may_still_come(wait, label):
    """Within a round trip nobody can know that it was lost."""
    first = sent(130, 10) + lost(sent(140, 10, flags="PSH,ACK")) + sent(130, 10, 0.010) + back(140)
    assert names(HANDSHAKE + TALK + first + sent(140, 10, wait, flags="PSH,ACK"))[-1] == label


def test_an_acknowledgement_that_came_late_leaves_room_for_a_timeout():
    """The octets before may have been sent again for nothing, and lost before the capture point."""
    slow = sent(130, 10, flags="PSH,ACK") + lost(sent(130, 10, 0.250, flags="PSH,ACK")) + back(140, 0.020)
    assert names(HANDSHAKE + TALK + slow + asks(140, 150, 0.100))[-2] == ""


def test_who_sends_keep_alives_may_have_sent_one():
    alive = sent(129, 0, 1.2) + back(130, 0.020)
    gone = lost(sent(129, 0, 1.2))
    assert names(HANDSHAKE + TALK + alive + gone + asks(130, 140, 0.500))[-4:] == [
        "keep_alive", "keep_alive_ack", "", ""
    ]  # fmt: skip
    assert names(HANDSHAKE + TALK + gone + asks(130, 140, 0.500))[-2] == "retransmission"


def test_a_window_that_was_zero_may_have_been_probed():
    full = sent(130, 10, flags="PSH,ACK") + back(140, 0.020, window=0)
    probe = lost(sent(139, 0, 0.300))
    opened = back(140, 0.020)
    assert names(HANDSHAKE + TALK + full + probe + opened + asks(140, 150, 0.100))[-2] == ""


# --- before it is known whether the IDs count ------------------------------------------------------------------


def test_the_ids_that_follow_tell_what_was_skipped():
    """The handshake's ACK and the first copy of what followed: two were lost, and only one can have been an ACK."""
    gone = lost(sent(100, 0, 0.020)) + lost(sent(100, 10, flags="PSH,ACK"))
    text = SYNS + gone + asks(100, 110, 0.300)
    assert labels_of(rows_of(text, **OFFERED))[2] == ("", "")
    later = text + asks(110, 120) + asks(120, 130) + asks(130, 140)
    assert labels_of(rows_of(later, **OFFERED))[2] == ("retransmission", "lost_before")
    flows = both_speeds(rows_of(later, **OFFERED)).table("flows")
    assert (flows["client_retransmissions"][0], flows["client_lost_before"][0]) == (1, 1)
    # A host of old may number the packets of all its connections together, and be busy with another one just then.
    assert labels_of(rows_of(later, **STAMPS))[2] == ("", "")


def test_the_handshakes_ack_alone_explains_one():
    later = asks(110, 120) + asks(120, 130) + asks(130, 140)
    text = SYNS + lost(sent(100, 0, 0.020)) + asks(100, 110, 0.300) + later
    assert [label for label, _ in labels_of(rows_of(text, **OFFERED))] == [""] * 10


@pytest.mark.parametrize("ids", [(105, 107, 109, 111), (105, 4000, 4001, 4002)])
def test_ids_that_do_not_count_tell_nothing(ids):
    """A host that numbers the packets of all its connections together."""
    gone = lost(sent(100, 10, flags="PSH,ACK"))
    more = asks(110, 120) + asks(120, 130) + asks(130, 140)
    rows = rows_of(HANDSHAKE + gone + asks(100, 110, 0.300) + more, **OFFERED)
    for row, ip_id in zip(rows[3::2], ids, strict=True):
        row["ip_id"] = ip_id
    assert [label for label, _ in labels_of(rows)] == [""] * 11


def test_a_doubt_ends_when_the_packet_comes_late():
    text = HANDSHAKE + asks(100, 110, 0.300) + asks(110, 120) + asks(120, 130) + asks(130, 140)
    rows = rows_of(text, {3: {"ip_id": 105}, 5: {"ip_id": 106}}, **OFFERED)
    rows[7]["ip_id"], rows[9]["ip_id"] = 104, 107
    assert [label for label, _ in labels_of(rows)] == [""] * 11


# --- octets above a hole ---------------------------------------------------------------------------------------

FULL = SYNS + sent(100, 0, 0.020) + sent(100, SIZE, 0.001) + back(MORE, 0.020)
BULK = FULL + sent(MORE, SIZE, 0.001) + back(MORE + SIZE, 0.020)
NEXT = MORE + SIZE


@pytest.mark.parametrize(
    ("hole", "wait", "label"),
    [
        (SIZE, 0.110, "retransmission"),
        (SIZE, 0.030, ""),  # too soon for a probe
        (SIZE, 0.300, ""),  # a timeout can have sent the octets of the hole twice
        (700, 0.110, ""),  # two small writes
    ],
)
def test_the_end_of_two_packets_that_were_lost_is_probed_for(hole, wait, label):
    """RFC 8985 7.3: the probe sends the last one again; the first, a full packet, can not have been both."""
    gone = lost(sent(NEXT, hole)) + lost(sent(NEXT + hole, 500, flags="PSH,ACK"))
    text = BULK + gone + sent(NEXT + hole, 500, wait, flags="PSH,ACK")
    assert names(text, **STAMPS)[-1] == label


def test_one_packet_lost_is_the_hole():
    text = BULK + lost(sent(NEXT, SIZE)) + sent(NEXT + SIZE, 500, 0.110, flags="PSH,ACK")
    assert names(text, **STAMPS)[-1] == ""


# --- before the first retransmission ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sack", "signs_after", "wait", "label"),
    [
        (-1, 0.030, 0.030, "retransmission"),
        (1, 0.100, 0.030, ""),  # a tail loss probe
        (-1, 0.030, 0.300, ""),  # a timeout
        (-1, 0.300, 0.030, ""),  # the signs came after a timeout
    ],
)
def test_without_sack_one_packet_is_sent_again_for_three_duplicate_acks(sack, signs_after, wait, label):
    """RFC 5681 3.2: so what was skipped before it was new. With SACK, or after a timeout, it may have been old."""
    flight = "".join(sent(n, 10, flags="PSH,ACK") for n in (130, 140, 150, 160)) + lost(sent(170, 10, flags="PSH,ACK"))
    signs = back(130, signs_after) + back(130) * 3
    again = sent(130, 10, wait) + back(170, 0.020) + sent(170, 10, 0.060, flags="PSH,ACK")
    rows = rows_of(HANDSHAKE + TALK + flight + signs + again, **({"sack_permitted": 1} if sack > 0 else {}))
    found = labels_of(rows)
    assert found[-3][0] == "retransmission"
    assert found[-1][0] == label


# --- the accounts themselves -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ones", "steps", "jumps", "count"),
    [(2, 0, 0, 1), (1, 0, 0, 0), (4, 1, 0, 1), (3, 1, 0, 0), (9, 0, 1, 0)],
)
def test_ids_count_if_nearly_each_is_the_next(ones, steps, jumps, count):
    assert both(skipped.ids_count, sender(id_ones=ones, id_steps=steps, id_jumps=jumps)) == count


IN_ORDER = {"ip_id": 100, "window_field": 1000}


@pytest.mark.parametrize(
    ("ip_id", "changes", "count"),
    [
        (101, {}, 0),
        (103, {}, 2),
        (103, {"ip_id": 0xFFFE}, 0),
        (2, {"ip_id": 0xFFFE}, 0),  # begun anew: 0 may be left out
        (120, {}, 0),  # too many to be believed
        (0, {}, 0),
        (103, {"ip_id": -1}, 0),
        (103, {"window_field": 999}, 0),  # it may have told a new window
        (103, {"window_field": -1}, 2),  # it had told none yet
    ],
)
def test_packets_that_were_never_seen(ip_id, changes, count):
    known = sender(**{**IN_ORDER, **changes})
    got = both(skipped.skipped_ids, side(window=5), known, packet(ip_id=ip_id, window=1000))
    assert got == count


def test_packets_that_may_have_been_acknowledgements_or_probes_are_not_counted():
    known, seen = sender(**IN_ORDER), packet(ip_id=103, window=1000)
    assert [both(skipped.skipped_ids, side(window=5), sender(**IN_ORDER, owed=n), seen) for n in (0, 1, 2)] == [2, 1, 0]
    assert both(skipped.skipped_ids, side(window=0), known, seen) == 0


@pytest.mark.parametrize(
    ("length", "x", "y", "count"),
    [
        (1000, {"mss": 1000}, {"mss": 1460}, 1),
        (2001, {"mss": 1000}, {"mss": 1460}, 3),
        (1000, {"mss": 1000, "timestamps": 1}, {"mss": 1460}, 1),
        (1000, {"mss": 1000, "timestamps": 1}, {"mss": 1460, "timestamps": 1}, 2),
        (9000, {"mss": -1}, {"mss": 1460}, 1),
    ],
)
def test_how_many_packets_a_segment_is(length, x, y, count):
    assert both(skipped.packets, side(**x), side(**y), packet(length=length)) == count
