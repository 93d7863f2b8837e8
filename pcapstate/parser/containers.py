"""Which container a file is, and the walks over one container or over several that are merged in time."""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from ..schema import Record
from .pcap import PLAIN_FORMATS, PlainFormat, begin_plain, walk_pcap
from .pcapng import SECTION, walk_pcapng
from .walk import BLOCKS, RECORD

copy_record = Record.copy

LONGEST_HEADER = 24
"""Octets that tell which container a file is, and hold the header of any but pcapng."""

_SECTION_OCTETS = SECTION.to_bytes(4, "big")


def recognise(head: bytes) -> str | PlainFormat | None:
    """The container whose first octets `head` are, "pcapng" or a `PlainFormat`; None where it is no capture."""
    if head[:4] == _SECTION_OCTETS:
        # pcapng's first four octets are ends of lines; those after its length make it sure.
        return "pcapng" if head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a") else None
    return next((plain for plain in PLAIN_FORMATS if head.startswith(plain.magic)), None)


def could_begin(head: bytes) -> bool:
    """Whether `head`, all that there is of a file, may be the beginning of a capture that was cut."""
    if len(head) >= LONGEST_HEADER:
        return False
    magics = [plain.magic for plain in PLAIN_FORMATS]
    if head[:4] == _SECTION_OCTETS:
        return len(head) < 12
    return any(magic.startswith(head[: len(magic)]) for magic in (*magics, _SECTION_OCTETS))


def begin(container: str | PlainFormat, head: bytes, w: Any) -> str:
    """Sets the walk `w` up. Returns what is odd in the file's header, in a sentence, or nothing."""
    if isinstance(container, PlainFormat):
        return begin_plain(container, head, w)
    w.format = BLOCKS
    return ""


@kernel
def walk(octets: Any, walks: Any, which: int, interfaces: Any, records: Any, first: int, last: int) -> int:
    """Goes over one file, `walks[which]`, and fills the rows of `records` from `first` on, up to the one before `last`.

    Returns the row that it came to. `stop` of the walk tells why it came back: RECORD when all rows are filled.
    """
    w = walks[which]
    if w.format == BLOCKS:
        return walk_pcapng(octets, w, interfaces, records, first, last)
    return walk_pcap(octets, w, records, first, last)


Merge = Row(
    "Merge",
    # `ordered` files have their next packet read and are in order, `waiting` is one that has not, or NONE. `frame` is
    # the last that was given, `limit` the time at which another file begins. `stopped` is the file that has to be
    # looked after, LIMIT or NONE.
    "ordered waiting frame limit stopped",
)
NONE, LIMIT = -1, -2


@kernel
def fill_head(octets: Any, walks: Any, which: int, interfaces: Any, heads: Any) -> int:
    """Reads the next packet of a file into its head. Returns RECORD, or why there is none."""
    walk(octets, walks, which, interfaces, heads, which, which + 1)
    return walks[which].stop  # type: ignore[no-any-return]


@kernel
def merge(octets: Any, walks: Any, heads: Any, order: Any, interfaces: Any, records: Any, room: int, plan: Any) -> int:
    """Goes over several files in time: the next packet is always the earliest of the files' next ones.

    Two that are equal come in the order of the files; within a file the order stays. Fills up to `room` rows of
    `records`, returns how many; `plan[0].stopped` tells why it came back. `heads` holds the next packet of each file,
    `order` the files as a heap: each comes before the two at twice its place and one or two further.
    """
    p = plan[0]
    p.stopped = NONE
    if p.waiting != NONE:
        which = p.waiting
        p.waiting = NONE
        if fill_head(octets, walks, which, interfaces, heads) != RECORD:
            p.stopped = which
            return 0
        rise(order, p.ordered, which, heads)
        p.ordered += 1
    count = 0
    while count < room and p.ordered > 0:
        best = order[0]
        head = heads[best]
        if head.time >= p.limit:
            p.stopped = LIMIT
            return count
        # A file may number more frames than it gives packets.
        w = walks[best]
        p.frame += head.file_frame - w.handed
        w.handed = head.file_frame
        record = records[count]
        copy_record(record, head)
        record.frame = p.frame
        count += 1
        if fill_head(octets, walks, best, interfaces, heads) == RECORD:
            sink(order, p.ordered, best, heads)
        else:
            p.stopped = best
            p.ordered -= 1
            sink(order, p.ordered, order[p.ordered], heads)
            return count
    return count


@kernel
def rise(order: Any, place: int, which: int, heads: Any) -> None:
    """Puts a file into the heap, from `place` at its end upwards."""
    while place > 0 and comes_before(heads[which], heads[order[(place - 1) // 2]]):
        order[place] = order[(place - 1) // 2]
        place = (place - 1) // 2
    order[place] = which


@kernel
def sink(order: Any, count: int, which: int, heads: Any) -> None:
    """Puts a file into the heap of `count`, from the top downwards, over the one that was there."""
    place = 0
    while 2 * place + 1 < count:
        below = 2 * place + 1
        if below + 1 < count and comes_before(heads[order[below + 1]], heads[order[below]]):
            below += 1
        if not comes_before(heads[order[below]], heads[which]):
            break
        order[place] = order[below]
        place = below
    order[place] = which


@kernel
def comes_before(head: Any, other: Any) -> bool:
    """Whether a file's next packet comes before another file's."""
    if head.time != other.time:
        return head.time < other.time  # type: ignore[no-any-return]
    return head.file < other.file  # type: ignore[no-any-return]
