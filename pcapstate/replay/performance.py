"""How well a connection did, when its story is complete: round trips, windows, and what limited each side.

The kernels have explained every gap between two sendings; what is left is the handshake before the first and what
comes after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels import kernel
from ..schema import LIMITS, MISSING, Coded
from .codes import NO_CAUSE, TIMEOUT
from .limits import (
    APPLICATION,
    LEAST_TIMER,
    NETWORK,
    RECEIVE_WINDOW,
    RECOVERY,
    TIMEOUT_STALL,
    UNENDED,
    USUAL_SEGMENT,
    ZERO_WINDOW,
    spend,
)
from .rows import STALL_COUNT
from .rtt import median_of
from .windows import AT_LEAST, INFERRED, KNOWN, NOT_KNOWN


@kernel
def perform(m: Any, slot: int, at: int) -> None:
    """Fills in the outcomes of a flow and of its sides."""
    f = m.flows[slot]
    m.outcomes[at].rtt_handshake = handshake_trip(f, m.sides[2 * slot], m.sides[2 * slot + 1], m.senders, slot)
    for side in range(2):
        x, k, o = m.sides[2 * slot + side], m.senders[2 * slot + side], m.side_outcomes[2 * at + side]
        o.rtt_median = median_of(k)
        o.rtt_smoothed = k.smoothed if k.samples > 0 else -1
        o.zero_time = x.zero_time + (f.last_time - k.zero_from if k.zero else 0)
        tell_scale(x, k, o)
        tell_windows(k, o)
        share_time(m, f, k, m.senders[2 * slot + 1 - side], side, o)


@kernel
def handshake_trip(f: Any, x: Any, y: Any, senders: Any, slot: int) -> int:
    """From the SYN to the first segment after the SYNs, ns; -1 where a SYN was sent again, or none was seen first."""
    mine, theirs = senders[2 * slot], senders[2 * slot + 1]
    if x.syn_copies > 0 or y.syn_copies > 0 or mine.syns != 1 or theirs.syn_acks != 1:
        return -1
    if f.roles > 0 or f.simultaneous or mine.opened_at <= 0:
        return -1
    return mine.opened_at - f.first_time  # type: ignore[no-any-return]


@kernel
def tell_scale(x: Any, k: Any, o: Any) -> None:
    """How the side's window scale is known, and the shift (-1 where there is none)."""
    o.scale = x.scale
    if x.scale >= 0:
        o.scale_known = INFERRED if k.inferred > 0 else KNOWN
    elif 0 < k.scale_least <= k.scale_most:
        o.scale_known = AT_LEAST
        o.scale = k.scale_least
    else:
        o.scale_known = NOT_KNOWN


@kernel
def tell_windows(k: Any, o: Any) -> None:
    """Smallest and largest window after the SYN, and the largest of all, which the receive buffer cannot fall short of.

    Whatever the scale is, a window is at least its field, shifted by the least that is known.
    """
    shift = max(o.scale, 0)
    sure = (o.scale_known == KNOWN or o.scale_known == INFERRED) and k.field_min >= 0
    o.window_min = k.field_min << shift if sure else MISSING
    o.window_max = k.field_max << shift if sure else MISSING
    largest = max(k.field_max << shift, k.syn_window)
    o.receive_buffer = largest if largest > 0 else MISSING


@kernel
def share_time(m: Any, f: Any, k: Any, theirs: Any, side: int, o: Any) -> None:
    """The connection's time, split by causes; and the stall at its end, if there is one."""
    rest = f.last_time - k.data_at if k.opened_at > 0 and k.finished_at <= 0 else 0
    cause = end_cause(k)
    zero = f.last_time - max(theirs.zero_from, k.data_at) if theirs.zero else 0
    zero = min(max(zero, 0), rest)
    spend(k, cause, rest - zero)
    spend(k, ZERO_WINDOW, zero)
    # Where the capture's clock went back, the parts are more than the whole.
    o.of_handshake = max((k.opened_at if k.opened_at > 0 else f.last_time) - f.first_time, 0)
    o.of_teardown = max(f.last_time - k.finished_at, 0) if k.finished_at > 0 else 0
    o.of_zero_window = max(k.of_zero_window, 0)
    o.of_receive_window = max(k.of_receive_window, 0)
    o.of_recovery = max(k.of_recovery, 0)
    o.of_timeout_stall = max(k.of_timeout_stall, 0)
    o.of_delayed_ack = max(k.of_delayed_ack, 0)
    o.of_network = max(k.of_network, 0)
    o.of_application = max(k.of_application, 0)
    if 2 * zero > rest:
        cause = ZERO_WINDOW
    if rest > LEAST_TIMER and cause != APPLICATION and k.data_seen:
        stalled_to_the_end(m, f, k, side, cause)


@kernel
def end_cause(k: Any) -> int:
    """What a side was waiting for when its connection's last segment came, after its last octets."""
    if k.acked >= k.next:
        return APPLICATION
    if k.recovery == TIMEOUT:
        return TIMEOUT_STALL
    if k.recovery != NO_CAUSE:
        return RECOVERY
    if k.wrote_all:
        return APPLICATION
    return RECEIVE_WINDOW if k.left < USUAL_SEGMENT else NETWORK


@kernel
def stalled_to_the_end(m: Any, f: Any, k: Any, side: int, cause: int) -> None:
    """A row of the log of stalls. ``settle`` sees to it that there is room."""
    row = m.stalls[m.control[STALL_COUNT]]
    m.control[STALL_COUNT] += 1
    row.flow = f.number
    row.side = side
    row.start = k.data_at
    row.start_frame = k.data_frame
    row.end = f.last_time
    row.end_frame = f.last_frame
    row.cause = cause
    row.detail = UNENDED


# --- shares ----------------------------------------------------------------------------------------------------


def shares(spent: Sequence[np.ndarray], packets: np.ndarray) -> np.ndarray:
    """The share of each cause, shape (sides, causes), NaN where no time went by or nothing was seen of the side.

    ``spent``: ns, an array for each of LIMITS.
    """
    parts = np.stack(spent, axis=1)
    whole = parts.sum(axis=1, keepdims=True)
    return np.where((whole > 0) & (packets > 0)[:, None], parts / np.maximum(whole, 1), np.nan)


def limited_by(parts: np.ndarray) -> Coded:
    """The cause with the largest share and that share in whole percent, as text; missing where nothing limited it."""
    whole = np.nan_to_num(parts)
    cause = whole.argmax(axis=1)
    percent = np.round(100 * whole[np.arange(len(whole)), cause]).astype(np.int64)
    words = [f"{limit} {most} %" for limit in LIMITS for most in range(101)]
    return Coded(np.where(percent > 0, cause * 101 + percent, -1).astype(np.int32), words)
