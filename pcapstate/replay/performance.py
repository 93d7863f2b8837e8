"""Settled connections to the columns that say how well they did: round trips, windows, and what limited each side.

Vectorised, for a batch of flows at once. The kernels have explained every gap between two sendings; what is left is
the handshake before the first and what comes after the last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..schema import LIMITS, MISSING, SIDES, Coded
from .codes import NO_CAUSE, TIMEOUT
from .limits import (
    APPLICATION,
    HANDSHAKE,
    LEAST_TIMER,
    NETWORK,
    RECEIVE_WINDOW,
    RECOVERY,
    TEARDOWN,
    TIMEOUT_STALL,
    UNENDED,
    USUAL_SEGMENT,
    ZERO_WINDOW,
    Stall,
)
from .memory import Settled
from .order import peer
from .windows import AT_LEAST, INFERRED, KNOWN, NOT_KNOWN

Columns = dict[str, Any]

IN_KERNEL = {LIMITS.index(name): f"of_{name}" for name in LIMITS if name not in ("handshake", "teardown")}
"""The causes that ``limits`` has sums for, and their fields in ``senders.Sender``."""


def performance_columns(settled: Settled) -> tuple[Columns, np.ndarray]:
    """Columns of ``flows``, and the stalls that last until a connection's last segment (rows of ``limits.Stall``)."""
    out: Columns = {}
    shares, tails = time_shares(settled)
    kind, scale = scales(settled.sides, settled.senders)
    for k, side in enumerate(SIDES):
        x, sender = settled.sides[k::2], settled.senders[k::2]
        seen = x["packets"] > 0
        for cause, name in enumerate(LIMITS):
            out[f"{side}_limited_{name}"] = np.where(seen, shares[k::2, cause], np.nan).astype(np.float32)
        out[f"{side}_limited_by"] = limited_by(shares[k::2], seen)
        out |= window_columns(side, sender, kind[k::2], np.maximum(scale[k::2], 0))
        still_zero = np.where(sender["zero"] == 1, settled.flows["last_time"] - sender["zero_from"], 0)
        out[f"{side}_zero_window_time"] = (x["zero_time"] + still_zero) / 1e9
        out[f"rtt_{side}_median"] = seconds(medians(sender))
        out[f"rtt_{side}_smoothed"] = seconds(np.where(sender["samples"] > 0, sender["smoothed"], -1))
        out[f"_{side}_scale"] = scale[k::2].astype(np.int8)
        out[f"_{side}_scale_known"] = kind[k::2].astype(np.int8)
    out["rtt_handshake"] = seconds(handshake_trip(settled))
    return out, tails


def window_columns(side: str, sender: np.ndarray, kind: np.ndarray, shift: np.ndarray) -> Columns:
    """Smallest and largest window after the SYN, and the largest of all, which the receive buffer cannot fall short of.

    Whatever the scale is, a window is at least its field, shifted by the least that is known.
    """
    sure = ((kind == KNOWN) | (kind == INFERRED)) & (sender["field_min"] >= 0)
    largest = np.maximum(sender["field_max"] << shift, sender["syn_window"])
    return {
        f"{side}_window_min": np.where(sure, sender["field_min"] << shift, MISSING),
        f"{side}_window_max": np.where(sure, sender["field_max"] << shift, MISSING),
        f"{side}_receive_buffer": np.where(largest > 0, largest, MISSING),
    }


def handshake_trip(settled: Settled) -> np.ndarray:
    """From the SYN to the first segment after the SYNs, ns; -1 where a SYN was sent again, or none was seen first."""
    flows, sides, senders = settled.flows, settled.sides, settled.senders
    once = (sides["syn_copies"][0::2] == 0) & (sides["syn_copies"][1::2] == 0) & (senders["syns"][0::2] == 1)
    seen = (flows["roles"] == 0) & (flows["simultaneous"] == 0) & (senders["syn_acks"][1::2] == 1)
    opened = senders["opened_at"][0::2]
    return np.where(once & seen & (opened > 0), opened - flows["first_time"], -1)


def seconds(values: np.ndarray) -> np.ndarray:
    """Nanoseconds to seconds, NaN for what is negative."""
    return np.where(values >= 0, values / 1e9, np.nan)


