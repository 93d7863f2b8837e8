"""A time axis for people: to scale where things happen, folded where nothing does, never two lines on one another.

Captures hold microseconds and minutes side by side. The axis is made of pieces between the moments at which something
happens. A piece is drawn to scale; where that would be longer than a few lines it is folded to a fixed length (and
marked with the time that passes in it), and where it would be too short for the words it is drawn apart. So order and
relative length of what is close together stay true, and every fold says what it hides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FOLD_OVER = 6.0
"""A silence longer than this many lines is folded."""

FOLDED = 1.5
"""Length of a fold, in lines."""


@dataclass(frozen=True, slots=True)
class Warp:
    """A monotonous map from time (seconds) to place (lines from the start): ``at`` at the moments ``times``."""

    times: Floats
    at: Floats
    folds: tuple[int, ...]
    """Indices i of the pieces from ``times[i]`` to ``times[i + 1]`` that are folded."""
    scale: float
    """Lines a second, where drawn to scale."""

    @property
    def length(self) -> float:
        """The whole axis, in lines."""
        return float(self.at[-1])

    def place(self, times: npt.ArrayLike) -> Floats:
        """The places of these times; what lies outside is put at the ends, NaN stays NaN."""
        wanted = np.asarray(times, np.float64)
        return np.where(np.isnan(wanted), np.nan, np.interp(wanted, self.times, self.at))


@dataclass(frozen=True, slots=True)
class Apart:
    """A demand: moment ``later`` lies at least ``lines`` after ``earlier`` (positions in the list of moments)."""

    earlier: int
    later: int
    lines: float


def warp(
    moments: npt.ArrayLike,
    *,
    scale: float,
    apart: list[Apart] | None = None,
    fold_over: float = FOLD_OVER,
    folded: float = FOLDED,
) -> Warp:
    """The map for these moments (seconds, in any order, equal ones allowed), at ``scale`` lines a second.

    ``apart`` demands room between pairs of moments. A moment is never placed before an earlier one. Raises ValueError
    for no moments at all and for a demand that runs against time.
    """
    times = np.asarray(moments, np.float64)
    if len(times) == 0:
        raise ValueError("a time axis needs at least one moment")
    distinct, position = np.unique(times, return_inverse=True)
    demands = _demands(apart or [], position)
    at = np.zeros(len(distinct))
    folds = []
    for k in range(1, len(distinct)):
        piece = (distinct[k] - distinct[k - 1]) * scale
        if piece > fold_over:
            folds.append(k - 1)
            piece = folded
        at[k] = max([at[k - 1] + piece, *(at[earlier] + lines for earlier, lines in demands.get(k, ()))])
    return Warp(distinct, at, tuple(folds), scale)


def _demands(apart: list[Apart], position: npt.NDArray[np.intp]) -> dict[int, list[tuple[int, float]]]:
    """Demands by the later moment. Moments of the same time cannot be held apart: such a demand says nothing."""
    found: dict[int, list[tuple[int, float]]] = {}
    for demand in apart:
        earlier, later = int(position[demand.earlier]), int(position[demand.later])
        if earlier > later:
            raise ValueError(f"moment {demand.later} lies before moment {demand.earlier}")
        if earlier < later:
            found.setdefault(later, []).append((earlier, demand.lines))
    return found


def clock(time: float, way: float, lasts: float) -> str:
    """A time of an axis: milliseconds, or as much more as it takes to tell the ``way`` across apart, where little time
    goes by in all (both in seconds)."""
    digits = int(np.clip(np.ceil(-np.log10(way)) + 1, 3, 6)) if way > 0 else 6
    digits = 3 if lasts >= 1 or time >= 10 else digits
    return f"{time:.{digits}f}".replace("-0." + "0" * digits, "0." + "0" * digits)


def duration(span: float) -> str:
    """A length of time in words, three digits: ``2.5 ms``, ``60 s``, ``2 min 5 s``."""
    if span >= 120:
        minutes, rest = divmod(round(span), 60)
        hours, minutes = divmod(minutes, 60)
        parts = [(hours, "h"), (minutes, "min"), (rest if not hours else 0, "s")]
        return " ".join(f"{value} {unit}" for value, unit in parts if value)
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("\N{MICRO SIGN}s", 1e-6)):
        if span >= size * 0.9995 or unit == "\N{MICRO SIGN}s":
            return f"{span / size:.3g} {unit}"
    raise AssertionError("not reached")
