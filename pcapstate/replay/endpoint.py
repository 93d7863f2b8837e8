"""One segment, two sides: what it tells of its sender, and what it will do to its receiver if it arrives.

``receive`` is called for every segment in capture order. It moves the sender's sequence space, window and clocks, and
the events of both sides. Nothing here knows the state machine: that the events make states is ``timeline``'s work.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..tcp.sequence import unwrap
from .closing import (
    HOLE,
    again_below_fin,
    fin,
    guess_fin,
    not_a_fin,
    out_of_order,
    reports_twice,
    which_call,
    which_fin,
)
from .evidence import confirm, echoes_later, guard_of, hear, presume, remember, sent_again
from .opening import misfit, past_handshake, syn, unseen_syn_ack
from .proofs import queue, witness
from .resets import alive_after_all, reset
from .rows import (
    DEAD,
    DEDUCED,
    EVENTS_PER_SIDE,
    FIN_ACKED,
    FIN_RECEIVED,
    NEVER,
    NOTHING,
    PRESUMED,
    SYN_ACKED,
    SYN_RECEIVED,
)

FIN, SYN, RST, ACK = 1, 2, 4, 16
UNKNOWN_NUMBER = -(1 << 41)
"""In place of a relative number whose base is not known."""

FAR = 1 << 28
"""A number this far from what is expected belongs to nothing that this connection sent."""

LEAP = 0xFFFF
"""What one segment can carry, octets: the numbers of a connection that is captured whole do not go further at once."""


@kernel
def relate(f: Any, x: Any, y: Any, s: Any) -> None:
    """Relative, unwrapped numbers of the segment; learns the base of a side that is not known yet."""
    if s.flags & RST:
        relate_reset(x, y, s)
        return
    if x.based == 0:
        x.based = 1
        x.base = s.seq if s.flags & SYN else (s.seq - 1) & 0xFFFFFFFF
        x.next = 0 if s.flags & SYN else 1
    s.seq_relative = unwrap(s.seq, x.base, x.next)
    s.ack_relative = -1
    s.ack_known = 0
    if s.flags & ACK:
        if y.based == 0:
            y.based = 1
            y.base = (s.ack - 1) & 0xFFFFFFFF
            y.next = 1
            y.acked = 1
        s.ack_relative = unwrap(s.ack, y.base, y.next)
        s.ack_known = 1


@kernel
def relate_reset(x: Any, y: Any, s: Any) -> None:
    """As ``relate``, for a reset: it teaches nothing, for its numbers may be anybody's."""
    s.seq_relative = unwrap(s.seq, x.base, x.next) if x.based else UNKNOWN_NUMBER
    s.ack_relative = -1
    s.ack_known = 0
    if s.flags & ACK and y.based:
        s.ack_relative = unwrap(s.ack, y.base, y.next)
        s.ack_known = 1


@kernel
def receive(m: Any, s: Any) -> None:
    """One segment of a flow (``flow_of`` has set slot and side, ``relate`` the relative numbers)."""
    f = m.flows[s.slot]
    side = 2 * s.slot + s.side
    other = 2 * s.slot + 1 - s.side
    x = m.sides[side]
    y = m.sides[other]
    first = side * EVENTS_PER_SIDE
    peer = other * EVENTS_PER_SIDE
    f.last_time = s.time
    f.last_frame = s.frame
    f.frames += 1
    x.packets += 1
    if s.flags & RST:
        f.resets += 1
        reset(m, f, x, y, first, peer, s)
        return
    if s.flags & SYN and misfit(m, f, x, y, s):
        return
    if s.flags & FIN and x.fin == 0 and s.seq_relative + s.length + 1 < x.next:
        # Its number was another octet's: no FIN of this side.
        return
    offset = s.seq_relative - x.next
    if offset > FAR or offset < -FAR:
        return
    if s.ack_known and (s.ack_relative - y.next > FAR or s.ack_relative - y.next < -FAR):
        s.ack_known = 0
    if s.ack_known and s.flags & SYN == 0 and leaps(offset, s.ack_relative - y.next):
        f.twin = 1
    if f.resets:
        alive_after_all(m, f, x, y, first, peer, s)
    end = s.seq_relative + s.length + (1 if s.flags & SYN else 0) + (1 if s.flags & FIN else 0)
    had = hear(m, x, y, s, s.ack_relative) if s.ack_known else -NEVER
    if (x.fin_guess > 0 and end > x.fin_guess) or (s.length > 0 and s.seq_relative + s.length >= x.fin > x.acked):
        # Data where a FIN was guessed, or forged.
        not_a_fin(m, x, s.side, s)
    tsval = carrier_tsval(x, s)
    if end > s.seq_relative and end <= x.next and s.seq_relative >= x.acked - 1:
        if s.ip_id != x.proof_ip_id or (s.ip_id <= 0 and s.tsval != x.tsval):
            # Not a copy that the network or the capture made of what came just before.
            sent_again(m, x, s.seq_relative)
            x.repeated_unanswered += 1
    queue(x, y, s, end, guard_of(x))
    original = witness(x, s, end, had)
    octets = max(x.next, s.seq_relative) if original else NEVER
    remember(m, x, s, end)
    if s.flags & SYN:
        syn(m, f, x, y, first, peer, s, octets, tsval, end, had)
    elif s.ack_known:
        shows(m, f, x, y, first, s)
        acknowledges(m, f, x, y, peer, s, octets, tsval)
    advance(m, x, y, s, end)
    if s.flags & FIN:
        fin(m, f, x, y, first, peer, s, octets, tsval, end, had)
    elif x.fin > 0 and end <= x.fin and s.length > 0:
        again_below_fin(m, x, y, peer, s, octets, tsval)
    if x.fin_waits == HOLE and x.hole == x.hole_end and x.holes == 0:
        x.fin_waits = 0
        presume(m.events[peer + FIN_RECEIVED], s, octets, tsval, m.events[peer + DEAD].grade)
    habits(f, x, s)


