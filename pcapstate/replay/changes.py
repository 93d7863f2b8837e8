"""The table ``windows``: the log of changed windows, with what only the whole connection tells of their scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..schema import MISSING
from .packed import Batches, Columns
from .windows import AT_LEAST, INFERRED, NOT_KNOWN, Change


def windows_table(parts: Sequence[np.ndarray], flow_parts: Batches) -> Columns:
    """The columns of ``schema.WINDOWS``, in the order of frames.

    A window that came before its scale was inferred is scaled with it; one whose scale is only bounded, with the bound.
    """
    log = np.concatenate(parts) if parts else np.zeros(0, Change.dtype)
    kind, scale = scales_of(log["flow"], log["side"], flow_parts)
    window, edge = log["window"].copy(), log["edge"].copy()
    usable, state = log["usable"].copy(), log["state"]
    late = (window < 0) & (scale >= 0)
    window[late] = log["field"][late] << scale[late]
    kind[(log["window"] >= 0) & (kind != INFERRED) & (log["field"] > 0)] = 0
    unknown = (window < 0) | (kind == NOT_KNOWN) & (window != 0)
    return {
        "flow": log["flow"],
        "side": log["side"].astype(np.int8),
        "frame": log["frame"],
        "time": log["time"],
        "window": np.where(unknown, MISSING, window),
        "right_edge": np.where(edge < 0, MISSING, edge),
        "in_flight": log["in_flight"],
        "usable": np.where(edge < 0, MISSING, usable),
        "state": state.astype(np.int8),
        "scale_known": kind.astype(np.int8),
    }


def scales_of(flow: np.ndarray, side: np.ndarray, flow_parts: Batches) -> tuple[np.ndarray, np.ndarray]:
    """For each pair of flow and side: how its scale is known in the end (SCALE_KNOWN), and the shift, -1: none."""
    if not flow_parts:
        return np.zeros(len(flow), np.int64), np.full(len(flow), -1)
    order = np.argsort(flow_parts.column("flow"), kind="stable")
    found = []
    for name in ("scale_known", "scale"):
        both = [flow_parts.column(f"_{of}_{name}")[order][flow].astype(np.int64) for of in ("client", "server")]
        found.append(np.where(side == 0, both[0], both[1]))
    return found[0], found[1]


def scale_late(rows: np.ndarray, flow_parts: Batches) -> None:
    """Windows and right edges of kept segments that came before their scale was inferred, in place."""
    at = np.flatnonzero((rows["window_octets"] < 0) & (rows["flags"] & 4 == 0))
    if not len(at):
        return
    kind, scale = scales_of(rows["flow"][at].astype(np.int64), rows["side"][at], flow_parts)
    at, scale = at[kind == INFERRED], scale[kind == INFERRED]
    rows["window_octets"][at] = rows["window"][at].astype(np.int64) << scale
    acked = rows["ack_known"][at] > 0
    rows["right_edge"][at[acked]] = (rows["ack_relative"][at] + rows["window_octets"][at])[acked]


__all__ = ["AT_LEAST", "scale_late", "scales_of", "windows_table"]
