"""What must hold of any replay: numbers may be shifted, sides swapped, frames copied or deleted."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from scenarios import complete, scenarios, troubles
from simulated_path import chunk, run, segment_rows
from simulated_truth import contradictions, timeline

from pcapstate.kernels import COMPILED
from pcapstate.replay.engine import replay
from pcapstate.schema import Coded, Segment

SOME = {
    "max_examples": 60,
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],
}
WHOLE = scenarios(complete(troubles()), taps=False)


def rows_of(scenario):
    return segment_rows(run(scenario).seen)


def again(row, **changes):
    """A copy of a row, with changes."""
    made = Segment.object()
    Segment.copy(made, row)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def facts(rows, *hidden):
    """The timeline as text, without the columns that a property lets change."""
    table = replay([chunk(rows)]).table("timeline")
    return {
        name: str((values.codes if isinstance(values, Coded) else np.asarray(values)).tolist())
        for name, values in table.items()
        if name not in hidden
    }


@seed(2)
@settings(**SOME)
@given(WHOLE, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_shifting_all_sequence_numbers_changes_nothing(scenario, client, server):
    """RFC 9293 3.4: only differences count. (A reset with number 0 answers a SYN: its number is nobody's.)"""
    rows = rows_of(scenario)
    if not rows or any(row.flags & 4 and row.seq == 0 for row in rows):
        return
    first = rows[0].src3
    shifted = []
    for row in rows:
        mine, peers = (client, server) if row.src3 == first else (server, client)
        changes = {"seq": (row.seq + mine) % 2**32}
        if row.flags & 16:
            changes["ack"] = (row.ack + peers) % 2**32
        for i in range(row.sacks):
            for edge in ("left", "right"):
                changes[f"sack_{edge}{i}"] = (getattr(row, f"sack_{edge}{i}") + peers) % 2**32
        shifted.append(again(row, **changes))
    if any(row.flags & 4 and row.seq == 0 for row in shifted):
        return
    plain, moved = facts(rows), facts(shifted)
    assert moved == plain


@seed(3)
@settings(**SOME)
@given(WHOLE)
def test_swapping_the_sides_mirrors_the_result(scenario):
    """The same capture with the addresses exchanged, ports with them: only the names of the ends change."""
    rows = rows_of(scenario)
    swapped = [again(row, src3=row.dst3, dst3=row.src3, sport=row.dport, dport=row.sport) for row in rows]
    if not rows or not rows[0].flags & 2:
        return  # who is the client is a guess by ports
    hidden = ("address", "port", "peer_address", "peer_port")
    assert facts(swapped, *hidden) == facts(rows, *hidden)


@seed(4)
@settings(**SOME)
@given(WHOLE, st.sets(st.integers(0, 30)))
def test_exact_duplicates_change_nothing(scenario, chosen):
    """A capture that shows packets twice (both directions of a mirror port, the `any` device): the same timeline."""
    rows = rows_of(scenario)
    if any(row.ip_id <= 0 and row.tsval < 0 for row in rows):
        return  # nothing tells such a copy from a transmission of its own
    doubled = []
    for i, row in enumerate(rows):
        doubled += [row, again(row)] if i in chosen else [row]
    assert facts([again(row) for row in doubled], "note") == facts(rows, "note")


@seed(5)
@settings(**SOME)
@given(WHOLE, st.sets(st.integers(0, 40), max_size=8))
def test_deleting_frames_never_makes_a_certain_state_wrong(scenario, deleted):
    """States and upper bounds: when the first copy of a segment is gone, nothing shows that the second is not it."""
    played = run(scenario)
    kept = [row for i, row in enumerate(segment_rows(played.seen)) if i not in deleted]
    assert not kept or contradictions(played.truth, timeline([chunk(kept)]), complete=False) == []


@seed(6)
@settings(**{**SOME, "max_examples": 15})
@given(WHOLE, st.integers(0, 20))
def test_both_speeds_and_the_passage_between_them_agree(scenario, at):
    rows = rows_of(scenario)
    if not rows:
        return
    at = min(at, len(rows))
    slow = replay([chunk(rows)]).table("timeline")
    fast = replay([chunk(rows, COMPILED)]).table("timeline")
    parts = [part for part in (chunk(rows[:at]), chunk(rows[at:], COMPILED)) if part.count]
    mixed = replay(parts).table("timeline")
    for other in (fast, mixed):
        for name, values in slow.items():
            got = other[name]
            if isinstance(values, Coded):
                assert values.codes.tolist() == got.codes.tolist()
            else:
                assert np.array_equal(values, got, equal_nan=values.dtype.kind == "f"), name
