"""The pcapng file format (draft-ietf-opsawg-pcapng): sections of blocks, each packet with its interface.

The kernel goes over packet blocks and steps over blocks that it does not know; at a section or an interface it stops,
and Python reads it.
"""

from __future__ import annotations

from typing import Any, Literal

from ..kernels import kernel
from .octets import be16, be32, le16, le32
from .walk import (
    BINARY,
    DIVIDE,
    HEADER,
    LATEST,
    LENGTHS_DIFFER,
    LONG_BLOCK,
    LONG_PACKET,
    MORE,
    MULTIPLY,
    NO_INTERFACE,
    OVER_BLOCK,
    RECORD,
    SHORT_BLOCK,
    STRANGER,
    Interface,
    largest_packet,
    leave,
)

SECTION = 0x0A0D0D0A
INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6
JOURNAL, CUSTOM, CUSTOM_NOT_COPIED = 9, 0xBAD, 0x40000BAD
EVENT, EVENT_2, LARGE_EVENT_2 = 0x204, 0x216, 0x221  # sysdig's

LARGEST_BLOCK = 1 << 24
"""Octets of the largest sane block."""


@kernel
def nanoseconds(high: int, low: int, interface: Any) -> int:
    """A time stamp of 64 bits, in two halves, as nanoseconds since 1970; LATEST where they are more."""
    if interface.mode == MULTIPLY:
        ticks = high * 4294967296 + low if high < 0x80000000 else LATEST
        if ticks > interface.most:
            return LATEST
        time = ticks * interface.factor
    elif interface.mode == DIVIDE:
        if interface.factor < 2147483648:
            time = (
                high // interface.factor * 4294967296 + (high % interface.factor * 4294967296 + low) // interface.factor
            )
        else:
            time = ((high & 0x7FFFFFFF) * 4294967296 + low) // interface.factor
    else:
        time = binary_nanoseconds(high, low, interface.shift)
    time = min(time, LATEST) + interface.offset
    return max(min(time, LATEST), -LATEST)  # type: ignore[no-any-return]


@kernel
def binary_nanoseconds(high: int, low: int, shift: int) -> int:
    """The same where one second is 2**shift; no step leaves 63 bits, and the result is rounded down."""
    if shift > 63:
        return ((high * 1000000000 + (low * 1000000000 >> 32)) >> 32) >> min(shift - 64, 62)
    if shift >= 32:
        seconds = high >> (shift - 32)
        fraction = (high & ((1 << (shift - 32)) - 1)) * 4294967296 + low
    elif high >= 0x80000000:
        return LATEST
    else:
        seconds = (high * 4294967296 + low) >> shift
        fraction = (high * 4294967296 + low) & ((1 << shift) - 1)
    if seconds > LATEST // 1000000000 - 1:
        return LATEST
    if shift <= 33:
        return seconds * 1000000000 + (fraction * 1000000000 >> shift)
    rest = (fraction & ((1 << (shift - 33)) - 1)) * 1000000000 >> (shift - 33)
    return seconds * 1000000000 + (((fraction >> (shift - 33)) * 1000000000 + rest) >> 33)


