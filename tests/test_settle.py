"""replay/settle.py: flows whose story is complete, as many at once as there is room for."""

from __future__ import annotations

import pytest
from hand_made import START, chunk, handshake, segment

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.replay.engine import Engine
from pcapstate.replay.episodes import MOST_EPISODES
from pcapstate.replay.rows import NOTE_COUNT, OUTCOME_COUNT, STALL_COUNT, STEP_COUNT
from pcapstate.replay.settle import settle
from pcapstate.replay.timeline import STEPS

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)


def opened(count, speed=INTERPRETED):
    """The store of a replay in which so many connections were opened, none of which is settled."""
    engine = Engine(msl=30.0, keep=())
    segments = [one for port in range(count) for one in handshake(port=5000 + port)]
    engine.feed(chunk(speed, segments))
    return engine.store


def run(store, slots, first=0):
    speed = store.speed
    table = speed.integers(len(slots))
    for at, slot in enumerate(slots):
        table[at] = slot
    return int(speed.of(settle)(store.memory, table, first, len(slots), 60))


@BOTH
def test_flows_are_told_in_the_order_of_their_slots(speed):
    store = opened(3, speed)
    flows = store.memory.flows
    number = (lambda slot: int(flows[slot]["number"])) if speed is COMPILED else lambda slot: flows[slot].number
    assert run(store, [2, 0]) == 2
    steps, outcomes, sides = store.view_settled()
    assert outcomes["flow"].tolist() == [number(2), number(0)]
    assert sides["packets"].tolist() == [2, 1, 2, 1]
    assert sorted(set(steps["flow"].tolist())) == sorted([number(2), number(0)])


@BOTH
def test_what_is_settled_goes_on_where_it_stopped(speed):
    store = opened(3, speed)
    store.memory.control[OUTCOME_COUNT] = len(store.memory.outcomes) - 2
    assert run(store, [0, 1, 2]) == 2
    first = store.view_settled()[1]["flow"][-2:].tolist()
    assert run(store, [0, 1, 2], 2) == 3
    assert sorted(first + store.view_settled()[1]["flow"].tolist()) == [0, 1, 2]


@pytest.mark.parametrize(
    ("count", "table", "needed"),
    [
        (STEP_COUNT, "steps", 2 * STEPS),
        (NOTE_COUNT, "notes", MOST_EPISODES),
        (STALL_COUNT, "stalls", 2),
        (OUTCOME_COUNT, "outcomes", 1),
    ],
)
def test_it_stops_before_a_flow_for_which_there_might_be_no_room(count, table, needed):
    store = opened(1)
    room = len(getattr(store.memory, table))
    store.memory.control[count] = room - needed + 1
    assert run(store, [0]) == 0
    store.memory.control[count] = room - needed
    assert run(store, [0]) == 1


@BOTH
def test_more_flows_than_there_is_room_for_at_once(speed):
    engine = Engine(msl=30.0, keep=())
    count = 700
    made = [segment("C", "S", 100 * port, port=port) for port in range(1, count + 1)]
    engine.feed(chunk(speed, made))
    engine.finish()
    assert engine.outcomes.column("flow").tolist() == list(range(count))
    assert engine.outcomes.column("start").tolist() == [START + 1_000_000 * (k + 1) for k in range(count)]
    assert len(engine.notes_table()["text"]) >= count  # nothing came back to any of them
