"""A flow's tables as the lines of a ladder: which segments are shown, and what state each side is in after them.

Long exchanges are folded: segments that change a state, the first and the last, and those with a label are shown
first; what is left out stands as one line, ``... (1,482 segments, 2,100,000 octets from the server) ...``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .ladder import Exchange, Line, Segment
from .schema import CAUSES, LABELS, SEGMENTS, SIDES
from .steps import Step, steps_of
from .values import Columns, count, counted, record, take, text_objects

if TYPE_CHECKING:
    from .flow import Flow, Side

EDGE = 6
"""Segments at the beginning and at the end that are always shown."""


def of_flow(flow: Flow, *, limit: int | None = 60, raw: bool = False) -> Exchange:
    """The exchange of a flow, at most about ``limit`` segments (None: all), with relative or ``raw`` numbers."""
    segments = flow.columns("segments")
    frames, times, senders = (_numbers(segments, name) for name in ("frame", "time", "side"))
    shown = _shown(segments, _changing(flow), limit)
    steps = [step for side in flow.sides for step in steps_of(side, frames, times, senders, shown)]
    ends = _ends(flow, segments)
    parts = _folds(segments, shown)
    under_way = {step.segment for step in steps if step.apart}
    facts = {row: record(SEGMENTS, segments, row) for row in np.flatnonzero(shown).tolist()}
    for row, known in facts.items():
        end = "..." if row in under_way else ends.get(known["frame"], "")
        parts.append(_Part(row, known["time"], _line(known, end, raw)))
    for step in steps:
        parts += _lines_apart(step, facts.get(step.segment), raw) if step.apart else [_Part(step.at, changes=(step,))]
    parts.sort(key=lambda part: (part.at, part.order))
    before = [_before(side) for side in flow.sides]
    first = Line(client=before[0], server=before[1])
    return Exchange(
        title=f"Flow {flow.number}: {flow.client.endpoint} -> {flow.server.endpoint}",
        client=flow.client.endpoint,
        server=flow.server.endpoint,
        lines=(*([first] if first != Line() else []), *_told(parts, before)),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a ladder at its place (see ``steps``): a line, or changes that the segment at this place makes.

    ``time``: when, in nanoseconds; None for what is no event of the capture, an arrival.
    """

    at: float
    time: int | None = None
    line: Line | None = None
    changes: tuple[Step, ...] = ()

    @property
    def order(self) -> int:
        """Which comes first of two at one place: a segment, then what it changes; behind it, what is earlier."""
        return max((step.since for step in self.changes), default=-1)


def _before(side: Side) -> str:
    """The state before the first segment."""
    rows = side.transitions
    return (rows[0]["from_state"] if rows else side.final_state) or ""


def _changing(flow: Flow) -> np.ndarray:
    """The frames that changed a state."""
    frames = [row["frame"] for side in flow.sides for row in side.transitions if row["frame"] is not None]
    return np.array(frames, np.int64)


def _line(facts: dict[str, Any], end: str, raw: bool) -> Line:
    """A segment's line but for the states; ``end`` is what stands at its receiver if it is no arrow."""
    from_client = facts["side"] == SIDES[0]
    arrow = "-->" if from_client else "<--"
    seq = facts["seq_raw"] if raw or facts["seq"] is None else facts["seq"]
    ack = facts["ack_raw"] if raw or facts["ack"] is None else facts["ack"]
    # A zero window stops the peer: that is worth its place, other windows are in the table.
    window = 0 if facts["window_raw"] == 0 and "RST" not in (facts["flags"] or "") else None
    return Line(
        left=arrow if from_client else end or arrow,
        segment=Segment(facts["flags"] or "", seq, ack, facts["length"], window),
        right=end or arrow if from_client else arrow,
        number=facts["frame"],
        comment=", ".join(_TOLD.get(word, word.replace("_", " ")) for word in (facts["label"], facts["cause"]) if word),
    )


_TOLD = {"lost_in_capture": "acknowledges what the capture missed"}
"""Words of the tables that need more words, where they stand alone."""


_FRAME = re.compile(r"in frame (\d+) did not (arrive|take effect)")