@kernel
def leaps(octets: int, acknowledged: int) -> int:
    """1 if both numbers of a segment are far from all that was seen: much is missing, or it is another connection's."""
    if octets < 0 and acknowledged < 0:
        # It was sent long ago.
        return 0
    return 1 if (octets > LEAP or octets < -LEAP) and (acknowledged > LEAP or acknowledged < -LEAP) else 0


@kernel
def habits(f: Any, x: Any, s: Any) -> None:
    """When the side was heard, and what verdicts ask for: whether IP IDs run, when data was sent, unanswered probes."""
    x.sent_at = s.time
    x.sent_frame = s.frame
    if x.packets == 1:
        x.first_at = s.time
        x.first_frame = s.frame
    x.ttl = s.ttl
    if s.ip_id > 0 and s.flags & SYN == 0:
        x.ip_id_running += 1
    if s.length > 1 or (s.length == 1 and s.seq_relative + 1 == x.next):
        x.data_at = s.time
        x.probes = 0
        if f.first_data_frame == 0:
            f.first_data_frame = s.frame
    elif s.seq_relative == x.next - 1 and s.flags & (SYN | FIN) == 0:
        x.probes += 1


@kernel
def carrier_tsval(x: Any, s: Any) -> int:
    """The TSval by which an echo would prove this segment or a later one: -1 if an earlier one may have had it too."""
    if s.tsval < 0 or s.tsval == x.tsval or s.seq_relative > x.next:
        # Octets before it were not seen, and may have been sent in the same tick.
        return -1
    if x.tsval < 0 and (s.flags & SYN == 0 or x.syn_unseen):
        return -1
    if x.tsval >= 0 and ((s.tsval - x.tsval) & 0xFFFFFFFF) > 0x7FFFFFFF:
        return -1
    return s.tsval  # type: ignore[no-any-return]


@kernel
def shows(m: Any, f: Any, x: Any, y: Any, first: int, s: Any) -> None:
    """What a segment after the SYN proves of its sender (SEMANTICS C1 to C4)."""
    if x.opened == 0 and y.syn_seen == 0 and x.syn_pure:
        unseen_syn_ack(m, x, y, first, s)
    if x.opened == 0 and (x.syn_seen or y.syn_seen):
        got = m.events[first + SYN_RECEIVED]
        done = m.events[first + SYN_ACKED]
        if s.sacks and y.syn_pure and s.sack_left0 == y.isn:
            # A DSACK of the peer's SYN: it had come before the SYN,ACK, so this side answered from SYN_RECEIVED.
            x.crossed = 1
        if got.grade == PRESUMED and y.syn_seen and s.ack_relative >= 1:
            confirm(got, s)
            if x.syn_seen == 0 or x.syn_unseen:
                # It may have come here by a SYN of its own, and the peer's SYN,ACK.
                got.grade = DEDUCED
        if done.grade == PRESUMED or done.grade == NOTHING:
            past_handshake(m, f, x, y, done, s)
        x.opened = 1 if got.grade > NOTHING and got.grade != PRESUMED and done.high < NEVER else 0
    if y.fin > 0:
        fin_got = m.events[first + FIN_RECEIVED]
        if fin_got.grade == NOTHING or fin_got.grade == PRESUMED:
            if s.ack_relative >= y.fin:
                which_fin(x, y, fin_got, s)
                confirm(fin_got, s)
            else:
                # Any segment would acknowledge the FIN if it had arrived in order.
                fin_got.low = max(fin_got.low, x.had)
                out_of_order(y, fin_got, s)
    if x.fin > 0 and s.flags & FIN == 0:
        which_call(m, x, y, first, s)
    if x.fin > 0:
        fin_done = m.events[first + FIN_ACKED]
        if fin_done.grade == PRESUMED and (s.ack_relative > fin_done.octets or echoes_later(s, fin_done)):
            confirm(fin_done, s)
            x.fin_acked_ack = s.ack_relative


