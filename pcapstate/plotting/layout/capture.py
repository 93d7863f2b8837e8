"""All flows of a capture as lanes over time: what state each was in, which failed, and which were never closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...lingering import leaks
from ...schema import SIDES, Coded
from ..facts import CaptureLike, endpoint, is_word, nanoseconds, words
from .spans import spans

LANES = 60
"""Up to so many flows have a lane with a name each."""

LINES = 500
"""More flows than that share lines: a line then stands for several flows."""

FAILURES = (
    "refused",
    "no_socket",
    "abort",
    "abort_unread",
    "data_after_close",
    "bad_handshake",
    "reset",
    "keep_alive_failure",
    "middlebox",
    "timeout",
    "unanswered",
)
"""Reasons of an end that a user would call a failure: nothing answered, or a reset ended it."""

_ATTEMPTS = ("refused", "unanswered", "half_open", "aborted")


@dataclass(frozen=True, slots=True)
class Lanes:
    """What a picture of all flows draws.

    ``lanes``: ``flow``, ``lane`` (from 0, downward), ``name``, ``verdict``, ``failed``, ``leaked`` (its program has
    not closed), ``start``, ``end`` (s). ``bands``: ``flow``, ``lane``, ``side``, ``state``, ``left``, ``right`` (s),
    only what is visible. ``count`` flows in ``shown`` lanes; ``failures`` of them failed, ``leaks`` were left in
    CLOSE_WAIT; about ``remarkable`` there is something to say at all, and ``told`` of these are drawn.
    """

    lanes: pd.DataFrame
    bands: pd.DataFrame
    start: int
    duration: float
    count: int
    failures: int
    leaks: int
    remarkable: int
    told: int
    named: bool

    @property
    def shown(self) -> int:
        """How many lanes there are."""
        return len(self.lanes)

    @property
    def thinned(self) -> str:
        """What the picture leaves out; empty where it shows every flow."""
        if self.shown == self.count:
            return ""
        drawn = f"{self.shown:,} of {self.count:,} flows drawn"
        some = "all" if self.told == self.remarkable else f"{self.told:,} of"
        found = f"{some} {self.remarkable:,} with findings, and of the others " if self.remarkable else ""
        return f"{drawn}: {found}those that lasted longest"


def capture_layout(capture: CaptureLike, *, lanes: int = LANES, lines: int = LINES) -> Lanes:
    """The lanes of a capture: all flows, or, where there are more than ``lines``, those to look at first."""
    flows = capture.flows
    if len(flows) == 0:
        raise ValueError("the capture holds no TCP flow")
    begin, end = nanoseconds(flows["start"]), nanoseconds(flows["end"])
    start = int(begin.min())
    failed: npt.NDArray[np.bool_] = is_word(flows["close_reason"], *FAILURES) | is_word(flows["opened"], *_ATTEMPTS)
    leaked = _leaks(capture)
    forgotten = np.logical_or(leaked[:, 0], leaked[:, 1])
    last = max(int(end.max()), capture.times[1])
    kinds = _kinds(flows, failed, leaked)
    chosen = _chosen(kinds, _lengths(flows, begin, end, last), lines)
    table = pd.DataFrame(
        {
            "flow": flows["flow"].to_numpy(np.int64)[chosen],
            "lane": np.arange(len(chosen)),
            "failed": failed[chosen],
            "leaked": forgotten[chosen],
            "start": (begin[chosen] - start) / 1e9,
            "end": (end[chosen] - start) / 1e9,
        }
    )
    duration = max(float((last - start) / 1e9), 1e-6)
    named = len(chosen) <= lanes
    picked = flows.iloc[chosen]
    table["name"] = _names(picked) if named else ""
    table["verdict"] = _verdicts(picked, leaked[chosen])
    return Lanes(
        lanes=table,
        bands=_bands(capture.timeline, table, start, duration),
        start=start,
        duration=duration,
        count=len(flows),
        failures=int(failed.sum()),
        leaks=int(forgotten.sum()),
        remarkable=int((kinds != "").sum()),
        told=int((kinds[chosen] != "").sum()),
        named=named,
    )


def _leaks(capture: CaptureLike) -> npt.NDArray[np.bool_]:
    """Whose program has not closed; shape (n, 2), the client's and the server's."""
    flows, timeline, stalls = capture.flows, capture.timeline, capture.stalls
    return leaks(
        {"flow": flows["flow"].to_numpy(np.int64), "end": nanoseconds(flows["end"])}
        | {f"{side}_state": _coded(flows[f"{side}_state"]) for side in SIDES},
        {"flow": timeline["flow"].to_numpy(np.int64)}
        | {name: _coded(timeline[name]) for name in ("side", "to_state")}
        | {name: nanoseconds(timeline[name]) for name in ("latest", "estimate")},
        {"flow": stalls["flow"].to_numpy(np.int64), "start": nanoseconds(stalls["start"])}
        | {name: _coded(stalls[name]) for name in ("side", "detail")},
        capture.times[1],
    )


def _coded(values: pd.Series[Any]) -> Coded:
    kinds = pd.Categorical(values)
    return Coded(np.asarray(kinds.codes, np.int32), [str(word) for word in kinds.categories])


def _kinds(
    flows: pd.DataFrame, failed: npt.NDArray[np.bool_], leaked: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    """What there is to say about each flow, in a word, empty where there is nothing: how it failed, who leaks it,
    or whose window was zero."""
    reason, opened = words(flows["close_reason"]), words(flows["opened"])
    kinds = np.where(failed, np.where(is_word(flows["opened"], *_ATTEMPTS), opened, reason), "").astype(object)
    for place, side in enumerate(SIDES):
        zero = flows[f"{side}_zero_windows"].fillna(0).to_numpy(np.int64) > 0
        kinds = np.where((kinds == "") & leaked[:, place], f"CLOSE_WAIT of {side}", kinds)
        kinds = np.where((kinds == "") & zero, f"zero window of {side}", kinds)
    return kinds


def _lengths(
    flows: pd.DataFrame, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64], last: int
) -> npt.NDArray[np.int64]:
    """For how long each flow was a connection: to its last frame, or to the capture's where a side has it still."""
    over = [is_word(flows[f"{side}_state"], "CLOSED", "TIME_WAIT", "LISTEN") for side in SIDES]
    until: npt.NDArray[np.int64] = np.where(over[0] & over[1], end, last)
    return until - begin


