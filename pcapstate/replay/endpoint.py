"""One segment, two sides: what it tells of its sender, and what it will do to its receiver if it arrives.

``receive`` is called for every segment in capture order. It moves the sender's sequence space, window and clocks, and
the events of both sides. Nothing here knows the state machine: that the events make states is ``timeline``'s work.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..tcp.sequence import unwrap
from .evidence import carry, confirm, echoes_later, guard_of, hear, is_fresh, note, presume, refute, remember, sent, sent_again
from .resets import alive_after_all, forget, reset
from .rows import (
    BAD_ACK,
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
    REFUTED_ACK_OF_SYN,
    REFUTED_FIN,
    REFUTED_SYN_ACK,
    SYN_ACKED,
    SYN_RECEIVED,
    SYN_SENT,
    TIME_WAIT_LEFT,
    TWO_SYN_ACKS,
)

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FAR = 1 << 28
"""A number this far from what is expected belongs to nothing that this connection sent."""


@kernel
def relate(f: Any, x: Any, y: Any, s: Any) -> None:
    """Relative, unwrapped numbers of the segment; learns the base of a side where it is not known (first octet is 1)."""
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
        if y.based == 0 and not (s.flags & SYN and y.syn_seen == 0 and s.ack == 0):
            y.based = 1
            y.base = (s.ack - 1) & 0xFFFFFFFF
            y.next = 1
            y.acked = 1
        s.ack_relative = unwrap(s.ack, y.base, y.next)
        s.ack_known = 1


@kernel
def relate_reset(x: Any, y: Any, s: Any) -> None:
    """As ``relate``, for a reset: it teaches nothing, for its numbers may be anybody's."""
    s.seq_relative = unwrap(s.seq, x.base, x.next) if x.based else -1
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
        reset(m, f, x, y, first, peer, s)
        return
    offset = s.seq_relative - x.next
    if offset > FAR or offset < -FAR:
        return
    if s.ack_known and (s.ack_relative - y.next > FAR or s.ack_relative - y.next < -FAR):
        s.ack_known = 0
    alive_after_all(m, f, x, first, peer, s)
    end = s.seq_relative + s.length + (1 if s.flags & SYN else 0) + (1 if s.flags & FIN else 0)
    if s.ack_known:
        hear(m, x, y, s, s.ack_relative)
    if x.fin_guess > 0 and end > x.fin_guess:
        not_a_fin(m, x, s)
    octets = x.next
    tsval = carrier_tsval(x, s)
    if end > s.seq_relative and end <= x.next and s.seq_relative >= x.acked - 1:
        sent_again(m, x, s.seq_relative)
        x.repeated_unanswered += 1
    remember(m, x, s, end)
    if s.flags & SYN:
        syn(m, f, x, y, first, peer, s, octets, tsval, end)
    elif s.ack_known:
        shows(m, f, x, y, first, s)
        acknowledges(m, f, x, y, peer, s, octets, tsval)
    advance(m, x, y, s, end)
    if s.flags & FIN:
        fin(m, f, x, y, first, peer, s, octets, tsval, end)
    elif x.fin > 0 and end <= x.fin and s.length > 0:
        again_below_fin(m, y, peer, s, tsval)
    if x.fin_waits and x.hole == x.hole_end and x.holes == 0:
        x.fin_waits = 0
        if m.events[peer + DEAD].grade == NOTHING:
            presume(m.events[peer + FIN_RECEIVED], s, octets, tsval)
    advertise(f, x, y, s)
    x.sent_before = x.sent_at
    x.sent_at = s.time
    x.sent_frame = s.frame
    if x.packets == 1:
        x.first_at = s.time
        x.first_frame = s.frame
    x.ttl = s.ttl
    habits(f, x, s)


@kernel
def habits(f: Any, x: Any, s: Any) -> None:
    """What later verdicts ask for: whether IP IDs run, when data was sent, probes that nothing answers."""
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
    if s.tsval < 0 or s.tsval == x.tsval:
        return -1
    if x.tsval >= 0 and ((s.tsval - x.tsval) & 0xFFFFFFFF) > 0x7FFFFFFF:
        return -1
    return s.tsval


