"""4-tuple to flow: which connection a segment belongs to, who its client is, and when a 4-tuple is used again.

A SYN with another initial sequence number on a 4-tuple that is in use opens a candidate: a new flow that stands
beside the old one until the server answers it (SYN,ACK or a refusal of just that SYN). Meanwhile a challenge ACK, and
the reset that it draws, still belong to the old connection (RFC 5961, 4).
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..tcp.profiles import TIME_WAIT_ISN_STEP
from ..tcp.sequence import unwrap
from .proofs import clear_proofs
from .rows import (
    BUCKET_MASK,
    DEAD,
    EVENTS_PER_SIDE,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    FLOW_COUNT,
    FREE_COUNT,
    NEVER,
    RING,
    STREAM_COUNT,
    SYN_ACKED,
    SYN_SENT,
    Event,
    Flow,
    Side,
)
from .senders import clear_sender

LONGEST_SYN_GAP = 64_000_000_000
"""ns: a SYN that nobody answers is sent again by then (RFC 6298 2.5 and 5.5: the timeout doubles to a minute)."""

SYN_FLAG, RST_FLAG, ACK_FLAG = 2, 4, 16

OVERTAKEN = 5_000_000
"""Segments further apart than this, ns, keep their order on the wire."""

_clear_flow = Flow.clear
_clear_side = Side.clear
_clear_event = Event.clear


@kernel
def mix(h: int, word: int) -> int:
    """One step of a hash of 31 bits; products stay within 62 bits."""
    h = ((h ^ (word & 0x7FFFFFFF)) * 0x2C1B3C6D) & 0x7FFFFFFF
    return h ^ (h >> 15) ^ (word >> 31)


@kernel
def tuple_hash(s: Any) -> int:
    """The same for both directions, so that one chain holds both."""
    one = mix(mix(mix(mix(mix(7, s.src3), s.src2), s.src1), s.src0), s.sport)
    two = mix(mix(mix(mix(mix(7, s.dst3), s.dst2), s.dst1), s.dst0), s.dport)
    return mix(one ^ two, one + two)


@kernel
def same_tuple(f: Any, s: Any) -> int:
    """1 if the segment goes from a to b of the flow, 2 if from b to a, else 0."""
    if f.a3 == s.src3 and f.b3 == s.dst3 and f.aport == s.sport and f.bport == s.dport:
        if (
            f.a0 == s.src0
            and f.a1 == s.src1
            and f.a2 == s.src2
            and f.b0 == s.dst0
            and f.b1 == s.dst1
            and f.b2 == s.dst2
        ):
            return 1
    if f.a3 == s.dst3 and f.b3 == s.src3 and f.aport == s.dport and f.bport == s.sport:
        if (
            f.a0 == s.dst0
            and f.a1 == s.dst1
            and f.a2 == s.dst2
            and f.b0 == s.src0
            and f.b1 == s.src1
            and f.b2 == s.src2
        ):
            return 2
    return 0


@kernel
def find(m: Any, s: Any, h: int) -> int:
    """The slot of the newest flow of the segment's 4-tuple, -1 if there is none."""
    slot = m.buckets[h & m.control[BUCKET_MASK]]
    while slot >= 0:
        f = m.flows[slot]
        if f.hash == h and same_tuple(f, s) > 0:
            return slot
        slot = f.chain
    return slot


@kernel
def sender(f: Any, s: Any) -> int:
    """0 if the client sent the segment, 1 if the server did."""
    if same_tuple(f, s) == 1:
        return f.flip
    return 1 - f.flip


@kernel
def clear_event(e: Any) -> None:
    """An event that has not happened, without bounds."""
    _clear_event(e)
    e.low = -NEVER
    e.high = NEVER
    e.tsval = -1


