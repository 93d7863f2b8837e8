"""What was told of settled flows to the columns of ``schema``: vectorised, over all flows of a capture at once."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np

from ..schema import FLOWS, LIMITS, MISSING, SIDES, Coded, Table
from ..tcp import machine
from .history import history_columns
from .notes import note_columns
from .outcome import Outcomes
from .packed import Batches, Columns
from .performance import limited_by, shares
from .rows import NEVER
from .sentences import sentences
from .timeline import EVENT_WORDS, Step
from .timeline import NOTES as STEP_NOTES
from .verdicts import POINTS

MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
"""Odd 64-bit numbers: a sum of products by them tells addresses apart (a multiplicative hash)."""


def addresses(words: np.ndarray) -> Coded:
    """Addresses as text, each different one once. ``words``: shape (n, 4), the 32-bit words of each."""
    rows = np.ascontiguousarray(words, np.uint64).reshape(-1, 4)
    # One number instead of four sorts ten times as fast; should two addresses share it, the slow way is right.
    mixed = (rows * MIX).sum(axis=1, dtype=np.uint64)
    _, first, codes = np.unique(mixed, return_index=True, return_inverse=True)
    different = rows[first]
    if not np.array_equal(different[codes], rows):
        different, codes = np.unique(rows, axis=0, return_inverse=True)
    return Coded(codes.reshape(-1).astype(np.int32), Addresses(different))


class Addresses(Sequence[str]):
    """Addresses as text, each written when it is asked for: of a hundred thousand a summary names a few."""

    def __init__(self, words: np.ndarray) -> None:
        self._words = words
        self._texts: list[str] | None = None

    def __len__(self) -> int:
        return len(self._words)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...

    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return Addresses(self._words[at])
        return address(self._words[at].tolist())

    def __iter__(self) -> Iterator[str]:
        if self._texts is None:
            self._texts = [address(words) for words in self._words.tolist()]
        return iter(self._texts)


def address(words: Sequence[int]) -> str:
    """An address of four 32-bit words; IPv4 is 0, 0, 0xffff, address."""
    if words[0] == 0 and words[1] == 0 and words[2] == 0xFFFF:
        return socket.inet_ntop(socket.AF_INET, struct.pack("!I", words[3]))
    return socket.inet_ntop(socket.AF_INET6, struct.pack("!IIII", *words))


def known(values: np.ndarray, missing: int = -1) -> np.ndarray:
    """Integers with MISSING in place of ``missing``."""
    return np.where(values == missing, MISSING, values)


def seconds(values: np.ndarray) -> np.ndarray:
    """Nanoseconds to seconds; NEVER and negative ones become NaN."""
    return np.where((values >= 0) & (values < NEVER), values / 1e9, np.nan)


class FlowColumns(Mapping[str, Any]):
    """The finished table ``flows``, in the order of flow numbers; each column is made when it is first asked for."""

    def __init__(self, outcomes: Outcomes, last_time: int) -> None:
        self._outcomes = outcomes
        self._last_time = last_time
        self._order = np.argsort(outcomes.column("flow"), kind="stable")
        self._made: Columns = {}

    def __iter__(self) -> Iterator[str]:
        return iter(FLOWS.names)

    def __len__(self) -> int:
        return len(FLOWS.names)

    def __contains__(self, name: object) -> bool:
        return name in FLOWS.names

    def __getitem__(self, name: str) -> Any:
        if name not in FLOWS.names:
            if not name.startswith("_"):
                raise KeyError(name)
            # What begins with a line below is no column: an outcome that one is made from.
            return self.outcome(name[1:])
        if name not in self._made:
            self._made |= self._make(name)
        return self._made[name]

    def addresses(self, side: str) -> np.ndarray:
        """The addresses of a side in words, shape (flows, 4)."""
        return self._outcomes.addresses(side)[self._order]

    def outcome(self, name: str) -> np.ndarray:
        """One of ``outcome.Outcomes``, in the order of flow numbers."""
        return self._outcomes.column(name)[self._order]

    def _make(self, name: str) -> Columns:
        dtype = FLOWS[name].dtype
        if not self._outcomes:
            return {name: empty(dtype, 0)}
        if name in DERIVED:
            return DERIVED[name](self)
        values = self.outcome(name)
        if name in ("client_state", "server_state"):
            ends = self.outcome(name.replace("state", "timer"))
            # A timer that ended within the capture has closed the side. In the words of the column the empty state
            # comes first.
            values = np.where((ends != MISSING) & (ends <= self._last_time), machine.CLOSED, values) + 1
        return {name: values.astype(np.int8) if dtype in ("category", "boolean") else values}


# --- columns that are made from outcomes, some of them together ---------------------------------------------------


def _addresses(flows: FlowColumns) -> Columns:
    """Both sides' addresses, of one vocabulary."""
    both = addresses(np.concatenate([flows.addresses(side) for side in SIDES]))
    halves = np.split(both.codes, 2)
    return {f"{side}_address": Coded(codes, both.words) for side, codes in zip(SIDES, halves, strict=True)}


