"""Folding a long exchange: of a hundred thousand segments, some thirty lines that a person can read.

What matters stays by itself: SYN, FIN, RST first, then what stalls (a zero window begins, a timeout), then what was odd
(other retransmissions, probes). Ordinary data and acknowledgements between are folded, first runs of data in one
direction (a burst), then runs of both directions (an exchange), then the odd ones too, then the stalls, and in the end
all that is neither near the beginning nor near the end.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..facts import has_flag, is_word, numbers

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

ROWS = 28
"""How many lines a ladder has at most unless told."""

_SPLITS = 8
"""How often a long exchange is parted at its longest silences, where there is room."""

_PACES = 8
"""Into how many stretches of time a transfer is parted that nothing else parts."""

_MANY = 200
"""A group of fewer segments is not parted by time alone."""

COLUMNS = (
    "first",
    "last",
    "count",
    "kind",
    "client_segments",
    "server_segments",
    "client_octets",
    "server_octets",
    "retransmissions",
    "zero_windows",
)


def fold(segments: pd.DataFrame, times: npt.ArrayLike, *, rows: int = ROWS, keep: npt.ArrayLike = ()) -> pd.DataFrame:
    """Segments (the table, in order of time; ``times`` in seconds) as at most about ``rows`` groups, in order.

    Columns: ``first``, ``last`` (positions, int64), ``count``, ``kind`` (``one``, ``burst``: of one side,
    ``exchange``: both sides), segments and octets of each side (new and old alike), ``retransmissions``,
    ``zero_windows``. The frames ``keep`` stay by themselves, like SYN, FIN and RST. Raises ValueError when ``rows``
    is under 4.
    """
    if rows < 4:
        raise ValueError(f"rows is {rows}; a ladder needs 4 or more")
    classes = _Classes(segments, np.asarray(keep, np.int64))
    starts = _starts(classes, np.asarray(times, np.float64), rows)
    return _summed(classes, starts)


class _Classes:
    """What each segment is, as arrays."""

    def __init__(self, segments: pd.DataFrame, keep: Integers) -> None:
        self.client = is_word(segments["side"], "client")
        self.length = segments["length"].to_numpy(np.int64)
        self.control = has_flag(segments, "SYN", "FIN", "RST") | np.isin(segments["frame"].to_numpy(np.int64), keep)
        self.zero = (numbers(segments["window"]) == 0) & ~has_flag(segments, "RST")
        self.retransmission = is_word(segments["label"], "retransmission")
        ordinary = is_word(segments["label"], "", "window_update", "duplicate_ack")
        lost = is_word(segments["cause"], "lost_after", "no_effect")
        self.severe = _begins(self.zero, self.client) | (self.retransmission & is_word(segments["cause"], "timeout"))
        self.odd = (~ordinary & ~segments["label"].isna().to_numpy(bool)) | lost | self.zero


def _begins(condition: Booleans, client: Booleans) -> Booleans:
    """Where a condition begins to hold, each side counted by itself."""
    found = np.zeros(len(condition), bool)
    for place in (np.flatnonzero(client), np.flatnonzero(~client)):
        own = condition[place]
        found[place[own & ~np.append(False, own[:-1])]] = True
    return found


def _starts(classes: _Classes, times: npt.NDArray[np.float64], rows: int) -> Booleans:
    """Where a group begins: the gentlest folding that needs no more than ``rows`` groups."""
    count = len(times)
    every = np.ones(count, bool)
    if count <= rows:
        return every
    plain = ~classes.control & ~classes.odd
    for starts in (
        _run_starts(plain & (classes.length > 0), classes.client),
        _run_starts(plain, classes.client),
        _run_starts(plain, None),
        _run_starts(~classes.control & ~classes.severe, None),
        _run_starts(~classes.control, None),
        _middle_folded(count, rows),
    ):
        if starts.sum() <= rows:
            return _paced(_split(starts, times, rows), times, rows)
    raise AssertionError("not reached: the last folding has no more than `rows` groups")


def _run_starts(foldable: Booleans, kind: Booleans | None) -> Booleans:
    """A group begins wherever a segment or the one before it may not be folded, or ``kind`` changes."""
    starts = np.ones(len(foldable), bool)
    starts[1:] = ~(foldable[1:] & foldable[:-1])
    if kind is not None:
        starts[1:] |= kind[1:] != kind[:-1]
    return starts


def _middle_folded(count: int, rows: int) -> Booleans:
    starts = np.ones(count, bool)
    starts[rows // 2 : count - (rows - rows // 2 - 1)] = False
    starts[rows // 2] = True
    return starts


def _split(starts: Booleans, times: npt.NDArray[np.float64], rows: int) -> Booleans:
    """Parts groups at long silences, the longest first, while there is room.

    A silence is long that is a fiftieth of the whole, and four times what usually passes between two segments.
    """
    steps = np.diff(times)
    gaps = np.where(starts[1:], 0.0, steps)
    room = min(rows - int(starts.sum()), _SPLITS)
    if room <= 0:
        return starts
    long = np.flatnonzero(gaps > max((times[-1] - times[0]) / 50, 4 * float(np.median(steps))))
    split = starts.copy()
    split[1:][long[np.argsort(-gaps[long], kind="stable")[:room]]] = True
    return split


def _paced(starts: Booleans, times: npt.NDArray[np.float64], rows: int) -> Booleans:
    """Parts what is still long into equal stretches of time, while there is room: one sees how a transfer went on.

    Long is a group of many segments that lasts for more than one of the ``_PACES`` parts of the whole.
    """
    paced = starts.copy()
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(starts)) - 1
    whole = times[-1] - times[0]
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        lasts = times[b] - times[a]
        parts = min(round(_PACES * lasts / whole) if whole > 0 else 0, 1 + rows - int(paced.sum()))
        if parts > 1 and b - a >= _MANY:
            cuts = np.searchsorted(times[a : b + 1], times[a] + lasts * np.arange(1, parts) / parts)
            paced[a + cuts] = True
    return paced


def _summed(classes: _Classes, starts: Booleans) -> pd.DataFrame:
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(starts)) - 1

    def total(values: npt.NDArray[np.int64] | Booleans) -> Integers:
        return np.add.reduceat(values.astype(np.int64), first) if len(first) else np.zeros(0, np.int64)

    count = last - first + 1
    client = total(classes.client)
    burst = (client == 0) | (client == count)
    return pd.DataFrame(
        {
            "first": first,
            "last": last,
            "count": count,
            "kind": np.where(count == 1, "one", np.where(burst, "burst", "exchange")),
            "client_segments": client,
            "server_segments": count - client,
            "client_octets": total(np.where(classes.client, classes.length, 0)),
            "server_octets": total(np.where(classes.client, 0, classes.length)),
            "retransmissions": total(classes.retransmission),
            "zero_windows": total(classes.zero),
        }
    )
