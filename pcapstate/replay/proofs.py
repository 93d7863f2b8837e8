"""What a segment proves whatever the path did to the others: facts for the order of a side's events.

A FIN that was seen may be a copy of one that was lost before the capture point, and its acknowledgement number is that
of the copy. So that a FIN acknowledges the peer's FIN does not show which came first. What does show it is a segment
that can only have been sent before the FIN: a bare acknowledgement carries SND.NXT (RFC 9293 3.10.7.4), and while that
is the end of the data that was seen no FIN has been sent. A running IP ID without a gap shows that nothing was sent
between two segments.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .rows import NEVER

FIN, SYN, ACK = 1, 2, 16
NOT_KNOWN, DATA, EMPTY = range(3)
"""What ``queue`` found: nothing; X has sent data since the peer's FIN that may have waited; nothing waited then."""

PAUSE = 100_000_000
"""ns: a side that sends nothing for so long, beyond a round trip, has nothing to send; a path may be as slow once."""


@kernel
def witness(x: Any, s: Any, end: int, had: int) -> int:
    """Takes note of a segment of X, before ``x.next`` moves. ``had``: when what it answers passed, ns.

    Returns 1 if what lies above it was not sent before it: it has no octets, or no copy of them was sent before.
    """
    follows = 0
    if s.ip_id > 0 and x.proof_ip_id > 0:
        if s.ip_id == x.proof_ip_id:
            # A copy made on the way: the original has said it all.
            return 0
        follows = 1 if s.ip_id == (x.proof_ip_id + 1) & 0xFFFF else 0
    x.proof_ip_id = s.ip_id
    original = 1 if end == s.seq_relative or (x.chain and follows) else 0
    if s.flags & FIN:
        last_of_the_open(x, s, end, had, follows)
        return original
    if x.fin == 0:
        bare = 1 if end == s.seq_relative and s.seq_relative == x.data_end and s.ack_known else 0
        first = 1 if s.flags & (SYN | ACK) == SYN else 0
        x.chain = 1 if bare or first or (x.chain and follows) else 0
    if s.length > 0 or s.flags & SYN:
        x.data_end = max(x.data_end, end)
    if x.chain and s.ack_known:
        x.open_ack = max(x.open_ack, s.ack_relative)
        x.open_had = max(x.open_had, had)
    return original


@kernel
def queue(x: Any, y: Any, s: Any, end: int, guard: int) -> None:
    """Whether the program of X can have closed before the peer's FIN came, with its own FIN waiting behind data.

    FIN_WAIT_1 begins with the call (RFC 9293 3.10.4), not with the FIN. What X sends after the peer's FIN may have
    been written before; not if X was idle, or answered that FIN with nothing, while all it had sent was acknowledged.
    """
    if y.fin == 0 or x.fin > 0 or x.waiting == EMPTY:
        return
    if end > x.next:
        if x.acked >= x.next and y.window != 0 and s.time - x.acked_at > guard + PAUSE:
            x.waiting = EMPTY
        elif s.length > 0:
            x.waiting = DATA
    elif end == s.seq_relative and s.ack_known and s.ack_relative >= y.fin and y.window != 0:
        if y.fin_ack_high >= x.next:
            x.waiting = EMPTY


@kernel
def last_of_the_open(x: Any, s: Any, end: int, had: int, follows: int) -> None:
    """A FIN: of the first copy that is seen, whether there can have been one before it."""
    if x.fin == 0 and x.chain and follows and s.ack_known:
        x.open_ack = max(x.open_ack, s.ack_relative)
        x.open_had = max(x.open_had, had)
    x.chain = 0
    x.data_end = max(x.data_end, end - 1)
    if s.ack_known:
        x.fin_ack_low = min(x.fin_ack_low, s.ack_relative)
        x.fin_ack_high = max(x.fin_ack_high, s.ack_relative)


@kernel
def clear_proofs(x: Any) -> None:
    """For a side of which nothing has been seen."""
    x.proof_ip_id = -1
    x.open_ack = -1
    x.open_had = -NEVER
    x.fin_ack_low = NEVER
    x.fin_ack_high = -1
    x.fin_acked_ack = NEVER
