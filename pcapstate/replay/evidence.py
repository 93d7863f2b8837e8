"""Dated events: how an arrival is presumed, confirmed, and taken back.

A capture point sees what a side sent; that something reached it is shown only by what it sends later. So an event has
bounds. It did not happen before the segment that carried it passed the capture point (`low`), and it had happened
when the side sent something that shows it (`high`). A copy that can only come from a side that does not know of it
refutes it, and the next carrier takes its place. Each rule is one function here; which segment calls which is in
``endpoint``.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..tcp.profiles import DELAYED_ACK
from ..tcp.sequence import unwrap
from .rows import CONFIRMED, DEDUCED, NEVER, NOTE_COUNT, NOTHING, PRESUMED, RING, SENT

GUARD = 10_000_000
"""Slack on a round trip, ns: two segments closer than this may have crossed on the wire."""

LONGEST_GUARD = DELAYED_ACK
"""Above the smallest round trip: an acknowledgement may be delayed by as much, ns."""

FRESH_AFTER = 100_000_000
"""Copies that nothing tells apart (no timestamps, no IP ID) are transmissions of their own from this gap on, ns."""


@kernel
def presume(e: Any, s: Any, octets: int, tsval: int, dead: int) -> None:
    """A copy of the carrier passes toward the side. Only the first counts, until it is refuted.

    ``dead``: grade of the side's DEAD. The dead receive nothing; but that they are may yet be refuted.
    """
    if e.first == 0 and e.grade == NOTHING:
        e.low = max(e.low, s.time)
        e.first = s.time
        e.first_frame = s.frame
    if dead != NOTHING:
        return
    if e.grade != NOTHING:
        e.later = s.time
        e.later_frame = s.frame
        e.later_octets = octets
        e.later_tsval = tsval
        return
    e.grade = PRESUMED
    e.at = s.time
    e.frame = s.frame
    e.octets = octets
    e.tsval = tsval


@kernel
def carry(e: Any, s: Any, tsval: int) -> None:
    """A later copy that more likely is the one that arrived: the bound stays with the first, the estimate moves."""
    e.at = s.time
    e.frame = s.frame
    e.tsval = tsval


@kernel
def confirm(e: Any, s: Any) -> None:
    """The side shows in ``s`` that the event had happened."""
    if e.grade == PRESUMED:
        e.grade = CONFIRMED
    elif e.grade == NOTHING:
        # What carried it was not captured, or is refuted and came again unseen.
        e.grade = DEDUCED
        e.at = s.time
        e.frame = s.frame
    else:
        return
    e.high = s.time
    e.proof = s.frame


@kernel
def sent(e: Any, s: Any, low: int) -> None:
    """The side itself sent what makes the event."""
    e.grade = SENT
    e.at = s.time
    e.frame = s.frame
    e.low = low
    e.high = s.time
    e.proof = s.frame
    e.first = s.time
    e.first_frame = s.frame


@kernel
def refute(m: Any, e: Any, s: Any, kind: int, guard: int, had: int) -> None:
    """The copy ``s`` shows that the side did not know of the event when it sent it, which was not before ``had``.

    What the first carrier did not do at once it may have done late: the lower bound does not move to the next one.
    """
    note(m, s, kind, e.frame, e.at)
    take_back(e, s, guard, had)


@kernel
def take_back(e: Any, s: Any, guard: int, had: int) -> None:
    """As ``refute``, without a word: for the second event of one carrier."""
    e.grade = NOTHING
    e.refuted += 1
    e.low = max(e.low, had)
    if e.later > e.at and s.time - e.later <= guard:
        # A later carrier crossed the copy: it may still arrive.
        e.grade = PRESUMED
        e.at = e.later
        e.frame = e.later_frame
        e.octets = e.later_octets
        e.tsval = e.later_tsval


@kernel
def note(m: Any, s: Any, kind: int, value: int, other: int) -> None:
    """One row of what was refuted or odd. The engine empties the table before it is full."""
    at = m.control[NOTE_COUNT]
    if at < len(m.notes):
        n = m.notes[at]
        n.kind = kind
        n.frame = s.frame
        n.time = s.time
        n.flow = s.flow
        n.side = s.side
        n.value = value
        n.other = other
        m.control[NOTE_COUNT] = at + 1


@kernel
def guard_of(x: Any) -> int:
    """The longest plausible round trip between the capture point and the side: segments closer than this may cross."""
    if x.rtt_min >= NEVER:
        return LONGEST_GUARD
    longest = x.rtt_max
    longest = min(longest, 2 * x.rtt_min + LONGEST_GUARD)
    return longest + GUARD


@kernel
def is_fresh(s: Any, ip_id: int, tsval: int, before: int) -> int:
    """1 if a copy was sent anew: a duplicate made by the network has the same IP ID and timestamp (SEMANTICS R0)."""
    if s.tsval >= 0 and tsval >= 0 and s.tsval != tsval:
        return 1
    if s.ip_id > 0 and ip_id > 0:
        return 1 if s.ip_id != ip_id else 0
    return 1 if s.time - before > FRESH_AFTER else 0


@kernel
def remember(m: Any, x: Any, s: Any, end: int) -> None:
    """Puts a first transmission (of octets, or of a TSval) into the ring of what the side sent."""
    new_octets = 1 if end > x.next else 0
    new_tsval = 1 if s.tsval >= 0 and (x.tsval < 0 or ((s.tsval - x.tsval) & 0xFFFFFFFF) - 1 < 0x7FFFFFFF) else 0
    if new_tsval > 0 and s.tsval == x.tsval:
        new_tsval = 0
    if new_octets == 0 and new_tsval == 0:
        return
    echo = m.echoes[x.ring + x.ring_count % RING]
    x.ring_count += 1
    echo.end = end if new_octets > 0 else x.next
    echo.octets = new_octets
    # A TSval older than one seen before may have passed before, on a segment that is no longer here.
    echo.tsval = s.tsval if new_tsval > 0 or s.tsval == x.tsval else -1
    echo.time = s.time
    echo.frame = s.frame
    echo.again = 0
    echo.answered = 0
    if new_tsval > 0:
        x.tsval = s.tsval
        x.tsval_time = s.time


@kernel
def sent_again(m: Any, x: Any, start: int) -> None:
    """Octets from ``start`` on are sent again: an answer to them names no copy (Karn), so they give no round trip."""
    count = x.ring_count if x.ring_count < RING else RING
    for i in range(count):
        echo = m.echoes[x.ring + i]
        if echo.end > start:
            echo.again = 1


@kernel
def sample(x: Any, elapsed: int, first: int) -> None:
    """A round trip between the capture point and side x. Only the first answer to a segment counts for the longest."""
    if elapsed < 0:
        return
    x.rtt_min = min(x.rtt_min, elapsed)
    if first > 0:
        x.rtt_count += 1
        x.rtt_last = elapsed
        x.rtt_max = max(x.rtt_max, elapsed)


@kernel
def hear(m: Any, x: Any, y: Any, s: Any, ack: int) -> int:
    """What side x is proved to have had when it sent ``s``: the first copy of what it acknowledges and echoes.

    Returns the capture time of the latest such copy (-NEVER if there is none): ``s`` was sent no earlier. Moves x.had,
    the same over all its segments, and samples the round trip to x.
    """
    had = hear_sack(m, y, s, ack) if s.sacks > 0 else -NEVER
    count = y.ring_count if y.ring_count < RING else RING
    found = 0
    stamp = -1
    for i in range(count):
        echo = m.echoes[y.ring + (y.ring_count - 1 - i) % RING]
        if found == 0 and echo.octets > 0 and echo.end <= ack:
            found = 1
            if echo.again == 0:
                if echo.end == ack:
                    sample(x, s.time - echo.time, 1 - echo.answered)
                    echo.answered = 1
            had = max(had, echo.time)
        if s.tsecr < 0:
            if found:
                break
        elif echo.tsval >= 0:
            if echo.tsval == s.tsecr:
                stamp = i
            elif stamp >= 0 or (found and ((s.tsecr - echo.tsval) & 0xFFFFFFFF) < 0x80000000):
                # TSvals only grow: what is further back is older still.
                break
    if stamp >= 0:
        echo = m.echoes[y.ring + (y.ring_count - 1 - stamp) % RING]
        # At the far end of the ring an earlier one with the same TSval may have been given up.
        if stamp < RING - 1 or y.ring_count <= RING:
            had = max(had, echo.time)
            sample(x, s.time - echo.time, 0)
    x.had = max(x.had, had)
    return had  # type: ignore[no-any-return]


@kernel
def hear_sack(m: Any, y: Any, s: Any, ack: int) -> int:
    """The first block is the one that arrived last (RFC 2018, 4): what ends with it, the side has had."""
    had = -NEVER
    right = unwrap(s.sack_right0, y.base, ack)
    count = y.ring_count if y.ring_count < RING else RING
    for i in range(count):
        echo = m.echoes[y.ring + i]
        if right > ack and echo.octets > 0 and echo.end == right:
            had = max(had, echo.time)
    return had


@kernel
def echoes_later(s: Any, e: Any) -> int:
    """1 if the TSecr of ``s`` proves the arrival of the carrier of ``e`` or of something sent later."""
    if e.tsval < 0 or s.tsecr < 0:
        return 0
    return 1 if ((s.tsecr - e.tsval) & 0xFFFFFFFF) < 0x80000000 else 0
