"""What limited each side's sending, and where it stalled (SEMANTICS 4 A): the time of a connection, split without rest.

The time of a direction is cut at each sending of octets, and each gap between two of them is explained when the second
comes: by the window that was left after the first, by what the sender heard meanwhile (``arrivals``), and by what the
second is. Within a gap the time without a window, and that of a repair, are counted apart.

Not known here: the congestion window. ``network`` is the wait for acknowledgements while the receiver's window would
have allowed more, whoever set that bound: congestion control, the send buffer, or the capacity of the path.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from ..schema import LIMITS, STALL_DETAILS
from .arrivals import listen, tell
from .codes import (
    DUPLICATE,
    FAST,
    KEEP_ALIVE,
    NO_CAUSE,
    OVERRUN,
    REORDERED,
    RETRANSMISSION,
    TAIL_PROBE,
    WINDOW_PROBE,
)
from .rows import NEVER, STALL_COUNT
from .senders import LEAST_TIMEOUT
from .transmissions import alive, locate, place

FIN, SYN, PSH = 1, 2, 8

(HANDSHAKE, TEARDOWN, ZERO_WINDOW, RECEIVE_WINDOW, RECOVERY, TIMEOUT_STALL, DELAYED_ACK, NETWORK, APPLICATION) = range(
    len(LIMITS)
)
(NO_DETAIL, SENT_AGAIN_BEFORE, TAIL, WAITS_FOR_PEER, SLOW_ANSWER, IDLE, UNENDED) = range(len(STALL_DETAILS))

LEAST_SLACK = 1_000_000
"""ns: how much later a sending may come than the arrival that caused it; or a tenth of the whole round trip."""

LEAST_DELAYED = 35_000_000
"""ns: an acknowledgement later than this was held back (Linux holds it for 40 ms at least)."""

LEAST_STALL, LEAST_TIMER = 30_000_000, 200_000_000
"""ns: a gap is a stall if it is longer than two round trips and 30 ms, or than the retransmission timeout would be."""

USUAL_SEGMENT = 1460
TIMESTAMPS = 12
"""Octets that the option takes of each segment (RFC 7323 appendix A)."""
THREE = 3
"""Duplicate ACKs that start a fast retransmission (RFC 5681 3.2): as many segments must follow the lost one."""

Stall = Row("Stall", "flow side start start_frame end end_frame cause detail")
"""A long gap in a side's sending, from one segment with octets to the next, and what most of it is explained by."""