def scales(sides: np.ndarray, senders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How each side's window scale is known (a code of SCALE_KNOWN), and the shift (-1 where there is none)."""
    shift, least = sides["scale"], senders["scale_least"]
    bounded = (least > 0) & (least <= senders["scale_most"])
    kind = np.where(shift >= 0, KNOWN, np.where(bounded, AT_LEAST, NOT_KNOWN))
    kind[(shift >= 0) & (senders["inferred"] > 0)] = INFERRED
    return kind, np.where(kind == AT_LEAST, least, shift)


def medians(senders: np.ndarray) -> np.ndarray:
    """``rtt.median_of`` for many sides, ns; -1 where there is no sample."""
    count = senders["samples"]
    few = np.where(count < 3, senders["mark0"], senders["mark1"])
    return np.where(count == 0, -1, np.where(count < 5, few, senders["mark2"]))


def time_shares(settled: Settled) -> tuple[np.ndarray, np.ndarray]:
    """The share of the connection's time that each cause has, shape (sides, causes), NaN where no time went by; and
    the stalls at its end."""
    flows, senders = settled.flows, settled.senders
    first = np.repeat(flows["first_time"], 2)
    last = np.repeat(flows["last_time"], 2)
    spent = np.zeros((len(senders), len(LIMITS)), np.int64)
    for cause, field in IN_KERNEL.items():
        spent[:, cause] = senders[field]
    opened, finished = senders["opened_at"] > 0, senders["finished_at"] > 0
    spent[:, HANDSHAKE] = np.where(opened, senders["opened_at"], last) - first
    spent[:, TEARDOWN] = np.where(finished, last - senders["finished_at"], 0)
    rest = np.where(opened & ~finished, last - senders["data_at"], 0)
    waited_for = end_cause(senders)
    zero = np.where(peer(senders["zero"]) == 1, last - np.maximum(peer(senders["zero_from"]), senders["data_at"]), 0)
    zero = np.minimum(np.maximum(zero, 0), rest)
    spent[np.arange(len(senders)), waited_for] += rest - zero
    spent[:, ZERO_WINDOW] += zero
    waited_for = np.where(2 * zero > rest, ZERO_WINDOW, waited_for)
    # Where the capture's clock went back, the parts are more than the whole.
    spent = np.maximum(spent, 0)
    whole = spent.sum(axis=1, keepdims=True)
    shares = np.where(whole > 0, spent / np.maximum(whole, 1), np.nan)
    stalled = (rest > LEAST_TIMER) & (waited_for != APPLICATION) & (senders["data_seen"] == 1)
    return shares, end_stalls(flows, senders, waited_for, stalled)


def end_cause(senders: np.ndarray) -> np.ndarray:
    """What a side was waiting for when its connection's last segment came, after its last octets."""
    open_octets = senders["acked"] < senders["next"]
    cause = np.where(open_octets & (senders["wrote_all"] == 0), NETWORK, APPLICATION)
    cause[open_octets & (senders["wrote_all"] == 0) & (senders["left"] < USUAL_SEGMENT)] = RECEIVE_WINDOW
    repairing = open_octets & (senders["recovery"] != NO_CAUSE)
    cause[repairing] = RECOVERY
    cause[repairing & (senders["recovery"] == TIMEOUT)] = TIMEOUT_STALL
    return cause


def end_stalls(flows: np.ndarray, senders: np.ndarray, cause: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Rows of ``limits.Stall`` for the sides ``which`` stalled until the end."""
    at = np.flatnonzero(which)
    out = np.zeros(len(at), Stall.dtype)
    out["flow"] = flows["number"][at // 2]
    out["side"] = at % 2
    out["start"] = senders["data_at"][at]
    out["start_frame"] = senders["data_frame"][at]
    out["end"] = flows["last_time"][at // 2]
    out["end_frame"] = flows["last_frame"][at // 2]
    out["cause"] = cause[at]
    out["detail"] = UNENDED
    return out


def limited_by(shares: np.ndarray, seen: np.ndarray) -> Coded:
    """The cause with the largest share and that share in whole percent, as text; missing for sides not seen."""
    whole = np.nan_to_num(shares)
    cause = whole.argmax(axis=1)
    percent = np.round(100 * whole[np.arange(len(whole)), cause]).astype(np.int64)
    told = seen & (percent > 0)
    different, codes = np.unique((cause * 101 + percent)[told], return_inverse=True)
    words = [f"{LIMITS[value // 101]} {value % 101} %" for value in different.tolist()]
    out = np.full(len(shares), -1, np.int32)
    out[told] = codes
    return Coded(out, words)