def _ends(flow: Flow, segments: Columns) -> dict[int, str]:
    """Frames whose segment did not do what it should, and what stands at its receiver: ``...`` lost on the way there,
    ``XXX`` lost or rejected (RFC 9293 3.5)."""
    frames = _numbers(segments, "frame")
    causes = text_objects(segments["cause"], CAUSES)
    ends = dict.fromkeys(frames[causes == "lost_after"].tolist(), "...")
    ends |= dict.fromkeys(frames[causes == "no_effect"].tolist(), "XXX")
    for text in text_objects(flow.columns("notes")["text"]).tolist():
        if text and (match := _FRAME.search(text)):
            ends.setdefault(int(match[1]), "..." if match[2] == "arrive" else "XXX")
    return ends


def _numbers(columns: Columns, name: str) -> np.ndarray:
    values = columns[name]
    assert isinstance(values, np.ndarray)
    return values


def _shown(segments: Columns, changing: np.ndarray, limit: int | None) -> np.ndarray:
    """Which segments have a line of their own: the most telling ones, up to the limit."""
    rows = count(segments)
    shown = np.ones(rows, bool)
    if limit is None or rows <= limit:
        return shown
    frames = _numbers(segments, "frame")
    changes = np.isin(frames, changing)
    ends = (np.arange(rows) < EDGE) | (np.arange(rows) >= rows - EDGE)
    labelled = np.array([bool(word) for word in text_objects(segments["label"], LABELS).tolist()], bool)
    rank = np.where(changes, 0, np.where(ends, 1, np.where(labelled, 2, 3)))
    shown[np.argsort(rank, kind="stable")[limit:]] = False
    # Folding one segment saves nothing.
    alone = ~shown & np.r_[True, shown[:-1]] & np.r_[shown[1:], True]
    return np.asarray(shown | alone)


def _folds(segments: Columns, shown: np.ndarray) -> list[_Part]:
    """A line for each run of segments that are not shown."""
    edges = np.flatnonzero(np.diff(np.r_[True, shown, True].astype(np.int8)))
    parts = []
    for first, last in edges.reshape(-1, 2).tolist():
        run = take(segments, slice(first, last))
        lengths, senders = _numbers(run, "length"), _numbers(run, "side")
        octets = [int(lengths[senders == side].sum()) for side in range(2)]
        told = [
            f"{counted(number, 'octet')} from the {side}" for side, number in zip(SIDES, octets, strict=True) if number
        ]
        line = Line(left="...", right="...", comment=", ".join([f"{last - first:,} segments not shown", *told]))
        # In front of the changes that the segments in it make.
        parts.append(_Part(first, int(_numbers(run, "time")[-1]), line))
    return parts


_TIMERS = {"2MSL": "2 MSL"}
"""As figure 12 spells it."""


def _lines_apart(step: Step, facts: dict[str, Any] | None, raw: bool) -> list[_Part]:
    """The lines of a change that the line of its segment cannot show.

    The segment's arrival, as in figure 13; or what no segment of the flow caused: the event in parentheses, then the
    new state, as in figure 12.
    """
    row = step.row
    if facts is not None:
        line = replace(_line(facts, "", raw), number=None, comment=f"frame {facts['frame']} arrives")
        line = replace(line, left="...") if step.side else replace(line, right="...")
        return [_Part(step.at, line=line, changes=(step,))]
    time = row["time"] if row["time"] is not None else row["estimate"]
    event = f"({_TIMERS.get(row['event'], row['event'])})"
    return [
        _Part(step.at, time, Line(client=cell) if step.side == 0 else Line(server=cell), changes)
        for cell, changes in ((event, (step,)), (row["to_state"], (step,)))
    ]


def _told(parts: list[_Part], before: list[str]) -> list[Line]:
    """The lines, each with the states after it and the time since the one before."""
    states = list(before)
    lines: list[Line] = []
    clock: int | None = None
    for place, part in enumerate(parts):
        # The changes that a segment makes stand behind its line here, and belong to it.
        upto = next((n for n in range(place + 1, len(parts)) if parts[n].line is not None), len(parts))
        changes = [step for other in parts[place:upto] for step in other.changes]
        for step in changes:
            states[step.side] = step.row["to_state"]
        if part.line is None:
            continue
        line = part.line
        if part.time is None:  # an arrival: its sender's state is told elsewhere
            line = replace(line, server=states[1]) if changes[0].side else replace(line, client=states[0])
        elif line.left:
            line = replace(line, client=states[0], server=states[1])
        # Microseconds tell enough, and leave the line readable.
        wait = 0 if part.time is None or clock is None else round((part.time - clock) / 1000) * 1000
        lines.append(replace(line, wait=wait if wait > 0 else None))
        clock = clock if part.time is None else part.time
    return lines
