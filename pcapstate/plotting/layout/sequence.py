"""The time-sequence picture as tables: each direction's segments, acknowledgements and right edge (tcptrace's kind)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...schema import SIDES
from ..facts import Facts, FlowLike, facts, has_flag, is_word, sides_of, words
from ..thin import COLUMNS, thin, thin_bars, thin_marks
from .stream import Stream, merged, stream, stretches, zero_window

Floats = npt.NDArray[np.float64]

KINDS = ("data", "retransmission", "other")
"""Bars: data sent for the first time, sent again, and neither (reordered, duplicates, probes, out of window)."""

EDGE_IN_VIEW = 2.5
"""A right edge more than this many times as high as all that was sent would press all else to the ground."""

TOGETHER = 0.06
"""Marks closer than this part of the duration have no room for a word each."""

_SACK_ROWS = 1500
"""Of more acknowledgements with SACK blocks than this, one per column of pixels is drawn."""


@dataclass(frozen=True, slots=True)
class Direction:
    """What one side sends.

    ``bars``: ``kind``, ``time`` (s), ``low``, ``high`` (relative sequence numbers); ``acknowledged``, ``edge``:
    ``time``, ``seq``, steps; ``sack``: ``time``, ``low``, ``high``; ``marks``: ``time``, ``seq``, ``text`` (SYN, FIN,
    RST, with how many where several stand together); ``zero``: ``start``, ``end`` (s), when the peer's window was 0.
    """

    side: str
    octets: int
    bars: pd.DataFrame
    acknowledged: pd.DataFrame
    edge: pd.DataFrame
    sack: pd.DataFrame
    marks: pd.DataFrame
    zero: pd.DataFrame

    @property
    def empty(self) -> bool:
        """There is nothing to draw: the side sent no data, SYN, FIN or RST, and nothing was acknowledged."""
        return not (len(self.bars) or len(self.marks) or len(self.acknowledged))

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest number worth showing: a right edge far above all that was sent is out of view.

        So is a SYN with another first number than the stream's, unless there is nothing else.
        """
        ends = [self.bars["low"], self.bars["high"], self.acknowledged["seq"]]
        if not any(map(len, ends)):
            ends = [self.marks["seq"]]
        used = np.concatenate([each.to_numpy(np.float64) for each in ends])
        low, high = (float(used.min()), max(float(used.max()), float(used.min()) + 1)) if len(used) else (0.0, 1.0)
        edge = float(self.edge["seq"].max()) if len(self.edge) else low
        return low, max(high, edge if edge - low <= EDGE_IN_VIEW * (high - low) else low + 1.2 * (high - low))

    @property
    def edge_seen(self) -> bool:
        """Whether some of the right edge is within the bounds."""
        return bool(self.edge["seq"].between(*self.bounds).any())

    @property
    def edge_above(self) -> float | None:
        """The highest right edge, where that is out of view; None where it is not, or there is none."""
        highest = self.edge["seq"].max() if len(self.edge) else -np.inf
        return float(highest) if highest > self.bounds[1] else None


@dataclass(frozen=True, slots=True)
class Sequence:
    """The directions that are drawn; ``thinned`` is a sentence about what thinning left out (empty: nothing)."""

    facts: Facts
    directions: tuple[Direction, ...]
    thinned: str


def sequence_layout(flow: FlowLike, *, side: str | None = None, columns: int = COLUMNS) -> Sequence:
    """Both directions, or what one side sends; thinned to so many columns of pixels.

    Without ``side``, a direction that carries no octet is left out if the other does carry some.
    """
    known = facts(flow)
    segments = flow.segments
    length = segments["length"].to_numpy(np.int64)
    carried = {each: int(length[is_word(segments["side"], each)].sum()) for each in SIDES}
    shown = list(sides_of(side))
    if side is None:
        shown = [each for each in SIDES if carried[each]] or list(SIDES)
    directions = tuple(_direction(segments, known, each, carried[each], columns) for each in shown)
    thinned = len(segments) > 4 * columns
    return Sequence(known, directions, f"{len(segments):,} segments thinned to {columns} columns" if thinned else "")


