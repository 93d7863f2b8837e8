"""replay/memory.py: tables that grow, change their form, and are emptied."""

from __future__ import annotations

import pytest

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.replay.memory import FEW_FLOWS, MANY_FLOWS, PER_FLOW, WHILE_SETTLING, Store
from pcapstate.replay.rows import BUCKET_MASK, FREE_COUNT, NOTE_COUNT, OUTCOME_COUNT, STEP_COUNT


def put(row, **values):
    """Sets fields of a row of either form."""
    for name, value in values.items():
        if hasattr(row, "dtype"):
            row[name] = value
        else:
            setattr(row, name, value)


def got(row, name):
    """A field of a row of either form."""
    return int(row[name]) if hasattr(row, "dtype") else getattr(row, name)


BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)


@BOTH
def test_a_new_store_has_every_slot_free(speed):
    store = Store(speed, room=5)
    assert int(store.memory.control[FREE_COUNT]) == 5
    assert [int(slot) for slot in store.memory.free] == [4, 3, 2, 1, 0]
    for name, count in PER_FLOW.items():
        assert len(getattr(store.memory, name)) == 5 * count


@BOTH
def test_growing_keeps_what_is_there(speed):
    store = Store(speed, room=4)
    put(store.memory.flows[2], used=1, hash=77)
    put(store.memory.sides[5], next=123)
    store.memory.control[FREE_COUNT] = 1
    store.grow()
    more = FEW_FLOWS if speed is INTERPRETED else MANY_FLOWS
    assert store.room == 4 + more
    assert (got(store.memory.flows[2], "hash"), got(store.memory.sides[5], "next")) == (77, 123)
    assert int(store.memory.control[FREE_COUNT]) == 1 + more
    # What was free is taken first, then the new slots from the lowest on.
    assert [int(slot) for slot in store.memory.free[: 1 + more]] == [*range(3 + more, 3, -1), 3]


@BOTH
def test_growing_past_the_buckets_hangs_the_flows_anew(speed):
    store = Store(speed, room=200)
    for slot, h in ((0, 5), (1, 5 + 256), (2, 9)):
        put(store.memory.flows[slot], used=1, hash=h, number=slot, chain=-1)
    store.grow()
    mask = int(store.memory.control[BUCKET_MASK])
    assert mask == (1023 if speed is INTERPRETED else 16_383)
    assert [int(store.memory.buckets[h & mask]) for h in (5, 5 + 256, 9)] == [0, 1, 2]


def test_the_passage_from_one_speed_to_the_other_and_back():
    store = Store(INTERPRETED, room=3)
    store.memory.sides[1].rtt_min = 1 << 62
    store.memory.events[3].low = -(1 << 62)
    store.convert(COMPILED)
    assert store.memory.sides.dtype.names[0] == "based"
    assert got(store.memory.sides[1], "rtt_min") == 1 << 62
    store.convert(INTERPRETED)
    assert store.memory.sides[1].rtt_min == 1 << 62
    assert store.memory.events[3].low == -(1 << 62)
    assert store.speed is INTERPRETED


@BOTH
def test_notes_are_drained(speed):
    store = Store(speed, room=1)
    put(store.memory.notes[0], frame=7)
    store.memory.control[NOTE_COUNT] = 1
    assert store.drain_notes()["frame"].tolist() == [7]
    assert len(store.drain_notes()) == 0


@BOTH
def test_what_was_settled_is_seen_once(speed):
    store = Store(speed, room=1)
    m = store.memory
    put(m.steps[1], frame=7)
    put(m.outcomes[0], flow=8)
    put(m.side_outcomes[1], packets=9)
    m.control[STEP_COUNT], m.control[OUTCOME_COUNT] = 2, 1
    steps, outcomes, sides = store.view_settled()
    assert steps["frame"].tolist() == [0, 7]
    assert outcomes["flow"].tolist() == [8]
    assert sides["packets"].tolist() == [0, 9]
    assert [len(rows) for rows in store.view_settled()] == [0, 0, 0]


def test_the_compiled_form_settles_more_flows_at_once():
    store = Store(INTERPRETED, room=1)
    few = {name: len(getattr(store.memory, name)) for name in WHILE_SETTLING}
    store.convert(COMPILED)
    for name, count in WHILE_SETTLING.items():
        assert len(getattr(store.memory, name)) == count > few[name]
