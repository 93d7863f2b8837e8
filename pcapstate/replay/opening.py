"""How a connection is opened: what a SYN and a SYN,ACK tell of their sender, and what they do to the other side.

RFC 9293 3.10.7.2 to 3.10.7.4; what their repetition takes back is in ``evidence``.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .evidence import confirm, echoes_later, guard_of, is_fresh, note, presume, refute, sent, take_back
from .rows import (
    BAD_ACK,
    CONFIRMED,
    DEAD,
    DEDUCED,
    EVENTS_PER_SIDE,
    FIN_SENT,
    NEVER,
    NOTHING,
    PRESUMED,
    REFUTED_ACK_OF_SYN,
    REFUTED_SYN_ACK,
    RING,
    SYN_ACKED,
    SYN_RECEIVED,
    SYN_SENT,
    TIME_WAIT_LEFT,
    TWO_SYN_ACKS,
)

ACK = 16


@kernel
def syn(
    m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any, octets: int, tsval: int, end: int, had: int
) -> None:
    """SYN and SYN,ACK: RFC 9293 3.10.7.2 to 3.10.7.4, and what their repetition takes back (SEMANTICS R1, R2)."""
    again = x.syn_seen
    fresh = is_fresh(s, x.syn_ip_id, x.syn_tsval, x.syn_last) if again else 1
    offers(x, s)
    x.syn_seen = 1
    x.syn_unseen = 0
    x.isn = s.seq
    x.isn_known = 1
    x.syn_end = end
    x.syn_last = s.time
    x.syn_ip_id = s.ip_id
    x.syn_tsval = s.tsval
    if again and fresh:
        x.syn_copies += 1
    if s.flags & ACK:
        syn_ack(m, f, x, y, first, peer, s, octets, tsval, again & fresh, had)
        return
    done = m.events[first + SYN_ACKED]
    if again and x.syn_pure == 0 and done.grade == CONFIRMED and done.proof == m.events[first + FIN_SENT].frame:
        # No listener's child after all: its FIN may have left from SYN_RECEIVED, and showed nothing.
        unproved(done)
    x.syn_pure = 1
    if f.time_wait_reused == 1 and again == 0:
        note(m, s, TIME_WAIT_LEFT, 0, 0)
    mine = m.events[first + SYN_SENT]
    if mine.grade == NOTHING or mine.grade == DEDUCED:
        sent(mine, s, -NEVER)
    # After its SYN,ACK: it was not the answer to a SYN that brought the side there.
    mine.low = -NEVER
    got = m.events[first + SYN_RECEIVED]
    if again and fresh and got.grade == PRESUMED and s.time - got.at > guard_of(x):
        refute(m, got, s, REFUTED_SYN_ACK, guard_of(x), had)
        if m.events[first + SYN_ACKED].grade == PRESUMED:
            take_back(m.events[first + SYN_ACKED], s, guard_of(x), had)
    arrived = m.events[peer + SYN_RECEIVED]
    presume(arrived, s, octets, tsval, NOTHING)
    if arrived.grade == DEDUCED and again and fresh == 0 and arrived.frame == f.syn_ack_seen:
        # The capture shows the SYN after its SYN,ACK, and too soon for another.
        arrived.grade = CONFIRMED
        arrived.frame = s.frame
    if y.syn_pure or x.crossed:
        f.simultaneous = 1
    acked = m.events[peer + SYN_ACKED]
    if s.tsval >= 0 and acked.tsval == s.tsval:
        # Overtaken by its SYN,ACK of the same tick: an echo of the TSval may be due to this.
        acked.tsval = -1


@kernel
def unproved(e: Any) -> None:
    """What was taken for the proof of the event shows nothing."""
    e.grade = PRESUMED
    e.high = NEVER
    e.proof = 0


@kernel
def misfit(m: Any, f: Any, x: Any, y: Any, s: Any) -> int:
    """1 if a SYN or SYN,ACK is not of this connection, and is to be passed over."""
    if s.flags & ACK and y.syn_seen and not (s.ack_known and 1 <= s.ack_relative <= y.syn_end):
        # RFC 9293 3.10.7.3, first: the opener answers it with a reset, and stays where it is.
        f.bad_ack = s.frame
        note(m, s, BAD_ACK, s.ack, 0)
        if x.syn_seen == 0:
            x.based = 0
            x.next = 0
        return 1
    if x.syn_seen and x.isn != s.seq:
        return another_isn(m, x, y, s)
    return 0


@kernel
def another_isn(m: Any, x: Any, y: Any, s: Any) -> int:
    """A SYN,ACK with another initial number: of two responders the one counts whose number the client acknowledges.

    Returns 1 if the segment is to be passed over.
    """
    if s.flags & ACK == 0 or x.acked > 0:
        return 1
    note(m, s, TWO_SYN_ACKS, 0, 0)
    x.based = 1
    x.base = s.seq
    x.next = 0
    s.seq_relative = 0
    return 0


@kernel
def offers(x: Any, s: Any) -> None:
    """Options of a SYN: what the side offers.

    Who gets no answer may try without them; a scale in the SYN,ACK shows that a copy with it came (RFC 7323 2.2).
    """
    x.mss = s.mss
    if s.window_scale >= 0 or x.syn_seen == 0 or s.flags & ACK:
        x.offered_scale = s.window_scale
    x.sack = s.sack_permitted
    x.timestamps = 1 if s.tsval >= 0 else 0
    x.fast_open = s.fast_open


@kernel
def syn_ack(
    m: Any, f: Any, x: Any, y: Any, first: int, peer: int, s: Any, octets: int, tsval: int, copy: int, had: int
) -> None:
    """X is in SYN_RECEIVED when it sends this. Y goes on if the acknowledgement is of its SYN (RFC 9293 3.10.7.3).

    ``copy``: it was sent before, and this is a transmission of its own.
    """
    got = m.events[first + SYN_RECEIVED]
    mine = m.events[first + SYN_SENT]
    done = m.events[first + SYN_ACKED]
    if x.syn_pure:
        # Its SYN and then this: the peer's SYN came between, whether that was captured or not.
        f.simultaneous = 1
        if y.syn_pure == 0:
            done.tsval = -1
        if x.crossed == 0 and x.open_shown == 0 and done.grade != NOTHING:
            # So its bare ACKs may have come from SYN_RECEIVED.
            unproved(done)
            x.opened = 0
    x.crossed = 1
    if got.grade == DEDUCED and got.first > 0 and got.high < NEVER:
        got.grade = CONFIRMED
    if got.grade == PRESUMED and mine.grade == NOTHING and y.syn_copies:
        which_syn(m, x, y, got, s)
    confirm(got, s)
    if mine.grade == NOTHING:
        sent(mine, s, got.low)
    if copy and done.grade == PRESUMED and s.time - done.at > guard_of(x) and f.simultaneous == 0:
        refute(m, done, s, REFUTED_ACK_OF_SYN, guard_of(x), had)
        if y.data_packets > 0:
            x.deaf += 1
    if f.syn_ack_seen == 0:
        f.syn_ack_seen = s.frame
        if f.time_wait_number > 0 and s.seq == f.time_wait_number:
            f.time_wait_reused = 2
            note(m, s, TIME_WAIT_LEFT, 0, 0)
    if s.ack_known and s.ack_relative > y.acked:
        y.acked = s.ack_relative
    if y.syn_end > 1 and s.ack_relative > 1:
        f.fast_open_taken = s.frame
    elif y.syn_end > 1 and s.ack_relative == 1 and y.next == y.syn_end:
        ignored_octets(m, y)
    y.acked = max(y.acked, s.ack_relative)
    if y.syn_seen == 0:
        unseen_syn(y, m.events[peer + SYN_SENT], s)
    dead = m.events[peer + DEAD].grade
    presume(m.events[peer + SYN_RECEIVED], s, octets, tsval, dead)
    presume(m.events[peer + SYN_ACKED], s, octets, tsval, dead)


@kernel
def ignored_octets(m: Any, y: Any) -> None:
    """The SYN,ACK acknowledges the SYN alone: its data was not taken, and will be sent anew (RFC 7413 4.2)."""
    for i in range(RING):
        echo = m.echoes[y.ring + i]
        if i < y.ring_count and echo.end > 1:
            echo.end = 1
    y.bytes = 0
    y.data_packets = 0
    y.next = 1
    y.syn_end = 1
    y.data_end = 1


@kernel
def unseen_syn(y: Any, e: Any, s: Any) -> None:
    """The SYN that this SYN,ACK answers was not captured: its sender is in SYN_SENT, and its ISN is known."""
    y.syn_seen = 1
    y.syn_unseen = 1
    y.syn_pure = 1
    y.isn = (s.ack - 1) & 0xFFFFFFFF
    y.isn_known = 1
    y.syn_end = 1
    y.syn_last = s.time
    confirm(e, s)


@kernel
def unseen_syn_ack(m: Any, x: Any, y: Any, first: int, s: Any) -> None:
    """The opener acknowledges a SYN,ACK that was not captured: all that must have happened is deduced.

    It may have been a SYN, too, of a simultaneous open: that the peer had the opener's SYN is only likely.
    """
    y.syn_seen = 1
    y.syn_unseen = 1
    y.isn = y.base
    y.syn_end = 1
    peer = (2 * s.slot + 1 - s.side) * EVENTS_PER_SIDE
    if m.events[peer + SYN_RECEIVED].grade == NOTHING:
        confirm(m.events[peer + SYN_RECEIVED], s)
        m.events[peer + SYN_RECEIVED].high = NEVER
    confirm(m.events[peer + SYN_SENT], s)
    confirm(m.events[first + SYN_RECEIVED], s)
    confirm(m.events[first + SYN_ACKED], s)


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
def past_handshake(m: Any, f: Any, x: Any, y: Any, done: Any, s: Any) -> None:
    """Whether the segment can only come from a side past SYN_RECEIVED or SYN_SENT.

    A bare ACK of the SYN does not show it on the passive side, nor where both sent a SYN: from SYN_RECEIVED comes such
    in answer to what is not acceptable. A FIN may leave from there, too (RFC 9293 3.10.4): not from the child of a
    listener, which no program has before it is ESTABLISHED, but who looks like one may be an opener whose SYN was lost.
    """
    if x.syn_pure and x.crossed == 0 and (y.syn_pure == 0 or y.syn_unseen):
        if s.ack_relative >= 1 and (done.grade == PRESUMED or x.syn_seen):
            confirm(done, s)
            if x.syn_unseen and done.grade == CONFIRMED:
                # The peer's SYN may be missing as well, and this have come from SYN_RECEIVED.
                done.grade = DEDUCED
        return
    if done.grade == NOTHING and done.refuted == 0 and x.syn_seen == 0:
        return
    if x.syn_pure and x.fin == 0 and s.length == 0 and s.seq_relative > x.data_end:
        # What is missing before it may be a FIN that left from SYN_RECEIVED.
        return
    fast = 1 if y.fast_open >= 0 and y.syn_end > 1 else 0
    if (
        (s.ack_relative > y.syn_end and s.ack_relative > 1)
        or (fast == 0 and s.length > 0)
        or (done.grade == PRESUMED and echoes_later(s, done))
    ):
        confirm(done, s)
        x.open_shown = 1 if x.chain or s.length > 0 else x.open_shown