def _histories(flows: FlowColumns) -> Columns:
    octets = flows["client_bytes"] + flows["server_bytes"]
    return history_columns([flows.outcome(f"history{i}") for i in range(3)], flows.outcome("history_count"), octets)


def _limits(side: str) -> Callable[[FlowColumns], Columns]:
    def make(flows: FlowColumns) -> Columns:
        parts = shares([flows.outcome(f"{side}_of_{limit}") for limit in LIMITS], flows[f"{side}_packets"])
        made: Columns = {f"{side}_limited_{limit}": parts[:, k].astype(np.float32) for k, limit in enumerate(LIMITS)}
        return made | {f"{side}_limited_by": limited_by(parts)}

    return make


def _in_seconds(column: str, outcome: str) -> Callable[[FlowColumns], Columns]:
    return lambda flows: {column: seconds(flows.outcome(outcome))}


DERIVED: dict[str, Callable[[FlowColumns], Columns]] = {
    "duration": lambda flows: {"duration": (flows["end"] - flows["start"]) / 1e9},
    "note": lambda flows: {"note": sentences(flows)},
    "capture_point": lambda flows: {
        "capture_point": Coded(flows.outcome("capture_point").astype(np.int32), list(POINTS))
    },
    "client_address": _addresses,
    "server_address": _addresses,
    "history": _histories,
    "conn_state": _histories,
    "rtt_handshake": _in_seconds("rtt_handshake", "rtt_handshake"),
    **{f"rtt_{side}": _in_seconds(f"rtt_{side}", f"{side}_rtt") for side in SIDES},
    **{f"rtt_{side}_median": _in_seconds(f"rtt_{side}_median", f"{side}_rtt_median") for side in SIDES},
    **{f"rtt_{side}_smoothed": _in_seconds(f"rtt_{side}_smoothed", f"{side}_rtt_smoothed") for side in SIDES},
    **{f"{side}_zero_window_time": _in_seconds(f"{side}_zero_window_time", f"{side}_zero_time") for side in SIDES},
    **{f"{side}_limited_{of}": _limits(side) for side in SIDES for of in ("by", *LIMITS)},
}
"""How each is made, with those that come along."""


def empty(dtype: str, count: int) -> Any:
    """A column in which nothing is known."""
    if dtype == "float64":
        return np.full(count, np.nan)
    if dtype in ("Int64", "datetime64[ns, UTC]"):
        return np.full(count, MISSING)
    if dtype == "string":
        return Coded(np.full(count, -1, np.int32), [])
    if dtype in ("category", "boolean"):
        return np.full(count, -1, np.int8)
    return np.zeros(count, np.int64)


