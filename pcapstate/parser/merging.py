"""Several files as one capture, merged in time: rotated sets, captures of several points, one file per connection.

The next packet is the earliest of the files' next ones, and within a file the order stays, as Wireshark's mergecap has
it. A file is opened when its first packet's time has come, so a set whose files follow each other needs the memory of
one of them, and thousands of files can be named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..kernels import INTERPRETED
from ..schema import Record
from .containers import LIMIT, NONE, merge, walk
from .files import CaptureFile, NotACapture, region_for
from .problems import Problem
from .regions import Interfaces, Space, Tables, row
from .sources import CaptureError, FileInfo, Origin
from .walk import Walk

FOREVER = 2**62
"""Later than any packet."""

SMALL = 64 << 10
"""Octets of a file that are in memory to find its first packet."""


class First(NamedTuple):
    """What a look into a file finds: the time of its first packet, None where it has none."""

    time: int | None
    info: FileInfo
    problems: list[Problem]


def first_packet(origin: Origin, number: int) -> First:
    """Opens a file, reads up to its first packet, and closes it. Raises CaptureError for what is no capture."""
    space, interfaces = Space(INTERPRETED), Interfaces(INTERPRETED)
    w, record = Walk.object(), Record.object()
    file = CaptureFile(origin, number, space, region_for(SMALL, origin))
    file.begin(w)
    while w.used and not walk(space.octets, [w], 0, interfaces.table, [record], 0, 1):
        file.go_on(w, interfaces)
    found = record.time if w.used else None
    file.note(w)
    file.close(w)
    return First(found, file.info, file.problems)


@dataclass(frozen=True, slots=True)
class _Later:
    first_time: int
    number: int
    origin: Origin


class Several:
    """The packets of several files, batch by batch. It adds to `files` and `problems`, which are the reader's."""

    def __init__(self, named: list[Origin], tables: Tables, files: list[FileInfo], problems: list[Problem]) -> None:
        """Looks into every file. Raises CaptureError where one that was named is no capture, or none is one."""
        self._tables = tables
        self._files = files
        self._problems = problems
        self._open: list[CaptureFile | None] = [None]
        self._waiting: list[int] = []
        self._later: list[_Later] = []
        self._stored_before = 0
        for origin in named:
            try:
                if not (origin.optional and origin.size == 0):
                    self._look_into(origin, len(files))
            except NotACapture:
                if not origin.optional:
                    self.close()
                    raise
        # An empty file of a folder is one of the set, not yet written, if a capture there has the same ending.
        endings = {_ending(file.path) for file in files}
        for origin in named:
            if origin.optional and origin.size == 0 and _ending(origin.name) in endings:
                self._look_into(origin, len(files))
        if not files:
            raise CaptureError("no file in the folder is a capture")
        self._later.sort(key=lambda later: (later.first_time, later.number), reverse=True)

    def _look_into(self, origin: Origin, number: int) -> None:
        if origin.size < 0:
            # It can be read only once: it stays open.
            self._begin(origin, number)
            return
        first = first_packet(origin, number)
        self._files.append(first.info)
        if first.time is None:
            self._problems += [replace(problem, frame=0) for problem in first.problems]
        else:
            self._later.append(_Later(first.time, number, origin))

    def batches(self) -> Iterator[int]:
        """Fills `tables.records` again and again, and gives how many rows it holds."""
        tables = self._tables
        while True:
            count = self._merge()
            # The files are read on only after the batch was used: their octets move then.
            if count:
                yield count
            stopped = int(row(tables.plan, 0).stopped)
            if stopped >= 0:
                self._look_after(stopped)
            elif stopped == LIMIT or not (count or self._waiting):
                if not self._later:
                    return
                self._open_next()

    def _merge(self) -> int:
        """One run of the kernel. Nothing is given before every open file has its next packet read."""
        tables, plan = self._tables, row(self._tables.plan, 0)
        plan.waiting = self._waiting.pop() if self._waiting else NONE
        plan.limit = self._later[-1].first_time if self._later else FOREVER
        octets, interfaces = tables.space.octets, tables.interfaces.table
        room = 0 if self._waiting else tables.room
        run = tables.speed.of(merge)
        return int(run(octets, tables.walks, tables.heads, tables.order, interfaces, tables.records, room, tables.plan))

    @property
    def opened(self) -> list[CaptureFile]:
        """The files that are open."""
        return [file for file in self._open if file is not None]

    @property
    def stored(self) -> int:
        """Octets read so far as they are stored."""
        return self._stored_before + sum(file.stored for file in self._open if file is not None)

    @property
    def growth(self) -> float:
        """Octets that decompression makes of one, so far: the mean of the files that are open."""
        known = [file.growth for file in self._open if file is not None]
        return sum(known) / len(known) if known else 1.0

    def widen(self) -> None:
        """Takes larger pieces from now on."""
        for file in self._open:
            if file is not None:
                file.wanted = self._region

    def close(self) -> None:
        """Closes every file."""
        for slot in range(len(self._open)):
            self._release(slot)

    @property
    def _region(self) -> int:
        share = self._tables.region // (4 if len(self._open) <= 8 else 16)
        return max(SMALL, share)

    # --- opening and closing -----------------------------------------------------------------------------------

    def _open_next(self) -> None:
        later = self._later.pop()
        try:
            self._begin(later.origin, later.number)
        except CaptureError as error:
            # It was a capture a moment ago.
            self._problems.append(Problem(later.number, 0, 0, -1, "unreadable", f"the file has changed: {error}"))

    def _begin(self, origin: Origin, number: int) -> None:
        file = CaptureFile(origin, number, self._tables.space, region_for(self._region, origin))
        slot = self._slot()
        file.begin(row(self._tables.walks, slot))
        self._files[number : number + 1] = [file.info]
        self._open[slot] = file
        if row(self._tables.walks, slot).used:
            self._waiting.append(slot)
        else:
            self._release(slot)

    def _slot(self) -> int:
        """A place among the open files, its rows cleared."""
        if None not in self._open:
            self._open += [None] * len(self._open)
            tables, count = self._tables, len(self._open)
            tables.walks = tables.speed.grown(Walk, tables.walks, count)
            tables.heads = tables.speed.grown(Record, tables.heads, count)
            tables.order = tables.speed.grown_integers(tables.order, count)
        slot = self._open.index(None)
        Walk.clear(row(self._tables.walks, slot))
        Record.clear(row(self._tables.heads, slot))
        return slot

    def _look_after(self, slot: int) -> None:
        file = self._open[slot]
        assert file is not None
        if file.go_on(row(self._tables.walks, slot), self._tables.interfaces):
            self._collect(slot)
            self._waiting.append(slot)
        else:
            self._release(slot)

    def _release(self, slot: int) -> None:
        file = self._open[slot]
        if file is None:
            return
        self._collect(slot)
        file.close(row(self._tables.walks, slot))
        self._stored_before += file.stored
        self._open[slot] = None

    def _collect(self, slot: int) -> None:
        file, w = self._open[slot], row(self._tables.walks, slot)
        assert file is not None
        file.note(w)
        # The file's last packet is the last that was handed on: its walk stopped right behind it.
        frame = int(row(self._tables.plan, 0).frame)
        self._problems += [replace(problem, frame=frame if w.handed else 0) for problem in file.problems]
        file.problems.clear()


def _ending(path: str) -> str:
    """The ending of a file's name, without the number that a rotated set has there: .pcap of x.pcap12."""
    return os.path.splitext(path)[1].rstrip("0123456789")