def _direction(segments: pd.DataFrame, known: Facts, side: str, octets: int, columns: int) -> Direction:
    sent = stream(segments, known.start, side)
    return Direction(
        side=side,
        octets=octets,
        bars=_bars(segments, sent, columns),
        acknowledged=_steps(sent.time, sent.acknowledged, columns),
        edge=_steps(sent.time, sent.edge, columns),
        sack=_sack(segments, sent, columns),
        marks=_together(_marks(segments, sent), known.duration),
        zero=merged(*stretches(sent.time, zero_window(segments, sent), known.duration), known.duration / columns),
    )


def _bars(segments: pd.DataFrame, sent: Stream, columns: int) -> pd.DataFrame:
    carries = sent.by_sender & (segments["length"].to_numpy(np.int64) > 0) & ~np.isnan(sent.low)
    again = carries & is_word(segments["label"], "retransmission")
    new = carries & ~again & (is_word(segments["label"], "") | segments["label"].isna().to_numpy(bool))
    tables = []
    for kind, which in zip(KINDS, (new, again, carries & ~again & ~new), strict=True):
        place = np.flatnonzero(which)
        time, low, high = thin_bars(sent.time[place], sent.low[place], sent.high[place], columns=columns)
        tables.append(pd.DataFrame({"kind": kind, "time": time, "low": low, "high": high}))
    return pd.concat(tables, ignore_index=True)


def _steps(time: Floats, seq: Floats, columns: int) -> pd.DataFrame:
    """A line of steps, only its corners: where it changes, and its two ends."""
    known = np.flatnonzero(~np.isnan(seq))
    time, seq = time[known], seq[known]
    corner = np.ones(len(seq), bool)
    corner[1:-1] = seq[1:-1] != seq[:-2]
    time, seq = time[corner], seq[corner]
    kept = thin(time, seq, columns=columns)
    return pd.DataFrame({"time": time[kept], "seq": seq[kept]})


def _sack(segments: pd.DataFrame, sent: Stream, columns: int) -> pd.DataFrame:
    blocks = segments["sack"]
    place = np.flatnonzero(sent.by_peer & blocks.notna().to_numpy(bool))
    if len(place) > _SACK_ROWS:
        place = place[thin_marks(sent.time[place], columns=columns)]
    rows = []
    for time, text in zip(sent.time[place], blocks.iloc[place], strict=True):
        for block in str(text).split(","):
            left, _, right = block.partition("-")
            if left.isdigit() and right.isdigit():
                rows.append((time, float(left), float(right)))
    return pd.DataFrame(rows, columns=["time", "low", "high"])


def _marks(segments: pd.DataFrame, sent: Stream) -> pd.DataFrame:
    place = np.flatnonzero(sent.by_sender & has_flag(segments, "SYN", "FIN", "RST") & ~np.isnan(sent.high))
    flags = words(segments["flags"].iloc[place])
    text = [next(word for word in ("SYN", "RST", "FIN") if word in kind.split(",")) for kind in flags]
    # At their own number, as the ladder tells it: the SYN's is 0, the FIN's follows the octets before it.
    seq = sent.low[place] + np.where(np.array(text) == "SYN", 0, segments["length"].to_numpy(np.int64)[place])
    return pd.DataFrame({"time": sent.time[place], "seq": seq, "text": pd.Series(text, dtype=object)})


def _together(marks: pd.DataFrame, duration: float) -> pd.DataFrame:
    """Marks of one kind and one number that stand closer than their words are wide become one, which says how many."""
    rows: list[tuple[float, float, str, int]] = []
    last: dict[tuple[str, float], tuple[int, float]] = {}
    for time, seq, text in marks.itertuples(index=False):
        place, before = last.get((text, seq), (-1, -np.inf))
        if time - before <= TOGETHER * duration:
            rows[place] = (*rows[place][:3], rows[place][3] + 1)
        else:
            place = len(rows)
            rows.append((time, seq, text, 1))
        last[text, seq] = (place, time)
    return pd.DataFrame(
        [
            (time, seq, text if count == 1 else f"{text} \N{MULTIPLICATION SIGN}{count}")
            for time, seq, text, count in rows
        ],
        columns=["time", "seq", "text"],
    )
