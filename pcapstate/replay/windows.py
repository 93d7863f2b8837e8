"""The windows that each side advertises, and what they grant (RFC 9293 3.8.6, RFC 7323 2; SEMANTICS 2.9).

``advertise`` reads the window of each segment. Where the capture began after the SYNs the scale is not known; it can be
inferred: a sender never goes beyond the edge, so what it has under way bounds the scale from below; and a receiver
whose program does not read gives up as much window as it acknowledges, which names the scale.

Not known here: how large a receive buffer is. The largest window is a lower bound of it.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from .evidence import note
from .rows import CHANGE_COUNT, KEEP_CHANGES, SCALE_INFERRED, WINDOW_SHRUNK

FIN, SYN, RST = 1, 2, 4

MOST_SCALE = 14
"""RFC 7323 2.3: the largest shift count."""

ENOUGH_FIELD, ENOUGH_VOTES = 8, 3
"""How much a window field must have fallen for a vote on the scale, and by how many votes one must lead."""

OPEN, FULL, ZERO = range(3)
"""Codes of schema.WINDOW_STATES."""

KNOWN, INFERRED, AT_LEAST, NOT_KNOWN = range(4)
"""Codes of schema.SCALE_KNOWN."""

Change = Row("Change", "flow side frame time field window edge in_flight usable state")
"""A change of an advertised window, or of what its peer can use of it; -1 where the scale is not known."""


@kernel
def advertise(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """The window in segment ``s`` of X, the edge that it grants to Y, and what X itself has under way now.

    It counts only if the segment is not older than the last one used (RFC 9293 3.10.7.4, SND.WL1, SND.WL2).
    """
    scale = 0
    if s.flags & SYN:
        x.scale = -1
    else:
        if x.scaled == 0:
            x.scaled = 1
            x.scale = agreed_scale(x, y)
        scale = x.scale
        if scale < 0 and s.ack_known:
            scale = infer(m, x, mine, s)
        mine.field_min = s.window if s.window < mine.field_min or mine.field_min < 0 else mine.field_min
        mine.field_max = max(mine.field_max, s.window)
        count_zero(x, s)
    s.window_octets = s.window << scale if scale >= 0 else (0 if s.window == 0 else -1)
    s.in_flight = mine.next - mine.acked if mine.next > mine.acked else 0
    if y.scale < 0 and s.length > 0:
        bound(theirs, mine)
    if s.ack_known == 0:
        return
    s.right_edge = s.ack_relative + s.window_octets if s.window_octets >= 0 else -1
    if x.window < 0 or s.seq_relative > x.wl_seq or (s.seq_relative == x.wl_seq and s.ack_relative >= x.wl_ack):
        use(m, x, mine, theirs, s)
        if m.control[KEEP_CHANGES]:
            changed(m, x, mine, theirs, s)
    if m.control[KEEP_CHANGES] and s.length > 0:
        filled(m, y, mine, theirs, s)


@kernel
def agreed_scale(x: Any, y: Any) -> int:
    """The shift of x's windows: both SYNs must have offered it (RFC 7323 2.2). -1 where the SYNs do not tell.

    A SYN,ACK with the option shows that the SYN had it too (RFC 7323 1.3), also where the SYN was not captured.
    """
    mine = x.syn_seen - x.syn_unseen
    peers = y.syn_seen - y.syn_unseen
    if (mine and x.offered_scale < 0) or (peers and y.offered_scale < 0):
        return 0
    if mine and (peers or x.syn_pure == 0):
        return x.offered_scale if x.offered_scale < MOST_SCALE else MOST_SCALE  # type: ignore[no-any-return]
    return -1


@kernel
def count_zero(x: Any, s: Any) -> None:
    """Segments with window 0, and the time from the first of a row of them to the next that opens it."""
    if s.window == 0:
        x.zero_windows += 1
        if x.zero_since < 0:
            x.zero_since = s.time
    elif x.zero_since >= 0:
        x.zero_time += s.time - x.zero_since
        x.zero_since = -1


@kernel
def use(m: Any, x: Any, mine: Any, theirs: Any, s: Any) -> None:
    """The window of ``s`` is the one in force at Y, as soon as it arrives there."""
    x.wl_seq = s.seq_relative
    x.wl_ack = s.ack_relative
    x.window = s.window_octets
    mine.field = s.window
    if s.flags & SYN == 0:
        if s.window == 0:
            if mine.zero == 0:
                mine.zero_from = s.time
            mine.zero = 1
        elif mine.zero:
            mine.zero = 0
            mine.zero_until = s.time
            mine.zero_tsval = s.tsval
    if s.right_edge < 0:
        return
    if s.right_edge > x.edge:
        mine.edge_at = s.time
        mine.edge_max = max(mine.edge_max, s.right_edge)
    elif s.right_edge < x.edge - (1 << MOST_SCALE) and mine.shrunk == 0:
        # A receiver must not take back what it granted (RFC 9293 3.8.6.2.1); by less than a unit of the scale it may.
        mine.shrunk = 1
        note(m, s, WINDOW_SHRUNK, x.edge - s.right_edge, 0)
    x.edge = s.right_edge


@kernel
def infer(m: Any, x: Any, mine: Any, s: Any) -> int:
    """A vote on the scale of X, -1 until it is settled: while its program does not read, the edge stands still.

    Then the window shrinks by what is acknowledged: the quotient of both is the unit. Where the program does read, the
    quotients scatter.
    """
    fallen = mine.scale_field - s.window
    gained = s.ack_relative - mine.scale_ack
    if fallen <= 0 or gained <= 0 or mine.scale_field <= 0:
        mine.scale_field = s.window
        mine.scale_ack = s.ack_relative
        return -1
    if fallen < ENOUGH_FIELD:
        return -1
    mine.scale_field = s.window
    mine.scale_ack = s.ack_relative
    for shift in range(MOST_SCALE + 1):
        unit = fallen << shift
        if gained - unit < unit >> 3 and unit - gained < unit >> 3:
            vote(mine, shift)
    if mine.scale_votes < ENOUGH_VOTES or mine.scale_vote < mine.scale_least:
        return -1
    mine.inferred = 1
    x.scale = mine.scale_vote
    note(m, s, SCALE_INFERRED, x.scale, 0)
    return x.scale  # type: ignore[no-any-return]


@kernel
def vote(mine: Any, shift: int) -> None:
    """One vote for a shift; the others' votes count against it."""
    if mine.scale_vote == shift:
        mine.scale_votes += 1
    elif mine.scale_votes > 0:
        mine.scale_votes -= 1
    else:
        mine.scale_vote = shift
        mine.scale_votes = 1