@kernel
def clear_side(m: Any, index: int) -> None:
    """A side of which nothing is known yet."""
    x = m.sides[index]
    _clear_side(x)
    x.had = -NEVER
    clear_proofs(x)
    x.scale = -1
    x.offered_scale = -1
    x.mss = -1
    x.fast_open = -1
    x.tsval = -1
    x.window = -1
    x.rtt_min = NEVER
    x.ring = index * RING
    x.isn_before = -1
    x.syn_ip_id = -1
    x.syn_tsval = -1
    x.fin_ip_id = -1
    x.fin_tsval = -1
    x.fin_tsecr = -1
    x.ttl = -1
    x.rst_ttl = -1
    x.window_at_fin = -1
    for i in range(EVENTS_PER_SIDE):
        clear_event(m.events[index * EVENTS_PER_SIDE + i])
    clear_sender(m.senders[index])


@kernel
def open_flow(m: Any, s: Any, h: int, older: int) -> int:
    """A new flow for the segment, at the head of its chain. The caller has seen to it that a slot is free."""
    m.control[FREE_COUNT] -= 1
    slot = m.free[m.control[FREE_COUNT]]
    f = m.flows[slot]
    _clear_flow(f)
    clear_side(m, 2 * slot)
    clear_side(m, 2 * slot + 1)
    f.used = 1
    f.a0, f.a1, f.a2, f.a3 = s.src0, s.src1, s.src2, s.src3
    f.b0, f.b1, f.b2, f.b3 = s.dst0, s.dst1, s.dst2, s.dst3
    f.aport = s.sport
    f.bport = s.dport
    f.version = s.version
    f.file = s.file
    f.hash = h
    f.older = older
    bucket = h & m.control[BUCKET_MASK]
    f.chain = m.buckets[bucket]
    m.buckets[bucket] = slot
    f.number = m.control[FLOW_COUNT]
    m.control[FLOW_COUNT] += 1
    f.stream = m.control[STREAM_COUNT]
    m.control[STREAM_COUNT] += 1
    f.first_frame = s.frame
    f.first_time = s.time
    f.roles = 2
    if s.flags & SYN_FLAG:
        f.roles = 0
        if s.flags & ACK_FLAG:
            f.roles = 1
            f.flip = 1
    else:
        f.midstream = 1
        f.flip = 1 if s.sport < s.dport else 0
    return slot


@kernel
def unchain(m: Any, slot: int) -> None:
    """Takes a flow out of its chain, so that its 4-tuple is free."""
    f = m.flows[slot]
    bucket = f.hash & m.control[BUCKET_MASK]
    at = m.buckets[bucket]
    if at == slot:
        m.buckets[bucket] = f.chain
        return
    while at >= 0:
        g = m.flows[at]
        if g.chain == slot:
            g.chain = f.chain
            return
        at = g.chain


@kernel
def side_ended(m: Any, index: int) -> int:
    """1 if the side is CLOSED or in TIME_WAIT as far as has been seen."""
    first = index * EVENTS_PER_SIDE
    if m.events[first + DEAD].grade > 0:
        return 1
    if m.events[first + FIN_SENT].grade > 0 and m.events[first + FIN_RECEIVED].grade > 0:
        if m.events[first + FIN_ACKED].grade > 0:
            return 1
    return 0


@kernel
def ended(m: Any, slot: int) -> int:
    """1 if nothing of the connection is left that a new SYN could disturb."""
    return side_ended(m, 2 * slot) & side_ended(m, 2 * slot + 1)


@kernel
def answered(m: Any, slot: int) -> int:
    """1 if the server took or refused the SYN of this flow."""
    f = m.flows[slot]
    if f.syn_ack_seen > 0 or f.refused_frame > 0 or f.midstream > 0:
        return 1
    return m.events[2 * slot * EVENTS_PER_SIDE + SYN_ACKED].grade


@kernel
def retire(m: Any, slot: int, s: Any) -> None:
    """The 4-tuple belongs to another flow from now on."""
    f = m.flows[slot]
    f.retired = 1
    f.successor_time = s.time
    unchain(m, slot)


