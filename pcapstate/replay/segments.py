"""The tables with rows for packets: segments, and the windows that are read off them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels import Speed
from ..schema import FLAG_NAMES, MISSING, Coded
from .changes import scale_late
from .codes import LOST_AFTER, LOST_BEFORE, LOST_IN_CAPTURE, NO_CAUSE
from .outcome import Outcomes

LOSSES = (LOST_BEFORE, LOST_AFTER, LOST_IN_CAPTURE)

# What is kept of a segment, in as few octets as hold it.
KEPT = np.dtype(
    [("time", "i8"), ("seq_relative", "i8"), ("ack_relative", "i8"), ("right_edge", "i8")]
    + [(name, "u4") for name in ("frame", "file_frame", "flow", "seq", "ack")]
    + [(name, "i4") for name in ("length", "window_octets", "in_flight", "mss", "window_scale", "proof")]
    + [(name, "i8") for name in ("tsval", "tsecr")]
    + [(f"sack_{edge}{i}", "u4") for i in range(4) for edge in ("left", "right")]
    + [(name, "u2") for name in ("window", "flags")]
    + [(name, "u1") for name in ("side", "ack_known", "label", "cause", "sacks", "file")]
)


def narrow(speed: Speed, table: Any, count: int) -> np.ndarray:
    """The segments of a chunk as a structured array of dtype ``KEPT``."""
    kept = np.empty(count, KEPT)
    if isinstance(table, list):
        for name in KEPT.names or ():
            kept[name] = np.array([getattr(row, name) for row in table[:count]], np.int64)
        return kept
    for name in KEPT.names or ():
        kept[name] = table[name][:count]
    return kept


def flag_words() -> list[str]:
    """The names of every combination of flags: SYN first, then as the bits stand."""
    order = sorted(range(len(FLAG_NAMES)), key=lambda bit: (FLAG_NAMES[bit] != "SYN", bit))
    return [",".join(FLAG_NAMES[bit] for bit in order if flags >> bit & 1) for flags in range(1 << len(FLAG_NAMES))]


def whole(parts: Sequence[np.ndarray]) -> np.ndarray:
    """All that was kept, in one array."""
    return np.concatenate(parts) if parts else np.zeros(0, KEPT)


def apply_relabels(rows: np.ndarray, learned: Sequence[np.ndarray]) -> None:
    """Writes what was learned later into the kept segments, in the order in which it was learned.

    Where a transmission was lost is said only of a segment that has no cause of its own, and taken back only there.
    """
    if not learned or not len(rows):
        return
    log = np.concatenate(learned)
    order = np.argsort(log["frame"], kind="stable")
    log = log[order]
    at = np.searchsorted(rows["frame"], log["frame"])
    new = np.r_[True, log["frame"][1:] != log["frame"][:-1]]
    turn = np.arange(len(log)) - np.maximum.accumulate(np.where(new, np.arange(len(log)), 0))
    for k in range(int(turn.max(initial=-1)) + 1):
        now = turn == k
        to, said = at[now], log[now]
        where = np.isin(said["cause"], LOSSES)
        undo = said["cause"] == NO_CAUSE
        free = (rows["cause"][to] == NO_CAUSE) | ~where
        free &= ~undo | np.isin(rows["cause"][to], LOSSES)
        to, said = to[free], said[free]
        rows["label"][to] = np.where(said["label"] >= 0, said["label"], rows["label"][to])
        rows["cause"][to] = said["cause"]
        rows["proof"][to] = said["proof"]


def segments_table(
    parts: Sequence[np.ndarray], learned: Sequence[np.ndarray] = (), outcomes: Outcomes | None = None
) -> dict[str, Any]:
    """The columns of ``schema.SEGMENTS``. File names are the reader's to tell."""
    rows = whole(parts)
    apply_relabels(rows, learned)
    scale_late(rows, outcomes or Outcomes())
    acked = rows["flags"] & 16 > 0

    def integers(name: str, there: np.ndarray | None = None) -> np.ndarray:
        values = rows[name].astype(np.int64)
        there = values >= 0 if there is None else there
        return np.where(there, values, MISSING)

    return {
        "frame": rows["frame"].astype(np.int64),
        "time": rows["time"].copy(),
        "file": Coded(rows["file"].astype(np.int32), [str(i) for i in range(256)]),
        "file_frame": rows["file_frame"].astype(np.int64),
        "flow": rows["flow"].astype(np.int64),
        "side": rows["side"].astype(np.int8),
        "seq_raw": rows["seq"].astype(np.int64),
        "ack_raw": integers("ack", acked),
        "seq": integers("seq_relative", rows["seq_relative"] > -(1 << 40)),
        "ack": integers("ack_relative", rows["ack_known"] > 0),
        "length": rows["length"].astype(np.int64),
        "flags": Coded((rows["flags"] & 511).astype(np.int32), flag_words()),
        "window_raw": rows["window"].astype(np.int64),
        "window": integers("window_octets"),
        "mss": integers("mss"),
        "window_scale": integers("window_scale"),
        "tsval": integers("tsval"),
        "tsecr": integers("tsecr"),
        "sack": sack_words(rows),
        "in_flight": integers("in_flight"),
        "right_edge": integers("right_edge"),
        "label": rows["label"].astype(np.int8),
        "cause": rows["cause"].astype(np.int8),
        "proof": integers("proof", rows["proof"] > 0),
    }


def sack_words(rows: np.ndarray) -> Coded:
    """SACK blocks as text, relative like the acknowledgement they come with: left-right,..."""
    at = np.flatnonzero((rows["sacks"] > 0) & (rows["ack_known"] > 0))
    texts: list[str] = []
    base = (rows["ack"][at].astype(np.int64) - rows["ack_relative"][at]) & 0xFFFFFFFF
    near = rows["ack_relative"][at]
    blocks = []
    for i in range(4):
        left, right = (
            near + (((rows[f"sack_{edge}{i}"][at].astype(np.int64) - base - near + (1 << 31)) & 0xFFFFFFFF) - (1 << 31))
            for edge in ("left", "right")
        )
        blocks.append(np.char.add(np.char.add(left.astype(str), "-"), right.astype(str)))
    text = blocks[0] if len(at) else np.zeros(0, "U1")
    for i in range(1, 4):
        text = np.where(rows["sacks"][at] > i, np.char.add(np.char.add(text, ","), blocks[i]), text)
    different, codes = np.unique(text, return_inverse=True)
    texts = different.tolist()
    out = np.full(len(rows), -1, np.int32)
    out[at] = codes
    return Coded(out, texts)