@kernel
def walk_pcapng(octets: Any, w: Any, interfaces: Any, records: Any, first: int, last: int) -> int:
    """Goes over blocks and fills the rows from `first` on, up to the one before `last`; returns the row it came to.

    `w.stop` tells why it came back: RECORD when all rows are filled.
    """
    # What changes from block to block is kept out of the row `w`: from there it would be read again each time.
    at, frame, place, time = w.position, w.frame, first, w.time
    end, big, stop = w.end, w.big, RECORD
    while place < last:
        left = end - at
        if left < 12:
            w.need = 12
            stop = MORE
            break
        if big:
            kind = be32(octets, at)
            length = be32(octets, at + 4)
        else:
            kind = le32(octets, at)
            length = le32(octets, at + 4)
        padded = (length + 3) & 0x1FFFFFFFC
        if kind == SECTION or length < 12 or length > LARGEST_BLOCK:
            w.need = padded
            stop = unusual_block(w, kind, length)
            break
        if left < padded:
            w.need = padded
            stop = MORE
            break
        again = be32(octets, at + padded - 4) if big else le32(octets, at + padded - 4)
        if again != length:
            w.value = again
            stop = LENGTHS_DIFFER
            break
        if kind in (ENHANCED_PACKET, OLD_PACKET, SIMPLE_PACKET):
            record = records[place]
            record.file_frame = frame + 1
            record.block = at
            record.time = time
            if kind == SIMPLE_PACKET:
                stop = simple_packet(octets, w, interfaces, record, at, padded)
            else:
                stop = timed_packet(octets, w, interfaces, record, at, kind, padded)
            if stop != RECORD:
                break
            frame += 1
            record.frame = frame
            record.file = w.file
            time = record.time
            place += 1
        elif kind == INTERFACE:
            stop = HEADER
            break
        elif is_numbered(kind):
            # No packet, but Wireshark gives it a frame number, and so the packets after it theirs.
            frame += 1
        at += padded
    leave(w, at, frame, stop, records, first, place)
    return place


@kernel
def unusual_block(w: Any, kind: int, length: int) -> int:
    """Why the walk stops at a section, or at a block that is too short or too long."""
    if kind == SECTION:
        return HEADER
    w.value = length
    if length < 12:
        return SHORT_BLOCK
    return LONG_BLOCK if is_known(kind) else STRANGER


@kernel
def is_known(kind: int) -> bool:
    """Whether blocks of this type are read rather than stepped over."""
    return kind in (INTERFACE, ENHANCED_PACKET, OLD_PACKET, SIMPLE_PACKET)


@kernel
def is_numbered(kind: int) -> bool:
    """Whether Wireshark counts blocks of this type as frames, though they are no packets."""
    return kind in (JOURNAL, CUSTOM, CUSTOM_NOT_COPIED, EVENT, EVENT_2, LARGE_EVENT_2)


@kernel
def timed_packet(octets: Any, w: Any, interfaces: Any, record: Any, at: int, kind: int, length: int) -> int:
    """An Enhanced Packet Block, or the obsolete Packet Block, where the interface's number is shorter."""
    if length < 32:
        w.value = length
        return SHORT_BLOCK
    if w.big:
        number = be32(octets, at + 8) if kind == ENHANCED_PACKET else be16(octets, at + 8)
        high = be32(octets, at + 12)
        low = be32(octets, at + 16)
        captured = be32(octets, at + 20)
        wire = be32(octets, at + 24)
    else:
        number = le32(octets, at + 8) if kind == ENHANCED_PACKET else le16(octets, at + 8)
        high = le32(octets, at + 12)
        low = le32(octets, at + 16)
        captured = le32(octets, at + 20)
        wire = le32(octets, at + 24)
    if number >= w.interfaces:
        w.value = number
        return NO_INTERFACE
    interface = interfaces[w.interfaces_at + number]
    if captured > interface.bound or captured > length - 32:
        w.value = captured
        return LONG_PACKET if captured > interface.bound else OVER_BLOCK
    time = nanoseconds(high, low, interface)
    if w.unlikely == 0 and time in (LATEST, -LATEST):
        w.unlikely = record.file_frame
    record.time = time
    record.offset = at + 28
    record.captured = captured
    record.wire = wire
    record.link = interface.link
    return RECORD


