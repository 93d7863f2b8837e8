"""replay/senders.py: which of two transmissions a side made first, by the marks that it puts on its packets."""

from __future__ import annotations

import pytest
from kernel_calls import both, packet, row, sender, side
from ladders import COMPILED, INTERPRETED

from pcapstate.replay import senders
from pcapstate.replay.senders import Sender
from pcapstate.replay.transmissions import words
from pcapstate.schema import Segment

MS = 1_000_000


# --- IP IDs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ones", "steps", "jumps", "run"), [(2, 0, 0, 1), (0, 9, 0, 0), (3, 2, 1, 1), (3, 1, 1, 0), (0, 0, 0, 0)]
)
def test_ids_run_if_the_next_one_is_mostly_one_more(ones, steps, jumps, run):
    assert both(senders.ids_run, sender(id_ones=ones, id_steps=steps, id_jumps=jumps)) == run


def watched(speed, ids, **fields):
    """What is known after segments with these IP IDs."""
    known = row(speed, Sender, {})
    for ip_id in ids:
        speed.of(senders.watch_ids)(known, row(speed, Segment, {"ip_id": ip_id, **fields}))
    names = ("ip_id", "id_ones", "id_steps", "id_jumps")
    return [int(known[name]) if hasattr(known, "dtype") else getattr(known, name) for name in names]


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
@pytest.mark.parametrize(
    ("ids", "known"),
    [
        ((7, 8, 9), [9, 2, 0, 0]),
        ((7, 17, 18), [18, 1, 1, 0]),
        ((7, 5000), [5000, 0, 0, 1]),
        ((0xFFFF, 1), [1, 0, 1, 0]),  # a counter that leaves out 0
        ((9, 7), [9, 0, 0, 0]),  # overtaken: the highest stays
        ((7, 0, -1, 8), [8, 1, 0, 0]),  # 0 and IPv6 are no counters
    ],
)
def test_how_ids_follow_each_other(speed, ids, known):
    assert watched(speed, ids) == known


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_a_syn_ack_of_linux_has_0_and_its_connection_a_counter(speed):
    assert watched(speed, (0,), flags=18)[1] == 2
    assert watched(speed, (0,), flags=16)[1] == 0


# --- the clock of the timestamps -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "latest", "known", "gap", "ticks"),
    [
        (1000, 2000, 1000, 50, 49),  # one a millisecond, rounded down
        (1000, 1100, 1000, 50, 4),  # one in ten
        (0xFFFFFF00, 0x100, 512, 50, 49),  # it wraps
        (1000, 1007, 1000, 50, 0),  # too few to know
        (-1, 2000, 1000, 50, 0),
        (1000, 2000, 0, 50, 0),
        (1000, 2000, 1000, 100_000_000, 0),
    ],
)
def test_how_often_a_clock_ticks(first, latest, known, gap, ticks):
    known = side(tsval=latest, tsval_time=known * MS)
    assert both(senders.ticks, sender(tsval=first), known, gap * MS) == ticks


@pytest.mark.parametrize(
    ("signal", "tsecr", "gap", "answer"),
    [
        (50, 49, 10, 1),  # it echoes less than the sign of the loss
        (50, 50, 10, 0),
        (50, 51, 10, 0),
        (2, 0xFFFFFFF0, 10, 1),  # it wraps
        (50, 49, 200, 0),  # a timeout needs no sign
    ],
)
def test_what_was_sent_before_any_sign_of_a_loss(signal, tsecr, gap, answer):
    known = sender(signal_tsval=signal, signal_at=0)
    assert both(senders.unprompted, known, side(), packet(time=1000 * MS, tsecr=tsecr), gap * MS) == answer


@pytest.mark.parametrize(("at", "answer"), [(985, 1), (995, 0)])
def test_a_sign_without_a_timestamp_is_told_by_its_time(at, answer):
    known = sender(signal_tsval=-1, signal_at=at * MS)
    assert both(senders.unprompted, known, side(), packet(time=1000 * MS, tsecr=7), 10 * MS) == answer


# --- a copy, or sent again -------------------------------------------------------------------------------------

RUNS = {"id_ones": 5}


