"""One pass over a capture: reader, replay, and what both have to say about it. Without pandas.

The large tables (``segments``, ``windows``) cost memory for every packet, so a pass keeps them only when asked to;
who asks later reads the capture again. ``Source`` knows whether that can be done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .kernels import COMPILED, note_compiled
from .lingering import told_how_long
from .schema import MISSING, NOTES, TABLES, Coded
from .values import Columns, Values, joined

LARGE = ("segments", "windows")
"""The tables with rows for packets, kept only on request."""

SPARABLE = ("timeline",)
"""Tables that are kept unless they are left out on request."""

SMALL_CAPTURE = 8_000_000
"""Octets of capture files below which every table is kept at once: reading again would cost more than memory."""


LONGEST_MSL = 7 * 86_400
"""Seconds; RFC 9293 3.4.2 says 120. Whoever gives more has taken milliseconds, or a date, for seconds."""


_ONE = (str, bytes, bytearray, memoryview, os.PathLike)
"""What can be iterated over and yet is one name (or, octets, none at all)."""


class Tables(Protocol):
    """What the replay hands back."""

    flow_count: int
    last_time: int

    def table(self, name: str) -> Columns:
        """The columns of a table, names and order as in ``schema.TABLES``."""
        ...


@dataclass(frozen=True)
class Pass:
    """What one pass over a capture gave. ``first_time`` and ``last_time`` are nanoseconds since 1970 UTC."""

    tables: Tables
    kept: frozenset[str]
    files: tuple[str, ...] = ()
    frames: int = 0
    first_time: int = 0
    last_time: int = 0
    problems: tuple[Any, ...] = ()
    left_out: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Whether the table was kept."""
        return name in self.kept if name in LARGE else name not in self.left_out

    def columns(self, name: str) -> Columns:
        """A table as numpy columns; the reader's problems are the first notes."""
        columns = self.tables.table(name)
        if name == "notes":
            flows, stalls = self.tables.table("flows"), self.tables.table("stalls")
            columns = told_how_long(columns, flows, self.glimpse("timeline"), stalls, self.last_time)
        if name == "notes" and self.problems:
            return joined(NOTES.columns, self._problem_columns(), columns)
        if name == "segments" and self.files:
            return {**columns, "file": self._file_names(columns["file"])}
        return columns

    def glimpse(self, name: str) -> Columns:
        """Of a table the rows and columns that findings are made from; all, if the replay has no shorter way."""
        short = getattr(self.tables, "glimpse", None)
        return self.columns(name) if short is None else short(name)

    def _file_names(self, numbers: Values) -> Values:
        """The replay knows files by their numbers, the reader by their names; the same file may be read twice."""
        if not isinstance(numbers, Coded):
            return numbers
        names = list(dict.fromkeys(self.files))
        places = np.array([names.index(file) for file in self.files], np.int32)
        return Coded(np.where(numbers.codes < 0, -1, places[numbers.codes]), names)

    def _problem_columns(self) -> Columns:
        problems = self.problems
        none = np.full(len(problems), MISSING)
        texts: dict[str, list[str | None]] = {
            "file": [self.files[p.file] if 0 <= p.file < len(self.files) else None for p in problems],
            "kind": [p.kind for p in problems],
            "text": [p.text for p in problems],
        }
        columns: Columns = {
            "file_frame": np.array([p.file_frame or MISSING for p in problems], np.int64),
            "frame": np.array([p.frame or MISSING for p in problems], np.int64),
            "time": none,
            "flow": none,
            "side": np.full(len(problems), -1, np.int8),
        }
        for name, values in texts.items():
            columns[name] = np.array([*values, None], object)[:-1]
        return columns


