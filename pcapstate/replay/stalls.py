"""The table ``stalls``: long gaps in each side's sending, from the log of ``limits`` and what lasted until the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .limits import Stall

KEPT = np.dtype(
    [("start", "i8"), ("end", "i8")]
    + [(name, "u4") for name in ("flow", "start_frame", "end_frame")]
    + [(name, "u1") for name in ("side", "cause", "detail")]
)
"""What is kept of a stall until somebody asks for the table, in as few octets as hold it."""


def narrow(log: np.ndarray) -> np.ndarray:
    """Rows of ``limits.Stall`` as they are kept."""
    kept = np.empty(len(log), KEPT)
    for name in KEPT.names or ():
        kept[name] = log[name]
    return kept


def stalls_table(parts: Sequence[np.ndarray]) -> dict[str, Any]:
    """The columns of ``schema.STALLS`` from narrowed rows, in the order in which the stalls began."""
    rows = np.concatenate(parts) if parts else narrow(np.zeros(0, Stall.dtype))
    rows = rows[np.lexsort((rows["end_frame"], rows["start_frame"], rows["start"]))]
    return {
        "flow": rows["flow"].astype(np.int64),
        "side": rows["side"].astype(np.int8),
        "start": rows["start"].copy(),
        "end": rows["end"].copy(),
        "duration": (rows["end"] - rows["start"]) / 1e9,
        "cause": rows["cause"].astype(np.int8),
        "detail": rows["detail"].astype(np.int8),
        "start_frame": rows["start_frame"].astype(np.int64),
        "end_frame": rows["end_frame"].astype(np.int64),
    }