@kernel
def overdue(x: Any, s: Any) -> int:
    """1 if the SYN was sent before the last segments of X that were seen: a copy that comes late."""
    if s.ip_id > 0 and s.ip_id == x.syn_ip_id:
        return 1
    return 1 if s.tsval >= 0 and x.tsval >= 0 and ((s.tsval - x.tsval) & 0xFFFFFFFF) > 0x7FFFFFFF else 0


@kernel
def new_syn(m: Any, s: Any, h: int, slot: int) -> int:
    """A SYN on a 4-tuple in use: the flow it belongs to, which may be a new one."""
    f = m.flows[slot]
    x = m.sides[2 * slot + sender(f, s)]
    y = m.sides[2 * slot + 1 - sender(f, s)]
    # Who sends its SYN again was not refused: that reset never came, or had no effect.
    refused = f.refused_frame > 0 and m.events[(2 * slot + 1 - sender(f, s)) * EVENTS_PER_SIDE + DEAD].grade > 0
    if x.syn_seen == 0 and not refused:
        # Before any SYN of this side: a simultaneous open, or a SYN that the capture shows after its SYN,ACK.
        if f.midstream == 0 and (y.syn_seen == 0 or s.time - y.syn_last < LONGEST_SYN_GAP) and ended(m, slot) == 0:
            if y.syn_pure == 1 and f.syn_ack_seen == 0:
                return slot
            if f.roles == 1 and x.based == 1 and ((s.seq + 1 - x.base - 1) & 0xFFFFFFFF) == 0:
                return slot
    elif x.syn_seen > 0 and (x.isn & 0xFFFFFFFF) == s.seq:
        if x.syn_pure == 0:
            # The number of its SYN,ACK: it opened actively too, and this SYN was long under way.
            return slot
        over = ended(m, slot) > 0 and m.events[(2 * slot) * EVENTS_PER_SIDE + DEAD].grade == 0
        if over == 0 or overdue(x, s):
            return slot
        if f.refused_frame == 0 and s.time - f.last_time < 1_000_000:
            return slot
    older = slot
    if ended(m, slot) > 0:
        older = -1
    elif answered(m, slot) == 0 and f.older >= 0:
        older = f.older
    fresh = open_flow(m, s, h, older)
    mine = m.sides[2 * fresh + sender(m.flows[fresh], s)]
    theirs = m.sides[2 * fresh + 1 - sender(m.flows[fresh], s)]
    mine.isn_before = x.isn if x.syn_seen else x.isn_before
    theirs.isn_before = y.isn if y.syn_seen else y.isn_before
    m.flows[fresh].twin = 1 if mine.isn_before == s.seq else 0
    if ended(m, slot) > 0:
        # By this a Linux that is still in TIME_WAIT shows itself (tcp_timewait_state_process).
        client = m.sides[2 * slot + sender(f, s)]
        server = m.sides[2 * slot + 1 - sender(f, s)]
        m.flows[fresh].time_wait_number = (server.base + server.next + TIME_WAIT_ISN_STEP) & 0xFFFFFFFF
        if s.seq == (client.base + client.next + TIME_WAIT_ISN_STEP) & 0xFFFFFFFF:
            m.flows[fresh].time_wait_reused = 1
    if older != slot:
        retire(m, slot, s)
    return fresh


@kernel
def commit(m: Any, slot: int, s: Any) -> None:
    """The server has answered the candidate: its predecessor is history."""
    f = m.flows[slot]
    if f.older >= 0:
        gone = m.events[(2 * f.older + 1 - sender(m.flows[f.older], s)) * EVENTS_PER_SIDE + DEAD]
        if gone.grade > 0 and gone.low <= f.first_time < gone.high < NEVER:
            # The client's old socket had gone before it asked again.
            gone.high = f.first_time
        retire(m, f.older, s)
        f.older = -1