def dwells(flow: np.ndarray, side: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """Seconds since the row before, NaN in a side's first; rows are grouped by side."""
    dwell = np.full(len(flow), np.nan)
    same = (flow[1:] == flow[:-1]) & (side[1:] == side[:-1])
    dwell[1:][same] = (estimate[1:] - estimate[:-1])[same] / 1e9
    return dwell


def timeline_table(parts: Batches, flows: FlowColumns) -> Columns:
    """The finished table ``timeline``: by flow, then by estimated time, a side's rows always in their order.

    ``flows``: the finished table, whose rows are in the order of flow numbers, without a gap.
    """
    got = {name: parts.column(name) for name in Step.fields}
    got["dwell"] = dwells(got["flow"], got["side"], got["estimate"])
    order = np.lexsort((np.arange(len(got["flow"])), got["estimate"], got["flow"]))
    got = {name: values[order] for name, values in got.items()}
    flow = got["flow"]
    is_client = got["side"] == 0
    out: Columns = {"flow": flow, "side": got["side"].astype(np.int8)}
    ports = [flows[f"{side}_port"][flow] for side in SIDES]
    codes = [flows[f"{side}_address"].codes[flow] for side in SIDES]
    words = flows["client_address"].words
    out["address"] = Coded(np.where(is_client, *codes), words)
    out["port"] = np.where(is_client, *ports)
    out["peer_address"] = Coded(np.where(is_client, *codes[::-1]), words)
    out["peer_port"] = np.where(is_client, *ports[::-1])
    out["frame"] = known(got["frame"], 0)
    out["time"] = got["at"]
    # In the words of the column the empty state comes first.
    out["from_state"] = (got["before"] + 1).astype(np.int8)
    out["event"] = Coded(got["event"].astype(np.int32), list(EVENT_WORDS))
    out["to_state"] = got["after"].astype(np.int8)
    out["evidence"] = (got["grade"] - 1).astype(np.int8)
    out["earliest"] = got["low"]
    out["latest"] = got["high"]
    out["estimate"] = got["estimate"]
    out["proof"] = known(got["proof"], 0)
    out["dwell"] = got["dwell"]
    out["note"] = Coded(got["note"].astype(np.int32) - 1, list(STEP_NOTES[1:]))
    return out


def waits(outcomes: Outcomes) -> Columns:
    """Of the timeline, what tells how long sides wait: that a side came into CLOSE_WAIT and is still there, that it
    left TIME_WAIT; of these rows the columns that say so. Without looking through all steps."""
    parts: list[Columns] = []
    for place, side in enumerate(SIDES):
        stays = np.flatnonzero(outcomes.column(f"{side}_state") == machine.CLOSE_WAIT)
        until = outcomes.column(f"{side}_waited_until")
        leaves = np.flatnonzero(until != MISSING)
        since = outcomes.column(f"{side}_close_waits")[stays]
        until = until[leaves]
        none = np.full(len(stays), np.nan)
        made: dict[str, tuple[Any, Any]] = {
            "from_state": (np.zeros(len(stays), np.int8), np.full(len(leaves), machine.TIME_WAIT + 1, np.int8)),
            "to_state": (np.full(len(stays), machine.CLOSE_WAIT, np.int8), np.zeros(len(leaves), np.int8)),
            "latest": (since, np.full(len(leaves), MISSING)),
            "estimate": (since, until),
            "dwell": (none, (until - outcomes.column(f"{side}_waited")[leaves]) / 1e9),
        }
        rows = np.concatenate([stays, leaves])
        columns: Columns = {name: np.concatenate(both) for name, both in made.items()}
        parts.append({"flow": outcomes.column("flow")[rows], "side": np.full(len(rows), place, np.int8), **columns})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def notes_table(found: np.ndarray, table: Table) -> Columns:
    """The finished table ``notes``, in the order of frames."""
    return note_columns(found)


__all__ = ["Columns", "FlowColumns", "addresses", "empty", "notes_table", "timeline_table", "waits"]
