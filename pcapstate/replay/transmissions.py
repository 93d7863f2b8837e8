"""What is known of the octets that each side sent: first and last transmission, holes, what the peer reported.

All sides share one ring of rows, one row for each run of octets that was sent together (or never seen: a hole). The
rows of a side are linked in the order of their octets by serial numbers. The ring gives a place to a new row without
asking: a link is alive only while the row there still has that serial, so the oldest knowledge is what is given up,
and who follows a dead link knows that he does not know. Relative, unwrapped numbers; times in ns.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from .rows import SENT_HEAD

Sent = Row(
    "Sent",
    # `seen` is 0 for a hole, whose first_* then tell of the segment that opened it. `copies` counts transmissions,
    # the first_* tell of the earliest and the others of the latest one; `first_label` is what the earliest was called.
    # `said`: acknowledgement, window and flags in one number (``words``). `acked_*`: the first acknowledgement that
    # covers all of it. `fate`: what was written of its loss.
    "serial below above start end seen copies first_time first_frame first_tsval first_tsecr first_ip_id first_said "
    "first_label time frame tsval tsecr ip_id said acked_at acked_frame fate",
)

MOST_SENT = 1 << 16
"""Rows in the ring, for all sides together. A power of two."""

MARGIN = 16
"""A row so close to being given up counts as dead, so that a few can be made while one is in hand."""

_copy_sent = Sent.copy


@kernel
def place(m: Any, serial: int) -> int:
    """Where in the ring the row with a serial number lies; ask ``alive`` whether it still does."""
    return serial & (len(m.sent) - 1)  # type: ignore[no-any-return]


@kernel
def alive(m: Any, serial: int) -> int:
    """1 if the row with this serial number is still known."""
    return 1 if serial > 0 and m.control[SENT_HEAD] - serial < len(m.sent) - MARGIN else 0


@kernel
def needs_room(m: Any) -> int:
    """1 if the ring is nearly used up for the first time, and is not at its largest: the engine can make it larger."""
    size = len(m.sent)
    return 1 if size < MOST_SENT and m.control[SENT_HEAD] + 3 * MARGIN > size else 0


@kernel
def fresh(m: Any, start: int, end: int) -> int:
    """A new row, not yet linked; returns its serial number. The oldest row of all sides loses its place to it."""
    serial = m.control[SENT_HEAD] + 1
    m.control[SENT_HEAD] = serial
    row = m.sent[place(m, serial)]
    row.serial = serial
    row.start = start
    row.end = end
    row.below = 0
    row.above = 0
    row.acked_at = 0
    row.acked_frame = 0
    row.fate = 0
    return serial


@kernel
def words(s: Any) -> int:
    """What a segment says beside its octets: the acknowledgement, the window and the flags, in one number."""
    return (s.ack & 0xFFFFFFFF) << 25 | (s.window & 0xFFFF) << 9 | s.flags & 511  # type: ignore[no-any-return]


@kernel
def stamp_first(row: Any, s: Any) -> None:
    """Segment ``s`` is the earliest transmission of the row, or the one that opened it as a hole."""
    row.first_time = s.time
    row.first_frame = s.frame
    row.first_tsval = s.tsval
    row.first_tsecr = s.tsecr
    row.first_ip_id = s.ip_id
    row.first_said = words(s)


@kernel
def stamp(row: Any, s: Any) -> None:
    """Segment ``s`` is the latest transmission of the row."""
    row.time = s.time
    row.frame = s.frame
    row.tsval = s.tsval
    row.tsecr = s.tsecr
    row.ip_id = s.ip_id
    row.said = words(s)


@kernel
def append_unseen(m: Any, mine: Any, s: Any, end: int) -> None:
    """Octets of a side up to ``end`` that its peer acknowledges in ``s`` and nobody saw: their marks are not known."""
    append(m, mine, s, mine.next, end, 0)
    row = m.sent[place(m, mine.top)]
    row.first_tsval = -1
    row.first_tsecr = -1
    row.first_ip_id = -1
    row.first_said = -1
    row.tsval = -1
    row.tsecr = -1
    row.ip_id = -1
    row.said = -1


@kernel
def cut_back(m: Any, mine: Any, end: int) -> None:
    """The octets of the highest row from ``end`` on were not taken: they will be sent as if for the first time."""
    if alive(m, mine.top):
        m.sent[place(m, mine.top)].end = end
    mine.next = end
    mine.data_top = end


@kernel
def forget_fin(m: Any, mine: Any) -> None:
    """The highest octet of a side was a FIN, and forged: it goes, with the hole that it seemed to open."""
    forged = m.sent[place(m, mine.top)].first_frame if alive(m, mine.top) else 0
    while alive(m, mine.top) and m.sent[place(m, mine.top)].first_frame == forged:
        row = m.sent[place(m, mine.top)]
        mine.top = row.below
        mine.next = row.start
    if alive(m, mine.top):
        m.sent[place(m, mine.top)].above = 0
    mine.data_top = min(mine.data_top, mine.next)
    mine.unacked = mine.unacked if mine.acked < mine.next else 0
    mine.finger = 0


@kernel
def append(m: Any, mine: Any, s: Any, start: int, end: int, seen: int) -> None:
    """A row above all others of the side: octets that segment ``s`` sends first, or skips."""
    serial = fresh(m, start, end)
    row = m.sent[place(m, serial)]
    row.seen = seen
    row.copies = seen
    row.first_label = s.label
    stamp_first(row, s)
    stamp(row, s)
    row.below = mine.top
    if mine.top > 0:
        below = m.sent[place(m, mine.top)]
        if below.serial == mine.top:
            below.above = serial
    mine.top = serial
    mine.next = end
    if mine.unacked == 0:
        mine.unacked = serial


@kernel
def split(m: Any, mine: Any, serial: int, at: int) -> int:
    """Cuts a row in two at an octet inside it; returns the serial of the upper part."""
    upper = fresh(m, 0, 0)
    row = m.sent[place(m, serial)]
    new = m.sent[place(m, upper)]
    _copy_sent(new, row)
    new.serial = upper
    new.start = at
    new.below = serial
    row.end = at
    row.above = upper
    if new.above > 0:
        above = m.sent[place(m, new.above)]
        if above.serial == new.above:
            above.below = upper
    if mine.top == serial:
        mine.top = upper
    return upper


@kernel
def nearest(m: Any, mine: Any, octet: int) -> int:
    """Where to begin a search for an octet: the top, the lowest not acknowledged, or where the last search ended."""
    best = mine.top
    if alive(m, best) == 0:
        return 0
    distance = m.sent[place(m, best)].start - octet
    for serial in (mine.unacked, mine.finger):
        if alive(m, serial):
            off = m.sent[place(m, serial)].start - octet
            off = off if off >= 0 else -off
            if off < distance:
                best = serial
                distance = off
    return best


@kernel
def locate(m: Any, mine: Any, octet: int) -> int:
    """The lowest row of the side that ends above ``octet``: its serial number, 0 where nothing is known any more."""
    serial = nearest(m, mine, octet)
    if serial == 0:
        return 0
    row = m.sent[place(m, serial)]
    while row.end <= octet:
        if alive(m, row.above) == 0:
            return 0
        row = m.sent[place(m, row.above)]
    while row.start > octet:
        if alive(m, row.below) == 0 or m.sent[place(m, row.below)].end <= octet:
            break
        row = m.sent[place(m, row.below)]
    mine.finger = row.serial
    return row.serial


@kernel
def forget_octets(mine: Any, x: Any) -> None:
    """The numbers of side X begin anew: what was known of its octets is about others."""
    mine.base = x.base
    mine.next = x.next
    mine.acked = x.acked
    mine.top = 0
    mine.unacked = 0
    mine.finger = 0
    mine.data_top = 0
    mine.pushed = 0
    mine.lost_ahead = 0
    mine.repairing = 0
    mine.told_next = 0
    mine.told_last = 0
    mine.reach = x.next
    mine.knows_acked = x.acked
    mine.knows_edge = 1 << 62
