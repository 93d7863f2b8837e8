"""A capture, of one file or of many, as chunks of TCP segments in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..kernels import COMPILED, INTERPRETED, Speed, compiled_before, convert, worth_compiling
from ..schema import Record
from .containers import walk
from .decode import Decoder
from .files import CaptureFile, region_for
from .merging import Several
from .problems import Problem
from .regions import Tables, row
from .sources import FileInfo, Origin, SourceLike, origins
from .walk import RECORD

if TYPE_CHECKING:
    import numpy as np

RECORD_HEADER = 16
"""Octets that a container spends on a packet, at least."""


@dataclass(slots=True)
class Chunk:
    """Some packets' segments: the first `count` rows of `segments`, a table of `schema.Segment` as `speed` makes it.

    The table is used again for the next chunk: take out of it what you need before you ask for that. `first_frame` to
    `last_frame` are the packets that the chunk was made from, `last_time` is the time of the last (nanoseconds),
    `frames` how many packets were read so far.
    """

    speed: Speed
    segments: Any
    count: int
    frames: int
    first_frame: int
    last_frame: int
    last_time: int


@dataclass(slots=True)
class Packet:
    """A packet as it lies in a file. `time` is in nanoseconds since 1970 UTC, `link` a LINKTYPE_ number."""

    frame: int
    file: int
    file_frame: int
    time: int
    link: int
    wire: int
    octets: bytes


class Reader:
    """Iterate over it once: it gives chunks of segments. Several files are one capture, merged in time.

    While it is read, `files` tells of each file, `problems` of what could not be read, `frames`, `octets`, `first_time`
    and `last_time` (nanoseconds, 0 without a packet) of the whole. `size` is that of the files where they have one.
    """

    def __init__(
        self,
        source: SourceLike | Iterable[SourceLike],
        *,
        speed: Speed | None = None,
        compile_from: int | None = None,
        progress: Callable[[int], None] | None = None,
        compiling: Callable[[], None] | None = None,
    ) -> None:
        """Opens `source`: a path, a list of them, a glob, a folder, an open binary file, or "-".

        Without a `speed` every capture begins interpreted, and goes over to the compiled kernels when it turns out to
        have `compile_from` packets or more: by its size and its first packets, a pipe when it has given so many. By
        default that is where compiling pays (``kernels.worth_compiling``). `progress` is called now and then with the
        octets read so far, as they are stored, and `compiling` before a wait for the compiler. Raises CaptureError for
        no such file and for what is not a capture.
        """
        named = origins(source)
        self.problems: list[Problem] = []
        self.files: list[FileInfo] = []
        self.frames = self.first_time = self.last_time = 0
        self.size = sum(max(0, origin.size) for origin in named)
        self._progress = progress
        self._compiling = compiling
        self._compile_from = compile_from
        self._may_change = speed is None
        self._speed = speed or INTERPRETED
        self._tables = Tables(self._speed)
        self._decoder = Decoder()
        make = _One if len(named) == 1 and not named[0].optional else Several
        self._set = make(named, self._tables, self.files, self.problems)

    @property
    def speed(self) -> Speed:
        """At which the kernels run now."""
        return self._speed

    @property
    def octets(self) -> int:
        """Octets read so far, after decompression."""
        return sum(file.octets for file in self.files)

    def __iter__(self) -> Iterator[Chunk]:
        for count in self._batches():
            tables = self._tables
            records = tables.records
            segments, made = self._decoder.chunk(tables.space.octets, records, count, self._speed)
            self._take(self._decoder.problems)
            first, last = row(records, 0), row(records, count - 1)
            yield Chunk(self._speed, segments, made, self.frames, int(first.frame), int(last.frame), int(last.time))
        self._decoder.finish()
        self._take(self._decoder.problems)

    def packets(self) -> Iterator[Packet]:
        """The packets instead of their segments, one by one; slow, and as final as iterating over the reader."""
        for count in self._batches():
            octets = self._tables.space.octets
            for record in convert(Record, self._tables.records[:count], INTERPRETED):
                data = bytes(octets[record.offset : record.offset + record.captured])
                yield Packet(record.frame, record.file, record.file_frame, record.time, record.link, record.wire, data)

    def records(self, parting: Callable[[CaptureFile, int], None]) -> Iterator[tuple[np.ndarray, memoryview]]:
        """The packets as an array of `schema.Record`, batch by batch, and the octets that `block` and `offset` mean.

        For who copies files: `parting` as `Space` has it, and `opened` tells of the files.
        """
        self._tables.space.parting = parting
        for count in self._batches():
            yield self._speed.array(Record, self._tables.records, count), memoryview(self._tables.space.data)

    @property
    def octets_at_hand(self) -> memoryview:
        """The octets in memory, for `parting`."""
        return memoryview(self._tables.space.data)

    @property
    def opened(self) -> dict[int, CaptureFile]:
        """The files that are open, by their numbers."""
        return {file.number: file for file in self._set.opened}

    def _batches(self) -> Iterator[int]:
        """Fills the table of records again and again; gives how many rows it holds."""
        try:
            for count in self._set.batches():
                last = row(self._tables.records, count - 1)
                if not self.frames:
                    self.first_time = int(row(self._tables.records, 0).time)
                self.frames, self.last_time = int(last.frame), int(last.time)
                yield count
                if self._progress is not None:
                    self._progress(self._set.stored)
                if self._may_change and self._speed is INTERPRETED and self._compiles(self._expected(count)):
                    self._go_over()
        finally:
            self._set.close()
        self.frames = sum(file.frames for file in self.files)

    def _expected(self, count: int) -> int:
        """How many packets the capture seems to have, by its size and the `count` packets at hand; at least those that
        it had so far."""
        captured = sum(record.captured for record in self._tables.records[:count])
        of_each = captured // count + RECORD_HEADER
        return max(self.frames, int(self.size * self._set.growth) // of_each)

    def _compiles(self, packets: int) -> bool:
        return worth_compiling(packets) if self._compile_from is None else packets >= self._compile_from

    def _go_over(self) -> None:
        if self._compiling is not None and not compiled_before():
            self._compiling()
        self._speed = COMPILED
        self._tables.become(COMPILED)
        self._set.widen()

    def _take(self, problems: list[Problem]) -> None:
        self.problems += problems
        problems.clear()


class _One:
    """The packets of one file, batch by batch, as `Several` gives those of several."""

    def __init__(self, named: list[Origin], tables: Tables, files: list[FileInfo], problems: list[Problem]) -> None:
        self._tables = tables
        self._problems = problems
        (origin,) = named
        self._file = CaptureFile(origin, 0, tables.space, region_for(tables.region, origin))
        files.append(self._file.info)
        self._file.begin(row(tables.walks, 0))
        self._collect()

    def batches(self) -> Iterator[int]:
        """Fills `tables.records` again and again, and gives how many rows it holds."""
        tables = self._tables
        going = bool(row(tables.walks, 0).used)
        while going:
            run = tables.speed.of(walk)
            octets, interfaces = tables.space.octets, tables.interfaces.table
            count = run(octets, tables.walks, 0, interfaces, tables.records, 0, tables.room)
            if count:
                yield int(count)
            w = row(tables.walks, 0)
            if w.stop != RECORD:
                going = self._file.go_on(w, tables.interfaces)
            self._collect()

    @property
    def opened(self) -> list[CaptureFile]:
        """The files that are open."""
        return [self._file]

    @property
    def stored(self) -> int:
        """Octets read so far as they are stored."""
        return self._file.stored

    @property
    def growth(self) -> float:
        """Octets that decompression makes of one, so far."""
        return self._file.growth

    def widen(self) -> None:
        """Takes larger pieces from now on."""
        self._file.wanted = self._tables.region

    def close(self) -> None:
        """Closes the file."""
        self._collect()
        self._file.close(row(self._tables.walks, 0))

    def _collect(self) -> None:
        self._file.note(row(self._tables.walks, 0))
        self._problems += [replace(problem, frame=problem.file_frame) for problem in self._file.problems]
        self._file.problems.clear()
