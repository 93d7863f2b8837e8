"""Chunks of segments in, tables out: the loop around the kernels.

State is carried per open flow. A flow that is over (both sides closed, or its 4-tuple taken by another, and a quiet
time gone by) is settled: its events become steps, its facts narrow columns, and its slot is free again. So memory is
bounded by the open flows and by the tables asked for, not by the file.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from ..kernels import INTERPRETED, Speed
from ..schema import NOTES, Coded
from . import changes, columns, listeners, refuted, segments, stalls
from .memory import Store
from .outcome import Outcomes
from .packed import Batches, Columns
from .rows import FREE_COUNT, KEEP_CHANGES
from .settle import settle
from .timeline import Step
from .track import sweep, track
from .transmissions import needs_room

SWEEP_EVERY = 100_000
"""Segments between two searches for flows that are over."""

DEFAULT_MSL = 30.0
"""Seconds. RFC 9293 3.4.2 says two minutes; Linux and BSD wait 60 s for 2MSL."""


class Replayed:
    """What the replay found. ``table(name)`` gives the columns of ``schema.TABLES[name]``, made on first use."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tables: dict[str, Columns] = {}
        self.flow_count: int = engine.flow_count
        self.last_time: int = engine.last_time

    def table(self, name: str) -> Columns:
        """The columns of a table, in the order of ``schema.TABLES[name]``."""
        if name not in self._tables:
            self._tables[name] = getattr(self._engine, f"{name}_table")()
        return self._tables[name]

    def glimpse(self, name: str) -> Columns:
        """Some rows and columns of a table, those that findings are made from, without making the table."""
        return self._engine.glimpse(name)


def replay(
    chunks: Iterable[Any], *, msl: float = DEFAULT_MSL, keep: Collection[str] = (), leave_out: Collection[str] = ()
) -> Replayed:
    """Replays every TCP connection in ``chunks``.

    ``chunks``: objects with ``speed``, ``segments`` (a table of ``schema.Segment`` rows at that speed, which the next
    chunk may reuse), ``count`` (segments in it) and ``last_time`` (ns). ``msl``: maximum segment lifetime, seconds.
    ``keep``: which of the large tables, "segments" and "windows", will be asked for. ``leave_out``: "timeline", if it
    will not.
    """
    engine = Engine(msl=msl, keep=keep, leave_out=leave_out)
    for chunk in chunks:
        engine.feed(chunk)
    engine.finish()
    return Replayed(engine)


