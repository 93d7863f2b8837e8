"""The windows that each side advertises, and what they grant (RFC 9293 3.8.6, RFC 7323 2; SEMANTICS 2.9).

``advertise`` reads the window of each segment that its sender can have sent. The window in force at the peer is that of
the newest segment: one that was overtaken on its way changes nothing. How the field is scaled is in ``scales``.

Not known here: how large a receive buffer is. The largest window is a lower bound of it. Nor when a window arrives:
what is in force at the peer is so from half a round trip later on.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from .evidence import note
from .rows import CHANGE_COUNT, KEEP_CHANGES, WINDOW_SHRUNK
from .scales import agreed_scale, bound, infer, settle_scale, taken_offer
from .senders import order

FIN, SYN, RST = 1, 2, 4

OPEN, FULL, ZERO = range(3)
"""Codes of schema.WINDOW_STATES."""

KNOWN, INFERRED, AT_LEAST, NOT_KNOWN = range(4)
"""Codes of schema.SCALE_KNOWN."""

OF_A_SYN = 1 << 16
"""Added to what was last told of a window, for that of a SYN: the same field later may mean another window."""

Change = Row("Change", "flow side frame time field ack next acked syn")
"""A change of an advertised window, or the moment when its peer has used it up: the field in force, the acknowledgement
it counts from, up to where the peer has sent, and what of that is acknowledged. ``syn``: the field is not scaled."""


@kernel
def advertise(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """The window in segment ``s`` of X, the edge that it grants to Y, and what X itself has under way now."""
    newer = 0
    if s.ack_known:
        newer = is_newer(x, mine, s)
    scale = 0
    if s.flags & SYN:
        # Whether the offers were taken is to be seen anew from both.
        x.scaled = 0
        y.scaled = 0
        mine.syn_window = max(mine.syn_window, s.window)
    else:
        scale = scale_of(x, y, mine, s, newer)
        mine.field_min = s.window if s.window < mine.field_min or mine.field_min < 0 else mine.field_min
        mine.field_max = max(mine.field_max, s.window)
        x.zero_windows += 1 if s.window == 0 else 0
    s.window_octets = s.window << scale if scale >= 0 else (0 if s.window == 0 else -1)
    s.in_flight = under_way(x, mine)
    if s.length > 0 and (y.scale < 0 or theirs.inferred):
        bound(x, mine, theirs)
    if newer:
        use(m, x, mine, s, scale)
    if s.ack_known:
        s.right_edge = x.edge if x.window >= 0 else -1
        if m.control[KEEP_CHANGES]:
            if newer:
                changed(m, x, y, mine, theirs, s)
            if s.length > 0:
                filled(m, x, y, mine, theirs, s)


@kernel
def is_newer(x: Any, mine: Any, s: Any) -> int:
    """1 if X sent ``s`` after the segment whose window is in force (RFC 9293 3.10.7.4, SND.WL1 and SND.WL2).

    What is acknowledged never goes back, so the acknowledgement decides; then the sequence number. Where both are the
    same, TSval or IP ID may tell (a receiver with timestamps drops the older one, RFC 7323 5); else the order here.
    """
    if mine.in_force == 0:
        return 1
    if s.ack_relative != x.wl_ack:
        return 1 if s.ack_relative > x.wl_ack else 0
    if s.seq_relative != x.wl_seq:
        return 1 if s.seq_relative > x.wl_seq else 0
    return 1 if order(mine, s, mine.wl_tsval, mine.wl_ip_id, -1) >= 0 else 0


@kernel
def scale_of(x: Any, y: Any, mine: Any, s: Any, newer: int) -> int:
    """The shift of the window in ``s``, which is no SYN; -1 where it is not known."""
    if x.scaled == 0:
        x.scaled = 1
        agreed = agreed_scale(x, y)
        if agreed >= 0:
            x.scale = agreed
            mine.inferred = 0
        elif mine.inferred == 0:
            x.scale = -1
            if newer and mine.field_min < 0:
                taken_offer(x, mine, s)
    if newer and x.fin == 0 and (x.scale < 0 or mine.inferred):
        infer(mine, s)
        settle_scale(x, mine, s)
    return x.scale  # type: ignore[no-any-return]


@kernel
def under_way(x: Any, k: Any) -> int:
    """Octets of X that are not acknowledged: FlightSize (RFC 5681 2), SYN and FIN counted. ``k``: X as a sender.

    Where the capture began later, what was sent before its first octet counts as acknowledged.
    """
    low = k.acked if k.acked > 0 or x.syn_seen else 1
    return k.next - low if k.next > low else 0  # type: ignore[no-any-return]


@kernel
def use(m: Any, x: Any, mine: Any, s: Any, scale: int) -> None:
    """The window of ``s`` is the one in force at Y, as soon as it arrives there."""
    certain = 1
    if mine.in_force and s.ack_relative == x.wl_ack and s.seq_relative == x.wl_seq:
        certain = order(mine, s, mine.wl_tsval, mine.wl_ip_id, -1)
    mine.in_force = 1
    x.wl_seq = s.seq_relative
    x.wl_ack = s.ack_relative
    mine.wl_tsval = s.tsval
    mine.wl_ip_id = s.ip_id
    x.window = s.window_octets
    mine.field = s.window
    if s.flags & SYN == 0:
        zero_or_not(x, mine, s)
    if s.window_octets < 0:
        return
    edge = s.ack_relative + s.window_octets
    if edge > x.edge:
        mine.edge_max = max(mine.edge_max, edge)
    elif scale >= 0 and certain > 0 and s.flags & SYN == 0 and mine.shrunk == 0 and x.fin == 0:
        # A receiver should not take back what it granted (RFC 9293 3.8.6); by less than a unit of the scale it may.
        if edge <= x.edge - (1 << scale):
            mine.shrunk = 1
            note(m, s, WINDOW_SHRUNK, x.edge - edge, 0)
    x.edge = edge


@kernel
def zero_or_not(x: Any, mine: Any, s: Any) -> None:
    """When the window in force became zero, and for how long it was."""
    if s.window == 0:
        if mine.zero == 0:
            mine.zero = 1
            mine.zero_from = s.time
    elif mine.zero:
        mine.zero = 0
        mine.zero_until = s.time
        x.zero_time += s.time - mine.zero_from
        mine.zero_tsval = s.tsval


@kernel
def changed(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Writes down the window that X advertises, if it is another one, or if it is full now or no longer full."""
    state = OPEN
    if s.window == 0:
        state = ZERO
    elif s.window_octets >= 0 and x.edge <= theirs.next:
        state = FULL
    told = s.window + (OF_A_SYN if s.flags & SYN else 0)
    if told == mine.told_field and state == mine.told_state:
        return
    mine.told_field = told
    mine.told_state = state
    write(m, s, s.side, x, y, mine, theirs)


@kernel
def filled(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Writes down that the octets in ``s``, which X sends, have used up the window of Y."""
    if theirs.in_force == 0 or theirs.told_state != OPEN or y.window <= 0 or mine.next < y.edge:
        return
    theirs.told_state = FULL
    write(m, s, 1 - s.side, y, x, theirs, mine)


@kernel
def write(m: Any, s: Any, side: int, x: Any, y: Any, mine: Any, theirs: Any) -> None:
    """One row of the log of changes, of the window of X. The engine empties it before it is full."""
    at = m.control[CHANGE_COUNT]
    if at < len(m.changes):
        row = m.changes[at]
        row.flow = s.flow
        row.side = side
        row.frame = s.frame
        row.time = s.time
        row.field = mine.field
        row.ack = x.wl_ack
        row.next = theirs.next
        row.acked = theirs.next - under_way(y, theirs)
        row.syn = 1 if mine.told_field >= OF_A_SYN else 0
        m.control[CHANGE_COUNT] = at + 1