@kernel
def acknowledges(m: Any, f: Any, x: Any, y: Any, peer: int, s: Any, octets: int, tsval: int) -> None:
    """What the acknowledgement does to Y, if it arrives: ACK of its SYN, ACK of its FIN (RFC 9293 3.10.7.4, fifth)."""
    if y.opened == 0 and y.syn_seen and 1 <= s.ack_relative <= y.next:
        not_now = m.events[peer + DEAD].grade if m.events[peer + SYN_RECEIVED].grade != NOTHING else PRESUMED
        presume(m.events[peer + SYN_ACKED], s, octets, tsval, not_now)
    if y.fin > 0:
        fin_done = m.events[peer + FIN_ACKED]
        if s.ack_relative >= y.fin:
            presume(fin_done, s, octets, tsval, m.events[peer + DEAD].grade)
        elif fin_done.tsval >= 0 and s.tsval == fin_done.tsval:
            # Sent in the same tick as the carrier, before it, and overtaken: an echo of the TSval may be due to this.
            fin_done.tsval = -1
    if s.ack_relative > y.acked:
        # A bare segment alone does not show where the octets end: a keep-alive has the number before.
        shown = max(y.acked, y.data_end)
        y.repeated_unanswered = 0
        y.acked = s.ack_relative
        y.acked_at = s.time
        if s.ack_relative > y.next and y.fin_guess > 0:
            not_a_fin(m, y, 1 - s.side, s)
        if s.ack_relative == shown + 1 and y.fin == 0 and (shown == y.next or y.beyond == s.ack_relative):
            # An octet that was never captured, and yet arrived. A single one more likely is a FIN.
            guess_fin(m, x, y, 1 - s.side, s)
            presume(m.events[peer + FIN_ACKED], s, octets, tsval, m.events[peer + DEAD].grade)
        y.next = max(y.next, s.ack_relative)
        if y.hole_end > 0 and y.acked >= y.hole:
            y.hole = y.acked if y.acked < y.hole_end else y.hole_end
            if y.hole == y.hole_end and y.acked >= y.next:
                y.holes = 0


@kernel
def advance(m: Any, x: Any, y: Any, s: Any, end: int) -> None:
    """The sender's sequence space: its highest octet, and the lowest hole in what was seen of it."""
    start = s.seq_relative
    if end <= start:
        if start > x.next:
            # A bare acknowledgement with a number beyond what was seen: octets before it are missing.
            open_hole(x, start)
            x.next = start
            x.beyond = start
            x.beyond_at = s.time
            x.beyond_frame = s.frame
            x.beyond_twice = reports_twice(y, s)
        return
    if start > x.next:
        open_hole(x, start)
    fresh = end - (x.next if start < x.next else start)
    fresh = fresh if fresh > 0 else 0
    if x.hole < x.hole_end and start < x.hole_end and end > x.hole:
        first = start if start > x.hole else x.hole
        last = end if end < x.hole_end else x.hole_end
        fresh += last - first
        if first == x.hole:
            x.hole = last
    if fresh > 0:
        control = (1 if s.flags & SYN else 0) + (1 if s.flags & FIN else 0)
        x.bytes += fresh - control if fresh > control else 0
        if s.length > 0:
            x.data_packets += 1
    if end > x.next:
        x.next = end
        x.spoke = 1


@kernel
def open_hole(x: Any, start: int) -> None:
    """Octets from x.next to ``start`` were not seen."""
    if x.hole < x.hole_end:
        x.holes = 1
        return
    x.hole = x.next if x.next > x.acked else x.acked
    x.hole_end = start if start > x.hole else x.hole
