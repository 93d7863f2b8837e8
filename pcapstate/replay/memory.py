"""The tables that the replay's kernels work on: made, grown, carried from one speed to the other, and emptied."""

from __future__ import annotations

import numpy as np

from ..kernels import COMPILED, Row, Speed, convert, convert_integers
from .arrivals import MOST_ARRIVALS, Arrival
from .copies import Facts
from .limits import Stall
from .order import Dated, Proved
from .outcome import Outcome, SideOutcome
from .rows import (
    BUCKET_MASK,
    CHANGE_COUNT,
    CONTROL_SIZE,
    EVENTS_PER_SIDE,
    FREE_COUNT,
    NOTE_COUNT,
    OUTCOME_COUNT,
    RELABEL_COUNT,
    RING,
    STALL_COUNT,
    STEP_COUNT,
    Echo,
    Event,
    Flow,
    Memory,
    Note,
    Side,
)
from .senders import Relabel, Sender
from .timeline import Step
from .transmissions import MOST_SENT, Sent
from .windows import Change

NOTES = 1024
"""Room for notes between two visits of the engine; a segment makes at most a handful."""

FEW_FLOWS, MANY_FLOWS = 64, 4096
"""Room for so many flows to begin with, and for as many more at least: interpreted, compiled."""

FEW_SENT = 1024
"""Room for transmissions to begin with, interpreted; a power of two like ``MOST_SENT``."""

RELABELS, CHANGES, STALLS, STEPS = 2048, 2048, 512, 8192
"""Room for labels that are learned later, changes of windows, stalls, transitions."""

OUTCOMES = 1024
"""Room for what is told of connections."""

WHILE_SETTLING = {"steps": STEPS, "outcomes": OUTCOMES, "side_outcomes": 2 * OUTCOMES}
SMALLER = 32
"""That room is so many times smaller interpreted."""

PER_FLOW = {"flows": 1, "sides": 2, "events": 2 * EVENTS_PER_SIDE, "echoes": 2 * RING, "senders": 2}
SHARED = {"notes": NOTES, "relabels": RELABELS, "changes": CHANGES, "stalls": STALLS, "facts": 1}
SHARED |= {"arrivals": MOST_ARRIVALS, "proved": 2, "dated": EVENTS_PER_SIDE}
LOGS = {"notes": NOTE_COUNT, "relabels": RELABEL_COUNT, "changes": CHANGE_COUNT, "stalls": STALL_COUNT}
"""The tables that the engine empties, and where their counts are."""

ROWS: dict[str, Row] = {
    "flows": Flow,
    "sides": Side,
    "events": Event,
    "echoes": Echo,
    "notes": Note,
    "senders": Sender,
    "sent": Sent,
    "relabels": Relabel,
    "changes": Change,
    "stalls": Stall,
    "arrivals": Arrival,
    "facts": Facts,
    "proved": Proved,
    "dated": Dated,
    "steps": Step,
    "outcomes": Outcome,
    "side_outcomes": SideOutcome,
}


class Store:
    """Owner of a ``Memory``. ``memory`` is another tuple after ``grow`` and ``convert``."""

    def __init__(self, speed: Speed, room: int = 0) -> None:
        """``room``: for so many flows to begin with; by default what is usual at that speed."""
        self.speed = speed
        self.room = room = room or self._least()
        tables = {name: speed.table(ROWS[name], room * count) for name, count in PER_FLOW.items()}
        tables |= {name: speed.table(ROWS[name], count) for name, count in SHARED.items()}
        part = 1 if speed is COMPILED else SMALLER
        tables |= {name: speed.table(ROWS[name], count // part) for name, count in WHILE_SETTLING.items()}
        control = speed.integers(CONTROL_SIZE)
        buckets = 256
        control[BUCKET_MASK] = buckets - 1
        control[FREE_COUNT] = room
        free = speed.integers(room)
        for i in range(room):
            free[i] = room - 1 - i
        self.memory = Memory(
            sent=speed.table(Sent, MOST_SENT if speed is COMPILED else FEW_SENT),
            buckets=speed.integers(buckets, -1),
            free=free,
            control=control,
            **tables,
        )

    def convert(self, speed: Speed) -> None:
        """The same memory at another speed."""
        if speed is self.speed:
            return
        m = self.memory
        rows = {name: convert(row, getattr(m, name), speed) for name, row in ROWS.items()}
        integers = {name: convert_integers(getattr(m, name), speed) for name in ("buckets", "free", "control")}
        if speed is COMPILED:
            rows["sent"] = speed.grown(Sent, rows["sent"], MOST_SENT)
            for name, count in WHILE_SETTLING.items():
                rows[name] = speed.grown(ROWS[name], rows[name], count)
        self.memory = Memory(**rows, **integers)
        self.speed = speed

    def _least(self) -> int:
        return MANY_FLOWS if self.speed is COMPILED else FEW_FLOWS

    def grow(self) -> None:
        """Room for a quarter more flows, at least for what one begins with, and a bucket for each."""
        m = self.memory
        speed = self.speed
        old = self.room
        self.room = old + max(self._least(), old // 4)
        tables = {
            name: speed.grown(ROWS[name], getattr(m, name), self.room * count) for name, count in PER_FLOW.items()
        }
        free = speed.grown_integers(m.free, self.room)
        count = int(m.control[FREE_COUNT])
        # The new slots come last: as long as others are free, they cost no memory.
        fresh = range(self.room - 1, old - 1, -1)
        for i, slot in enumerate([*fresh, *free[:count]]):
            free[i] = slot
        m.control[FREE_COUNT] = count + self.room - old
        self.memory = m._replace(free=free, **tables)
        size = int(m.control[BUCKET_MASK]) + 1
        if size < 2 * self.room:
            while size < 2 * self.room:
                size *= 2
            m.control[BUCKET_MASK] = size - 1
            self.memory = self.memory._replace(buckets=speed.integers(size, -1))
            self._chain_again()

    def grow_sent(self) -> None:
        """Twice the room for transmissions. Rows keep their places: none was given away yet."""
        m = self.memory
        self.memory = m._replace(sent=self.speed.grown(Sent, m.sent, 2 * len(m.sent)))

    def _chain_again(self) -> None:
        from .track import chain_all

        self.speed.of(chain_all)(self.memory)

    def drain_notes(self) -> np.ndarray:
        """The notes since the last call, as a structured array; the table is empty afterwards."""
        return self.drain("notes")

    def drain(self, log: str) -> np.ndarray:
        """The rows of a log (one of ``LOGS``) since the last call, as a structured array; it is empty afterwards."""
        m = self.memory
        count = int(m.control[LOGS[log]])
        m.control[LOGS[log]] = 0
        return self.speed.array(ROWS[log], getattr(m, log), count)

    def view_settled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is told of the flows settled since the last call, as structured arrays to look at until more is: the
        steps of their sides, the outcome of each, and that of both sides of each."""
        m = self.memory
        counts = {"steps": int(m.control[STEP_COUNT]), "outcomes": int(m.control[OUTCOME_COUNT])}
        counts["side_outcomes"] = 2 * counts["outcomes"]
        m.control[STEP_COUNT] = m.control[OUTCOME_COUNT] = 0
        steps, outcomes, sides = (self.speed.view(ROWS[name], getattr(m, name), n) for name, n in counts.items())
        return steps, outcomes, sides
