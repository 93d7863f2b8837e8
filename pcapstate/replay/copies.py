"""Octets below the highest that was seen of a side: sent again, overtaken on the way, or copied by it.

What is known of them comes from the rows of ``transmissions``: who opened the hole that they fill, or when they were
sent before. Not known here is payload: a keep-alive with an octet of garbage is told from a retransmission by its
flags.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from .codes import (
    BY_NETWORK,
    CROSSING,
    DUPLICATE,
    FAST,
    KEEP_ALIVE,
    LOST_BEFORE,
    NO_CAUSE,
    OF_FIN,
    OF_SYN,
    OF_SYN_ACK,
    ORDINARY,
    REORDERED,
    RETRANSMISSION,
    SPURIOUS,
    TAIL_PROBE,
    TIMEOUT,
    UNKNOWN,
    WINDOW_PROBE,
)
from .evidence import FRESH_AFTER, guard_of, note
from .first_flight import OVER
from .losses import AS_IT_IS, begin_recovery, relabel
from .rows import NEVER, POOL_FULL
from .senders import (
    FIN_ASKS,
    KEEP_ALIVE_ASKS,
    LEAST_TIMEOUT,
    NOTHING_ASKED,
    PROBE_ASKS,
    order,
    same_transmission,
    unprompted,
    watch_ids,
    whole_trip,
)
from .skipped import ahead_of_repair
from .transmissions import alive, append, locate, place, split, stamp, stamp_first, words

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

LEAST_SIGNAL = 3_000_000
"""ns: what comes later by less was overtaken, on a path whose round trip is not known."""

NEIGHBOURS = 8
"""Rows that are looked at for the order of sending."""

Facts = Row(
    "Facts",
    # What is known of the octets of one segment: rows seen and holes, rows whose first copy was sent later, rows of
    # which the segment is a copy; the latest transmission and acknowledgement; who opened the lowest hole; rows that
    # are not acknowledged.
    "seen holes older double first_frame first_time sent_at sent_frame acked_at acked_frame open "
    "opened_at opener tsval ip_id said after_above",
)
_clear_facts = Facts.clear


@kernel
def again(m: Any, x: Any, y: Any, mine: Any, theirs: Any, s: Any, end: int) -> None:
    """Segment ``s`` of X begins below the highest octet that was seen of it."""
    mine.asks = NOTHING_ASKED
    mine.probing = 0
    if s.length == 1 and s.flags & (SYN | FIN) == 0 and s.seq_relative == mine.next - 1 and one_octet(x, y, mine, s):
        return
    facts = m.facts[0]
    stop = end if end < mine.next else mine.next
    gather(m, x, y, mine, s, stop, facts)
    if s.flags & SYN and s.flags & ACK and mine.syn_acks == 1 and facts.holes == 0 and facts.seen > 0:
        # Simultaneous open: the SYN once more, as it must be (RFC 9293 3.10.7.3, fourth).
        watch_ids(mine, s)
        return
    if s.flags & SYN and x.syn_unseen and s.time - x.syn_last < LEAST_SIGNAL:
        # The capture shows the SYN after the SYN,ACK that answers it.
        watch_ids(mine, s)
        return
    if facts.seen + facts.holes == 0:
        if x.hole < x.hole_end and s.seq_relative >= x.hole:
            # Given up: whether these octets were seen before is not known any more.
            note(m, s, POOL_FULL, 0, 0)
            return
        s.label = RETRANSMISSION
    else:
        decide(x, y, mine, theirs, s, end, facts)
    if s.label == DUPLICATE:
        return
    if s.label == RETRANSMISSION:
        retransmitted(x, y, mine, theirs, s, end, facts)
    mark(m, x, mine, s, stop, facts)
    if end > mine.next:
        append(m, mine, s, mine.next, end, 1)
        mine.pushed = s.flags & PSH
    if end > mine.data_top:
        mine.data_top = end


@kernel
def decide(x: Any, y: Any, mine: Any, theirs: Any, s: Any, end: int, facts: Any) -> None:
    """Which of the three it is. A first copy that only a bare ACK overtook is an ordinary segment."""
    late = REORDERED if end < mine.data_top else ORDINARY
    if facts.seen == 0:
        s.label = RETRANSMISSION if sent_later(x, y, mine, s, facts) else late
        s.proof = facts.opener
    elif is_copy(y, mine, theirs, s, end, facts):
        s.label = DUPLICATE
        s.cause = BY_NETWORK
        s.proof = facts.sent_frame
    elif facts.older == facts.seen and facts.after_above == 0:
        s.label = late
        s.proof = facts.first_frame
    else:
        s.label = RETRANSMISSION


@kernel
def is_copy(y: Any, mine: Any, theirs: Any, s: Any, end: int, facts: Any) -> int:
    """1 if every octet of the segment was seen before, and in a transmission that it repeats."""
    if facts.holes > 0 or facts.double < facts.seen or end > mine.next:
        return 0
    return 1 - answers_syn(y, mine, theirs, s, facts)  # type: ignore[no-any-return]


@kernel
def answers_syn(y: Any, mine: Any, theirs: Any, s: Any, facts: Any) -> int:
    """1 if a SYN,ACK that looks like a copy has a cause of its own; nothing else tells, as Linux gives it the IP ID 0.

    Each copy of the SYN draws one. A SYN that is sent again comes just when the server's own timer (also a second)
    sends one.
    """
    if s.flags & SYN == 0 or s.flags & ACK == 0 or s.ip_id > 0:
        return 0
    if mine.syn_acks <= theirs.syns:
        return 1
    return 1 if y.syn_copies > 0 and facts.first_time < y.syn_last else 0


@kernel
def one_octet(x: Any, y: Any, mine: Any, s: Any) -> int:
    """1 if one octet, just below what was sent, is a probe: of a window, or of whether the peer is there."""
    if y.window == 0:
        s.label = WINDOW_PROBE
        mine.asks = PROBE_ASKS
    elif mine.acked >= mine.next and s.flags & PSH == 0 and s.time - x.sent_at > LEAST_TIMEOUT:
        # RFC 9293 3.8.4: old stacks send an octet of garbage. A write of one octet would come again with its PSH.
        s.label = KEEP_ALIVE
        mine.keeps = 1
        mine.asks = KEEP_ALIVE_ASKS
    else:
        return 0
    mine.asks_frame = s.frame
    watch_ids(mine, s)
    return 1


@kernel
def shortest_repair(x: Any, y: Any) -> int:
    """ns: sooner after an octet was sent nobody can know that it must be sent again (about half the round trip)."""
    trip = whole_trip(x, y)
    return trip // 2 if trip > 0 else FRESH_AFTER  # type: ignore[no-any-return]


@kernel
def gather(m: Any, x: Any, y: Any, mine: Any, s: Any, stop: int, facts: Any) -> None:
    """Fills ``facts`` with what is known of the octets from the segment's first to ``stop``."""
    _clear_facts(facts)
    shortest = shortest_repair(x, y)
    serial = locate(m, mine, s.seq_relative)
    while alive(m, serial):
        row = m.sent[place(m, serial)]
        if row.start >= stop:
            break
        if row.seen:
            facts.seen += 1
            facts.first_frame = row.first_frame
            facts.first_time = row.first_time
            if copies_first(mine, x, s, row, shortest):
                facts.double += 1
            elif copies_latest(mine, x, s, row, shortest):
                facts.double += 1
            elif order(mine, s, row.first_tsval, row.first_ip_id, row.first_said) < 0:
                facts.older += 1
        else:
            facts.holes += 1
            if facts.holes == 1:
                facts.opener = row.first_frame
                facts.opened_at = row.first_time
                facts.tsval = row.first_tsval
                facts.ip_id = row.first_ip_id
                facts.said = row.first_said
        if row.time > facts.sent_at:
            facts.sent_at = row.time
            facts.sent_frame = row.frame
        if row.acked_at == 0:
            facts.open += 1
        elif row.acked_at > facts.acked_at:
            facts.acked_at = row.acked_at
            facts.acked_frame = row.acked_frame
        serial = row.above
    if facts.older:
        facts.after_above = after_higher(m, mine, s, serial)