@pytest.mark.parametrize(
    ("known", "seen", "tsval", "tsecr", "ip_id", "gap", "answer"),
    [
        (RUNS, {"ip_id": 7}, -1, -1, 7, 900, 1),  # the same ID, however late
        (RUNS, {"ip_id": 8}, -1, -1, 7, 0, 0),  # another, however soon
        (RUNS, {"ip_id": 7, "tsval": 5, "tsecr": 1}, 6, 1, 7, 0, 0),  # another TSval
        (RUNS, {"ip_id": 7, "tsval": 5, "tsecr": 2}, 5, 1, 7, 0, 0),  # another TSecr
        ({}, {"ip_id": 7}, -1, -1, 7, 5, 1),  # one ID for all: sooner than any sign
        ({}, {"ip_id": 7}, -1, -1, 7, 300, 0),
        ({}, {"ip_id": -1}, -1, -1, -1, 5, 1),
        ({}, {"ip_id": -1}, -1, -1, -1, 300, 0),
    ],
)
def test_the_same_transmission(known, seen, tsval, tsecr, ip_id, gap, answer):
    seen = packet(time=10_000 * MS, **seen)
    got = both(senders.same_transmission, sender(**known), seen, side(), tsval, tsecr, ip_id, gap * MS, 10 * MS, 0)
    assert got == answer


@pytest.mark.parametrize(
    ("flags", "gap", "heard", "answer"),
    [(16, 90, 0, 0), (16, 90, 1, 1), (16, 300, 1, 0), (2, 800, 0, 1), (2, 950, 0, 0)],
)
def test_nobody_sends_again_what_was_acknowledged_or_a_syn_within_a_second(flags, gap, heard, answer):
    seen = packet(ip_id=-1, tsval=5, tsecr=1, flags=flags, time=10_000 * MS)
    known = sender(signal_tsval=0)
    assert both(senders.same_transmission, known, seen, side(), 5, 1, -1, gap * MS, 10 * MS, heard) == answer


def test_what_the_peer_reported_to_have_is_a_copy():
    """SACK: nobody sends again what he knows to have arrived."""
    seen = packet(ip_id=-1, tsval=5, tsecr=1, seq_relative=100, length=50, time=10_000 * MS)
    for right, answer in ((150, 1), (149, 0)):
        known = sender(sack_left=100, sack_right=right)
        assert both(senders.same_transmission, known, seen, side(), 5, 1, -1, 300 * MS, 10 * MS, 0) == answer


def test_a_clock_that_should_have_ticked_shows_a_copy():
    seen = packet(ip_id=-1, tsval=1500, tsecr=1, time=10_000 * MS)
    for latest, answer in ((2000, 1), (1010, 0)):
        ticking = side(tsval=latest, tsval_time=1000 * MS)
        known = sender(tsval=1000, signal_tsval=0)
        assert both(senders.same_transmission, known, seen, ticking, 1500, 1, -1, 90 * MS, 10 * MS, 0) == answer


# --- which came first ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "tsval", "ip_id", "acked", "answer"),
    [
        ({"tsval": 6}, 5, -1, 7, 1),
        ({"tsval": 5}, 6, -1, 7, -1),
        ({"tsval": 3}, 0xFFFFFFF0, -1, 7, 1),
        ({"tsval": 5, "ip_id": 9}, 5, 8, 7, 1),  # the same tick: the ID tells
        ({"ip_id": 8}, -1, 9, 7, -1),
        ({"ip_id": 2}, -1, 0xFFFE, 7, 1),
        ({"ip_id": 8, "ack": 8}, -1, 8, 7, 1),  # an acknowledgement never goes back
        ({"ack": 6}, -1, -1, 7, -1),
        ({"ack": 3}, -1, -1, 0xFFFFFFF0, 1),
        ({"ip_id": 0, "ack": 7}, -1, 8, 7, 0),
        ({"flags": 0}, -1, -1, 7, 0),
    ],
)
def test_the_order_of_sending(seen, tsval, ip_id, acked, answer):
    said = words(row(INTERPRETED, Segment, {"ack": acked, "flags": 16}))
    assert both(senders.order, sender(**RUNS), packet(**{"flags": 16, **seen}), tsval, ip_id, said) == answer


def test_ids_that_do_not_run_tell_no_order():
    assert both(senders.order, sender(id_jumps=3), packet(ip_id=9), -1, 8, -1) == 0


@pytest.mark.parametrize(
    ("changes", "answer"), [({}, 1), ({"signal_at": 995 * MS}, 0), ({"recovery": 1}, 0), ({"next": 50}, 0)]
)
def test_without_timestamps_the_time_of_the_signs_tells(changes, answer):
    """The end of what was sent may come again unprompted, where SACK allows a probe: RFC 8985 7."""
    known = sender(**{"signal_at": 985 * MS, "next": 100, **changes})
    seen = packet(time=1000 * MS, seq_relative=10, length=40)
    assert both(senders.unprompted, known, side(sack=1), seen, 10 * MS) == answer
    assert both(senders.unprompted, known, side(), seen, 10 * MS) == (1 if "next" in changes else answer)
