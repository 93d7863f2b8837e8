"""Windows over time as a table: what each side lets its peer send, and how much of it the peer uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...schema import SIDES
from ..facts import Facts, FlowLike, facts, has_flag, is_word, sides_of
from ..thin import COLUMNS, thin_marks, thin_range
from .stream import Stream, last_known, merged, stream, stretches, zero_window
from .warp import duration
from .words import count_words

Floats = npt.NDArray[np.float64]

_SCALES = {
    "inferred": "window scale inferred: no SYN in the capture tells it",
    "at_least": "window scale only known to be at least as drawn",
    "unknown": "window scale unknown: windows as they stand in the segments",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """The window that one side advertises, and how its peer uses it.

    ``granted``, ``in_flight``: ``time`` (s), ``octets``, ``low``: steps; thinned, the highest and the lowest of a
    column; ``zero``, ``full``: ``start``, ``end`` (s); ``probes``: ``time``; ``updates``: ``time``, ``octets``;
    ``notes``: ``time``, ``text`` beside the longest zero windows; ``scale``: a sentence where the scale is not known
    for sure (empty: it is); ``raw``: the window is drawn as it stands, unscaled; ``stalls``: a few words about the
    zero windows; ``carries``: octets towards this side; ``peak``: the highest value drawn.
    """

    side: str
    address: str
    granted: pd.DataFrame
    in_flight: pd.DataFrame
    zero: pd.DataFrame
    full: pd.DataFrame
    probes: Floats
    updates: pd.DataFrame
    notes: pd.DataFrame
    scale: str
    raw: bool
    stalls: str
    carries: int

    @property
    def empty(self) -> bool:
        """There is nothing to draw: the side advertised no window that the capture holds, and nothing went to it."""
        return not (self.granted["octets"].notna().any() or (self.in_flight["octets"] > 0).any())

    @property
    def peak(self) -> float:
        """The highest value that is drawn."""
        values = [
            float(np.nanmax(table["octets"]))
            for table in (self.granted, self.in_flight)
            if table["octets"].notna().any()
        ]
        return max([1.0, *values])


@dataclass(frozen=True, slots=True)
class Windows:
    """A panel per side, client first; ``thinned`` is a sentence about what thinning left out (empty: nothing)."""

    facts: Facts
    panels: tuple[Panel, ...]
    thinned: str


def windows_layout(flow: FlowLike, *, side: str | None = None, columns: int = COLUMNS) -> Windows:
    """The windows of both sides, or of one; thinned to so many columns of pixels."""
    known = facts(flow)
    panels = tuple(_panel(flow, known, each, columns) for each in sides_of(side))
    count = len(flow.segments)
    return Windows(known, panels, f"{count:,} segments thinned to {columns} columns" if count > 4 * columns else "")


def _panel(flow: FlowLike, known: Facts, side: str, columns: int) -> Panel:
    peer = SIDES[1 - SIDES.index(side)]
    segments = flow.segments
    used = stream(segments, known.start, peer)
    known_how = _scale(flow.windows, side)
    granted, raw = _granted(segments, used, known_how)
    zero_starts, zero_ends = stretches(used.time, zero_window(segments, used), known.duration)
    full_starts, full_ends = stretches(
        used.time, (used.usable <= 0) & (used.granted > 0) & (used.in_flight > 0), known.duration
    )
    pixel = known.duration / columns
    return Panel(
        side=side,
        address=known.client if side == "client" else known.server,
        granted=_thinned(used.time, granted, columns),
        in_flight=_thinned(used.time, used.in_flight, columns),
        zero=merged(zero_starts, zero_ends, pixel),
        full=merged(full_starts, full_ends, pixel),
        probes=_probes(segments, used, columns),
        updates=_updates(segments, used, granted, columns),
        notes=_notes(zero_starts, zero_ends, known),
        scale=_SCALES.get(known_how, ""),
        raw=raw,
        stalls=_stalls(zero_starts, zero_ends),
        carries=int(segments["length"].to_numpy(np.int64)[used.by_sender].sum()),
    )


def _granted(segments: pd.DataFrame, used: Stream, scale: str) -> tuple[Floats, bool]:
    """The window in force; where its scale is not known, the field as it stands (True). Only zero is then known."""
    if scale in ("known", "inferred") and not np.isnan(used.granted).all():
        return used.granted, False
    advertises = used.by_peer & ~has_flag(segments, "RST")
    field = np.where(advertises, segments["window_raw"].to_numpy(np.float64), np.nan)
    return last_known(field), True


def _thinned(time: Floats, octets: Floats, columns: int) -> pd.DataFrame:
    """Steps: only where the value changes, and the last."""
    when, low, high = thin_range(time, octets, columns=columns)
    table = pd.DataFrame({"time": when, "octets": high, "low": low})
    values = table[["octets", "low"]]
    same = ((values == values.shift(1)) | (values.isna() & values.shift(1).isna())).all(axis=1).to_numpy(bool)
    corner = ~same | (np.arange(len(table)) == len(table) - 1)
    corners: pd.DataFrame = table[corner].reset_index(drop=True)
    return corners


def _probes(segments: pd.DataFrame, used: Stream, columns: int) -> Floats:
    times = used.time[used.by_sender & is_word(segments["label"], "window_probe")]
    return times[thin_marks(times, columns=columns // 4)]


def _updates(segments: pd.DataFrame, used: Stream, granted: Floats, columns: int) -> pd.DataFrame:
    which = np.flatnonzero(used.by_peer & is_word(segments["label"], "window_update"))
    which = which[thin_marks(used.time[which], columns=columns // 4)]
    return pd.DataFrame({"time": used.time[which], "octets": granted[which]})


def _notes(starts: Floats, ends: Floats, known: Facts) -> pd.DataFrame:
    """Words for the longest zero windows, where they are wide enough to hold them."""
    lengths = ends - starts
    longest = [k for k in np.argsort(-lengths, kind="stable")[:4] if lengths[k] > known.duration * 0.06]
    rows = [((starts[k] + ends[k]) / 2, f"zero window\n{duration(float(lengths[k]))}") for k in sorted(longest)]
    return pd.DataFrame(rows, columns=["time", "text"])


def _stalls(starts: Floats, ends: Floats) -> str:
    """How often the window was zero, and for how long; empty if it never was."""
    return (
        f"{count_words(len(starts), 'zero window')}, {duration(float((ends - starts).sum()))} in all"
        if len(starts)
        else ""
    )


def _scale(windows: pd.DataFrame, side: str) -> str:
    """The least that is known of a side's window scale."""
    words = windows.loc[is_word(windows["side"], side), "scale_known"].dropna()
    found = {str(word) for word in words.unique()}
    return next((word for word in ("unknown", "at_least", "inferred") if word in found), "known")