@kernel
def after_higher(m: Any, mine: Any, s: Any, serial: int) -> int:
    """1 if the segment was sent after octets above it, which begin with row ``serial``: so not for the first time."""
    for _ in range(NEIGHBOURS):
        if alive(m, serial) == 0:
            return 0
        row = m.sent[place(m, serial)]
        if row.seen and order(mine, s, row.first_tsval, row.first_ip_id, row.first_said) > 0:
            return 1
        serial = row.above
    return 0


@kernel
def heard(x: Any, s: Any, row: Any) -> int:
    """1 if X must have had an acknowledgement of the row when it could have sent ``s``."""
    return 1 if row.acked_at > 0 and s.time - row.acked_at > guard_of(x) else 0


@kernel
def copies_first(mine: Any, x: Any, s: Any, row: Any, shortest: int) -> int:
    """1 if the segment is a copy of the earliest transmission of the row."""
    if row.first_said != words(s):
        return 0
    gap = s.time - row.first_time
    told = heard(x, s, row)
    return same_transmission(  # type: ignore[no-any-return]
        mine, s, x, row.first_tsval, row.first_tsecr, row.first_ip_id, gap, shortest, told
    )


@kernel
def copies_latest(mine: Any, x: Any, s: Any, row: Any, shortest: int) -> int:
    """1 if the segment is a copy of the latest transmission of the row."""
    if row.said != words(s):
        return 0
    gap = s.time - row.time
    told = heard(x, s, row)
    return same_transmission(mine, s, x, row.tsval, row.tsecr, row.ip_id, gap, shortest, told)  # type: ignore[no-any-return]


