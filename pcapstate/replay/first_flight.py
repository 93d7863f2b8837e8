"""What the first octets of a side tell of its SYN: who begins with one segment had sent its SYN more than once.

RFC 5681 3.1: if the SYN or its SYN,ACK was lost, the initial window must be one segment; otherwise it is two to ten
(RFC 6928). Common stacks do so, Linux if the SYN was lost twice (tcp_init_transfer). So where one SYN was seen and the
side then sends a single full segment, though it has more and the window has room, its first SYN was lost before the
capture point. Stacks from before RFC 3390 (2002), small ones and generators of traffic always begin with one: they are
known by what they do not offer. Not known here: a host whose initial window was set to one segment.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .codes import OF_SYN, OF_SYN_ACK, ORDINARY, RETRANSMISSION
from .losses import relabel
from .senders import LEAST_SYN_TIMEOUT
from .skipped import full_size, offers_all
from .transmissions import alive, locate, place

FIN, SYN, PSH, ACK = 1, 2, 8, 16

NOTHING_YET, ONE_ALONE, MORE, OVER = range(4)
"""What was seen of the beginning: nothing, one segment, one more after its acknowledgement."""

LEAST_WAIT = 2_000_000
"""ns: within less its program may not have been able to write more."""


@kernel
def first_flight(m: Any, x: Any, y: Any, mine: Any, s: Any) -> None:
    """Segment ``s`` has the next octets of X, which has not been seen to send more than a few."""
    size = full_size(x, y)
    before = mine.flight
    mine.flight = OVER
    skips = s.ip_id > 0 and ((s.ip_id - mine.ip_id) & 0xFFFF) != mine.id_used
    if size <= 0 or skips or s.length == 0 or y.edge < s.seq_relative + 2 * size:
        return
    if before == NOTHING_YET:
        if s.seq_relative == 1 and s.length == size and s.flags & (PSH | FIN | SYN) == 0 and answered_at_once(x, mine):
            mine.flight = ONE_ALONE
            mine.flight_at = s.time
    elif before == ONE_ALONE:
        if s.length == size and mine.acked_at - mine.flight_at > LEAST_WAIT:
            mine.flight = MORE
            mine.flight_at = s.time
    elif mine.acked == s.seq_relative - size and s.time - mine.flight_at < LEAST_WAIT:
        sent_its_syn_before(m, x, mine, s)


@kernel
def answered_at_once(x: Any, mine: Any) -> int:
    """1 if one SYN of X was seen, and the answer to it before X could send another."""
    if x.syn_seen == 0 or mine.syns + mine.syn_acks != 1 or mine.acked != 1 or offers_all(x) == 0:
        return 0
    return 1 if mine.acked_at - x.syn_last < LEAST_SYN_TIMEOUT else 0


@kernel
def sent_its_syn_before(m: Any, x: Any, mine: Any, s: Any) -> None:
    """The only SYN that was seen of X was not its first."""
    serial = locate(m, mine, 0)
    if alive(m, serial) == 0:
        return
    row = m.sent[place(m, serial)]
    if row.start == 0 and row.seen and row.copies == 1 and row.first_label == ORDINARY:
        row.first_label = RETRANSMISSION
        relabel(m, row.first_frame, RETRANSMISSION, OF_SYN_ACK if mine.syn_acks else OF_SYN, s.frame)
        x.retransmissions += 1
        x.lost_before += 1