@kernel
def simple_packet(octets: Any, w: Any, interfaces: Any, record: Any, at: int, length: int) -> int:
    """A Simple Packet Block: interface 0, no captured length but what snap length and block allow, and no time.

    The record keeps the time that it has, that of the packet before.
    """
    if length < 16:
        w.value = length
        return SHORT_BLOCK
    if w.interfaces == 0:
        w.value = 0
        return NO_INTERFACE
    interface = interfaces[w.interfaces_at]
    wire = be32(octets, at + 8) if w.big else le32(octets, at + 8)
    captured = wire
    if 0 < interface.snaplen < captured:
        captured = interface.snaplen
    if captured > interface.bound or captured > length - 16:
        w.value = captured
        return LONG_PACKET if captured > interface.bound else OVER_BLOCK
    if w.untimed == 0:
        w.untimed = record.file_frame
    record.offset = at + 12
    record.captured = captured
    record.wire = wire
    record.link = interface.link
    return RECORD


# --- sections and interfaces -----------------------------------------------------------------------------------


Order = Literal["little", "big"]


def order_of(big: bool) -> Order:
    """How Python calls the order of octets."""
    return "big" if big else "little"


class Unreadable(Exception):
    """A section or an interface that cannot be read; the message is a sentence."""


def section_length(head: bytes) -> tuple[bool, int]:
    """Byte order (big?) and length of the section header block that begins with these 12 octets. Raises Unreadable."""
    magic = head[8:12]
    if magic not in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"):
        raise Unreadable("the section's byte order cannot be told")
    big = magic == b"\x1a\x2b\x3c\x4d"
    length = int.from_bytes(head[4:8], order_of(big))
    if not 28 <= length <= LARGEST_BLOCK:
        raise Unreadable(f"the section header claims {length} octets")
    return big, (length + 3) & ~3


def check_section(block: bytes, *, big: bool) -> None:
    """Raises Unreadable where a section header contradicts itself or has a version that is not known."""
    order = order_of(big)
    if block[-4:] != block[4:8]:
        raise Unreadable("the section header's two lengths differ")
    major, minor = int.from_bytes(block[12:14], order), int.from_bytes(block[14:16], order)
    # Version 1.2 was written by mistake and is 1.0 (draft-ietf-opsawg-pcapng, section 4.1).
    if (major, minor) not in ((1, 0), (1, 2)):
        raise Unreadable(f"the section has version {major}.{minor}, which is not known")


def read_interface(block: bytes, *, big: bool) -> Any:
    """What an Interface Description Block says, as an `Interface` row of the interpreted speed. Raises Unreadable."""
    order = order_of(big)
    if len(block) < 20:
        raise Unreadable(f"the description of an interface has {len(block)} octets, too few")
    interface = Interface.object()
    interface.link = int.from_bytes(block[8:10], order)
    interface.bound = largest_packet(interface.link)
    interface.snaplen = int.from_bytes(block[12:16], order)
    resolution = 6
    for code, value in _options(block[16:-4], order):
        if code == 9 and len(value) == 1:
            resolution = value[0]
        elif code == 14 and len(value) == 8:
            seconds = int.from_bytes(value, order, signed=True)
            interface.offset = max(-LATEST, min(LATEST, seconds * 1_000_000_000))
    _set_resolution(interface, resolution)
    return interface


def _options(octets: bytes, order: Order) -> list[tuple[int, bytes]]:
    """The options of a block up to the end of the list, or to the first that does not fit."""
    found = []
    at = 0
    while at + 4 <= len(octets):
        code, length = int.from_bytes(octets[at : at + 2], order), int.from_bytes(octets[at + 2 : at + 4], order)
        if code == 0 or at + 4 + length > len(octets):
            break
        found.append((code, octets[at + 4 : at + 4 + length]))
        at += 4 + ((length + 3) & ~3)
    return found


def _set_resolution(interface: Any, resolution: int) -> None:
    """if_tsresol: with the highest bit set a negative power of 2, else of 10."""
    if resolution & 0x80:
        interface.mode = BINARY
        interface.shift = resolution & 0x7F
    elif resolution <= 9:
        interface.mode = MULTIPLY
        interface.factor = 10 ** (9 - resolution)
        interface.most = LATEST // interface.factor
    else:
        interface.mode = DIVIDE
        interface.factor = min(10 ** (resolution - 9), 2**63 - 1)
