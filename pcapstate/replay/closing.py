"""How a connection is closed: FINs, their copies, their order, and which call of the program they show.

RFC 9293 3.10.7.4, eighth. A FIN takes effect when every octet before it has arrived, not when it passes.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .evidence import carry, confirm, echoes_later, guard_of, is_fresh, note, presume, refute, sent
from .resets import forget
from .rows import (
    CONFIRMED,
    DEAD,
    DEDUCED,
    EVENTS_PER_SIDE,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    NEVER,
    NOTHING,
    PRESUMED,
    REFUTED_ACK_OF_FIN,
    REFUTED_FIN,
)

HOLE, HELD = 1, 2
"""Why a FIN that passed is not taken yet: octets before it were not seen here, or did not arrive there."""


@kernel
def fin(
    m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any, octets: int, tsval: int, end: int, had: int
) -> None:
    """A FIN leaves X; it takes effect at Y when every octet before it has arrived (RFC 9293 3.10.7.4, eighth)."""
    mine = m.events[first + FIN_SENT]
    got = m.events[peer + FIN_RECEIVED]
    if x.fin > 0 and end < x.fin:
        if x.hole == x.hole_end:
            return
        # One sender has one FIN: the one beyond octets that nobody sent was forged.
        forget(mine)
        forget(got)
        forget(m.events[first + FIN_ACKED])
        x.fin = 0
        x.fin_waits = 0
        x.next = end
        x.hole = x.hole_end
        x.holes = 0
        # Nor does it prove what was sent before what.
        x.data_end = end - 1
        if s.ack_known:
            x.fin_ack_low = s.ack_relative
            x.fin_ack_high = s.ack_relative
    if x.fin == 0 or end > x.fin:
        x.fin = end
        x.fin_ip_id = s.ip_id
        x.fin_tsval = s.tsval
        x.fin_last = s.time
        if mine.grade == NOTHING:
            sent(mine, s, x.open_had)
            x.peer_next_at_fin = y.next
            x.fin_tsecr = s.tsecr
            x.fin_with_data = 1 if s.length > 0 else 0
            x.window_at_fin = y.edge - s.seq_relative - s.length
            x.fin_after_fin = 1 if y.fin > 0 and s.ack_known and s.ack_relative >= y.fin else 0
            if end == x.beyond:
                sent_before(x, y, mine, m.events[first + FIN_RECEIVED])
        if x.hole == x.hole_end and x.holes == 0:
            presume(got, s, octets, tsval, m.events[peer + DEAD].grade)
        else:
            x.fin_waits = HOLE
        return
    if is_fresh(s, x.fin_ip_id, x.fin_tsval, x.fin_last) == 0:
        return
    x.fin_copies += 1
    x.fin_last = s.time
    x.fin_ip_id = s.ip_id
    x.fin_tsval = s.tsval
    done = m.events[first + FIN_ACKED]
    if done.grade == PRESUMED and s.time - done.at > guard_of(x):
        refute(m, done, s, REFUTED_ACK_OF_FIN, guard_of(x), had)
    if got.grade == PRESUMED and s.time - got.at > guard_of(y):
        if got.at == got.first:
            note(m, s, REFUTED_FIN, got.frame, got.at)
        carry(got, s, tsval)


@kernel
def sent_before(x: Any, y: Any, mine: Any, got: Any) -> None:
    """A segment that follows the FIN was seen before it: the first copy was lost, or overtaken, on the way here.

    A side whose FIN crossed the peer's acknowledges that one at once. One that received it first sends its own with
    the acknowledgement, and a bare one only when the peer's FIN comes again: late, or with a DSACK.
    """
    mine.grade = DEDUCED
    mine.at = x.beyond_at
    mine.frame = x.beyond_frame
    mine.high = x.beyond_at
    mine.proof = x.beyond_frame
    # Only an acknowledgement that was sent before that shows that the peer's FIN came first.
    x.fin_after_fin = 1 if got.grade == CONFIRMED and got.high < x.beyond_at else 0
    if got.grade == CONFIRMED and got.high == x.beyond_at and y.fin_copies > 0:
        late = x.beyond_at - got.first > guard_of(x) and (x.sack == 0 or y.sack == 0)
        x.fin_after_fin = 1 if x.beyond_twice or late else 0


@kernel
def again_below_fin(m: Any, x: Any, y: Any, peer: int, s: Any, octets: int, tsval: int) -> None:
    """Octets before the FIN are sent after it: they were missing, so the FIN was not in order before they arrive."""
    got = m.events[peer + FIN_RECEIVED]
    if x.fin_waits == HELD:
        x.fin_waits = 0
        presume(got, s, octets, tsval, m.events[peer + DEAD].grade)
    elif got.grade == PRESUMED and s.seq_relative >= 0:
        carry(got, s, tsval)


@kernel
def out_of_order(y: Any, e: Any, s: Any) -> None:
    """A SACK block that ends with the FIN of Y: it arrived, but octets before it have not, so it has no effect yet."""
    if e.grade != PRESUMED or s.sacks == 0:
        return
    left, right = (s.sack_left0 - y.base) & 0xFFFFFFFF, (s.sack_right0 - y.base) & 0xFFFFFFFF
    if right == y.fin & 0xFFFFFFFF and ((left - s.ack_relative) & 0xFFFFFFFF) - 1 < 0x7FFFFFFF:
        e.grade = NOTHING
        y.fin_waits = HELD


@kernel
def reports_twice(y: Any, s: Any) -> int:
    """1 if a DSACK says that the FIN of Y arrived twice (RFC 2883, 4)."""
    return 1 if y.fin > 0 and s.sacks and ((s.sack_right0 - y.base - y.fin) & 0xFFFFFFFF) == 0 else 0


@kernel
def which_fin(x: Any, y: Any, e: Any, s: Any) -> None:
    """Of several FINs the one that arrived: the first, if a DSACK calls the copy superfluous (RFC 2883, 4), if the
    answer is seen too soon after the copy to be due to it, or does not echo its TSval (RFC 7323 4.3)."""
    if e.at == e.first or e.first == 0:
        return
    if s.time - e.at < x.rtt_min:
        e.at = e.first
        e.frame = e.first_frame
    if reports_twice(y, s) or (e.tsval >= 0 and s.tsecr >= 0 and echoes_later(s, e) == 0):
        e.at = e.first
        e.frame = e.first_frame


@kernel
def which_call(m: Any, x: Any, y: Any, first: int, s: Any) -> None:
    """Whether the side's program still listens after its FIN: shutdown(SHUT_WR) leaves the receiving side alive.

    Data that passed here after the FIN did, and that the side takes, proves it. The opposite shows on Linux: a closed
    socket in FIN_WAIT_2 is kept without its IP ID counter (inet_twsk), so its ACK of the peer's FIN has ID 0.
    """
    fin_octet = 1 if (y.fin > 0 and s.ack_relative >= y.fin) or s.ack_relative == y.next + 1 else 0
    if s.ack_relative - fin_octet > x.peer_next_at_fin and x.shutdown_frame == 0:
        x.shutdown_frame = s.frame
    elif fin_octet and s.ip_id == 0 and x.ip_id_running > 1 and x.close_frame == 0 and x.shutdown_frame == 0:
        if m.events[first + FIN_ACKED].grade != NOTHING:
            x.close_frame = s.frame
            if m.events[first + FIN_RECEIVED].proof == s.frame and y.fin_copies == 0:
                # Its first answer to the only FIN: so it was in FIN_WAIT_2 already, not in CLOSING.
                x.orphan = 1


@kernel
def guess_fin(m: Any, x: Any, y: Any, side: int, s: Any) -> None:
    """X acknowledges one octet of Y (``side``) that was not captured: a FIN, unless more data comes (SEMANTICS M3).

    If it was data, the FIN comes later: nothing bounds it from above. Of a side that was never captured it is likely
    that its FIN acknowledged ours: a copy of ours will refute it.
    """
    y.fin_guess = s.ack_relative
    y.fin = s.ack_relative
    y.chain = 0
    y.peer_next_at_fin = max(x.next, s.seq_relative + s.length)
    first = (2 * s.slot + 1 - side) * EVENTS_PER_SIDE
    mine = m.events[(2 * s.slot + side) * EVENTS_PER_SIDE + FIN_SENT]
    got = m.events[first + FIN_RECEIVED]
    confirm(mine, s)
    confirm(got, s)
    mine.high = NEVER
    got.high = NEVER
    if y.packets == 0 and x.fin > 0:
        y.fin_after_fin = 1
        presume(m.events[first + FIN_ACKED], s, NEVER, -1, m.events[first + DEAD].grade)


@kernel
def not_a_fin(m: Any, x: Any, side: int, s: Any) -> None:
    """There are octets above a FIN of ``side`` that was only guessed: it was data."""
    x.fin_guess = 0
    x.fin = 0
    mine = m.events[(2 * s.slot + side) * EVENTS_PER_SIDE + FIN_SENT]
    got = m.events[(2 * s.slot + 1 - side) * EVENTS_PER_SIDE + FIN_RECEIVED]
    done = m.events[(2 * s.slot + side) * EVENTS_PER_SIDE + FIN_ACKED]
    forget(mine)
    forget(got)
    forget(done)
