"""What has reached each side of what its peer acknowledged and granted: by the sender's own clock.

What passes the capture point towards a side reaches it later, and what the side sends because of it comes by later
still. Near the receiver that is nearly a whole round trip: the newest acknowledgement that was seen is not the one
that the sender knew. So whatever is told is kept in a queue of the side, and taken from it when a segment of the side
shows that it had it: by its TSecr, or by the time that a round trip to the side takes.

All sides share one ring of rows, as in ``transmissions``: a link is alive only while its row was not given away.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from .rows import ARRIVAL_HEAD, NEVER

Arrival = Row("Arrival", "serial next time acked edge zero tsval")
"""What a segment told: the highest acknowledgement, the right edge in force (NEVER: not known), a zero window."""

MOST_ARRIVALS = 1 << 12
"""Rows in the ring, for all sides together. A power of two."""


@kernel
def spot(m: Any, serial: int) -> int:
    """Where in the ring the row with a serial number lies; ask ``waiting`` whether it still does."""
    return serial & (len(m.arrivals) - 1)  # type: ignore[no-any-return]


@kernel
def waiting(m: Any, serial: int) -> int:
    """1 if the row with this serial number is still known."""
    return 1 if serial > 0 and m.control[ARRIVAL_HEAD] - serial < len(m.arrivals) else 0


@kernel
def tell(m: Any, x: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Segment ``s`` of X is on its way to its peer: queued if it tells anything new."""
    edge = x.edge if x.window >= 0 else NEVER
    if waiting(m, theirs.told_last):
        last = m.arrivals[spot(m, theirs.told_last)]
        if last.acked == theirs.acked and last.edge == edge and last.zero == mine.zero:
            return
    serial = m.control[ARRIVAL_HEAD] + 1
    if waiting(m, theirs.told_last):
        m.arrivals[spot(m, theirs.told_last)].next = serial
    m.control[ARRIVAL_HEAD] = serial
    row = m.arrivals[spot(m, serial)]
    row.serial = serial
    row.next = 0
    row.time = s.time
    row.acked = theirs.acked
    row.edge = edge
    row.zero = mine.zero
    row.tsval = s.tsval
    theirs.told_last = serial
    if waiting(m, theirs.told_next) == 0:
        theirs.told_next = serial


@kernel
def reached(row: Any, s: Any, trip: int) -> int:
    """1 if the sender of ``s`` had what the row tells when it sent it; ``trip``: the round trip to it, ns."""
    if s.tsecr >= 0 and row.tsval >= 0:
        # RFC 7323 4.3: TSecr is the latest TSval that came in order.
        later = (s.tsecr - row.tsval) & 0xFFFFFFFF
        if later != 0:
            return 1 if later < 0x80000000 else 0
    return 1 if row.time + trip <= s.time else 0


@kernel
def listen(m: Any, mine: Any, s: Any, trip: int, size: int) -> None:
    """Takes from the queue of the sender of ``s`` what it had by then. ``size``: octets that it would send at once."""
    while waiting(m, mine.told_next):
        row = m.arrivals[spot(m, mine.told_next)]
        if reached(row, s, trip) == 0:
            return
        hear(mine, row, max(min(row.time + trip, s.time), mine.data_at), size)
        mine.told_next = row.next


@kernel
def hear(mine: Any, row: Any, at: int, size: int) -> None:
    """The side hears what a row tells; ``at``: when its answer would pass the capture point."""
    if row.zero != mine.knows_zero:
        if row.zero:
            mine.blocked_at = at
        else:
            mine.blocked += at - max(mine.blocked_at, mine.data_at)
            mine.unblocked_at = at
        mine.knows_zero = row.zero
    if mine.room_at == 0 and row.edge - mine.reach >= size:
        mine.room_at = at
    if row.acked > mine.knows_acked:
        mine.knows_acked = row.acked
        mine.heard_at = at
        if mine.repairing and row.acked >= mine.recover:
            mine.repairing = 0
            mine.repaired_at = at
    mine.knows_edge = row.edge
