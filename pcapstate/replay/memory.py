"""The tables that the replay's kernels work on: made, grown, carried from one speed to the other, and emptied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels import COMPILED, INTERPRETED, Row, Speed, convert, convert_integers
from .arrivals import MOST_ARRIVALS, Arrival
from .copies import Facts
from .limits import Stall
from .rows import (
    BUCKET_MASK,
    CHANGE_COUNT,
    CONTROL_SIZE,
    EVENTS_PER_SIDE,
    FREE_COUNT,
    NOTE_COUNT,
    RELABEL_COUNT,
    RING,
    STALL_COUNT,
    Echo,
    Event,
    Flow,
    Memory,
    Note,
    Side,
)
from .senders import Relabel, Sender
from .transmissions import MOST_SENT, Sent
from .windows import Change

NOTES = 1024
"""Room for notes between two visits of the engine; a segment makes at most a handful."""

FEW_SENT = 1024
"""Room for transmissions to begin with, interpreted; a power of two like ``MOST_SENT``."""

RELABELS, CHANGES, STALLS = 2048, 2048, 512
"""Room for labels that are learned later, changes of windows, stalls."""

PER_FLOW = {"flows": 1, "sides": 2, "events": 2 * EVENTS_PER_SIDE, "echoes": 2 * RING, "senders": 2}
SHARED = {"notes": NOTES, "relabels": RELABELS, "changes": CHANGES, "stalls": STALLS, "facts": 1}
SHARED["arrivals"] = MOST_ARRIVALS
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
}


@dataclass(slots=True)
class Settled:
    """Flows whose story is complete: structured arrays; sides and senders of flow i are rows 2i and 2i + 1."""

    flows: np.ndarray
    sides: np.ndarray
    events: np.ndarray
    senders: np.ndarray


class Store:
    """Owner of a ``Memory``. ``memory`` is another tuple after ``grow`` and ``convert``."""

    def __init__(self, speed: Speed, room: int = 64) -> None:
        self.speed = speed
        self.room = room
        self._taking: dict[str, np.ndarray] = {}
        tables = {name: speed.table(ROWS[name], room * count) for name, count in PER_FLOW.items()}
        tables |= {name: speed.table(ROWS[name], count) for name, count in SHARED.items()}
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
        self.memory = Memory(**rows, **integers)
        self.speed = speed

    def grow(self) -> None:
        """Room for a quarter more flows (at least 64), and a bucket for each."""
        m = self.memory
        speed = self.speed
        old = self.room
        self.room = old + max(64, old // 4)
        tables = {
            name: speed.grown(ROWS[name], getattr(m, name), self.room * count) for name, count in PER_FLOW.items()
        }
        free = speed.grown_integers(m.free, self.room)
        count = int(m.control[FREE_COUNT])
        for i, slot in enumerate(range(self.room - 1, old - 1, -1)):
            free[count + i] = slot
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

    def take(self, slots: Any) -> Settled:
        """The flows in ``slots``, as structured arrays that last until the next call."""
        m = self.memory
        if self.speed is INTERPRETED:
            flows = [m.flows[i] for i in slots]
            sides = [m.sides[2 * i + k] for i in slots for k in (0, 1)]
            per = 2 * EVENTS_PER_SIDE
            events = [m.events[per * i + k] for i in slots for k in range(per)]
            senders = [m.senders[2 * i + k] for i in slots for k in (0, 1)]
            return Settled(
                INTERPRETED.array(Flow, flows, len(flows)),
                INTERPRETED.array(Side, sides, len(sides)),
                INTERPRETED.array(Event, events, len(events)).reshape(-1, EVENTS_PER_SIDE),
                INTERPRETED.array(Sender, senders, len(senders)),
            )
        at = np.asarray(slots, np.int64)
        both = (2 * at[:, None] + np.arange(2)).reshape(-1)
        per_side = (EVENTS_PER_SIDE * both[:, None] + np.arange(EVENTS_PER_SIDE)).reshape(-1)
        return Settled(
            self._taken("flows", at),
            self._taken("sides", both),
            self._taken("events", per_side).reshape(-1, EVENTS_PER_SIDE),
            self._taken("senders", both),
        )

    def _taken(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Some rows of a table, in memory that the next call uses again: fresh memory costs more than the copying."""
        table = getattr(self.memory, name)
        room = self._taking.get(name)
        if room is None or len(room) < len(rows):
            room = self._taking[name] = np.empty(len(rows), table.dtype)
        out = room[: len(rows)]
        np.take(table, rows, out=out, mode="clip")
        return out

    def drain_notes(self) -> np.ndarray:
        """The notes since the last call, as a structured array; the table is empty afterwards."""
        return self.drain("notes")

    def drain(self, log: str) -> np.ndarray:
        """The rows of a log (one of ``LOGS``) since the last call, as a structured array; it is empty afterwards."""
        m = self.memory
        count = int(m.control[LOGS[log]])
        m.control[LOGS[log]] = 0
        return self.speed.array(ROWS[log], getattr(m, log), count)
