"""Intervals that the tables imply: how long each window was zero, what opened it, and how often it was probed.

All flows and both sides at once, from numpy columns as the replay hands them on.
"""

from __future__ import annotations

import numpy as np

from .schema import LABELS, MISSING, WINDOW_STATES, ZERO_WINDOWS
from .values import Columns

ZERO, PROBE = WINDOW_STATES.index("zero"), LABELS.index("window_probe")


def zero_windows(windows: Columns, segments: Columns) -> Columns:
    """The columns of ``schema.ZERO_WINDOWS``, in the order in which the windows closed.

    A window is zero from the segment that says so to the next newer one that says otherwise; if none did, there is no
    end. Probes are those of the peer between the two.
    """
    flow, side, frame, time, state = (np.asarray(windows[name]) for name in ("flow", "side", "frame", "time", "state"))
    owner = 2 * flow.astype(np.int64) + side
    order = np.lexsort((np.arange(len(owner)), owner))
    owner, frame, time, zero = owner[order], frame[order], time[order], state[order] == ZERO
    if not len(owner):
        return {name: np.zeros(0, np.int64) for name in ZERO_WINDOWS.names}
    with_next = np.append(owner[1:] == owner[:-1], False)
    after_zero = np.append(False, (zero & with_next)[:-1])
    first = np.flatnonzero(zero & ~after_zero)
    last = np.flatnonzero(zero & ~(with_next & np.append(zero[1:], False)))
    ended = with_next[last]
    opener = np.where(ended, last + 1, last)
    end_frame = np.where(ended, frame[opener], MISSING)
    made: Columns = {
        "flow": owner[first] // 2,
        "side": (owner[first] % 2).astype(np.int8),
        "start": time[first],
        "end": np.where(ended, time[opener], MISSING),
        "start_frame": frame[first],
        "end_frame": end_frame,
        "probes": _probes(segments, owner[first], frame[first], end_frame),
    }
    sooner = np.argsort(frame[first], kind="stable")
    return {name: np.asarray(values)[sooner] for name, values in made.items()}


def _probes(segments: Columns, owner: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How many window probes the peer of each ``owner`` (twice the flow, and the side) sent between two frames."""
    probe = np.asarray(segments["label"]) == PROBE
    frame, flow, side = (np.asarray(segments[name])[probe].astype(np.int64) for name in ("frame", "flow", "side"))
    beyond = max(int(frame.max(initial=0)), int(start.max(initial=0))) + 1
    marks = np.sort((2 * flow + 1 - side) * (beyond + 1) + frame)
    until = np.where(end == MISSING, beyond, np.minimum(end, beyond))
    low, high = (np.searchsorted(marks, owner * (beyond + 1) + at) for at in (start, until))
    count: np.ndarray = high - low
    return count
