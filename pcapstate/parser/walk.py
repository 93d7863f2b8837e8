"""What the walks over pcap and pcapng share: the row that says where a walk stands, and why it stops."""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel

Walk = Row(
    "Walk",
    # `format` is PLAIN or BLOCKS, `big` 1 for most significant octet first. `position` is the next octet that was not
    # walked over, `end` the end of the octets that were read.
    "file format big position end "
    # `frame` is the number of the last frame. `packets` are those found, with the times of the first and of the last.
    # `untimed` is the frame of the first that has no time of its own, `unlikely` of the first whose time is too late.
    "frame packets first_time time untimed unlikely "
    # PLAIN: length of the header of a record, and where its fields are. `length_at` is -1 where a record has no length
    # of its own. `unit` is nanoseconds of one step of the fraction, `bound` the largest sane packet, `swap` 1 where
    # captured and wire length may stand the other way round.
    "header seconds_at fraction_at captured_at wire_at length_at unit link bound swap "
    # BLOCKS: the interfaces of the section are rows of a table, from `interfaces_at` on.
    "interfaces_at interfaces "
    # Why the walk stopped, with the number that is wrong, or how many octets are needed from `position` on.
    "stop value need "
    # For merging: whether the file is in use, and its last frame that was handed on.
    "used handed",
)

Interface = Row(
    "Interface",
    # `mode` tells how a time stamp becomes nanoseconds (MULTIPLY, DIVIDE, BINARY), with `factor` or `shift`;
    # `most` is the largest that may be multiplied. `offset` is in nanoseconds.
    "link bound snaplen mode factor shift most offset",
)


@kernel
def leave(w: Any, position: int, frame: int, stop: int, records: Any, first: int, place: int) -> None:
    """Writes down where a walk stands that filled the rows from `first` on, up to the one before `place`."""
    if place > first:
        if w.packets == 0:
            w.first_time = records[first].time
        w.packets += place - first
        w.time = records[place - 1].time
    w.position = position
    w.frame = frame
    w.stop = stop


PLAIN, BLOCKS = 0, 1
MULTIPLY, DIVIDE, BINARY = 0, 1, 2

# Why a walk stops. RECORD: it does not, a packet was found. MORE: octets are missing. HEADER: a section or an interface
# begins, which is read by Python. STRANGER: a block that is not known, too large to be kept in memory.
RECORD, MORE, HEADER, STRANGER = range(4)
# Damage: nothing after it can be trusted.
LONG_PACKET, WRONG_RECORD, SHORT_BLOCK, LONG_BLOCK, LENGTHS_DIFFER, NO_INTERFACE, OVER_BLOCK = range(4, 11)

DAMAGE = {
    LONG_PACKET: "the packet claims {value} octets, more than any packet has",
    WRONG_RECORD: "the record claims {value} octets, which is not the length of its packet",
    SHORT_BLOCK: "the block claims {value} octets, less than its own header",
    LONG_BLOCK: "the block claims {value} octets, more than any block has",
    LENGTHS_DIFFER: "the block's length at its end is {value}, not that at its beginning",
    NO_INTERFACE: "the packet belongs to interface {value}, which the file does not describe",
    OVER_BLOCK: "the packet claims {value} octets, more than its block holds",
}

LATEST = 2**62 - 1
"""The greatest time in nanoseconds, in the year 2116: a difference of two times still fits in 63 bits."""

LARGEST_PACKET = 262_144
"""Octets of the largest sane packet; Wireshark and tcpdump draw the same line."""

_LARGER = {231: 1 << 27, 249: 1 << 27, 279: 1 << 25}
"""D-Bus, USBPcap and EBHSCR have larger ones (tcpdump.org/linktypes.html)."""


def largest_packet(link: int) -> int:
    """The length over which a captured packet of this link type is taken for damage."""
    return _LARGER.get(link, LARGEST_PACKET)