@kernel
def syn(m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any, octets: int, tsval: int, end: int) -> None:
    """SYN and SYN,ACK: RFC 9293 3.10.7.2 to 3.10.7.4, and what their repetition takes back (SEMANTICS R1, R2)."""
    if x.syn_seen and x.isn != s.seq:
        if s.flags & ACK == 0 or y.acked_at or m.events[peer + SYN_ACKED].grade == CONFIRMED:
            return
        note(m, s, TWO_SYN_ACKS, x.syn_last, 0)
        x.base = s.seq
        x.next = 0
        s.seq_relative = 0
        end = s.length + 1
    again = x.syn_seen
    fresh = is_fresh(s, x.syn_ip_id, x.syn_tsval, x.syn_last) if again else 1
    offers(x, s)
    x.syn_seen = 1
    x.isn = s.seq
    x.isn_known = 1
    x.syn_end = end
    x.syn_last = s.time
    x.syn_ip_id = s.ip_id
    x.syn_tsval = s.tsval
    if again and fresh:
        x.syn_copies += 1
    if s.flags & ACK:
        syn_ack(m, f, x, y, first, peer, s, octets, tsval, again, fresh)
        return
    x.syn_pure = 1
    if f.time_wait_reused == 1 and again == 0:
        note(m, s, TIME_WAIT_LEFT, 0, 0)
    mine = m.events[first + SYN_SENT]
    if mine.grade == NOTHING or mine.grade == DEDUCED:
        sent(mine, s, -NEVER)
    got = m.events[first + SYN_RECEIVED]
    guard = guard_of(x)
    if again and fresh and got.grade == PRESUMED and s.time - got.at > guard:
        refute(m, got, s, REFUTED_SYN_ACK, guard)
        if m.events[first + SYN_ACKED].grade == PRESUMED:
            refute(m, m.events[first + SYN_ACKED], s, REFUTED_SYN_ACK, guard)
    presume(m.events[peer + SYN_RECEIVED], s, octets, tsval)
    if y.syn_pure:
        f.simultaneous = 1


@kernel
def offers(x: Any, s: Any) -> None:
    """Options of a SYN: what the side offers."""
    x.mss = s.mss
    x.offered_scale = s.window_scale
    x.sack = s.sack_permitted
    x.timestamps = 1 if s.tsval >= 0 else 0
    x.fast_open = s.fast_open


@kernel
def syn_ack(
    m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any, octets: int, tsval: int, again: int, fresh: int
) -> None:
    """X is in SYN_RECEIVED when it sends this. Y goes on if the acknowledgement is of its SYN (RFC 9293 3.10.7.3)."""
    good = 1
    if y.syn_seen and (s.ack_known == 0 or s.ack_relative < 1 or s.ack_relative > y.syn_end):
        good = 0
    got = m.events[first + SYN_RECEIVED]
    if good == 0:
        f.bad_ack = s.frame
        note(m, s, BAD_ACK, s.ack, 0)
        return
    mine = m.events[first + SYN_SENT]
    if got.grade == PRESUMED and mine.grade == NOTHING and y.syn_copies:
        which_syn(m, x, y, got, s)
    confirm(got, s)
    if mine.grade == NOTHING:
        sent(mine, s, got.low)
    done = m.events[first + SYN_ACKED]
    guard = guard_of(x)
    if again and fresh and done.grade == PRESUMED and s.time - done.at > guard and f.simultaneous == 0:
        refute(m, done, s, REFUTED_ACK_OF_SYN, guard)
    if f.syn_ack_seen == 0:
        f.syn_ack_seen = s.frame
        if f.time_wait_number > 0 and s.seq == f.time_wait_number:
            f.time_wait_reused = 2
            note(m, s, TIME_WAIT_LEFT, 0, 0)
    if y.syn_end > 1 and s.ack_relative > 1:
        f.fast_open_taken = s.frame
    if y.syn_seen == 0:
        unseen_syn(y, m.events[peer + SYN_SENT], s)
    if m.events[peer + DEAD].grade == NOTHING:
        presume(m.events[peer + SYN_RECEIVED], s, octets, tsval)
        presume(m.events[peer + SYN_ACKED], s, octets, tsval)


