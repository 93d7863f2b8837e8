"""Thinning: of a million points, those that the eye can tell apart.

A picture has some hundred columns of pixels. In each column a line needs no more than its first point, its lowest,
its highest and its last: what lies between is painted over by them. So a thinned line looks the same as the whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

COLUMNS = 900
"""Columns of pixels that a picture is thinned to unless told: a page's width at common resolutions."""


def thin(x: npt.ArrayLike, y: npt.ArrayLike, *, columns: int = COLUMNS) -> Integers:
    """Which points of a line to keep: per column of pixels its first, lowest, highest and last.

    ``x`` is sorted, ``y`` is of the same length and may hold NaN (a gap in the line: the first of each column is kept,
    so that the gap stays). Returns the indices to keep, int64, sorted; all of them where there are few.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(xs) <= 4 * columns:
        return np.arange(len(xs), dtype=np.int64)
    first = column_starts(xs, columns)
    last = np.append(first[1:], len(xs)) - 1
    column = np.repeat(np.arange(len(first)), last - first + 1)
    missing = np.isnan(ys)
    kept = [first, last, _where_first(missing, column)]
    for extreme, filler in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        filled = np.where(missing, filler, ys)
        kept.append(_where_first((filled == extreme.reduceat(filled, first)[column]) & ~missing, column))
    return np.unique(np.concatenate(kept)).astype(np.int64)


def thin_bars(
    x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, *, columns: int = COLUMNS
) -> tuple[Floats, Floats, Floats]:
    """Bars from ``low`` to ``high`` at ``x``, one per column of pixels: its first place, lowest and highest end.

    ``x`` is sorted; without NaN. Returns (x, low, high), float64; all bars where there are few.
    """
    xs, lows, highs = (np.asarray(values, np.float64) for values in (x, low, high))
    if len(xs) <= 4 * columns:
        return xs, lows, highs
    first = column_starts(xs, columns)
    return xs[first], np.minimum.reduceat(lows, first), np.maximum.reduceat(highs, first)


def thin_range(x: npt.ArrayLike, y: npt.ArrayLike, *, columns: int = COLUMNS) -> tuple[Floats, Floats, Floats]:
    """The lowest and the highest of each column of pixels, for what is drawn as an area of steps.

    ``x`` is sorted, ``y`` of the same length; NaN is left out of account (a column of nothing else has NaN). Before
    columns without a point the last value of the one before stands by itself: it is what lasts. Returns (x, lowest,
    highest), float64; every point by itself where there are few.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(xs) <= 4 * columns:
        return xs, ys, ys
    first = column_starts(xs, columns)
    last = np.append(first[1:], len(xs)) - 1
    lasting = last[:-1][xs[first[1:]] - xs[last[:-1]] > (xs[-1] - xs[0]) / columns]
    place = np.concatenate([first, lasting])
    order = np.argsort(place, kind="stable")
    low = np.concatenate([np.fmin.reduceat(ys, first), ys[lasting]])
    high = np.concatenate([np.fmax.reduceat(ys, first), ys[lasting]])
    return xs[place][order], low[order], high[order]


def thin_marks(x: npt.ArrayLike, *, columns: int = COLUMNS) -> Integers:
    """Which of many marks to keep: the first of each column of pixels. ``x`` is sorted. Returns indices, int64."""
    xs = np.asarray(x, np.float64)
    return np.arange(len(xs), dtype=np.int64) if len(xs) <= columns else column_starts(xs, columns)


def column_starts(x: Floats, columns: int) -> Integers:
    """The index of the first point of each column that holds one, int64. ``x`` is sorted and not empty."""
    edges = np.linspace(x[0], x[-1], columns + 1)[:-1]
    return np.unique(np.searchsorted(x, edges, side="left")).astype(np.int64)


def _where_first(condition: npt.NDArray[np.bool_], column: Integers) -> Integers:
    """The first index of each column where the condition holds; none for a column where it never does."""
    places = np.flatnonzero(condition)
    if len(places) == 0:
        return places.astype(np.int64)
    new = np.ones(len(places), bool)
    new[1:] = column[places[1:]] != column[places[:-1]]
    return places[new].astype(np.int64)
