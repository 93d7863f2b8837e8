"""The arrows of a ladder and the boxes of what is folded in it: where they run, and the words that stand on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...schema import SIDES
from ..facts import Facts, has_flag, numbers, records, words
from .warp import Warp, duration
from .words import count_words, mark_words, octets, segment_words

Floats = npt.NDArray[np.float64]

_TOWARDS = {"client": "\N{RIGHTWARDS ARROW}", "server": "\N{LEFTWARDS ARROW}"}
"""Which way a side's segments go."""

GONE = ("lost_after", "no_effect")
"""Causes of segments that did nothing at their receiver."""


def arrows_table(
    segments: pd.DataFrame, moments: pd.DataFrame, axis: Warp, known: Facts, numbering: str
) -> pd.DataFrame:
    """One row per arrow, places in lines downward and from 0 (client) to 1 (server) across.

    Columns: ``frame``, ``last_frame``, ``count``, ``side``, ``sent``, ``received`` (s), ``from_x``, ``from_y``,
    ``to_x``, ``to_y``, ``text`` (the RFC's words), ``mark`` (what was odd), ``tone`` (ordinary, data, retransmission,
    zero, odd, reset), and ``lost``: it ends in a cross, on the way or, where it may have arrived to no effect, there.
    """
    rows = records(segments.iloc[moments["first"].to_numpy(np.int64)])
    ends = records(segments.iloc[moments["last"].to_numpy(np.int64)])
    groups = records(moments)
    covering = _covering(segments)
    lost = np.array([row["cause"] in GONE for row in rows], bool)
    ignored = np.array([row["cause"] == "no_effect" for row in rows], bool)
    client = (moments["side"] == "client").to_numpy(bool)
    reach = np.where(lost & ~ignored, _reach(known, client), 1.0)
    from_y, to_y = (axis.place(moments[name].to_numpy(np.float64)) for name in ("sent", "received"))
    text = [
        segment_words(row, numbers=numbering, covers=row["frame"] in covering)
        if group["count"] == 1
        else burst_words(row, end, group, numbering)
        for row, end, group in zip(rows, ends, groups, strict=True)
    ]
    table = moments[["frame", "last_frame", "count", "side", "sent", "received"]].reset_index(drop=True)
    return table.assign(
        from_x=np.where(client, 0.0, 1.0),
        from_y=from_y,
        to_x=np.where(client, reach, 1 - reach),
        to_y=from_y + reach * (to_y - from_y),
        text=pd.Series(text, dtype=object),
        mark=pd.Series([_mark(row, group) for row, group in zip(rows, groups, strict=True)], dtype=object),
        tone=pd.Series([_tone(row, group) for row, group in zip(rows, groups, strict=True)], dtype=object),
        lost=lost,
    )


def _reach(known: Facts, client: npt.NDArray[np.bool_]) -> Floats:
    """How far a segment came that was lost after the capture point: half of the way that was left."""
    part = capture_point(known)
    passed = np.where(client, part, 1 - part)
    return np.clip(passed + (1 - passed) / 2, 0.3, 0.85)


def capture_point(known: Facts) -> float:
    """Where between client (0) and server (1) the capture was made, by the delays; in the middle if not known."""
    whole = known.delay_client + known.delay_server
    return 0.5 if np.isnan(whole) or whole <= 0 else known.delay_client / whole


def _covering(segments: pd.DataFrame) -> set[int]:
    """The frames that are the first to acknowledge a SYN or a FIN of the peer."""
    acks, side, frames = numbers(segments["ack"]), words(segments["side"]), segments["frame"].to_numpy(np.int64)
    found: set[int] = set()
    for row in records(segments[has_flag(segments, "SYN", "FIN")]):
        if row["seq"] is None:
            continue
        answers = np.flatnonzero((side != row["side"]) & (acks == row["seq"] + row["length"] + 1))
        found.update(int(frames[k]) for k in answers[:1])
    return found


def burst_words(first: Mapping[str, Any], last: Mapping[str, Any], group: Mapping[str, Any], numbering: str) -> str:
    """What a burst says: how many segments, from which octet to which."""
    count, carried = count_words(group["count"], "segment"), group["client_octets"] + group["server_octets"]
    if not carried:
        key = "ack" if numbering == "relative" and first["ack"] is not None and last["ack"] is not None else "ack_raw"
        return f"{count}  ack={first[key]}\N{HORIZONTAL ELLIPSIS}{last[key]}  no data"
    key = "seq" if numbering == "relative" and first["seq"] is not None and last["seq"] is not None else "seq_raw"
    until = last[key] + last["length"]
    return f"{count}  seq={first[key]}\N{HORIZONTAL ELLIPSIS}{until}  {octets(carried)} in all"


def _mark(row: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    """What was odd about an arrow's segment, in words."""
    if group["count"] > 1:
        return ""
    odd = mark_words(row["label"] or "", row["cause"] or "")
    return ", ".join(word for word in (odd, "zero window" if group["zero_windows"] else "") if word)


def _tone(row: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    """What kind of segment an arrow is, to the eye."""
    if row["label"] == "retransmission" or row["cause"] in GONE:
        return "retransmission"
    if group["zero_windows"]:
        return "zero"
    if "RST" in str(row["flags"]).split(","):
        return "reset"
    if row["label"] in {None, "", "window_update"}:
        return "data" if group["client_octets"] + group["server_octets"] else "ordinary"
    return "odd"


def blocks_table(moments: pd.DataFrame, axis: Warp) -> pd.DataFrame:
    """One row per folded exchange, places in lines.

    Columns: ``frame``, ``last_frame``, ``top``, ``bottom``, ``text``, ``odd`` (it holds retransmissions or zero
    windows).
    """
    groups = records(moments)
    return pd.DataFrame(
        {
            "frame": moments["frame"].to_numpy(np.int64),
            "last_frame": moments["last_frame"].to_numpy(np.int64),
            "top": axis.place(moments["sent"].to_numpy(np.float64)),
            "bottom": axis.place(moments["received"].to_numpy(np.float64)),
            "text": pd.Series(["\n".join(_block_words(group)) for group in groups], dtype=object),
            "odd": (moments["retransmissions"] + moments["zero_windows"]).to_numpy(np.int64) > 0,
        }
    )


def block_heights(moments: pd.DataFrame) -> Floats:
    """How many lines high a box for each of these groups must be."""
    return np.array([0.8 + 1.15 * len(_block_words(group)) for group in records(moments)], np.float64)


def _block_words(group: Mapping[str, Any]) -> list[str]:
    """What a folded exchange held: a line per direction, a line for what was odd in it, and how long it took."""
    lines = []
    for side in SIDES:
        count, carried = group[f"{side}_segments"], group[f"{side}_octets"]
        if count:
            lines.append(
                f"{_TOWARDS[side]} {count_words(count, 'segment')}, {octets(carried) if carried else 'no data'}"
            )
    again, zero = group["retransmissions"], group["zero_windows"]
    odd = [count_words(again, "retransmission")] if again else []
    odd += [count_words(zero, "segment") + " with window 0"] if zero else []
    lines += [", ".join(odd)] if odd else []
    lines[-1] += f", in {duration(group['lasted'])}"
    return lines