class Engine:
    """One replay under way."""

    def __init__(self, *, msl: float, keep: Collection[str], leave_out: Collection[str] = ()) -> None:
        self.msl = msl
        self.keep = frozenset(keep)
        self.leave_out = frozenset(leave_out)
        self.last_time = 0
        self.store: Store | None = None
        self.outcomes = Outcomes()
        self.steps = Batches(Step)
        self.segment_parts: list[np.ndarray] = []
        self.note_parts: list[np.ndarray] = []
        self.log_parts: dict[str, list[np.ndarray]] = {"relabels": [], "changes": [], "stalls": []}
        self._since_sweep = 0

    @property
    def flow_count(self) -> int:
        """Flows settled so far."""
        return self.outcomes.rows

    # --- the way in ------------------------------------------------------------------------------------------

    def feed(self, chunk: Any) -> None:
        """Replays one chunk."""
        speed: Speed = chunk.speed
        if self.store is None:
            self.store = Store(speed)
            self.store.memory.control[KEEP_CHANGES] = int("windows" in self.keep)
        self.store.convert(speed)
        run = speed.of(track)
        done = 0
        while done < chunk.count:
            done = int(run(self.store.memory, chunk.segments, done, chunk.count))
            if done < chunk.count:
                self._make_room()
        self._drain_logs()
        self.last_time = max(self.last_time, int(chunk.last_time))
        if "segments" in self.keep:
            self.segment_parts.append(segments.narrow(speed, chunk.segments, chunk.count))
        self._since_sweep += chunk.count
        if self._since_sweep > SWEEP_EVERY:
            self._sweep()

    def _make_room(self) -> None:
        assert self.store is not None
        self.note_parts.append(self.store.drain_notes())
        self._drain_logs()
        if needs_room(self.store.memory):
            self.store.grow_sent()
        before = self.store.room
        if int(self.store.memory.control[FREE_COUNT]):
            return
        self._sweep()
        if int(self.store.memory.control[FREE_COUNT]) < before // 4:
            self.store.grow()

    def _drain_logs(self) -> None:
        assert self.store is not None
        for log, parts in self.log_parts.items():
            rows = self.store.drain(log)
            if len(rows) and log == "stalls":
                parts.append(stalls.narrow(rows))
            elif len(rows) and self.keep:
                parts.append(rows)

    def _sweep(self) -> None:
        assert self.store is not None
        self._since_sweep = 0
        speed = self.store.speed
        slots = speed.integers(self.store.room)
        patience = int(self.msl * 2e9)
        found = int(speed.of(sweep)(self.store.memory, slots, self.last_time, patience))
        if found:
            self._settle(slots[:found])

    def finish(self) -> None:
        """Settles every flow that is still in memory."""
        if self.store is None:
            self.store = Store(INTERPRETED)
        self.note_parts.append(self.store.drain_notes())
        flows = self.store.memory.flows
        used = (
            [i for i in range(self.store.room) if flows[i].used]
            if isinstance(flows, list)
            else np.flatnonzero(flows["used"])
        )
        if len(used):
            self._settle(used)
        self.store = None

    def _settle(self, slots: Any) -> None:
        assert self.store is not None
        store = self.store
        run = store.speed.of(settle)
        done = 0
        while done < len(slots):
            done = int(run(store.memory, slots, done, len(slots), int(self.msl * 2e9)))
            self.note_parts.append(store.drain_notes())
            self._drain_logs()
            steps, *outcomes = store.view_settled()
            if "timeline" not in self.leave_out:
                self.steps.add(steps)
            self.outcomes.add(*outcomes)

    # --- the tables ------------------------------------------------------------------------------------------

    @functools.cached_property
    def flows(self) -> columns.FlowColumns:
        """``schema.FLOWS``, when all flows are settled."""
        return columns.FlowColumns(self.outcomes, self.last_time)

    def flows_table(self) -> columns.FlowColumns:
        """``schema.FLOWS``."""
        return self.flows

    def timeline_table(self) -> Columns:
        """``schema.TIMELINE``."""
        assert "timeline" not in self.leave_out
        return columns.timeline_table(self.steps, self.flows)

    def glimpse(self, name: str) -> Columns:
        """Of ``timeline``, who waits in CLOSE_WAIT and in TIME_WAIT; of ``notes``, those on listeners."""
        if name == "timeline":
            return columns.waits(self.outcomes)
        assert name == "notes"
        return listeners.notes(self.outcomes, self.last_time)

    def segments_table(self) -> Columns:
        """``schema.SEGMENTS``."""
        table = segments.segments_table(self.segment_parts, self.log_parts["relabels"], self.outcomes)
        return refuted.mark(table, np.concatenate(self.note_parts)) if self.note_parts else table

    def windows_table(self) -> Columns:
        """``schema.WINDOWS``."""
        return changes.windows_table(self.log_parts["changes"], self.outcomes)

    def stalls_table(self) -> Columns:
        """``schema.STALLS``."""
        return stalls.stalls_table(self.log_parts["stalls"])

    def notes_table(self) -> Columns:
        """``schema.NOTES``."""
        found = np.concatenate(self.note_parts) if self.note_parts else np.zeros(0, np.int64)
        of_flows = columns.notes_table(found, NOTES)
        return listeners.beside(of_flows, listeners.notes(self.outcomes, self.last_time))


__all__ = ["Coded", "Engine", "Replayed", "replay"]
