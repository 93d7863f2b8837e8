"""The shift of a side's windows (RFC 7323 2): agreed on in the SYNs, or inferred where those were not captured.

Two bounds come first. A sender does not go beyond the edge that was granted, so what it has under way bounds the shift
from below; a receiver should not take back what it granted (RFC 9293 3.8.6), so a window that falls by no more than was
acknowledged meanwhile bounds it from above. Where the two meet, that is the shift.

Where the receiver's program does not read, the edge stands still and the window falls by just as much as is
acknowledged: then the bound from above is the shift itself. A program that reads a little leaves the quotient anywhere
above; so the bound is taken for the shift when it was met three times more often than nearly met.

Where only one SYN was captured, the first window after it shows whether its offer was taken.

Not known here: a receiver that reads in step with what comes, always half of it, looks like one with twice the unit
that does not read. One that takes back its window spoils the bounds: where they contradict each other, the shift is not
known.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .senders import MOST_SCALE

ENOUGH_FIELD, ENOUGH_VOTES = 8, 3
"""How far a window field must have fallen for a vote on the shift, and how many more votes than objections it takes."""


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
def taken_offer(x: Any, mine: Any, s: Any) -> None:
    """Whether the first segment of X after its SYN, ``s``, shows that the peer took the shift that X offered.

    Unscaled, its window would take back at least half of what the SYN granted; scaled, it takes back nothing.
    """
    if mine.syn_window <= 0 or x.offered_scale < 1 or x.syn_seen - x.syn_unseen == 0:
        return
    shift = x.offered_scale if x.offered_scale < MOST_SCALE else MOST_SCALE
    granted = mine.syn_window + 1 - s.ack_relative
    if 2 * s.window <= granted < (s.window + 1) << shift:
        mine.scale_least = shift
        mine.scale_most = shift
        inferred(x, mine, shift, s)


@kernel
def inferred(x: Any, mine: Any, shift: int, s: Any) -> None:
    """The shift of X's windows from ``s`` on, by inference."""
    x.scale = shift
    mine.inferred = s.frame
    mine.inferred_at = s.time


@kernel
def infer(mine: Any, s: Any) -> None:
    """What a window of X that is newer than the last one, ``s``, says of the shift: a bound from above, and votes."""
    if s.window == 0:
        # Some shut the window at once, whatever they had granted.
        return
    fallen = mine.scale_field - s.window
    gained = s.ack_relative - mine.scale_ack
    if fallen <= 0 or gained <= 0:
        from_here(mine, s)
        return
    while mine.scale_most >= 0 and (fallen - 1) << mine.scale_most >= gained:
        mine.scale_most -= 1
        mine.scale_votes = 0
    if fallen < ENOUGH_FIELD or mine.scale_most < 0:
        return
    unit = 1 << mine.scale_most
    more = gained - fallen * unit
    if more < unit:
        mine.scale_votes += 1
    elif 2 * more < fallen * unit and mine.scale_votes > 0:
        mine.scale_votes -= 1
    from_here(mine, s)


@kernel
def from_here(mine: Any, s: Any) -> None:
    """The next fall of the window is measured from segment ``s``."""
    mine.scale_field = s.window
    mine.scale_ack = s.ack_relative


@kernel
def bound(x: Any, mine: Any, theirs: Any) -> None:
    """X has gone so far beyond Y's acknowledgement that Y's window must be at least so large (less than a unit more).

    Where octets are missing here, acknowledgements may be, too: then it says nothing.
    """
    if theirs.field <= 0 or theirs.field_min < 0 or x.hole < x.hole_end or mine.unseen:
        return
    while mine.next - mine.acked > (theirs.field + 1) << theirs.scale_least and theirs.scale_least < MOST_SCALE:
        theirs.scale_least += 1


@kernel
def settle_scale(x: Any, mine: Any, s: Any) -> None:
    """Takes an inferred shift into use, or gives it up where the bounds contradict it.

    That nothing lies below 0 is no evidence for it: there the bound from above must have been met at least once.
    """
    if mine.scale_least > mine.scale_most:
        x.scale = -1
        mine.inferred = 0
        return
    if mine.inferred:
        if x.scale < mine.scale_least or x.scale > mine.scale_most:
            x.scale = -1
            mine.inferred = 0
        return
    enough = ENOUGH_VOTES
    if mine.scale_least == mine.scale_most:
        enough = 1 if mine.scale_most == 0 else 0
    if mine.scale_votes >= enough:
        inferred(x, mine, mine.scale_most, s)
