"""All flows of a capture as lanes over time: what state each was in, and which of them failed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

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

    ``lanes``: ``flow``, ``lane`` (from 0, downward), ``name``, ``verdict``, ``failed``, ``start``, ``end`` (s).
    ``bands``: ``flow``, ``lane``, ``side``, ``state``, ``left``, ``right`` (s), only what is visible. ``count`` flows
    in ``shown`` lanes; ``failures`` of them failed.
    """

    lanes: pd.DataFrame
    bands: pd.DataFrame
    start: int
    duration: float
    count: int
    failures: int
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
        several = f"of each {self.count / self.shown:.0f} in turn one that failed, or the longest"
        return f"{self.shown:,} of {self.count:,} flows drawn: {several}"


def capture_layout(capture: CaptureLike, *, lanes: int = LANES, lines: int = LINES) -> Lanes:
    """The lanes of a capture: all flows, or, where there are more than ``lines``, one of each several."""
    flows = capture.flows
    if len(flows) == 0:
        raise ValueError("the capture holds no TCP flow")
    begin, end = nanoseconds(flows["start"]), nanoseconds(flows["end"])
    start = int(begin.min())
    failed = is_word(flows["close_reason"], *FAILURES) | is_word(flows["opened"], *_ATTEMPTS)
    chosen = _chosen(failed, end - begin, lines)
    table = pd.DataFrame(
        {
            "flow": flows["flow"].to_numpy(np.int64)[chosen],
            "lane": np.arange(len(chosen)),
            "failed": failed[chosen],
            "start": (begin[chosen] - start) / 1e9,
            "end": (end[chosen] - start) / 1e9,
        }
    )
    duration = max(float((end.max() - start) / 1e9), 1e-6)
    named = len(chosen) <= lanes
    picked = flows.iloc[chosen]
    table["name"] = _names(picked) if named else ""
    table["verdict"] = _verdicts(picked)
    return Lanes(
        table, _bands(capture.timeline, table, start, duration), start, duration, len(flows), int(failed.sum()), named
    )


def _chosen(failed: npt.NDArray[np.bool_], length: npt.NDArray[np.int64], lines: int) -> npt.NDArray[np.int64]:
    """Of each run of flows one: the longest of those that failed, or else the longest."""
    count = len(failed)
    if count <= lines:
        return np.arange(count)
    line = np.arange(count) * lines // count
    order = np.lexsort((-length, ~failed, line))
    first = np.append(True, line[order][1:] != line[order][:-1])
    return np.sort(order[first])


def _names(flows: pd.DataFrame) -> list[str]:
    columns = flows[["flow", "client_address", "client_port", "server_address", "server_port"]]
    return [
        f"{number}  {endpoint(a, p)} \N{RIGHTWARDS ARROW} {endpoint(b, q)}"
        for number, a, p, b, q in columns.itertuples(index=False)
    ]


def _verdicts(flows: pd.DataFrame) -> list[str]:
    reason, by = words(flows["close_reason"]), words(flows["closed_by"])
    verdicts = []
    for why, who in zip(reason, by, strict=True):
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