@kernel
def unseen_syn(y: Any, e: Any, s: Any) -> None:
    """The SYN that this SYN,ACK answers was not captured: its sender is in SYN_SENT, and its ISN is known."""
    y.syn_seen = 1
    y.syn_pure = 1
    y.isn = (s.ack - 1) & 0xFFFFFFFF
    y.isn_known = 1
    y.syn_end = 1
    y.syn_last = s.time
    confirm(e, s)


@kernel
def which_syn(m: Any, x: Any, y: Any, got: Any, s: Any) -> None:
    """Of several SYNs the one that the SYN,ACK answers, by its TSecr: earlier ones were lost or dropped."""
    if s.tsecr < 0 or y.syn_tsval < 0:
        return
    for i in range(8):
        echo = m.echoes[y.ring + i]
        if i < y.ring_count and echo.tsval == s.tsecr and echo.end <= y.syn_end:
            got.at = echo.time
            got.frame = echo.frame
            got.low = echo.time
            return


@kernel
def shows(m: Any, f: Any, x: Any, y: Any, first: int, s: Any) -> None:
    """What a segment after the SYN proves of its sender (SEMANTICS C1 to C4)."""
    got = m.events[first + SYN_RECEIVED]
    done = m.events[first + SYN_ACKED]
    if x.syn_seen or y.syn_seen:
        if got.grade == PRESUMED and y.syn_seen and s.ack_relative >= 1:
            confirm(got, s)
        if done.grade == PRESUMED or done.grade == NOTHING:
            past_handshake(m, f, x, y, done, s)
    fin_got = m.events[first + FIN_RECEIVED]
    if y.fin > 0 and fin_got.grade <= PRESUMED and fin_got.grade != 1:
        if s.ack_relative >= y.fin:
            which_fin(y, fin_got, s)
            confirm(fin_got, s)
        elif fin_got.low < x.had:
            # Any segment would acknowledge the FIN if it had arrived in order.
            fin_got.low = x.had
    if x.fin > 0 and s.flags & FIN == 0:
        which_call(m, x, y, first, s)
    fin_done = m.events[first + FIN_ACKED]
    if fin_done.grade == PRESUMED:
        if s.ack_relative > fin_done.octets or echoes_later(s, fin_done):
            confirm(fin_done, s)


@kernel
def which_call(m: Any, x: Any, y: Any, first: int, s: Any) -> None:
    """Whether the side's program still listens after its FIN: shutdown(SHUT_WR) leaves the receiving side alive.

    Data that passed here after the FIN did, and that the side takes, proves it. The opposite shows on Linux: a closed
    socket in FIN_WAIT_2 is kept without its IP ID counter (inet_twsk), so its ACK of the peer's FIN has ID 0.
    """
    fin_octet = 1 if y.fin > 0 and s.ack_relative >= y.fin else 0
    if s.ack_relative - fin_octet > x.peer_next_at_fin and x.shutdown_frame == 0:
        x.shutdown_frame = s.frame
    elif fin_octet and s.ip_id == 0 and x.ip_id_running > 1 and x.close_frame == 0 and x.shutdown_frame == 0:
        if m.events[first + FIN_ACKED].grade != NOTHING:
            x.close_frame = s.frame


@kernel
def past_handshake(m: Any, f: Any, x: Any, y: Any, done: Any, s: Any) -> None:
    """Whether the segment can only come from a side past SYN_RECEIVED or SYN_SENT.

    A bare ACK of the SYN does not show it on the passive side: Linux answers from SYN_RECEIVED with such.
    """
    if x.syn_pure and f.simultaneous == 0:
        if s.ack_relative >= 1 and (done.grade == PRESUMED or x.syn_seen):
            confirm(done, s)
        return
    if done.grade == NOTHING and done.refuted == 0 and x.syn_seen == 0:
        return
    fast = 1 if y.fast_open >= 0 and y.syn_end > 1 else 0
    if s.ack_relative > y.syn_end and s.ack_relative > 1:
        confirm(done, s)
    elif fast == 0 and (s.length > 0 or s.flags & FIN):
        confirm(done, s)
    elif done.grade == PRESUMED and echoes_later(s, done):
        confirm(done, s)


