"""What the walks work on: octets in regions, interfaces, the rows of the open files, in the form of either speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernels import COMPILED, Compiled, Speed, convert, convert_integers
from ..schema import Record
from .containers import Merge
from .walk import Interface, Walk


class Space:
    """Octets in regions that files take and give back, as one buffer for the kernels."""

    def __init__(self, speed: Speed) -> None:
        self.speed = speed
        self.data = bytearray()
        self.parting: Callable[[Any, int], None] | None = None
        """Called with a file, and up to where it was walked over, before these octets leave memory: who copies files
        wants to see them. The sections and interfaces of pcapng come each by itself."""
        self._view: Any = None
        self._free: dict[int, list[int]] = {}
        self._taken = 0

    def take(self, size: int) -> int:
        """The place of a region of `size` octets that nobody uses."""
        if self._free.get(size):
            return self._free[size].pop()
        place = self._taken
        self._taken += size
        if self._taken > len(self.data):
            # A buffer that numpy looks at cannot be made longer.
            larger = bytearray(max(self._taken, 2 * len(self.data)))
            larger[: len(self.data)] = self.data
            self.data = larger
            self._view = None
        return place

    def give_back(self, place: int, size: int) -> None:
        """Lets others use the region."""
        self._free.setdefault(size, []).append(place)

    @property
    def octets(self) -> Any:
        """The buffer as the kernels of the present speed want it; valid until a region is taken."""
        if not isinstance(self.speed, Compiled):
            return self.data
        if self._view is None:
            self._view = COMPILED.octets(self.data)
        return self._view


class Interfaces:
    """The interfaces of all sections in use, as one table of `Interface` rows. Each section's stand in a row."""

    def __init__(self, speed: Speed) -> None:
        self.table: Any = speed.table(Interface, 8)
        self._speed = speed
        self._taken = 0

    def become(self, speed: Speed) -> None:
        """Turns the table into that of another speed."""
        self.table = convert(Interface, self.table, speed)
        self._speed = speed

    def add(self, w: Any, interface: Any) -> None:
        """Gives the section of walk `w` one more interface."""
        count = w.interfaces
        if count & (count - 1) == 0:
            # Full (room is a power of 2): the section moves to the end, where it has twice the room.
            place = self._taken
            self._taken += max(1, 2 * count)
            self.table = self._speed.grown(Interface, self.table, max(self._taken, min(2 * len(self.table), 1 << 16)))
            for i in range(count):
                self._put(place + i, row(self.table, w.interfaces_at + i))
            w.interfaces_at = place
        self._put(w.interfaces_at + count, interface)
        w.interfaces = count + 1

    def _put(self, place: int, interface: Any) -> None:
        Interface.copy(row(self.table, place), interface)


def row(table: Any, place: int) -> Any:
    """A row of a table of either speed that Python may read and write by its fields' names."""
    if isinstance(table, list):
        return table[place]
    import numpy as np

    return table.view(np.recarray)[place]


class Tables:
    """What the walks work on, in the form of one speed. Row `i` of `walks` and `heads` belongs to one open file."""

    def __init__(self, speed: Speed) -> None:
        self.speed = speed
        self.space = Space(speed)
        self.interfaces = Interfaces(speed)
        self.walks: Any = speed.table(Walk, 1)
        self.heads: Any = speed.table(Record, 1)
        self.order: Any = speed.integers(1)
        self.plan: Any = speed.table(Merge, 1)
        self.records: Any = speed.table(Record, self.room)

    @property
    def room(self) -> int:
        """Packets of a batch: few enough for their segments to stay in a processor's cache."""
        return 8192 if isinstance(self.speed, Compiled) else 1024

    @property
    def region(self) -> int:
        """Octets of a single file that are in memory at a time."""
        return 4 << 20 if isinstance(self.speed, Compiled) else 256 << 10

    def become(self, speed: Speed) -> None:
        """Goes over to another speed, between two batches."""
        self.speed = self.space.speed = speed
        self.interfaces.become(speed)
        self.walks = convert(Walk, self.walks, speed)
        self.heads = convert(Record, self.heads, speed)
        self.order = convert_integers(self.order, speed)
        self.plan = convert(Merge, self.plan, speed)
        self.records = speed.table(Record, self.room)
