"""replay/evidence.py: arrivals presumed, confirmed and taken back; what echoes prove."""

from __future__ import annotations

import pytest
from ladders import STEP, check, replayed, row_of, segment, segments_of, timeline

from pcapstate.kernels import INTERPRETED
from pcapstate.replay.evidence import (
    FRESH_AFTER,
    GUARD,
    LONGEST_GUARD,
    carry,
    confirm,
    echoes_later,
    guard_of,
    hear,
    is_fresh,
    presume,
    refute,
    remember,
    sent,
    sent_again,
)
from pcapstate.replay.flows import clear_event, clear_side
from pcapstate.replay.memory import Store
from pcapstate.replay.rows import (
    CONFIRMED,
    DEDUCED,
    NEVER,
    NOTE_COUNT,
    NOTHING,
    PRESUMED,
    REFUTED_ACK_OF_FIN,
    RING,
    SENT,
    Event,
)

HANDSHAKE = """
CLOSED                                                          LISTEN
SYN_SENT      --> <SEQ=99><CTL=SYN>                        --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>          <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>              --> ESTABLISHED   +0.010
"""


@pytest.fixture
def event():
    made = Event.object()
    clear_event(made)
    return made


@pytest.fixture
def memory():
    store = Store(INTERPRETED)
    for index in (0, 1):
        clear_side(store.memory, index)
    return store.memory


def test_the_first_carrier_counts(event):
    presume(event, segment(time=50, frame=3), 10, 7, NOTHING)
    presume(event, segment(time=60, frame=4), 11, 8, NOTHING)
    assert (event.grade, event.at, event.frame, event.low, event.high) == (PRESUMED, 50, 3, 50, NEVER)


def test_a_later_copy_moves_the_estimate_but_not_the_bound(event):
    presume(event, segment(time=50, frame=3), 10, 7, NOTHING)
    carry(event, segment(time=90, frame=6), 9)
    assert (event.at, event.frame, event.low, event.first) == (90, 6, 50, 50)


def test_what_is_shown_is_confirmed_and_what_was_never_seen_is_deduced(event):
    presume(event, segment(time=50, frame=3), 10, 7, NOTHING)
    confirm(event, segment(time=80, frame=5))
    assert (event.grade, event.high, event.proof) == (CONFIRMED, 80, 5)
    unseen = Event.object()
    clear_event(unseen)
    confirm(unseen, segment(time=80, frame=5))
    assert (unseen.grade, unseen.low, unseen.high) == (DEDUCED, -NEVER, 80)


def test_a_confirmation_is_not_repeated(event):
    sent(event, segment(time=50, frame=3), 40)
    confirm(event, segment(time=80, frame=5))
    assert (event.grade, event.low, event.high, event.proof) == (SENT, 40, 50, 3)


def test_refuting_leaves_a_bound_and_a_note(event, memory):
    presume(event, segment(time=1000, frame=3), 10, 7, NOTHING)
    refute(memory, event, segment(time=5000, frame=9, flow=2, side=1), REFUTED_ACK_OF_FIN, 100, 4900)
    assert (event.grade, event.low, event.refuted) == (NOTHING, 4900, 1)
    note = memory.notes[0]
    assert memory.control[NOTE_COUNT] == 1
    assert (note.kind, note.frame, note.flow, note.side, note.value) == (REFUTED_ACK_OF_FIN, 9, 2, 1, 3)
    presume(event, segment(time=6000, frame=10), 10, 7, NOTHING)
    assert (event.at, event.low, event.first) == (6000, 4900, 1000)


@pytest.mark.parametrize(
    ("row", "before", "fresh"),
    [
        ({"ip_id": 5, "tsval": 100, "time": 10}, (5, 100, 0), 0),  # the network made the copy
        ({"ip_id": 6, "tsval": 100, "time": 10}, (5, 100, 0), 1),  # a new packet in the same tick
        ({"ip_id": 5, "tsval": 101, "time": 10}, (5, 100, 0), 1),
        ({"ip_id": 0, "tsval": -1, "time": FRESH_AFTER}, (0, -1, 0), 0),  # nothing tells: by the gap
        ({"ip_id": 0, "tsval": -1, "time": FRESH_AFTER + 1}, (0, -1, 0), 1),
        ({"ip_id": -1, "tsval": 101, "time": 10}, (-1, 100, 0), 1),  # IPv6
    ],
)
def test_fresh_copies(row, before, fresh):
    assert is_fresh(segment(**row), *before) == fresh


def test_guard_grows_with_the_longest_answer_but_not_without_end(memory):
    x = memory.sides[0]
    assert guard_of(x) == LONGEST_GUARD  # nothing measured yet
    x.rtt_min, x.rtt_max = 20 * STEP, 30 * STEP
    assert guard_of(x) == 30 * STEP + GUARD
    x.rtt_max = 9000 * STEP
    assert guard_of(x) == 40 * STEP + LONGEST_GUARD + GUARD


