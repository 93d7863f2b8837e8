"""The timing diagram as a table: two lifelines, arrows between them, states beside them, time downward.

Places are in lines (the height of a line of words), downward from the first moment; across, 0 is the client's lifeline
and 1 the server's. An arrow leaves its sender one delay before it passed the capture point and arrives one delay after,
the delays being half the smallest round trip from the capture point to each side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...schema import SIDES
from ..facts import Facts, FlowLike, facts, seconds, words
from .arrows import arrows_table, block_heights, blocks_table, capture_point
from .fold import ROWS, fold
from .labels import place_labels
from .lifelines import LINE, Lifelines, lifelines
from .spans import TO_THE_END, tail, unknown
from .warp import Apart, Warp, clock, duration, warp

Floats = npt.NDArray[np.float64]

SLANTS = (2.5, 4.0, 6.0)
"""How many lines an arrow falls on its way across, where time is to scale: the first that has room for the words."""

CROWDED = 0.02
"""Words may meet for so far across, all together, before the picture is drawn larger."""

LEAST_SLANT = 0.6
"""And how many at least: time runs downward even where the way takes no time that a clock has seen."""

NUDGE = 1e-9
"""Segments of one and the same time are held apart by this many seconds, so that they have an order."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """All that a ladder draws; places are in lines downward.

    ``arrows`` and ``blocks`` (folded exchanges): see `arrows`; ``bands``, ``doubts``, ``names``, ``top`` and
    ``bottom``: see `lifelines`; ``folds``: ``top``, ``bottom``, ``text``; ``ticks``: ``y``, ``text``. ``hidden`` is a
    sentence about what was folded (empty: nothing), ``captured`` is where across the capture was made, ``measured``
    whether the slants are.
    """

    facts: Facts
    arrows: pd.DataFrame
    blocks: pd.DataFrame
    bands: pd.DataFrame
    doubts: pd.DataFrame
    names: pd.DataFrame
    folds: pd.DataFrame
    ticks: pd.DataFrame
    top: float
    bottom: float
    hidden: str
    captured: float
    measured: bool
    unknown: dict[str, str]
    """What to say of a side whose states are not known."""


def ladder_layout(
    flow: FlowLike,
    *,
    frames: tuple[int, int] | None = None,
    time: tuple[float, float] | None = None,
    rows: int = ROWS,
    numbers: str = "relative",
    slants: tuple[float, ...] = SLANTS,
) -> Ladder:
    """The ladder of a flow, or of a range of its frames (both ends included) or of its time (seconds from its start).

    ``rows`` is how many arrows it has at most: longer flows are folded. ``numbers``: ``relative`` or ``raw``. Raises
    ValueError for a range that holds no segment.
    """
    known = facts(flow)
    segments = _chosen(flow.segments, known, frames, time)
    passed = seconds(segments["time"], known.start)
    groups = fold(segments, passed, rows=rows, keep=flow.timeline["frame"].dropna())
    moments = _moments(segments, passed, groups, known)
    sides = lifelines(flow, known, moments, whole=frames is None and time is None)
    exchange = (moments["kind"] == "exchange").to_numpy(bool)
    end = tail(sides.stays, known) if frames is None and time is None else None
    for slant in slants:
        axis = _axis(moments, sides, known, slant, end)
        arrows = place_labels(arrows_table(segments, moments[~exchange], axis, known, numbers))
        if arrows["crowded"].sum() < CROWDED:
            break
    drawn = sides.draw(axis)
    return Ladder(
        facts=known,
        arrows=arrows,
        blocks=blocks_table(moments[exchange], axis),
        bands=drawn.bands,
        doubts=drawn.doubts,
        names=drawn.names,
        folds=_folds(axis, moments[exchange], sides, end),
        ticks=_ticks(moments, sides, axis, known, end),
        top=drawn.top,
        bottom=drawn.bottom,
        hidden=_hidden(groups, len(segments), len(flow.segments)),
        captured=capture_point(known),
        measured=not np.isnan(known.delay_client + known.delay_server),
        unknown={side: "\n".join(wrap(text, 22)) for side, text in unknown(flow, sides.stays).items()},
    )


def _chosen(
    segments: pd.DataFrame, known: Facts, frames: tuple[int, int] | None, time: tuple[float, float] | None
) -> pd.DataFrame:
    _check("frames", frames, "two frame numbers, the first and the last, as in (10, 40)")
    _check("time", time, "two numbers of seconds since the flow's first frame, as in (0.5, 2)")
    first, last = segments["frame"].min(), segments["frame"].max()
    if frames is not None:
        segments = segments[segments["frame"].between(*frames)]
    if time is not None:
        passed = seconds(segments["time"], known.start)
        segments = segments[(passed >= time[0]) & (passed <= time[1])]
    if len(segments) == 0:
        where = [f"frames {frames[0]} to {frames[1]}"] if frames is not None else []
        where += [f"{time[0]:g} to {time[1]:g} s"] if time is not None else []
        raise ValueError(
            f"flow {known.number} has no segment in the range asked for: {', '.join(where) or 'all'}; "
            f"it has frames {first} to {last}, 0 to {known.duration:g} s"
        )
    return segments.reset_index(drop=True)


def _check(name: str, given: object, what: str) -> None:
    """Raises ValueError for what is no range."""
    parts = given if isinstance(given, tuple | list) else ()
    numbers = [part for part in parts if isinstance(part, int | float | np.number) and not isinstance(part, bool)]
    if given is not None and not len(parts) == len(numbers) == 2:
        raise ValueError(f"{name} is {given!r}; it must be {what}")


def _moments(segments: pd.DataFrame, passed: Floats, groups: pd.DataFrame, known: Facts) -> pd.DataFrame:
    """The groups with ``frame``, ``last_frame``, ``side`` and when each was ``sent`` and ``received`` (s).

    A burst is one arrow, drawn when its first segment went; an exchange lasts from its first to its last.
    """
    delays = np.nan_to_num([known.delay_client, known.delay_server])
    first, last = groups["first"].to_numpy(np.int64), groups["last"].to_numpy(np.int64)
    side = words(segments["side"].iloc[first])
    server = (side == "server").astype(np.int64)
    exchange = (groups["kind"] == "exchange").to_numpy(bool)
    sent, received = passed[first] - delays[server], passed[first] + delays[1 - server]
    for own in (0, 1):
        mine = np.flatnonzero((server == own) & ~exchange)
        sent[mine], received[mine] = _in_order(sent[mine]), _in_order(received[mine])
    received = np.maximum(received, sent + NUDGE)
    for k in np.flatnonzero(exchange):
        # A box has no slant: it stands between what came before it and what comes after.
        sent[k] = max([passed[first[k]], *received[max(k - 1, 0) : k]])
        received[k] = max(sent[k] + NUDGE, min([passed[last[k]], *sent[k + 1 : k + 2]]))
    frame = segments["frame"].to_numpy(np.int64)
    return groups.assign(
        frame=frame[first],
        last_frame=frame[last],
        side=side,
        sent=sent,
        received=received,
        lasted=passed[last] - passed[first],
    )


def _in_order(times: Floats) -> Floats:
    """Times made strictly rising, by a nanosecond where the clock did not tick."""
    steps = NUDGE * np.arange(len(times))
    return np.maximum.accumulate(times - steps) + steps if len(times) else times


def _axis(moments: pd.DataFrame, sides: Lifelines, known: Facts, slant: float, end: float | None) -> Warp:
    """The time axis: what leaves, arrives and changes on a lifeline is a line apart, an arrow falls. Up to ``end``, if
    a state lasts on to there."""
    sent, received = moments["sent"].to_numpy(np.float64), moments["received"].to_numpy(np.float64)
    count = len(moments)
    exchange = (moments["kind"] == "exchange").to_numpy(bool)
    tall = np.where(exchange, block_heights(moments), LEAST_SLANT)
    apart = [Apart(k, count + k, float(tall[k])) for k in range(count)]
    lasts: list[int] = []
    times, by_client = [sent, received], (moments["side"] == "client").to_numpy(bool)
    size = 2 * count
    for side, leaves in zip(SIDES, (by_client, ~by_client), strict=True):
        changes = sides.moments(side)
        here = np.where(leaves | exchange, np.arange(count), count + np.arange(count))
        places = np.concatenate([here, count + np.flatnonzero(exchange), size + np.arange(len(changes))]).astype(
            np.int64
        )
        times.append(changes)
        size += len(changes)
        order = places[np.argsort(np.concatenate(times)[places], kind="stable")]
        apart += [Apart(int(a), int(b), LINE) for a, b in pairwise(order)]
        lasts += order[-1:].tolist()
    if end is not None:
        times.append(np.array([end]))
        apart += [Apart(last, size, LINE) for last in lasts]
    everything = np.concatenate(times)
    return warp(everything, scale=_scale(everything, known, slant), apart=apart, fold_over=2.4 * slant)


def _scale(moments: Floats, known: Facts, slant: float) -> float:
    """Lines a second: the way across is ``slant`` lines or, where it is not known, the usual step a line and a half."""
    way = float(np.nansum([known.delay_client, known.delay_server]))
    if way > 1e-6:
        return slant / way
    steps = np.diff(np.unique(moments))
    steps = steps[steps > 2 * NUDGE]
    return 1.5 / float(np.median(steps)) if len(steps) else 1.0


def _folds(axis: Warp, exchanges: pd.DataFrame, sides: Lifelines, end: float | None) -> pd.DataFrame:
    """One row per folded silence: ``top``, ``bottom`` (lines) and ``text``, the time that passes in it.

    What is folded within the box of an exchange is not a silence, and the box says itself how long it took.
    """
    begins, ends = exchanges["sent"].to_numpy(np.float64), exchanges["received"].to_numpy(np.float64)
    last = sides.stays.loc[sides.stays["ends_by"] == "2MSL", "end"].to_numpy(np.float64)
    rows = []
    for k in axis.folds:
        since, until = float(axis.times[k]), float(axis.times[k + 1])
        if not ((begins <= since) & (until <= ends)).any():
            why = " (2MSL)" if np.isin(until, last) else TO_THE_END if until == end else ""
            rows.append((axis.at[k], axis.at[k + 1], duration(until - since) + why))
    return pd.DataFrame(rows, columns=["top", "bottom", "text"]).astype({"top": float, "bottom": float})


def _ticks(moments: pd.DataFrame, sides: Lifelines, axis: Warp, known: Facts, end: float | None) -> pd.DataFrame:
    """Marks of the time axis: ``y`` (lines) and ``text`` (seconds since the first frame), where something leaves."""
    times = np.unique(np.concatenate([moments["sent"].to_numpy(np.float64), *(sides.moments(side) for side in SIDES)]))
    times = times if end is None else np.append(times, end)
    way = float(np.nansum([known.delay_client, known.delay_server]))
    rows: list[tuple[float, str]] = []
    for time, y in zip(times, axis.place(times), strict=True):
        text = clock(time, way, known.duration)
        if not rows or (y - rows[-1][0] >= 1.4 and text != rows[-1][1]):
            rows.append((float(y), text))
    return pd.DataFrame(rows, columns=["y", "text"])


def _hidden(groups: pd.DataFrame, shown: int, whole: int) -> str:
    """What the picture does not show one by one."""
    folded = int(groups.loc[groups["count"] > 1, "count"].sum())
    parts = []
    if shown < whole:
        parts.append(f"{shown:,} of the flow's {whole:,} segments")
    if folded:
        parts.append(f"{folded:,} of {shown:,} segments folded")
    return "; ".join(parts)