class Source:
    """Where packets come from, and whether they can be had a second time.

    ``given`` is a path (also a glob or a folder), several of them, an open binary file, or ``"-"`` for standard input.
    """

    def __init__(self, given: Any) -> None:
        # Paths that can be had only once are needed more often, and those of a set have no order of their own.
        several = isinstance(given, Iterable) and not isinstance(given, _ONE) and not hasattr(given, "read")
        self.given = sorted(given, key=str) if isinstance(given, Set) else list(given) if several else given
        self._seen = self._fingerprint()

    @property
    def paths(self) -> list[str]:
        """The regular files that were named; empty where anything else was (a pipe, an open file)."""
        return [path for path, *_ in self._seen]

    @property
    def name(self) -> str:
        """What to call it in one word or two."""
        given = self.given
        if isinstance(given, list | tuple):
            return os.path.basename(str(given[0])) if len(given) == 1 else f"{len(given)} files"
        if isinstance(given, str | os.PathLike):
            path = os.fspath(given)
            return "standard input" if path == "-" else os.path.basename(os.path.normpath(path))
        return os.path.basename(str(getattr(given, "name", "an open file")))

    @property
    def repeatable(self) -> bool:
        """Whether it can be read again."""
        return bool(self._seen)

    @property
    def small(self) -> bool:
        """Whether keeping every table costs little."""
        return self.repeatable and self.size <= SMALL_CAPTURE

    @property
    def size(self) -> int:
        """Octets of the files, 0 where it is not known."""
        return sum(size for _, size, _ in self._seen)

    def gone(self) -> str:
        """A file that was read and is there no more; empty where all are."""
        return next((path for path in self.paths if not os.path.exists(path)), "")

    def unchanged(self) -> bool:
        """Whether the files are those that were read: same names, sizes and dates."""
        return self._seen == self._fingerprint()

    def _fingerprint(self) -> tuple[tuple[str, int, int], ...]:
        from .parser.sources import CaptureError, origins

        try:
            found = origins(self.given)
            if any(origin.size < 0 for origin in found):
                return ()
            return tuple((origin.name, origin.size, os.stat(origin.name).st_mtime_ns) for origin in found)
        except (CaptureError, OSError, TypeError):
            return ()  # the reader will say what is wrong with it


def run(
    source: Any,
    *,
    msl: float = 30.0,
    keep: Collection[str] = (),
    leave_out: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    compiling: Callable[[], None] | None = None,
    through: Callable[[Iterable[Any]], Iterable[Any]] | None = None,
) -> Pass:
    """Reads ``source`` to its end and replays it. ``through`` may wrap the chunks on their way.

    ``keep``: those of LARGE that are wanted; ``leave_out``: those of SPARABLE that are not. ``progress`` and
    ``compiling`` are called as ``parser.reader.Reader`` has it.

    Raises CaptureError where there is no such file, or it is not a capture.
    """
    from .parser.reader import Reader
    from .replay.engine import replay

    msl = check_msl(msl)
    reader = Reader(source, progress=progress, compiling=compiling)
    tables = replay(through(reader) if through else reader, msl=msl, keep=tuple(keep), leave_out=tuple(leave_out))
    if reader.speed is COMPILED:
        note_compiled()
    return Pass(
        tables=tables,
        kept=frozenset(keep),
        left_out=frozenset(leave_out),
        files=tuple(str(file.path) for file in reader.files),
        frames=reader.frames,
        first_time=reader.first_time,
        last_time=reader.last_time,
        problems=tuple(reader.problems),
    )


def check_msl(msl: Any) -> float:
    """A maximum segment lifetime as float. Raises ValueError for what is no number of seconds from 0 to a week."""
    number = isinstance(msl, int | float | np.integer | np.floating) and not isinstance(msl, bool | np.timedelta64)
    if not number or not 0 <= msl <= LONGEST_MSL:
        raise ValueError(
            f"msl {msl!r}: a maximum segment lifetime is a number of seconds, 0 to {LONGEST_MSL:,} (a week)"
        )
    return float(msl)


def check_names(names: Collection[str]) -> None:
    """Raises ValueError for what is not a table's name."""
    for name in names:
        if name not in TABLES:
            raise ValueError(f"no table {name!r}; the tables are {', '.join(TABLES)}")
