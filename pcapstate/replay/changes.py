"""The table ``windows``: the log of changed windows, with what only the whole connection tells of their scale.

Segments, too, get the windows that came before their scale was inferred.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..schema import MISSING
from .outcome import Outcomes
from .packed import Columns
from .windows import AT_LEAST, FULL, INFERRED, KNOWN, NOT_KNOWN, OPEN, SYN, ZERO, Change


def windows_table(parts: Sequence[np.ndarray], outcomes: Outcomes) -> Columns:
    """The columns of ``schema.WINDOWS``, in the order of frames.

    A window that came before its scale was inferred is scaled with it; one whose scale is only bounded, with the bound,
    and grants no edge. The window of a SYN is not scaled, and always known.
    """
    log = np.concatenate(parts) if parts else np.zeros(0, Change.dtype)
    kind, scale = scales_of(log["flow"], log["side"], outcomes)
    syn = log["syn"] > 0
    kind = np.where(syn, KNOWN, kind)
    sure = (kind == KNOWN) | (kind == INFERRED)
    window = log["field"] << np.where(syn, 0, np.maximum(scale, 0))
    edge = log["ack"] + window
    usable = np.maximum(edge - log["next"], 0)
    state = np.where(sure & (usable == 0), FULL, OPEN)
    state[log["field"] == 0] = ZERO
    granted = sure | (log["field"] == 0)
    return {
        "flow": log["flow"],
        "side": log["side"].astype(np.int8),
        "frame": log["frame"],
        "time": log["time"],
        "window": np.where((kind == NOT_KNOWN) & (log["field"] > 0), MISSING, window),
        "right_edge": np.where(granted, edge, MISSING),
        "in_flight": log["next"] - log["acked"],
        "usable": np.where(granted, usable, MISSING),
        "state": state.astype(np.int8),
        "scale_known": kind.astype(np.int8),
    }


def scales_of(flow: np.ndarray, side: np.ndarray, outcomes: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """For each pair of flow and side: how its scale is known in the end (SCALE_KNOWN), and the shift, -1: none."""
    if not outcomes:
        return np.full(len(flow), NOT_KNOWN), np.full(len(flow), -1)
    order = np.argsort(outcomes.column("flow"), kind="stable")
    found = []
    for name in ("scale_known", "scale"):
        both = [outcomes.column(f"{of}_{name}")[order][flow].astype(np.int64) for of in ("client", "server")]
        found.append(np.where(side == 0, both[0], both[1]))
    return found[0], found[1]


def scale_late(rows: np.ndarray, outcomes: Outcomes) -> None:
    """In place: windows and right edges of kept segments whose scale was inferred later, or given up again."""
    at = np.flatnonzero((rows["flags"] & (4 | SYN) == 0) & (rows["window"] > 0))
    kind, scale = scales_of(rows["flow"][at].astype(np.int64), rows["side"][at], outcomes)
    gone = at[((kind == NOT_KNOWN) | (kind == AT_LEAST)) & (rows["window_octets"][at] >= 0)]
    rows["window_octets"][gone] = rows["right_edge"][gone] = -1
    late = (kind == INFERRED) & (rows["window_octets"][at] < 0)
    at, scale = at[late], scale[late]
    rows["window_octets"][at] = rows["window"][at].astype(np.int64) << scale
    acked = rows["ack_known"][at] > 0
    rows["right_edge"][at[acked]] = (rows["ack_relative"][at] + rows["window_octets"][at])[acked]