def _chosen(kinds: npt.NDArray[np.object_], length: npt.NDArray[np.int64], lines: int) -> npt.NDArray[np.int64]:
    """All flows, or those to look at first: every kind of finding its share of four fifths of the lines, the rarest
    whole; then, in each run of the others, the one that lasted longest."""
    count = len(kinds)
    if count <= lines:
        return np.arange(count)
    found, of = np.unique(kinds.astype(str), return_inverse=True)
    sizes = np.bincount(of, minlength=len(found))
    rarest = [kind for kind in np.argsort(sizes, kind="stable").tolist() if found[kind]]
    chosen: list[npt.NDArray[np.int64]] = []
    left = lines * 4 // 5
    for turn, kind in enumerate(rarest):
        share = -(-left // (len(rarest) - turn))
        chosen.append(_longest_of_each(np.flatnonzero(of == kind), length, share))
        left -= len(chosen[-1])
    chosen.append(_longest_of_each(np.flatnonzero(kinds == ""), length, lines - sum(map(len, chosen))))
    return np.sort(np.concatenate(chosen))


def _longest_of_each(flows: npt.NDArray[np.int64], length: npt.NDArray[np.int64], runs: int) -> npt.NDArray[np.int64]:
    """Of each of so many runs of these flows the longest; all where they are no more than that."""
    if len(flows) <= runs or not runs:
        return flows[:runs]
    run = np.arange(len(flows)) * runs // len(flows)
    order = np.lexsort((-length[flows], run))
    first = np.append(True, run[order][1:] != run[order][:-1])
    longest: npt.NDArray[np.int64] = flows[order[first]]
    return longest


def _names(flows: pd.DataFrame) -> list[str]:
    columns = flows[["flow", "client_address", "client_port", "server_address", "server_port"]]
    return [
        f"{number}  {endpoint(a, p)} \N{RIGHTWARDS ARROW} {endpoint(b, q)}"
        for number, a, p, b, q in columns.itertuples(index=False)
    ]


def _verdicts(flows: pd.DataFrame, leaked: npt.NDArray[np.bool_]) -> list[str]:
    reason, by = words(flows["close_reason"]), words(flows["closed_by"])
    verdicts = []
    for why, who, forgot in zip(reason, by, leaked, strict=True):
        if forgot.any():
            verdicts.append(f"not closed by {' and '.join(np.array(SIDES)[forgot])}")
            continue
        active = who in {"client", "server"} and why not in {"refused", "unanswered"}
        verdicts.append(f"{why.replace('_', ' ')} by {who}" if active else why.replace("_", " "))
    return verdicts


def _bands(timeline: pd.DataFrame, lanes: pd.DataFrame, start: int, duration: float) -> pd.DataFrame:
    """The states from each flow's first frame to the end of the capture; CLOSED and LISTEN leave their lane empty."""
    stays = spans(timeline[timeline["flow"].isin(lanes["flow"])], start)
    if len(stays) == 0:
        return pd.DataFrame(columns=["flow", "lane", "side", "state", "left", "right"])
    lane = lanes.set_index("flow")["lane"]
    own = lane.reindex(stays["flow"]).to_numpy(np.int64)
    begin = lanes["start"].to_numpy(np.float64)[own]
    left = np.fmax(np.nan_to_num(stays["start"].to_numpy(np.float64), nan=-np.inf), begin)
    right = np.fmin(np.nan_to_num(stays["end"].to_numpy(np.float64), nan=np.inf), duration)
    idle = is_word(stays["state"], "CLOSED", "LISTEN")
    shown = ~idle & (right >= left)
    table = pd.DataFrame(
        {
            "flow": stays["flow"],
            "lane": own,
            "side": stays["side"],
            "state": stays["state"],
            "left": left,
            "right": right,
        }
    )
    visible: pd.DataFrame = table.loc[shown].reset_index(drop=True)
    return visible