@kernel
def belongs(m: Any, s: Any, slot: int) -> int:
    """With a candidate beside an older flow: the slot of the one that the segment fits."""
    f = m.flows[slot]
    client = m.sides[2 * slot]
    kind = s.flags & (SYN_FLAG | ACK_FLAG | RST_FLAG)
    if kind == SYN_FLAG:
        return slot
    if sender(f, s) == 0:
        # The client's own reset of its new SYN; any other, a challenge ACK has drawn from it.
        if kind & RST_FLAG:
            return slot if s.seq == (client.isn + 1) & 0xFFFFFFFF else f.older
        if s.time - f.first_time > OVERTAKEN:
            # It goes on with the old connection: the SYN was not its own, or long under way.
            m.events[2 * slot * EVENTS_PER_SIDE + SYN_SENT].grade = 0
        return f.older
    acknowledged = (s.ack - client.isn) & 0xFFFFFFFF
    if kind & (SYN_FLAG | RST_FLAG) and kind & ACK_FLAG and 0 < acknowledged <= client.syn_end:
        commit(m, slot, s)
        return slot
    return f.older


@kernel
def flow_of(m: Any, s: Any) -> int:
    """The slot of the flow that the segment belongs to; opens one where there is none. Sets s.side, s.slot, s.flow."""
    h = tuple_hash(s)
    slot = find(m, s, h)
    if slot < 0:
        slot = open_flow(m, s, h, -1)
    elif s.flags & (SYN_FLAG | ACK_FLAG | RST_FLAG) == SYN_FLAG:
        slot = new_syn(m, s, h, slot)
    elif s.flags & (SYN_FLAG | ACK_FLAG | RST_FLAG) == SYN_FLAG | ACK_FLAG and new_syn_ack(m, s, slot) > 0:
        older = slot
        slot = open_flow(m, s, h, -1)
        retire(m, older, s)
    elif s.flags & (SYN_FLAG | ACK_FLAG | RST_FLAG) == ACK_FLAG and past_the_end(m, s, slot) > 0:
        older = slot
        slot = open_flow(m, s, h, -1)
        retire(m, older, s)
    if m.flows[slot].older >= 0:
        slot = belongs(m, s, slot)
    f = m.flows[slot]
    s.slot = slot
    s.flow = f.number
    s.side = sender(f, s)
    return slot


@kernel
def past_the_end(m: Any, s: Any, slot: int) -> int:
    """1 if both numbers of a segment lie outside of a connection that both sides have closed: that of the next one,
    whose SYN was not captured. Nothing is sent before a SYN, nor after a FIN."""
    side = sender(m.flows[slot], s)
    x = m.sides[2 * slot + side]
    y = m.sides[2 * slot + 1 - side]
    if x.fin == 0 or y.fin == 0 or x.fin_guess or y.fin_guess:
        return 0
    return outside(x, s.seq) & outside(y, s.ack)


@kernel
def outside(x: Any, number: int) -> int:
    """1 if a sequence number lies before the SYN of a side, or after its FIN."""
    number = unwrap(number, x.base, x.next)
    return 1 if number > x.fin or (number < 0 and x.isn_known and x.syn_unseen == 0) else 0


@kernel
def new_syn_ack(m: Any, s: Any, slot: int) -> int:
    """1 if a SYN,ACK can only belong to a connection whose SYN was not captured."""
    f = m.flows[slot]
    side = sender(f, s)
    x = m.sides[2 * slot + side]
    y = m.sides[2 * slot + 1 - side]
    if y.syn_seen == 0 and x.syn_seen == 0:
        return 1 if ended(m, slot) > 0 else 0
    if y.syn_seen > 0 and ((s.ack - y.isn - 1) & 0xFFFFFFFF) < 65536 + y.syn_end:
        return 0
    if x.syn_seen > 0 and (x.isn & 0xFFFFFFFF) == s.seq:
        return 0
    return ended(m, slot)
