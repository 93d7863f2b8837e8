"""Settled flows to the columns of ``schema``: vectorised, over all flows of a batch at once."""

from __future__ import annotations

import dataclasses
import socket
import struct
from collections import UserDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..schema import FLOWS, MISSING, OPENED, SIDES, Coded, Table
from ..tcp import machine
from .memory import Settled
from .notes import note_columns
from .rows import NEVER
from .sentences import sentences
from .timeline import EVENT_WORDS, Rows, Steps
from .timeline import NOTES as STEP_NOTES

Columns = dict[str, Any]

MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
"""Odd 64-bit numbers: a sum of products by them tells addresses apart (a multiplicative hash)."""


def addresses(words: np.ndarray) -> Coded:
    """Addresses as text, each different one written once. ``words``: shape (n, 4), the 32-bit words of each."""
    rows = np.ascontiguousarray(words, np.uint64).reshape(-1, 4)
    # One number instead of four sorts ten times as fast; should two addresses share it, the slow way is right.
    mixed = (rows * MIX).sum(axis=1, dtype=np.uint64)
    _, first, codes = np.unique(mixed, return_index=True, return_inverse=True)
    different = rows[first]
    if not np.array_equal(different[codes], rows):
        different, codes = np.unique(rows, axis=0, return_inverse=True)
    return Coded(codes.reshape(-1).astype(np.int32), [address(row) for row in different.tolist()])


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
    # A view would keep the whole batch in memory for one column's sake.
    return {
        name: values.copy() if getattr(values, "base", None) is not None else values
        for name, values in (out | verdict).items()
    }


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


def joined(parts: Sequence[Columns], name: str) -> Any:
    """One column of all batches, in the order in which they were settled."""
    return np.concatenate([part[name] for part in parts]) if parts else np.zeros(0, np.int64)


class FlowColumns(UserDict[str, Any]):
    """The columns of ``flows``. The sentences of ``note`` are written when they are first asked for."""

    def __init__(self, columns: Columns, proofs: Columns) -> None:
        super().__init__(columns)
        self._proofs = proofs

    def __getitem__(self, name: str) -> Any:
        if name == "note" and self.data["note"] is None:
            self.data["note"] = sentences({**self.data, **self._proofs})
        return self.data[name]


def flows_table(parts: Sequence[Columns], last_time: int) -> Any:
    """The finished table ``flows``, in the order of flow numbers."""
    order = np.argsort(joined(parts, "flow"), kind="stable")
    out: Columns = {}
    proofs = {name: joined(parts, name)[order] for name in (parts[0] if parts else ()) if name.startswith("_proof_")}
    for column in FLOWS.columns:
        if column.name == "note" and parts:
            out["note"] = None
        elif column.name in ("client_address", "server_address"):
            words = joined(parts, "_" + column.name.split("_")[0])
            out[column.name] = addresses(words[order] if len(words) else np.zeros((0, 4), np.int64))
        elif parts and column.name in parts[0]:
            values = [part[column.name] for part in parts]
            out[column.name] = _coded(values, order) if isinstance(values[0], Coded) else np.concatenate(values)[order]
        else:
            out[column.name] = empty(column.dtype, len(order))
    for side in SIDES if parts else ():
        # A timer that ended within the capture has closed the side.
        ends = joined(parts, f"_{side}_timer")[order]
        over = (ends != MISSING) & (ends <= last_time)
        # In the words of the column the empty state comes first.
        out[f"{side}_state"] = (np.where(over, machine.CLOSED, out[f"{side}_state"]) + 1).astype(np.int8)
    return FlowColumns(out, proofs)


def _coded(values: Sequence[Coded], order: np.ndarray) -> Coded:
    """One column of text from those of the batches, each word once."""
    words: dict[str, int] = {}
    codes = []
    for value in values:
        here = [words.setdefault(word, len(words)) for word in value.words]
        codes.append(np.array([*here, -1], np.int32)[value.codes])
    return Coded(np.concatenate(codes)[order], list(words))


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


def timeline_table(parts: Sequence[Rows], flow_parts: Sequence[Columns]) -> Columns:
    """The finished table ``timeline``: by flow, then by estimated time, a side's rows always in their order."""
    fields = [field.name for field in dataclasses.fields(Rows)]
    got = {
        name: np.concatenate([getattr(p, name) for p in parts]) if parts else np.zeros(0, np.int64) for name in fields
    }
    order = np.lexsort((np.arange(len(got["flow"])), got["estimate"], got["flow"]))
    got = {name: values[order] for name, values in got.items()}
    flow = got["flow"]
    numbers = joined(flow_parts, "flow")
    at = np.argsort(numbers, kind="stable")[flow] if len(flow) else np.zeros(0, np.int64)
    is_client = got["side"] == 0
    out: Columns = {"flow": flow, "side": got["side"].astype(np.int8)}
    ends = {}
    for side in SIDES:
        words = joined(flow_parts, f"_{side}")
        ends[side] = (words[at] if len(flow) else np.zeros((0, 4), np.int64), joined(flow_parts, f"{side}_port")[at])
    (ca, cp), (sa, sp) = ends["client"], ends["server"]
    out["address"] = addresses(np.where(is_client[:, None], ca, sa))
    out["port"] = np.where(is_client, cp, sp)
    out["peer_address"] = addresses(np.where(is_client[:, None], sa, ca))
    out["peer_port"] = np.where(is_client, sp, cp)
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


__all__ = ["Columns", "addresses", "empty", "flow_columns", "flows_table", "joined", "notes_table", "timeline_table"]
