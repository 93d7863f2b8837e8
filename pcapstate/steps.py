"""Where on a ladder each change of state stands: at the line of its segment, or at one of its own.

A segment's line shows both sides after it, as if it left and arrived at one moment. Where arrows cross that hides what
the receiver was in between: it sent something, or changed its state, while the segment was still on its way. Then the
segment takes two lines, as in RFC 9293's figures 7 and 13: its departure, ``-->  ...``, and its arrival, ``... -->``.

Places count the flow's segments from 0, in the order of capture; what stands between two of them lies halfway. Knows
no text: ``exchange`` makes the lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .schema import MISSING, SIDES

if TYPE_CHECKING:
    from .flow import Side

BETWEEN = 0.5
"""Where a line of its own stands behind a segment."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change of state on a ladder: ``at``, its place, and the ``row`` of the timeline.

    ``segment`` is the place of the segment that caused it, -1 where none did; ``apart``: it needs a line of its own,
    for no segment caused it, or the segment arrives later than the ladder's lines go on.
    """

    side: int
    at: float
    row: dict[str, Any]
    segment: int
    apart: bool
    since: int = 0


def steps_of(side: Side, frames: np.ndarray, times: np.ndarray, sides: np.ndarray, seen: np.ndarray) -> list[Step]:
    """The changes of a side's state, in their order.

    ``frames``, ``times`` and ``sides``: of the flow's segments; ``seen``: which of them the ladder shows.
    """
    rows = side.transitions
    own = sides == side.index
    delay = _delay(side)
    causes = [_place(frames, row["frame"]) for row in rows]
    sends = [cause >= 0 and bool(own[cause]) for cause in causes]
    until = _next_sent(causes, sends)
    steps: list[Step] = []
    reached, since = -1.0, 0
    for row, cause, sent, limit in zip(rows, causes, sends, until, strict=True):
        if cause < 0:
            since = max(since, _time(row))
            at = _behind(int(np.searchsorted(np.maximum.accumulate(times), _time(row), side="right")) - 1)
        elif sent:
            at = float(cause)
        else:
            at = _behind(crossed) if (crossed := _crossed(row, cause, frames, times - delay, own & seen)) else cause
        # It comes after the one before it and before what the side sends next, whatever the estimates say.
        at = max(at, reached if reached == cause else _behind(reached)) if reached >= at else at
        if not sent and at > limit:
            at = max(_behind(limit - 1), reached)
        steps.append(Step(side.index, at, row, cause, apart=at != cause, since=since))
        reached = at
    return steps


def _behind(place: float) -> float:
    """A place behind a segment, or where something else stands behind it already."""
    return float(np.floor(place)) + BETWEEN


def _place(frames: np.ndarray, frame: int | None) -> int:
    """The place of the segment in a frame, -1 where the flow has none in it."""
    if frame is None:
        return -1
    place = int(np.searchsorted(frames, frame))
    return place if place < len(frames) and frames[place] == frame else -1


def _delay(side: Side) -> float:
    """Nanoseconds from the capture point to the side, 0 where nothing tells."""
    rtt = side.flow.facts[f"rtt_{SIDES[side.index]}"]
    return 0.0 if rtt is None else rtt * 1e9 / 2


def _time(row: dict[str, Any]) -> int:
    return next((row[name] for name in ("time", "estimate") if row[name] is not None), MISSING)


def _next_sent(causes: list[int], sends: list[bool]) -> list[float]:
    """For each change, the place of the next one that the side's own segment makes."""
    limits, limit = [], np.inf
    for cause, sent in zip(reversed(causes), reversed(sends), strict=True):
        limits.append(limit)
        limit = cause if sent else limit
    return limits[::-1]


def _crossed(row: dict[str, Any], cause: int, frames: np.ndarray, left: np.ndarray, own: np.ndarray) -> int:
    """The last segment that the receiver sent before the one at ``cause`` arrived, though it was captured later.

    By the estimate of the arrival and when segments ``left``; what the proof of the arrival or a later segment tells
    needs no estimate. 0 where there is none.
    """
    if row["estimate"] is None:
        return 0
    proof = len(frames) if row["proof"] is None else int(np.searchsorted(frames, row["proof"]))
    later = np.arange(cause + 1, proof)
    crossing = later[own[later] & (left[later] < row["estimate"])]
    return int(crossing[-1]) if len(crossing) else 0