@kernel
def bound(theirs: Any, mine: Any) -> None:
    """X has gone so far beyond Y's acknowledgement that Y's window must be at least so large."""
    if theirs.field <= 0:
        return
    while mine.next - mine.acked > theirs.field << theirs.scale_least and theirs.scale_least < MOST_SCALE:
        theirs.scale_least += 1


@kernel
def changed(m: Any, x: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Writes down the window that X advertises, if it is another one, or if now it is full or no longer full."""
    usable = x.edge - theirs.next if s.window_octets >= 0 else -1
    state = OPEN
    if s.window == 0:
        state = ZERO
    elif s.window_octets >= 0 and usable <= 0:
        state = FULL
    if s.window == mine.told_field and state == mine.told_state:
        return
    mine.told_field = s.window
    mine.told_state = state
    write(m, s, s.side, s.window, s.window_octets, s.right_edge, theirs.next - theirs.acked, usable, state)


@kernel
def filled(m: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Writes down that data of X has used up the window of Y."""
    if theirs.told_state != OPEN or y.window <= 0 or mine.next < y.edge:
        return
    theirs.told_state = FULL
    write(m, s, 1 - s.side, theirs.field, y.window, y.edge, mine.next - mine.acked, y.edge - mine.next, FULL)


@kernel
def write(
    m: Any, s: Any, side: int, field: int, window: int, edge: int, in_flight: int, usable: int, state: int
) -> None:
    """One row of the log of changes. The engine empties it before it is full."""
    at = m.control[CHANGE_COUNT]
    if at < len(m.changes):
        row = m.changes[at]
        row.flow = s.flow
        row.side = side
        row.frame = s.frame
        row.time = s.time
        row.field = field
        row.window = window
        row.edge = edge
        row.in_flight = in_flight
        row.usable = usable if usable > 0 else 0
        row.state = state
        m.control[CHANGE_COUNT] = at + 1
