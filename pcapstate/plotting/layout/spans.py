"""From the timeline to spans: which side was in which state from when to when, and how sure that is.

Used by the ladder's lifelines, by the lanes of `states` and `capture`, and by the path through the machine.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schema import SIDES
from ..facts import Facts, FlowLike, numbers, seconds, words

CUT_SHORT = "2MSL, cut short"
"""How a TIME_WAIT ends that a new SYN on the same ports ends before its time (RFC 6191)."""

TAIL = 1_000_000_000
"""ns for which the capture goes on after a flow's last segment, before that is drawn."""

TO_THE_END = " to the end of the capture"

COLUMNS = (
    "flow",
    "side",
    "state",
    "start",
    "end",
    "earliest",
    "latest",
    "event",
    "evidence",
    "frame",
    "ends_by",
    "proof",
)


def spans(timeline: pd.DataFrame, start: int) -> pd.DataFrame:
    """The states of all sides in a timeline, one row per stay, in the order flow, side, time.

    ``start`` is where time begins, in ns since 1970 UTC. Columns: ``flow`` (int64), ``side``, ``state`` (str);
    ``start``, ``end`` (float64, seconds; NaN: before, after what is known), ``earliest``, ``latest`` (float64, seconds,
    the bounds of the start; NaN where nothing bounds it), ``event``, ``evidence`` (of the transition that begins it;
    empty for the state that the first transition leaves), ``frame``, ``proof`` (float64, NaN: none) and ``ends_by``,
    the event that ends it (empty: nothing seen; ``CUT_SHORT``: its 2MSL was not over when the ports were used again).
    """
    if len(timeline) == 0:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    flow, side = timeline["flow"].to_numpy(np.int64), words(timeline["side"])
    order = np.lexsort((np.arange(len(flow)), side == "server", flow))
    moves = _moves(timeline.iloc[order], start)
    flow, side = flow[order], side[order]
    first = np.ones(len(flow), bool)
    first[1:] = (flow[1:] != flow[:-1]) | (side[1:] != side[:-1])
    stays = _stays(moves, flow, side, first)
    before = _before(moves, flow, side, first & (moves["from_state"] != ""))
    table = pd.concat([stays, before]) if len(before) else stays
    # A stable sort by the row that a span belongs to puts the state before a side's first transition in front of it.
    return table.sort_values(["row", "after"], kind="stable")[list(COLUMNS)].reset_index(drop=True)


def flow_spans(flow: FlowLike, start: int) -> pd.DataFrame:
    """The states of both sides of one flow, as `spans` has them; a side that never changed its state has one stay."""
    found = [spans(flow.timeline, start)]
    for side, state in zip(SIDES, (flow.client_state, flow.server_state), strict=True):
        if state and not (found[0]["side"] == side).any():
            found.append(_unchanged(flow.number, side, state))
    return pd.concat([table for table in found if len(table)], ignore_index=True) if len(found) > 1 else found[0]


def tail(stays: pd.DataFrame, known: Facts) -> float | None:
    """When the capture ends (s), where a side is left in a state that lasts to there, well past the last segment."""
    lasts = stays["end"].isna() & ~stays["state"].isin(["CLOSED", "LISTEN"])
    return (known.until - known.start) / 1e9 if known.until - known.end > TAIL and lasts.any() else None


def covered(bands: pd.DataFrame, side: str, place: float, begin: str = "left", end: str = "right") -> bool:
    """Whether a side has a band at this place: where it has none, a fold has nothing to cut."""
    own = bands[bands["side"] == side]
    return bool(((own[begin] <= place) & (place <= own[end])).any())


def unknown(flow: FlowLike, stays: pd.DataFrame) -> dict[str, str]:
    """The sides without a stay, and why nothing is known of them."""
    silent = {side: not (flow.segments["side"] == side).any() for side in SIDES}
    return {
        side: "no segment of this side in the capture" if silent[side] else "state not known"
        for side in SIDES
        if not (stays["side"] == side).any()
    }


def _unchanged(number: int, side: str, state: str) -> pd.DataFrame:
    missing = dict.fromkeys(("start", "end", "earliest", "latest", "frame", "proof"), np.nan)
    words = dict.fromkeys(("event", "evidence", "ends_by"), "")
    return pd.DataFrame([{"flow": number, "side": side, "state": state, **missing, **words}])[list(COLUMNS)]


def uncertain(stays: pd.DataFrame) -> pd.DataFrame:
    """The stays whose beginning has bounds that can be drawn: from ``earliest`` to ``latest``.

    Without a latest time (a presumption that nothing confirms) it lasts until the side is seen to change again, or for
    good: NaN. Where nothing bounds it from below there is nothing to draw.
    """
    bounded = stays["start"].notna() & stays["earliest"].notna()
    found = stays[bounded & (stays["latest"].notna() | (stays["evidence"] == "presumed"))]
    return found.assign(latest=found["latest"].where(found["latest"].notna(), found["end"]))


def _moves(timeline: pd.DataFrame, start: int) -> dict[str, np.ndarray]:
    estimate, time = seconds(timeline["estimate"], start), seconds(timeline["time"], start)
    moves: dict[str, np.ndarray] = {
        name: words(timeline[name]) for name in ("from_state", "to_state", "event", "evidence")
    }
    cut = [note.startswith("Cut short") for note in words(timeline["note"])]
    moves["ended"] = np.where(np.asarray(cut, bool) & (moves["event"] == "2MSL"), CUT_SHORT, moves["event"])
    moves["at"] = np.where(np.isnan(estimate), time, estimate)
    moves["earliest"], moves["latest"] = (seconds(timeline[name], start) for name in ("earliest", "latest"))
    moves["frame"], moves["proof"] = (numbers(timeline[name]) for name in ("frame", "proof"))
    return moves


def _stays(moves: dict[str, np.ndarray], flow: np.ndarray, side: np.ndarray, first: np.ndarray) -> pd.DataFrame:
    """The state that each transition enters, until the next transition of the side."""
    last = np.append(first[1:], True)
    end = np.where(last, np.nan, np.append(moves["at"][1:], np.nan))
    return pd.DataFrame(
        {
            "row": np.arange(len(flow)),
            "after": 1,
            "flow": flow,
            "side": side,
            "state": moves["to_state"],
            "start": moves["at"],
            "end": np.maximum(end, moves["at"]),
            "earliest": moves["earliest"],
            "latest": moves["latest"],
            "event": moves["event"],
            "evidence": moves["evidence"],
            "frame": moves["frame"],
            "ends_by": np.where(last, "", np.append(moves["ended"][1:], "")),
            "proof": moves["proof"],
        }
    )


def _before(moves: dict[str, np.ndarray], flow: np.ndarray, side: np.ndarray, which: np.ndarray) -> pd.DataFrame:
    """The state that the first transition of a side leaves, since before the capture knows."""
    none = np.full(int(which.sum()), np.nan)
    return pd.DataFrame(
        {
            "row": np.flatnonzero(which),
            "after": 0,
            "flow": flow[which],
            "side": side[which],
            "state": moves["from_state"][which],
            "start": none,
            "end": moves["at"][which],
            "earliest": none,
            "latest": none,
            "event": "",
            "evidence": "",
            "frame": none,
            "ends_by": moves["ended"][which],
            "proof": none,
        }
    )
