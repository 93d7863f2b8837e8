"""Blocks of pcapng as octets: making them, taking their options apart, and turning them into the other byte order.

For who copies captures. What is made here is little-endian, as nearly every capture is; blocks of a big-endian
section become so. What a block means is in draft-ietf-opsawg-pcapng, and what of it is needed to read packets in
``pcapng``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from .pcapng import (
    CUSTOM,
    CUSTOM_NOT_COPIED,
    ENHANCED_PACKET,
    INTERFACE,
    OLD_PACKET,
    SECTION,
    Order,
)
from .walk import BINARY, MULTIPLY

NAMES, STATISTICS, SECRETS = 4, 5, 10

COMMENT = 1
"""The option opt_comment, the same in every block."""

PROGRAM, RESOLUTION, CHECK_SEQUENCE = 4, 9, 13
"""Options: shb_userappl of a section; if_tsresol and if_fcslen of an interface."""

_CUSTOM_OPTIONS = (2988, 2989, 19372, 19373)

# How wide the numbers in an option's value are; the values of other options are octets, and stay as they are.
_WIDTHS: dict[int, dict[int, int]] = {
    SECTION: {},
    INTERFACE: {8: 8, 10: 4, 14: 8, 16: 8, 17: 8},
    ENHANCED_PACKET: {2: 4, 4: 8, 5: 8, 6: 4, 8: 4},
    OLD_PACKET: {2: 4},
    STATISTICS: {2: 4, 3: 4, 4: 8, 5: 8, 6: 8, 7: 8, 8: 8},
    NAMES: {},
    SECRETS: {},
}


_PADDING = (b"", b"\0", b"\0\0", b"\0\0\0")


def padded(octets: bytes) -> bytes:
    """The octets, and zeros up to a multiple of 4."""
    return octets + _PADDING[-len(octets) & 3]


def block(kind: int, body: bytes) -> bytes:
    """A block; its body's length is a multiple of 4."""
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


_HEADS = {"little": struct.Struct("<HH").pack, "big": struct.Struct(">HH").pack}


def option(code: int, value: bytes, order: Order = "little") -> bytes:
    """An option of a block."""
    return _HEADS[order](code, len(value)) + value + _PADDING[-len(value) & 3]


def comment_options(frames: list[int], texts: list[str], order: Order) -> dict[int, bytes]:
    """The comments of each frame as options; a text is cut where it is longer than an option can be."""
    found: dict[int, bytes] = {}
    head = _HEADS[order]
    for frame, text in zip(frames, texts, strict=True):
        # Not by `option`: there may be millions.
        value = text.encode("utf-8", "replace")[:0xFFFF]
        made = head(COMMENT, len(value)) + value + _PADDING[-len(value) & 3]
        found[frame] = found[frame] + made if frame in found else made
    return found


def section() -> bytes:
    """A section header block, for a section whose length is not said."""
    options = option(PROGRAM, b"pcapstate") + bytes(4)
    return block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface(link: int, snaplen: int, digits: int, check_sequence: int = -1) -> bytes:
    """An interface whose time stamps have so many ``digits`` behind the second.

    ``check_sequence`` is the octets of the frame check sequence that a packet ends with, -1 where they are not known.
    """
    options = option(RESOLUTION, bytes([digits]))
    if check_sequence >= 0:
        options += option(CHECK_SEQUENCE, bytes([check_sequence]))
    return block(INTERFACE, struct.pack("<HHI", link & 0xFFFF, 0, snaplen) + options + bytes(4))


def blocks_of(octets: bytes, order: Order) -> Iterator[tuple[int, bytes]]:
    """The blocks that lie behind each other in ``octets``, each with its type, up to one that is not whole."""
    at = 0
    while at + 12 <= len(octets):
        length = (int.from_bytes(octets[at + 4 : at + 8], order) + 3) & ~3
        if length < 12 or at + length > len(octets):
            return
        yield int.from_bytes(octets[at : at + 4], order), octets[at : at + length]
        at += length


