"""What limited each side's sending, and where it stalled (SEMANTICS 4 A): the time of a connection, split without rest.

The time of a direction is cut at each sending of new octets, and each gap between two of them is explained when the
second comes: by the window that was left after the first, by what arrived meanwhile, and by what the second is. What
passes the capture point toward the sender reaches it later, and its answer comes back later still; so an event is the
cause of what is seen up to one round trip to the sender after it.

Not known here: the congestion window. ``network`` is the wait for acknowledgements while the receiver's window would
have allowed more, whoever set that bound: congestion control, the send buffer, or the capacity of the path.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from ..schema import LIMITS
from .codes import DUPLICATE, KEEP_ALIVE, NO_CAUSE, REORDERED, RETRANSMISSION, TIMEOUT, WINDOW_PROBE
from .rows import NEVER, STALL_COUNT

FIN, SYN, PSH = 1, 2, 8

(HANDSHAKE, TEARDOWN, ZERO_WINDOW, RECEIVE_WINDOW, RECOVERY, TIMEOUT_STALL, DELAYED_ACK, NETWORK, APPLICATION) = range(
    len(LIMITS)
)

LEAST_SLACK = 1_000_000
"""ns: how much later than a round trip a sending may come that an arrival caused; or a tenth of the whole trip."""

LEAST_DELAYED = 35_000_000
"""ns: an acknowledgement later than this was held back (Linux holds it for 40 ms at least)."""

LEAST_STALL, LEAST_TIMER = 30_000_000, 200_000_000
"""ns: a gap is a stall if it is longer than two round trips and 30 ms, or than the retransmission timeout would be."""

USUAL_SEGMENT = 1460

Stall = Row("Stall", "flow side start start_frame end end_frame cause")
"""A long gap in a side's sending, from one segment with octets to the next, and what most of it is explained by."""


@kernel
def account(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Segment ``s`` of X, labelled and with its window read: explains the time since X last sent octets."""
    if mine.opened_at == 0:
        if s.flags & SYN:
            return
        opened(mine, s)
        if theirs.opened_at == 0:
            opened(theirs, s)
    if (s.length == 0 and s.flags & FIN == 0) or mine.finished_at > 0:
        return
    if s.label == DUPLICATE or s.label == REORDERED or s.label == WINDOW_PROBE or s.label == KEEP_ALIVE:
        return
    gap = s.time - mine.data_at
    if gap > 0:
        cause = explain(x, y, mine, theirs, s, gap)
        if gap > LEAST_STALL and gap > stall_from(mine, theirs):
            stalled(m, mine, s, cause)
    mine.data_at = s.time
    mine.data_frame = s.frame
    mine.data_seen = 1
    mine.left = y.edge - mine.next if y.window >= 0 else NEVER
    mine.under_way = mine.next - mine.acked
    mine.pushed_before = s.flags & PSH
    mine.zero_in_gap = 0
    if s.flags & FIN:
        mine.finished_at = s.time


@kernel
def opened(k: Any, s: Any) -> None:
    """The handshake is over, as seen here: from now on a side may send."""
    k.opened_at = s.time
    k.data_at = s.time
    k.data_frame = s.frame


@kernel
def explain(x: Any, y: Any, mine: Any, theirs: Any, s: Any, gap: int) -> int:
    """Gives the ``gap`` before segment ``s`` to its causes; returns the one that most of it goes to."""
    if s.label == RETRANSMISSION:
        return spend(mine, TIMEOUT_STALL if s.cause == TIMEOUT else RECOVERY, gap)
    if mine.recovery != NO_CAUSE:
        return spend(mine, RECOVERY, gap)
    zero = mine.zero_in_gap
    if theirs.zero:
        zero += s.time - max(theirs.zero_from, mine.data_at)
    if zero <= 0:
        return spend(mine, why_waited(x, y, mine, theirs, s), gap)
    if theirs.zero == 0:
        if s.time - theirs.zero_until > reaction(x, y):
            # The window opened, and it did not send: it had nothing to send.
            return spend(mine, APPLICATION, gap)
        zero += s.time - theirs.zero_until
    zero = min(zero, gap)
    spend(mine, ZERO_WINDOW, zero)
    other = spend(mine, RECEIVE_WINDOW if mine.left < segment_size(y, s) else APPLICATION, gap - zero)
    return ZERO_WINDOW if 2 * zero >= gap else other


@kernel
def why_waited(x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> int:
    """What X waited for between its last octets and these, with no loss and no zero window."""
    near = reaction(x, y)
    if mine.left < segment_size(y, s):
        return RECEIVE_WINDOW if s.time - theirs.edge_at <= near else APPLICATION
    if s.time - mine.acked_at > near or mine.under_way <= 0:
        # Nothing that arrived made it send: its program did.
        return APPLICATION
    if mine.under_way >= segment_size(y, s) and (mine.pushed_before == 0 or theirs.data_at < mine.data_at):
        return NETWORK
    if theirs.data_at > mine.data_at:
        # A turn of the conversation: the peer's answer came, and the next question.
        return APPLICATION
    delay = mine.acked_at - mine.data_at - (y.rtt_min if y.rtt_min < NEVER else 0)
    return DELAYED_ACK if delay >= LEAST_DELAYED else NETWORK


@kernel
def segment_size(y: Any, s: Any) -> int:
    """Octets that X would send at once: those of ``s``, at most a full segment."""
    most = y.mss if y.mss > 0 else USUAL_SEGMENT
    return max(1, min(s.length, most))  # type: ignore[no-any-return]


@kernel
def reaction(x: Any, y: Any) -> int:
    """ns from the passing of a cause on its way to X until its effect has passed on the way back, with some slack."""
    there = x.rtt_min if x.rtt_min < NEVER else 0
    slack = (there + (y.rtt_min if y.rtt_min < NEVER else 0)) // 10
    return there + (slack if slack > LEAST_SLACK else LEAST_SLACK)  # type: ignore[no-any-return]


@kernel
def stall_from(mine: Any, theirs: Any) -> int:
    """ns: the gap from which a sender counts as stalled (TAPO, CoNEXT 2015: min(2 SRTT, RTO))."""
    trip = mine.smoothed + theirs.smoothed
    timer = trip + 4 * (mine.variation + theirs.variation)
    return min(2 * trip, max(timer, LEAST_TIMER))


@kernel
def stalled(m: Any, mine: Any, s: Any, cause: int) -> None:
    """One row of the log of stalls. The engine empties it before it is full."""
    at = m.control[STALL_COUNT]
    if at < len(m.stalls):
        row = m.stalls[at]
        row.flow = s.flow
        row.side = s.side
        row.start = mine.data_at
        row.start_frame = mine.data_frame
        row.end = s.time
        row.end_frame = s.frame
        row.cause = cause
        m.control[STALL_COUNT] = at + 1


@kernel
def spend(k: Any, cause: int, amount: int) -> int:
    """Adds time to a cause; returns the cause. Handshake and teardown are known when the connection is settled."""
    if cause == NETWORK:
        k.of_network += amount
    elif cause == APPLICATION:
        k.of_application += amount
    elif cause == RECEIVE_WINDOW:
        k.of_receive_window += amount
    elif cause == RECOVERY:
        k.of_recovery += amount
    elif cause == TIMEOUT_STALL:
        k.of_timeout_stall += amount
    elif cause == ZERO_WINDOW:
        k.of_zero_window += amount
    else:
        k.of_delayed_ack += amount
    return cause
