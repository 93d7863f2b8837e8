"""Settled flows to the columns of ``schema``: vectorised, over all flows of a batch at once."""

from __future__ import annotations

import dataclasses
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np

from ..schema import FLOWS, MISSING, OPENED, SIDES, Coded, Table
from ..tcp import machine
from .memory import Settled
from .notes import note_columns
from .packed import Batches, Columns
from .rows import NEVER
from .sentences import sentences
from .timeline import EVENT_WORDS, Rows, Steps
from .timeline import NOTES as STEP_NOTES

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


def flow_columns(settled: Settled, made: Steps, verdict: Columns) -> Columns:
    """The columns of ``flows`` for one batch; addresses still as words (``_client`` and ``_server``)."""
    flows = settled.flows
    client, server = settled.sides[0::2], settled.sides[1::2]
    flip = flows["flip"][:, None] == 1
    a = np.stack([flows[f"a{i}"] for i in range(4)], axis=1)
    b = np.stack([flows[f"b{i}"] for i in range(4)], axis=1)
    out: Columns = {
        "flow": flows["number"],
        "stream": flows["stream"],
        "_client": np.where(flip, b, a).astype(np.uint32),
        "_server": np.where(flip, a, b).astype(np.uint32),
        "client_port": np.where(flip[:, 0], flows["bport"], flows["aport"]),
        "server_port": np.where(flip[:, 0], flows["aport"], flows["bport"]),
        "roles": flows["roles"].astype(np.int8),
        "start": flows["first_time"],
        "end": flows["last_time"],
        "duration": (flows["last_time"] - flows["first_time"]) / 1e9,
    }
    last = _timer_ends(made)
    final = made.final(MISSING)
    # Who refuses has no connection: RFC 9293's fictional state CLOSED.
    final[1::2][verdict["opened"] == OPENED.index("refused")] = machine.CLOSED
    for k, (side, x) in enumerate(zip(SIDES, (client, server), strict=True)):
        out |= _side_columns(side, x)
        out[f"{side}_state"] = final[k::2]
        out[f"_{side}_timer"] = last[k::2]
    for side, x in (("client", client), ("server", server)):
        out[f"rtt_{side}"] = seconds(x["rtt_min"])
    return out | verdict


def _timer_ends(made: Steps) -> np.ndarray:
    """When TIME_WAIT's timer ends it, ns; MISSING where there is none."""
    return np.where(made.event[:, -1] == machine.TWO_MSL, made.estimate[:, -1], MISSING)


def _side_columns(side: str, x: np.ndarray) -> Columns:
    offered = x["syn_seen"] == 1
    given = {
        "packets": x["packets"],
        "bytes": x["bytes"],
        "mss": np.where(offered, known(x["mss"]), MISSING),
        "window_scale": np.where(offered, known(x["offered_scale"]), MISSING),
        "sack": np.where(offered, x["sack"], -1).astype(np.int8),
        "timestamps": np.where(offered, x["timestamps"], -1).astype(np.int8),
        "isn": np.where(x["isn_known"] == 1, x["isn"], MISSING),
        "zero_windows": x["zero_windows"],
        "retransmissions": x["retransmissions"],
        "reordered": x["reordered"],
        "duplicates": x["duplicates"],
        "lost_before": x["lost_before"],
        "lost_after": x["lost_after"],
    }
    return {f"{side}_{name}": values for name, values in given.items()}


class FlowColumns(Mapping[str, Any]):
    """The finished table ``flows``, in the order of flow numbers; each column is made when it is first asked for."""

    def __init__(self, parts: Batches, last_time: int) -> None:
        self._parts = parts
        self._last_time = last_time
        self._order = np.argsort(parts.column("flow"), kind="stable")
        self._made: Columns = {}

    def __iter__(self) -> Iterator[str]:
        return iter(FLOWS.names)

    def __len__(self) -> int:
        return len(FLOWS.names)

    def __contains__(self, name: object) -> bool:
        return name in FLOWS.names

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            # What begins with a line below is kept beside the table, for its sentences.
            if name not in FLOWS.names and not name.startswith("_"):
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        if name in ("client_address", "server_address"):
            return self._addresses()[name]
        if name == "note" and self._parts:
            return sentences(self)
        if name not in self._parts.names:
            return empty(FLOWS[name].dtype if name in FLOWS.names else "", len(self._order))
        values = self._parts.column(name)
        if isinstance(values, Coded):
            return Coded(values.codes[self._order], values.words)
        values = values[self._order]
        return self._states(name, values) if name in ("client_state", "server_state") else values

    def _addresses(self) -> Columns:
        """Both sides' addresses, of one vocabulary."""
        both = addresses(np.concatenate([self[f"_{side}"].reshape(-1, 4) for side in SIDES]))
        halves = np.split(both.codes, 2)
        self._made |= {f"{side}_address": Coded(codes, both.words) for side, codes in zip(SIDES, halves, strict=True)}
        return self._made

    def _states(self, name: str, states: np.ndarray) -> np.ndarray:
        """A timer that ended within the capture has closed the side."""
        ends = self[f"_{name.split('_', maxsplit=1)[0]}_timer"]
        over = (ends != MISSING) & (ends <= self._last_time)
        # In the words of the column the empty state comes first.
        return (np.where(over, machine.CLOSED, states) + 1).astype(np.int8)


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
    got = {field.name: parts.column(field.name) for field in dataclasses.fields(Rows)}
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


def notes_table(found: np.ndarray, table: Table) -> Columns:
    """The finished table ``notes``, in the order of frames."""
    return note_columns(found)


__all__ = ["Columns", "FlowColumns", "addresses", "empty", "flow_columns", "notes_table", "timeline_table"]