def options_of(octets: bytes, order: Order) -> bytes:
    """The options in ``octets`` without the mark of their end, nor what does not fit."""
    if not octets:
        return b""
    at = 0
    while at + 4 <= len(octets):
        code, length = int.from_bytes(octets[at : at + 2], order), int.from_bytes(octets[at + 2 : at + 4], order)
        if code == 0 or at + 4 + length > len(octets):
            break
        at += 4 + ((length + 3) & ~3)
    return padded(octets[:at])


def ticks(time: int, interface: Any) -> int:
    """Nanoseconds since 1970 as a time stamp of an interface, the first that is read as no less."""
    time -= int(interface.offset)
    if interface.mode == MULTIPLY:
        stamp = -(-time // int(interface.factor))
    elif interface.mode == BINARY:
        stamp = -(-(time << int(interface.shift)) // 1_000_000_000)
    else:
        stamp = time * int(interface.factor)
    return max(0, min(stamp, 2**64 - 1))


# --- the other byte order --------------------------------------------------------------------------------------


def swapped(octets: bytes, width: int) -> bytes:
    """Numbers of ``width`` octets, each turned round."""
    return b"".join(octets[at : at + width][::-1] for at in range(0, len(octets), width))


def options_swapped(octets: bytes, kind: int) -> bytes:
    """Big-endian options of a block of this type in little-endian order; without the mark of their end."""
    found, at = b"", 0
    octets = options_of(octets, "big")
    while at + 4 <= len(octets):
        code, length = struct.unpack_from(">HH", octets, at)
        value = octets[at + 4 : at + 4 + length]
        if code in _CUSTOM_OPTIONS:
            value = swapped(value[:4], 4) + value[4:]
        elif kind == ENHANCED_PACKET and code == 7 and value[:1] in (b"\1", b"\2"):
            value = value[:1] + swapped(value[1:], 8)  # a verdict of eBPF is a number
        else:
            value = swapped(value, _WIDTHS.get(kind, {}).get(code, 1))
        found += option(code, value)
        at += 4 + ((length + 3) & ~3)
    return found


def little(octets: bytes, order: Order) -> bytes:
    """A block that is no packet in little-endian order, whatever it was.

    Of a type that is not known only the lengths are turned.
    """
    length = int.from_bytes(octets[4:8], order)
    if order == "little" and length == len(octets):
        return octets
    kind, body = int.from_bytes(octets[:4], order), padded(octets[8:-4])
    if order == "big":
        body = _body_swapped(kind, body)
    return block(kind, body)


def _body_swapped(kind: int, body: bytes) -> bytes:
    if kind == INTERFACE:
        fixed, rest = swapped(body[:4], 2) + swapped(body[4:8], 4), body[8:]
    elif kind == STATISTICS:
        fixed, rest = swapped(body[:12], 4), body[12:]
    elif kind == SECRETS:
        end = 8 + ((int.from_bytes(body[4:8], "big") + 3) & ~3)
        fixed, rest = swapped(body[:8], 4) + body[8:end], body[end:]
    elif kind == NAMES:
        fixed, rest = _names_swapped(body)
    elif kind in (CUSTOM, CUSTOM_NOT_COPIED):
        return swapped(body[:4], 4) + body[4:]
    else:
        return body
    options = options_swapped(rest, kind)
    return fixed + (options + bytes(4) if options else b"")


def _names_swapped(body: bytes) -> tuple[bytes, bytes]:
    """The records of a Name Resolution Block in the other order, with the mark of their end, and its options."""
    found, at = b"", 0
    while at + 4 <= len(body):
        kind, length = struct.unpack_from(">HH", body, at)
        if kind == 0:
            return found + bytes(4), body[at + 4 :]
        found += option(kind, body[at + 4 : at + 4 + length])
        at += 4 + ((length + 3) & ~3)
    return found + bytes(4), b""