@kernel
def which_fin(y: Any, e: Any, s: Any) -> None:
    """Of several FINs the one that arrived: a DSACK of it tells that the first did, and the copy was superfluous."""
    if e.at == e.first or e.first == 0:
        return
    if s.sacks and ((s.sack_right0 - y.base) & 0xFFFFFFFF) == (y.fin & 0xFFFFFFFF):
        e.at = e.first
        e.frame = e.first_frame


@kernel
def acknowledges(m: Any, f: Any, x: Any, y: Any, peer: int, s: Any, octets: int, tsval: int) -> None:
    """What the acknowledgement does to Y, if it arrives: ACK of its SYN, ACK of its FIN (RFC 9293 3.10.7.4, fifth)."""
    gone = m.events[peer + DEAD].grade
    done = m.events[peer + SYN_ACKED]
    if gone == NOTHING and done.grade == NOTHING and y.syn_seen and s.ack_relative >= 1 and s.ack_relative <= y.next:
        if m.events[peer + SYN_RECEIVED].grade != NOTHING:
            presume(done, s, octets, tsval)
    if gone == NOTHING and y.fin > 0 and s.ack_relative >= y.fin:
        presume(m.events[peer + FIN_ACKED], s, octets, tsval)
    if s.ack_relative > y.acked:
        y.repeated_unanswered = 0
        y.acked = s.ack_relative
        y.acked_at = s.time
        if s.ack_relative > y.next:
            # Octets that were never captured, and yet arrived. A single one more likely is a FIN.
            if s.ack_relative == y.next + 1 and y.fin == 0 and y.packets + f.midstream > 0:
                guess_fin(m, y, 1 - s.side, s)
            y.next = s.ack_relative
        if y.hole_end > 0 and y.acked >= y.hole:
            y.hole = y.acked if y.acked < y.hole_end else y.hole_end
            if y.hole == y.hole_end and y.acked >= y.next:
                y.holes = 0


@kernel
def guess_fin(m: Any, y: Any, side: int, s: Any) -> None:
    """The peer acknowledges one octet that was not captured: a FIN, unless more data comes (SEMANTICS M3)."""
    y.fin_guess = s.ack_relative
    y.fin = s.ack_relative
    mine = m.events[(2 * s.slot + side) * EVENTS_PER_SIDE + FIN_SENT]
    got = m.events[(2 * s.slot + 1 - side) * EVENTS_PER_SIDE + FIN_RECEIVED]
    confirm(mine, s)
    confirm(got, s)


@kernel
def not_a_fin(m: Any, x: Any, s: Any) -> None:
    """New octets above a FIN that was only guessed: it was data."""
    x.fin_guess = 0
    x.fin = 0
    mine = m.events[(2 * s.slot + s.side) * EVENTS_PER_SIDE + FIN_SENT]
    got = m.events[(2 * s.slot + 1 - s.side) * EVENTS_PER_SIDE + FIN_RECEIVED]
    done = m.events[(2 * s.slot + s.side) * EVENTS_PER_SIDE + FIN_ACKED]
    forget(mine)
    forget(got)
    forget(done)


@kernel
def advance(m: Any, x: Any, y: Any, s: Any, end: int) -> None:
    """The sender's sequence space: its highest octet, and the lowest hole in what was seen of it."""
    start = s.seq_relative
    if end <= start:
        if start > x.next:
            # A bare acknowledgement with a number beyond what was seen: octets before it are missing.
            open_hole(x, start)
            x.next = start
        return
    if start > x.next:
        open_hole(x, start)
    if x.hole < x.hole_end and start <= x.hole < end:
        x.hole = end if end < x.hole_end else x.hole_end
    fresh = end - (x.next if start < x.next else start)
    if start < x.next and end <= x.next and x.hole < x.hole_end and start < x.hole_end and end > x.hole:
        fresh = end - start
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