@kernel
def sent_later(x: Any, y: Any, mine: Any, s: Any, facts: Any) -> int:
    """1 if octets that were never seen were sent after the segment that skipped them: their first copy was lost."""
    by_stamp = order(mine, s, facts.tsval, facts.ip_id, facts.said)
    if by_stamp != 0:
        return 1 if by_stamp > 0 else 0
    late = s.time - facts.opened_at
    if unprompted(mine, x, s, late):
        return 0
    if x.rtt_min < NEVER and y.rtt_min < NEVER:
        return 1 if late >= whole_trip(x, y) else 0
    return 1 if late >= LEAST_SIGNAL else 0


@kernel
def retransmitted(x: Any, y: Any, mine: Any, theirs: Any, s: Any, end: int, facts: Any) -> None:
    """Octets that X sends again: why, as far as the wire tells."""
    if facts.holes > 0:
        x.lost_before += 1
    mine.flight = OVER
    first = mine.recovery == NO_CAUSE and s.seq_relative == mine.acked
    s.cause = trigger(x, y, mine, s, end, facts)
    if s.cause == TIMEOUT or s.cause == FAST:
        begin_recovery(mine, s.cause)
    if s.flags & FIN:
        mine.asks = FIN_ASKS
        mine.asks_frame = s.frame
    if first:
        ahead_of_repair(x, y, mine, s, max(facts.sent_at, mine.acked_at))
    watch_ids(mine, s)


@kernel
def trigger(x: Any, y: Any, mine: Any, s: Any, end: int, facts: Any) -> int:
    """The cause of a retransmission, by what its sender can have known (SEMANTICS 3.2, 7)."""
    if s.flags & SYN:
        return OF_SYN_ACK if s.flags & ACK else OF_SYN
    s.proof = facts.sent_frame
    if end <= mine.acked:
        # It had been acknowledged: needless, unless the acknowledgement was still on its way.
        acked_at = facts.acked_at if facts.acked_at > 0 and facts.open == 0 else mine.acked_at
        s.proof = facts.acked_frame
        if s.time - acked_at <= guard_of(x):
            return CROSSING
        # Data that was acknowledged is sent again for nothing; a FIN, because its acknowledgement was lost further on.
        return OF_FIN if s.length == 0 else SPURIOUS
    if s.length == 0:
        return OF_FIN
    last = facts.sent_at if facts.sent_at > mine.acked_at or s.seq_relative > mine.acked else mine.acked_at
    waited = s.time - last
    lost = mine.sacked_top > s.seq_relative or mine.duplicate_acks > 2
    if lost and (waited < LEAST_TIMEOUT or s.time - mine.signal_at < guard_of(x)):
        s.proof = mine.signal_frame
        return FAST
    if waited >= LEAST_TIMEOUT and s.seq_relative <= mine.acked:
        return TIMEOUT
    if mine.recovery != NO_CAUSE and s.seq_relative < mine.recover:
        return mine.recovery  # type: ignore[no-any-return]
    if end >= mine.next and facts.sent_at > 0:
        return TAIL_PROBE
    return TIMEOUT if waited >= LEAST_TIMEOUT else UNKNOWN


@kernel
def mark(m: Any, x: Any, mine: Any, s: Any, stop: int, facts: Any) -> None:
    """Writes the segment down in the rows of its octets up to ``stop``, which it may have to cut."""
    start = s.seq_relative
    serial = locate(m, mine, start)
    while alive(m, serial):
        row = m.sent[place(m, serial)]
        if row.start >= stop:
            return
        if row.start < start:
            serial = split(m, mine, serial, start)
            continue
        if row.end > stop:
            split(m, mine, serial, stop)
        above = row.above
        if row.seen == 0:
            if s.label == RETRANSMISSION:
                relabel(m, row.first_frame, AS_IT_IS, LOST_BEFORE, s.frame)
            row.seen = 1
            row.copies = 1
            row.fate = NO_CAUSE
            row.first_label = s.label
            stamp_first(row, s)
            stamp(row, s)
        elif s.label != RETRANSMISSION:
            earlier(m, x, row, s, facts)
        else:
            row.copies += 1
            stamp(row, s)
        serial = above


@kernel
def earlier(m: Any, x: Any, row: Any, s: Any, facts: Any) -> None:
    """A transmission that comes after a later one of the same octets: what was taken for the first was sent again."""
    if row.first_label == ORDINARY and row.first_frame != facts.opener:
        facts.opener = row.first_frame
        relabel(m, row.first_frame, RETRANSMISSION, SPURIOUS, s.frame)
        x.retransmissions += 1
    row.first_label = s.label
    row.copies += 1
    stamp_first(row, s)