def test_the_ring_keeps_first_transmissions_only(memory):
    x = memory.sides[0]
    remember(memory, x, segment(time=1, frame=1, tsval=10), 5)
    x.next = 5
    remember(memory, x, segment(time=2, frame=2, tsval=10), 5)  # the same octets, the same tick
    assert x.ring_count == 1
    remember(memory, x, segment(time=3, frame=3, tsval=11), 5)  # the same octets later: its TSval is new
    assert [(e.time, e.octets, e.tsval) for e in memory.echoes[:2]] == [(1, 1, 10), (3, 0, 11)]


def test_an_acknowledgement_dates_its_sender_by_the_first_copy(memory):
    x, y = memory.sides[0], memory.sides[1]
    remember(memory, y, segment(time=100, frame=1), 10)
    y.next = 10
    hear(memory, x, y, segment(time=180, frame=2, flags=16), 10)
    assert (x.had, x.rtt_min, x.rtt_max) == (100, 80, 80)


def test_an_answer_to_octets_sent_twice_measures_nothing(memory):
    """Karn's rule (RFC 6298, 3): nobody knows which copy it answers."""
    x, y = memory.sides[0], memory.sides[1]
    remember(memory, y, segment(time=100, frame=1), 10)
    y.next = 10
    sent_again(memory, y, 0)
    hear(memory, x, y, segment(time=180, frame=2, flags=16), 10)
    assert (x.had, x.rtt_min) == (100, NEVER)


def test_an_echoed_timestamp_names_the_copy(memory):
    x, y = memory.sides[0], memory.sides[1]
    for number, (time, tsval) in enumerate(((100, 5), (140, 6)), 1):
        remember(memory, y, segment(time=time, frame=number, tsval=tsval), 0)
    hear(memory, x, y, segment(time=180, frame=3, flags=16, tsecr=6), 0)
    assert (x.had, x.rtt_min) == (140, 40)


def test_a_sack_block_is_an_echo_too(memory):
    """RFC 2018, 4: the first block holds what arrived last."""
    x, y = memory.sides[0], memory.sides[1]
    y.based = 1
    for time, end in ((100, 10), (110, 20), (120, 30)):
        remember(memory, y, segment(time=time, frame=time), end)
        y.next = end
    hear(memory, x, y, segment(time=180, frame=9, flags=16, sacks=1, sack_left0=20, sack_right0=30), 10)
    assert x.had == 120


def test_a_full_ring_forgets_the_oldest_and_never_guesses(memory):
    x, y = memory.sides[0], memory.sides[1]
    for i in range(RING + 2):
        remember(memory, y, segment(time=100 + i, frame=i, tsval=5), 10 * (i + 1))
        y.next = 10 * (i + 1)
    hear(memory, x, y, segment(time=180, frame=99, flags=16, tsecr=5), 10)
    assert x.had == -NEVER  # both the octets and the first copy of the TSval are out of the ring


def test_only_a_later_timestamp_proves_the_arrival_of_a_carrier(event):
    presume(event, segment(time=50, frame=3), 10, 700, NOTHING)
    assert echoes_later(segment(tsecr=700), event) == 1
    assert echoes_later(segment(tsecr=699), event) == 0
    assert echoes_later(segment(tsecr=-1), event) == 0
    event.tsval = -1  # an earlier segment had the same TSval
    assert echoes_later(segment(tsecr=700), event) == 0


def test_bounds_and_estimate_of_a_handshake():
    rows, result = check(
        HANDSHAKE + "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>  --> ESTABLISHED\n"
        "ESTABLISHED   <-- <SEQ=300><ACK=105><CTL=ACK>              <-- ESTABLISHED   +0.020\n"
    )
    flows = result.table("flows")
    assert flows["rtt_client"][0] == pytest.approx(0.010)
    assert flows["rtt_server"][0] == pytest.approx(0.020)
    got = row_of(rows, "server", "SYN_RECEIVED")
    start = got["earliest"]
    assert (got["latest"] - start, got["estimate"] - start) == (20 * STEP, 10 * STEP)
    up = row_of(rows, "client", "ESTABLISHED")
    assert (up["earliest"] - start, up["latest"] - start, up["estimate"] - start) == (20 * STEP, 30 * STEP, 25 * STEP)
    opened = row_of(rows, "server", "ESTABLISHED")
    assert (opened["evidence"], opened["proof"], opened["latest"] - start) == ("confirmed", 5, 51 * STEP)


def test_a_bare_ack_from_the_passive_side_confirms_nothing():
    """Linux answers from SYN_RECEIVED with bare ACKs of the SYN (SEMANTICS C2)."""
    made = segments_of(HANDSHAKE + "ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>              <-- ESTABLISHED\n")
    opened = row_of(timeline(replayed(made.rows)), "server", "ESTABLISHED")
    assert (opened["evidence"], opened["latest"]) == ("presumed", None)
