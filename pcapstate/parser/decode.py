"""Packets to TCP segments, chunk by chunk: `Decoder`. It lets the kernels of `packet` run and does what they leave."""

from __future__ import annotations

from typing import Any

from ..kernels import COMPILED, INTERPRETED, Speed, convert, convert_integers
from ..schema import Record, Segment
from .links import (
    AGGREGATE,
    COMPRESSED,
    CUT,
    ENDS,
    FRAGMENT,
    MALFORMED,
    RARE,
    SEGMENT,
    UNKNOWN_LINK,
    Cursor,
    link_table,
)
from .odd import Fragments, Start, inflated, subframes
from .packet import complete, decode, decode_everywhere, walk_everywhere, wanted
from .problems import Problem

MOST_REPORTS = 100
"""Problems of one kind that are told one by one; of the rest `Decoder.finish` tells the number."""
MANY_RARE = 5_000
"""Packets with rare layers that take less time than compiling the kernels of those layers."""

_SENTENCES = {
    CUT: ("cut", "the file does not hold the packet as far as its TCP header"),
    MALFORMED: ("malformed", "a header contradicts itself; the packet is left out"),
    UNKNOWN_LINK: ("link_type", "packets of link type {link} are not read"),
}
_INCOMPLETE = "the rest of a fragmented packet is missing"


class Decoder:
    """Records in, TCP segments out, chunk by chunk in the order of the capture; fragments wait here for their rest.

    `problems` grows with what could not be read; the caller may empty it between two chunks.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._fragments = Fragments()
        self._incomplete = 0
        self._speed: Speed | None = None
        self._ends: Any = [0] * (2 * ENDS)
        self._segments: Any = []
        self._plain_links = link_table(INTERPRETED)
        for end in _SENTENCES:
            self._ends[ENDS - end] = MOST_REPORTS
        for end in (RARE, FRAGMENT, AGGREGATE, COMPRESSED):
            self._ends[ENDS - end] = 1 << 62

    def chunk(self, octets: Any, records: Any, count: int, speed: Speed) -> tuple[Any, int]:
        """The segments of ``records[:count]``, a table of `schema.Record` rows that point into `octets`.

        Octets and records are as `speed` makes them. Returns a table of `schema.Segment` rows, which the next call
        uses again, and how many of its rows are segments, in the order of their frames. The speed may change between
        two calls. Raises nothing: what cannot be read is in `problems`.
        """
        self._settle(speed, count)
        progress = speed.integers(3)
        progress[1] = count
        run = speed.of(self._kernel(speed))
        while end := run(octets, records, progress, self._cursors, self._links, self._ends, self._segments):
            self._odd(end, octets, records, progress)
        return self._segments, int(progress[2])

    def finish(self) -> None:
        """Adds to `problems` what only the end of the capture tells: fragments without the rest, and the untold."""
        self._tell_given_up(everything=True)
        counts = {kind: (int(self._ends[-end]), text) for end, (kind, text) in _SENTENCES.items()}
        counts["fragments"] = self._incomplete, _INCOMPLETE
        for kind, (count, text) in counts.items():
            if count > MOST_REPORTS:
                self.problems.append(Problem(0, 0, 0, -1, kind, f"{count - MOST_REPORTS} more like this: {text}"))

    def _kernel(self, speed: Speed) -> Any:
        return decode if speed is COMPILED and self._ends[-RARE] < MANY_RARE else decode_everywhere

    def _settle(self, speed: Speed, count: int) -> None:
        """Tables as `speed` wants them, with room for a chunk and one row to try in."""
        if self._speed is not speed:
            self._speed = speed
            self._cursors = speed.table(Cursor, 1)
            self._links = link_table(speed)
            self._ends = convert_integers(self._ends, speed)
            self._segments = speed.table(Segment, count + 1)
        self._segments = speed.grown(Segment, self._segments, count + 1)

    def _odd(self, end: int, octets: Any, records: Any, progress: Any) -> None:
        """One packet that the kernel handed out, at interpreted speed whatever the chunk's is."""
        speed = self._speed
        assert speed is not None
        done, count, made = (int(number) for number in progress)
        record, s = Record.object(), Segment.object()  # copies: the tables are used again
        Record.copy(record, convert(Record, records[done - 1 : done], INTERPRETED)[0])
        Segment.copy(s, convert(Segment, self._segments[made : made + 1], INTERPRETED)[0])
        cursor = convert(Cursor, self._cursors, INTERPRETED)[0]
        here = Start.of(bytes(octets[record.offset : cursor.end]), cursor, record.offset)
        todo = [here] if end == RARE else self._unfold(end, here, s, record)
        while todo:
            here = todo.pop(0)
            here.set(cursor)
            end = walk_everywhere(here.octets, cursor, self._plain_links, s)
            if end == SEGMENT:
                complete(record, s)
                self._segments = speed.grown(Segment, self._segments, made + 2 + count - done)
                self._write(made, s)
                made += 1
            elif wanted(self._ends, end):
                todo += self._unfold(end, Start.of(here.octets, cursor), s, record)
        progress[2] = made

    def _unfold(self, end: int, here: Start, s: Any, record: Any) -> list[Start]:
        """Where to go on with a packet whose walk ended so; else what is wrong with it becomes a problem."""
        if end == FRAGMENT:
            whole = self._fragments.add(here, s, record)
            self._tell_given_up(everything=False)
            return [] if whole is None else [whole]
        if end == AGGREGATE:
            return subframes(here)
        if end == COMPRESSED:
            return inflated(here)
        kind, text = _SENTENCES[end]
        self._report(record, kind, text.format(link=record.link))
        return []

    def _write(self, place: int, s: Any) -> None:
        if isinstance(self._segments, list):
            Segment.copy(self._segments[place], s)
        else:
            self._segments[place : place + 1] = INTERPRETED.array(Segment, [s], 1)

    def _tell_given_up(self, *, everything: bool) -> None:
        for record in self._fragments.give_up(everything=everything):
            self._incomplete += 1
            if self._incomplete <= MOST_REPORTS:
                self._report(record, "fragments", _INCOMPLETE)

    def _report(self, record: Any, kind: str, text: str) -> None:
        self.problems.append(Problem(record.file, record.file_frame, record.frame, -1, kind, text))