@kernel
def fin(m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any, octets: int, tsval: int, end: int) -> None:
    """A FIN leaves X; it takes effect at Y when every octet before it has arrived (RFC 9293 3.10.7.4, eighth)."""
    mine = m.events[first + FIN_SENT]
    got = m.events[peer + FIN_RECEIVED]
    if x.fin == 0 or end > x.fin:
        x.fin = end
        x.fin_ip_id = s.ip_id
        x.fin_tsval = s.tsval
        x.fin_last = s.time
        if mine.grade == NOTHING:
            sent(mine, s, x.had)
            x.peer_next_at_fin = y.next
            x.fin_with_data = 1 if s.length > 0 else 0
            x.window_at_fin = y.edge - s.seq_relative - s.length
            x.fin_after_fin = 1 if y.fin > 0 and s.ack_known and s.ack_relative >= y.fin else 0
        if x.hole == x.hole_end and x.holes == 0:
            if m.events[peer + DEAD].grade == NOTHING:
                presume(got, s, octets, tsval)
        else:
            x.fin_waits = 1
        return
    if is_fresh(s, x.fin_ip_id, x.fin_tsval, x.fin_last) == 0:
        return
    x.fin_copies += 1
    x.fin_last = s.time
    x.fin_ip_id = s.ip_id
    x.fin_tsval = s.tsval
    done = m.events[first + FIN_ACKED]
    guard = guard_of(x)
    if done.grade == PRESUMED and s.time - done.at > guard:
        refute(m, done, s, REFUTED_ACK_OF_FIN, guard)
    if got.grade == PRESUMED and s.time - got.at > guard_of(y):
        if got.at == got.first:
            note(m, s, REFUTED_FIN, got.frame, got.at)
        carry(got, s, tsval)


@kernel
def again_below_fin(m: Any, y: Any, peer: int, s: Any, tsval: int) -> None:
    """Octets before the FIN are sent after it: they were missing, so the FIN was not in order before they arrive."""
    got = m.events[peer + FIN_RECEIVED]
    if got.grade == PRESUMED and s.seq_relative >= 0:
        carry(got, s, tsval)


@kernel
def advertise(f: Any, x: Any, y: Any, s: Any) -> None:
    """The window that the segment advertises (RFC 7323 2.2: never scaled on a SYN), and the edge that it grants.

    An edge counts only from a segment that is not older than the last one used (RFC 9293 3.10.7.4, SND.WL1, SND.WL2).
    """
    if s.flags & SYN:
        scale = 0
        x.scale = -1
    elif x.scaled == 0:
        # Both SYNs must have offered it. Without them the scale is not known.
        x.scaled = 1
        if x.syn_seen and y.syn_seen:
            shift = x.offered_scale if x.offered_scale < 14 else 14
            x.scale = shift if x.offered_scale >= 0 and y.offered_scale >= 0 else 0
        elif x.syn_seen and x.offered_scale < 0 or y.syn_seen and y.offered_scale < 0:
            x.scale = 0
        scale = x.scale
    else:
        scale = x.scale
    s.window_octets = s.window << scale if scale >= 0 else (0 if s.window == 0 else -1)
    s.right_edge = s.ack_relative + s.window_octets if s.ack_known and s.window_octets >= 0 else -1
    if s.flags & SYN == 0:
        if s.window == 0:
            x.zero_windows += 1
            if x.zero_since < 0:
                x.zero_since = s.time
        elif x.zero_since >= 0:
            x.zero_time += s.time - x.zero_since
            x.zero_since = -1
        if s.window_octets >= 0:
            if x.window_min < 0 or s.window_octets < x.window_min:
                x.window_min = s.window_octets
            if s.window_octets > x.window_max:
                x.window_max = s.window_octets
    if s.ack_known == 0:
        return
    newer = s.seq_relative > x.wl_seq or (s.seq_relative == x.wl_seq and s.ack_relative >= x.wl_ack)
    if x.window < 0 or newer:
        x.wl_seq = s.seq_relative
        x.wl_ack = s.ack_relative
        x.window = s.window_octets
        if s.right_edge >= 0:
            x.edge = s.right_edge
    s.in_flight = x.next - x.acked if x.next > x.acked else 0