@kernel
def account(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Segment ``s`` of X, labelled and with its window read: explains the time since X last sent octets."""
    if s.ack_known:
        tell(m, x, mine, theirs, s)
    if s.flags & SYN:
        return
    if mine.opened_at == 0:
        opened(mine, s)
        if theirs.opened_at == 0:
            opened(theirs, s)
    if s.label == WINDOW_PROBE:
        mine.probed = 1
    if s.length == 0 and s.flags & FIN == 0:
        return
    if s.label == DUPLICATE or s.label == REORDERED or s.label == WINDOW_PROBE or s.label == KEEP_ALIVE:
        return
    if mine.finished_at > 0 and (s.length == 0 or s.label != RETRANSMISSION):
        return
    size = segment_size(y, s)
    listen(m, mine, s, trip_to(x), size)
    gap = s.time - mine.data_at
    if gap > 0:
        cause = explain(x, y, mine, theirs, s, gap, size)
        if gap > LEAST_STALL and gap > stall_from(mine, theirs) and (s.length > 0 or cause != APPLICATION):
            stalled(m, mine, s, cause, detail_of(m, x, mine, theirs, s, cause, size))
    begin_gap(x, y, mine, s)


@kernel
def opened(k: Any, s: Any) -> None:
    """The handshake is over, as seen here: from now on a side may send."""
    k.opened_at = s.time
    k.data_at = s.time
    k.data_frame = s.frame


@kernel
def begin_gap(x: Any, y: Any, mine: Any, s: Any) -> None:
    """The side has sent segment ``s``: what it knows now, and what will be heard from now on."""
    mine.data_at = s.time
    mine.data_frame = s.frame
    mine.data_seen = 1
    mine.reach = mine.next
    mine.left = mine.knows_edge - mine.next if mine.knows_edge < NEVER else NEVER
    mine.under_way = mine.next - mine.knows_acked
    mine.wrote_all = 1 if s.flags & PSH and is_full(x, y, mine, s) == 0 else 0
    mine.repairing = 1 if mine.recovery != NO_CAUSE and mine.knows_acked < mine.recover else 0
    mine.probed = 0
    mine.room_at = 0
    mine.repaired_at = 0
    mine.unblocked_at = 0
    mine.blocked = 0
    if s.flags & FIN or mine.finished_at > 0:
        mine.finished_at = s.time


@kernel
def is_full(x: Any, y: Any, mine: Any, s: Any) -> int:
    """1 if the segment is as long as can be (one of segmentation offload: made of such), so that more may wait.

    Options and the path make segments shorter than the MSS: the longest so far tells by how much.
    """
    most = full_segment(y) - (TIMESTAMPS if x.timestamps and y.timestamps else 0)
    if s.length > most:
        return 1 if s.length % most == 0 else 0
    mine.longest = max(mine.longest, s.length)
    return 1 if s.length == mine.longest and 2 * s.length >= most else 0


@kernel
def explain(x: Any, y: Any, mine: Any, theirs: Any, s: Any, gap: int, size: int) -> int:
    """Gives the ``gap`` before segment ``s`` to its causes; returns the one that most of it goes to."""
    blocked = mine.blocked
    if mine.knows_zero:
        blocked += s.time - max(mine.blocked_at, mine.data_at)
    blocked = max(0, min(blocked, gap))
    if s.label == RETRANSMISSION:
        by_timer = gap - blocked >= LEAST_TIMEOUT and s.cause != FAST and s.cause != TAIL_PROBE
        return shared(mine, ZERO_WINDOW, blocked, TIMEOUT_STALL if by_timer else RECOVERY, gap)
    if mine.repairing:
        return shared(mine, ZERO_WINDOW, blocked, RECOVERY, gap)
    if mine.repaired_at > 0 and blocked == 0:
        repair = max(0, mine.repaired_at - mine.data_at)
        return shared(mine, RECOVERY, repair, why_waited(x, y, mine, theirs, s, size), gap)
    if blocked == 0:
        if mine.left < size and s.label != OVERRUN:
            return window_wait(x, y, mine, theirs, s, gap)
        if mine.wrote_all == 0 and mine.under_way > 0 and mine.knows_acked >= mine.reach:
            # More was to be sent, and then all of it was acknowledged: what follows is new.
            under_way = max(0, mine.heard_at - mine.data_at)
            return shared(mine, NETWORK, under_way, why_waited(x, y, mine, theirs, s, size), gap)
        return spend(mine, why_waited(x, y, mine, theirs, s, size), gap)
    freed = max(mine.unblocked_at, mine.room_at)
    if mine.knows_zero == 0 and s.time - freed > leeway(x, y) and mine.probed == 0:
        # The window opened, and it did not send: it had nothing to send.
        return spend(mine, APPLICATION, gap)
    if mine.knows_zero == 0:
        blocked = min(gap, blocked + s.time - max(mine.unblocked_at, mine.data_at))
    before = RECEIVE_WINDOW if mine.left < size or mine.wrote_all == 0 else APPLICATION
    return shared(mine, ZERO_WINDOW, blocked, before, gap)


@kernel
def window_wait(x: Any, y: Any, mine: Any, theirs: Any, s: Any, gap: int) -> int:
    """The gap of a side that had used up the window: until there was room again, and it sent at once."""
    if mine.room_at == 0 or s.time - mine.room_at <= leeway(x, y):
        return spend(mine, RECEIVE_WINDOW, gap)
    waited = mine.room_at - mine.data_at if mine.left <= 0 or mine.wrote_all == 0 else 0
    return shared(mine, RECEIVE_WINDOW, max(0, waited), APPLICATION, gap)


@kernel
def why_waited(x: Any, y: Any, mine: Any, theirs: Any, s: Any, size: int) -> int:
    """What X waited for between its last octets and these, with no loss and with room in the window."""
    prompt = mine.heard_at > mine.data_at and s.time - mine.heard_at <= slack(x, y)
    if mine.under_way <= 0:
        return APPLICATION
    if mine.wrote_all == 0 and (prompt or mine.knows_acked < mine.reach):
        return NETWORK
    if not prompt or theirs.data_frame > mine.data_frame:
        # Its program was slow; or the peer's answer came, and the next question.
        return APPLICATION
    if mine.under_way < full_segment(y):
        # Small segments wait for the acknowledgement of what is under way (Nagle, RFC 9293 3.7.4).
        delay = mine.heard_at - trip_to(x) - mine.data_at - trip_to(y)
        if delay >= LEAST_DELAYED:
            return DELAYED_ACK
    return NETWORK


@kernel
def detail_of(m: Any, x: Any, mine: Any, theirs: Any, s: Any, cause: int, size: int) -> int:
    """What more can be told of a stall (TAPO, CoNEXT 2015): of a timeout why it took one, of a program whose."""
    if cause == TIMEOUT_STALL:
        serial = locate(m, mine, s.seq_relative)
        if alive(m, serial) and m.sent[place(m, serial)].copies > 2:
            return SENT_AGAIN_BEFORE
        return TAIL if mine.reach - s.seq_relative - s.length < THREE * size else NO_DETAIL
    if cause == APPLICATION:
        if theirs.data_seen == 0 or theirs.data_frame < mine.data_frame:
            return IDLE
        asked = theirs.data_at + trip_to(x) - mine.data_at
        return WAITS_FOR_PEER if 2 * asked >= s.time - mine.data_at else SLOW_ANSWER
    return NO_DETAIL


@kernel
def full_segment(y: Any) -> int:
    """The largest segment that Y takes."""
    return y.mss if y.mss > 0 else USUAL_SEGMENT  # type: ignore[no-any-return]


@kernel
def segment_size(y: Any, s: Any) -> int:
    """Octets that X would send at once: those of ``s``, at most a full segment."""
    return max(1, min(s.length, full_segment(y)))


@kernel
def trip_to(x: Any) -> int:
    """The smallest round trip from the capture point to the side; 0 where none is known."""
    return x.rtt_min if x.rtt_min < NEVER else 0  # type: ignore[no-any-return]


@kernel
def slack(x: Any, y: Any) -> int:
    """ns: how much later than an arrival a sending may come that the arrival caused."""
    return max((trip_to(x) + trip_to(y)) // 10, LEAST_SLACK)


@kernel
def leeway(x: Any, y: Any) -> int:
    """ns: the same for the opening of a window, which nothing but data that was waiting follows so soon."""
    return max((trip_to(x) + trip_to(y)) // 2, LEAST_SLACK)


@kernel
def stall_from(mine: Any, theirs: Any) -> int:
    """ns: the gap from which a sender counts as stalled (TAPO, CoNEXT 2015: min(2 SRTT, RTO))."""
    trip = mine.smoothed + theirs.smoothed
    timer = trip + 4 * (mine.variation + theirs.variation)
    return min(2 * trip, max(timer, LEAST_TIMER))


@kernel
def stalled(m: Any, mine: Any, s: Any, cause: int, detail: int) -> None:
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
        row.detail = detail
        m.control[STALL_COUNT] = at + 1


@kernel
def shared(k: Any, first: int, amount: int, second: int, gap: int) -> int:
    """Gives ``amount`` of a gap to one cause and the rest to another; returns the one that has more of it."""
    amount = min(amount, gap)
    spend(k, first, amount)
    spend(k, second, gap - amount)
    return first if 2 * amount >= gap else second


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
