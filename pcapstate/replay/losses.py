"""What acknowledgements tell of what was sent: which transmissions were needless, what was lost, and where.

A capture point lies between the loss and one of the ends. An octet that was seen and had to be sent again was lost
after it; one whose first copy to be seen is a retransmission was lost before it; one that is acknowledged and was
never seen is missing in the capture only. DSACK (RFC 2883) and Eifel (RFC 3522) name the needless ones. What is
learned later of an earlier segment goes into a log, which the engine applies to the segments that it keeps.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..tcp.sequence import unwrap
from .codes import FAST, LOST_AFTER, LOST_IN_CAPTURE, NO_CAUSE, SPURIOUS, TIMEOUT
from .rows import NEVER, RELABEL_COUNT
from .transmissions import alive, append_unseen, locate, place

RELABELS_A_SEGMENT = 256
"""How many earlier segments one segment may name anew; an acknowledgement of more leaves the rest unnamed."""

AS_IT_IS = -1


@kernel
def relabel(m: Any, frame: int, label: int, cause: int, proof: int) -> None:
    """Says of an earlier segment what it was. ``label`` may be AS_IT_IS."""
    at = m.control[RELABEL_COUNT]
    if at < len(m.relabels):
        r = m.relabels[at]
        r.frame = frame
        r.label = label
        r.cause = cause
        r.proof = proof
        m.control[RELABEL_COUNT] = at + 1


@kernel
def acknowledged(m: Any, x: Any, y: Any, theirs: Any, s: Any) -> None:
    """Segment ``s`` from X acknowledges octets of Y: settles what was known of them. X and Y are as before it."""
    if s.sacks > 0:
        selective(m, x, y, theirs, s)
    if s.ack_relative <= theirs.acked:
        return
    if s.ack_relative > theirs.next:
        # These were never seen, and yet arrived.
        append_unseen(m, theirs, s, s.ack_relative)
    before = theirs.acked
    theirs.duplicate_acks = 0
    if theirs.recovery and s.ack_relative >= theirs.recover:
        theirs.recovery = NO_CAUSE
    theirs.acked = s.ack_relative
    theirs.acked_at = s.time
    serial = theirs.unacked
    if serial > 0 and alive(m, serial) == 0:
        serial = lowest_known(m, theirs)
    budget = RELABELS_A_SEGMENT
    nth = 0
    while serial > 0:
        row = m.sent[place(m, serial)]
        if row.end > s.ack_relative:
            break
        row.acked_at = s.time
        row.acked_frame = s.frame
        if row.seen == 0 and row.start > 1:
            # Not what was under way when the capture began: it misses packets.
            theirs.unseen = 1
        if row.seen == 0 or row.copies > 1:
            judge(m, x, y, row, s, nth, before, budget)
            budget -= 2
        nth += 1
        serial = row.above
    theirs.unacked = serial


@kernel
def signal(y: Any, theirs: Any, s: Any) -> None:
    """Segment ``s`` tells Y that something is missing. The first time that it hears so is kept until it gets on."""
    theirs.signal_at = s.time
    theirs.signal_frame = s.frame
    if theirs.signal_acked != theirs.acked:
        theirs.signal_acked = theirs.acked
        theirs.signal_tsval = s.tsval


@kernel
def lowest_known(m: Any, theirs: Any) -> int:
    """The lowest row of a side that is left in the ring, 0 if there is none."""
    serial = theirs.top
    if alive(m, serial) == 0:
        return 0
    while alive(m, m.sent[place(m, serial)].below):
        serial = m.sent[place(m, serial)].below
    return serial  # type: ignore[no-any-return]


@kernel
def judge(m: Any, x: Any, y: Any, row: Any, s: Any, nth: int, before: int, budget: int) -> None:
    """A row of Y, the ``nth`` that X now acknowledges beyond ``before``, of which not just one copy was seen."""
    if row.seen == 0:
        if row.fate == NO_CAUSE and budget > 0:
            row.fate = LOST_IN_CAPTURE
            relabel(m, row.first_frame, AS_IT_IS, LOST_IN_CAPTURE, s.frame)
        return
    if row.fate != NO_CAUSE:
        return
    if needless(x, row, s, nth, before):
        row.fate = SPURIOUS
        if budget > 0:
            relabel(m, row.frame, AS_IT_IS, SPURIOUS, s.frame)
        return
    row.fate = LOST_AFTER
    y.lost_after += row.copies - 1
    if budget > 0:
        relabel(m, row.first_frame, AS_IT_IS, LOST_AFTER, row.frame)


@kernel
def needless(x: Any, row: Any, s: Any, nth: int, before: int) -> int:
    """1 if the acknowledgement cannot come from the latest copy, so that an earlier one had arrived.

    Eifel: the TSecr is older than that copy. The row at the left edge says so; one above it left no TSecr if its
    acknowledgement was delayed (RFC 7323 4.3), but of those only one goes with the first (RFC 9293 3.8.6.3). Without
    timestamps: the acknowledgement comes sooner than that copy could be answered.
    """
    if s.tsecr >= 0 and row.tsval >= 0 and s.flags & 16 and ((nth == 0 and row.start <= before) or nth > 1):
        older = ((row.tsval - s.tsecr - 1) & 0xFFFFFFFF) < 0x7FFFFFFF
        if nth == 0 or older:
            return 1 if older else 0
    return 1 if x.rtt_min < NEVER and s.time - row.time < x.rtt_min - x.rtt_min // 8 else 0


@kernel
def selective(m: Any, x: Any, y: Any, theirs: Any, s: Any) -> None:
    """The SACK blocks of segment ``s`` from X, about octets of Y (RFC 2018, RFC 2883)."""
    ack = s.ack_relative
    left = unwrap(s.sack_left0, y.base, ack)
    right = unwrap(s.sack_right0, y.base, ack)
    again = 1 if right <= ack else 0
    top = right
    if s.sacks > 1:
        left1 = unwrap(s.sack_left1, y.base, ack)
        right1 = unwrap(s.sack_right1, y.base, ack)
        if left1 <= left and right <= right1:
            again = 1
        top = right1 if right1 > top else top
    if s.sacks > 2:
        right2 = unwrap(s.sack_right2, y.base, ack)
        top = right2 if right2 > top else top
    if s.sacks > 3:
        right3 = unwrap(s.sack_right3, y.base, ack)
        top = right3 if right3 > top else top
    if again and left < right:
        twice(m, y, theirs, s, left, right)
    if top > ack and (left != theirs.sack_left or right != theirs.sack_right or top > theirs.sacked_top):
        signal(y, theirs, s)
    theirs.sack_left = left
    theirs.sack_right = right
    if top > theirs.sacked_top and top <= theirs.next:
        theirs.sacked_top = top


@kernel
def twice(m: Any, y: Any, theirs: Any, s: Any, left: int, right: int) -> None:
    """A DSACK: these octets arrived twice, so the latest copy of them was needless (or the path made it)."""
    serial = locate(m, theirs, left)
    for _ in range(RELABELS_A_SEGMENT // 4):
        if alive(m, serial) == 0:
            return
        row = m.sent[place(m, serial)]
        if row.start >= right:
            return
        if row.seen and row.copies > 1 and row.fate != SPURIOUS and row.end <= right:
            if row.fate == LOST_AFTER:
                y.lost_after -= 1
                relabel(m, row.first_frame, AS_IT_IS, NO_CAUSE, 0)
            row.fate = SPURIOUS
            relabel(m, row.frame, AS_IT_IS, SPURIOUS, s.frame)
        serial = row.above


@kernel
def begin_recovery(mine: Any, cause: int) -> None:
    """The first retransmission for a loss: X repairs until all that it has sent by now is acknowledged."""
    if cause == FAST or cause == TIMEOUT:
        if mine.recovery == NO_CAUSE or cause == TIMEOUT:
            mine.recover = mine.next
        mine.recovery = cause
