"""A flow's tables as the lines of a ladder: which segments are shown, and what state each side is in after them.

Long exchanges are folded: segments that change a state, the first and the last, and those with a label are shown
first; what is left out stands as one line, ``... (1,482 segments, 2,100,000 octets from the server) ...``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .ladder import Exchange, Line, Segment
from .schema import CAUSES, LABELS, MISSING, SEGMENTS, SIDES
from .values import Columns, count, record, take, text_objects

if TYPE_CHECKING:
    from .flow import Flow, Side

EDGE = 6
"""Segments at the beginning and at the end that are always shown."""


def of_flow(flow: Flow, *, limit: int | None = 60, raw: bool = False) -> Exchange:
    """The exchange of a flow, at most about ``limit`` segments (None: all), with relative or ``raw`` numbers."""
    segments = flow.columns("segments")
    sides = [_Lane(side) for side in flow.sides]
    ends = _ends(flow, segments)
    shown = _shown(segments, sides, limit)
    lines: list[_Placed] = []
    for row in np.flatnonzero(shown).tolist():
        facts = record(SEGMENTS, segments, row)
        client, server = (lane.state_after(facts["frame"]) for lane in sides)
        lines.append(_Placed(facts["time"], _line(facts, client, server, ends.get(facts["frame"], ""), raw)))
    lines += _folds(segments, shown, sides)
    lines.sort(key=lambda placed: placed.time)
    _put_timers(lines, sides)
    before = Line(client=sides[0].before, server=sides[1].before)
    return Exchange(
        title=f"Flow {flow.number}: {flow.client.endpoint} -> {flow.server.endpoint}",
        client=flow.client.endpoint,
        server=flow.server.endpoint,
        lines=(*([before] if before != Line() else []), *_waits(lines)),
    )


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line and the time where it belongs."""

    time: int
    line: Line


class _Lane:
    """The states of one side along the frames."""

    def __init__(self, side: Side) -> None:
        rows = side.transitions
        self.before: str = (rows[0]["from_state"] if rows else side.final_state) or ""
        self.by_frame = [row for row in rows if row["frame"] is not None]
        self.timers = [row for row in rows if row["frame"] is None]
        # A transition comes after the one before it, also where its frame was captured earlier.
        self._frames = np.maximum.accumulate(np.array([row["frame"] for row in self.by_frame], np.int64))

    @property
    def frames(self) -> np.ndarray:
        """The frames that changed the state."""
        return self._frames

    def state_after(self, frame: int) -> str:
        """The state after a frame."""
        passed = int(np.searchsorted(self._frames, frame, side="right"))
        return str(self.by_frame[passed - 1]["to_state"]) if passed else self.before


def _line(facts: dict[str, Any], client: str, server: str, end: str, raw: bool) -> Line:
    from_client = facts["side"] == SIDES[0]
    arrow = "-->" if from_client else "<--"
    seq = facts["seq_raw"] if raw or facts["seq"] is None else facts["seq"]
    ack = facts["ack_raw"] if raw or facts["ack"] is None else facts["ack"]
    # A zero window stops the peer: that is worth its place, other windows are in the table.
    window = 0 if facts["window_raw"] == 0 and "RST" not in (facts["flags"] or "") else None
    return Line(
        client=client,
        left=arrow if from_client else end or arrow,
        segment=Segment(facts["flags"] or "", seq, ack, facts["length"], window),
        right=end or arrow if from_client else arrow,
        server=server,
        number=facts["frame"],
        comment=", ".join(word.replace("_", " ") for word in (facts["label"], facts["cause"]) if word),
    )


_FRAME = re.compile(r"in frame (\d+) did not (arrive|take effect)")


def _ends(flow: Flow, segments: Columns) -> dict[int, str]:
    """Frames whose segment did not do what it should, and what stands at its receiver: ``...`` lost on the way there,
    ``XXX`` lost or rejected (RFC 9293 3.5)."""
    frames = _numbers(segments, "frame")
    ends = dict.fromkeys(frames[text_objects(segments["cause"], CAUSES) == "lost_after"].tolist(), "...")
    for text in text_objects(flow.columns("notes")["text"]).tolist():
        if text and (match := _FRAME.search(text)):
            ends.setdefault(int(match[1]), "..." if match[2] == "arrive" else "XXX")
    return ends


def _numbers(columns: Columns, name: str) -> np.ndarray:
    values = columns[name]
    assert isinstance(values, np.ndarray)
    return values


def _shown(segments: Columns, sides: list[_Lane], limit: int | None) -> np.ndarray:
    """Which segments have a line of their own: the most telling ones, up to the limit."""
    rows = count(segments)
    shown = np.ones(rows, bool)
    if limit is None or rows <= limit:
        return shown
    frames = _numbers(segments, "frame")
    changes = np.isin(frames, np.concatenate([lane.frames for lane in sides]))
    ends = (np.arange(rows) < EDGE) | (np.arange(rows) >= rows - EDGE)
    labelled = np.array([bool(word) for word in text_objects(segments["label"], LABELS).tolist()], bool)
    rank = np.where(changes, 0, np.where(ends, 1, np.where(labelled, 2, 3)))
    shown[np.argsort(rank, kind="stable")[limit:]] = False
    # Folding one segment saves nothing.
    alone = ~shown & np.r_[True, shown[:-1]] & np.r_[shown[1:], True]
    return np.asarray(shown | alone)


def _folds(segments: Columns, shown: np.ndarray, sides: list[_Lane]) -> list[_Placed]:
    """A line for each run of segments that are not shown."""
    edges = np.flatnonzero(np.diff(np.r_[True, shown, True].astype(np.int8)))
    placed = []
    for first, last in edges.reshape(-1, 2).tolist():
        run = take(segments, slice(first, last))
        lengths, senders = _numbers(run, "length"), _numbers(run, "side")
        octets = [int(lengths[senders == side].sum()) for side in range(2)]
        told = [f"{number:,} octets from the {side}" for side, number in zip(SIDES, octets, strict=True) if number]
        client, server = (lane.state_after(int(_numbers(run, "frame")[-1])) for lane in sides)
        comment = ", ".join([f"{last - first:,} segments not shown", *told])
        line = Line(client=client, left="...", right="...", server=server, comment=comment)
        placed.append(_Placed(int(_numbers(run, "time")[-1]), line))
    return placed


_TIMERS = {"2MSL": "2 MSL"}
"""As figure 12 spells it."""


def _put_timers(lines: list[_Placed], sides: list[_Lane]) -> None:
    """Adds what no segment caused: the event in parentheses, then the new state, as in figure 12."""
    for index, lane in enumerate(sides):
        for row in lane.timers:
            time = row["time"] if row["time"] is not None else row["estimate"] or MISSING
            place = sum(placed.time <= time for placed in lines)
            for cell in (f"({_TIMERS.get(row['event'], row['event'])})", row["to_state"]):
                line = Line(client=cell) if index == 0 else Line(server=cell)
                lines.insert(place, _Placed(time, line))
                place += 1


def _waits(lines: list[_Placed]) -> list[Line]:
    """The lines, each with the time since the one before."""
    waited: list[Line] = []
    for number, placed in enumerate(lines):
        line = placed.line
        # Microseconds tell enough, and leave the line readable.
        wait = round((placed.time - lines[number - 1].time) / 1000) * 1000 if number else 0
        told = wait if wait > 0 else None
        waited.append(
            Line(line.client, line.left, line.segment, line.right, line.server, line.number, told, line.comment)
        )
    return waited
