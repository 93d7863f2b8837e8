"""The pcap file format and its kin: a file header, then records with a header of fixed length each.

Known are pcap with micro- and nanoseconds in both byte orders (draft-ietf-opsawg-pcap), the form of Alexey Kuznetzov's
patched libpcap (magic 0xa1b2cd34, whose record headers are eight octets longer), and snoop (RFC 1761).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..kernels import kernel
from .octets import be32, le32
from .walk import LONG_PACKET, MORE, PLAIN, RECORD, WRONG_RECORD, largest_packet, leave

PADDING = 4096
"""Octets that a record of snoop may have behind its packet; writers that align pad to 4 or 8."""


@kernel
def walk_pcap(octets: Any, w: Any, records: Any, first: int, last: int) -> int:
    """Goes over records and fills the rows from `first` on, up to the one before `last`; returns the row it came to.

    `w.stop` tells why it came back: RECORD when all rows are filled.
    """
    # What changes from record to record is kept out of the row `w`: from there it would be read again each time.
    at, frame, place = w.position, w.frame, first
    end, big, header, stop = w.end, w.big, w.header, RECORD
    while place < last:
        left = end - at
        if left < header:
            w.need = header
            stop = MORE
            break
        if big:
            seconds = be32(octets, at + w.seconds_at)
            fraction = be32(octets, at + w.fraction_at)
            captured = be32(octets, at + w.captured_at)
            wire = be32(octets, at + w.wire_at)
        else:
            seconds = le32(octets, at + w.seconds_at)
            fraction = le32(octets, at + w.fraction_at)
            captured = le32(octets, at + w.captured_at)
            wire = le32(octets, at + w.wire_at)
        if w.swap and captured > wire:
            captured, wire = wire, captured
        length = header + captured
        if w.length_at >= 0:
            # snoop pads its records, and says how long they are; it is big-endian.
            length = be32(octets, at + w.length_at)
        if captured > w.bound or length < header + captured or length > header + captured + PADDING:
            w.value = captured if captured > w.bound else length
            stop = LONG_PACKET if captured > w.bound else WRONG_RECORD
            break
        if left < length:
            w.need = length
            stop = MORE
            break
        frame += 1
        record = records[place]
        record.frame = frame
        record.file = w.file
        record.file_frame = frame
        record.time = seconds * 1000000000 + fraction * w.unit
        record.block = at
        record.offset = at + header
        record.captured = captured
        record.wire = wire
        record.link = w.link
        at += length
        place += 1
    leave(w, at, frame, stop, records, first, place)
    return place


@dataclass(frozen=True, slots=True)
class PlainFormat:
    """A format by its magic: `header` and `record` are the lengths of the headers of file and record."""

    magic: bytes
    words: str
    big: bool
    unit: int
    header: int = 24
    record: int = 16


def _both_orders(magic: int, words: str, unit: int, record: int = 16) -> tuple[PlainFormat, PlainFormat]:
    return (
        PlainFormat(magic.to_bytes(4, "little"), f"{words} LE", False, unit, 24, record),
        PlainFormat(magic.to_bytes(4, "big"), f"{words} BE", True, unit, 24, record),
    )


PLAIN_FORMATS = (
    *_both_orders(0xA1B2C3D4, "pcap us", 1000),
    *_both_orders(0xA1B23C4D, "pcap ns", 1),
    *_both_orders(0xA1B2CD34, "pcap modified us", 1000, 24),
    PlainFormat(b"snoop\0\0\0", "snoop", True, 1000, 16, 24),
)

_SNOOP_LINKS = {0: 1, 1: 6, 2: 6, 4: 1, 8: 10, 9: 50, 18: 11, 22: 141, 26: 242, 28: 1}
"""Datalink types of RFC 1761 and of Solaris, as LINKTYPE_ numbers."""


def begin_plain(plain: PlainFormat, head: bytes, w: Any) -> str:
    """Sets the walk `w` up by the header of a file. Returns what is odd in the header, in a sentence, or nothing.

    `w.position` is expected at the beginning of the file and left at the first record.
    """
    order: Literal["little", "big"] = "big" if plain.big else "little"
    w.format = PLAIN
    w.big = int(plain.big)
    w.unit = plain.unit
    w.header = plain.record
    w.position += plain.header
    if plain.words == "snoop":
        w.wire_at, w.captured_at, w.length_at, w.seconds_at, w.fraction_at = 0, 4, 8, 16, 20
        kind = int.from_bytes(head[12:16], "big")
        w.link = _SNOOP_LINKS.get(kind, 0xFFFF)
        w.bound = largest_packet(w.link)
        return "" if kind in _SNOOP_LINKS else f"the file's datalink type {kind} is not known"
    w.seconds_at, w.fraction_at, w.captured_at, w.wire_at, w.length_at = 0, 4, 8, 12, -1
    version = int.from_bytes(head[4:6], order), int.from_bytes(head[6:8], order)
    # Before version 2.3, and in DG/UX (version 543.0), the two lengths stood the other way round; some writers of 2.3
    # did not know.
    w.swap = int(version < (2, 4) or version == (543, 0))
    field = int.from_bytes(head[20:24], order)
    w.link = field & 0xFFFF
    w.bound = largest_packet(w.link)
    # The highest four bits are the length of the frame check sequence, bit 26 tells that it is known.
    return "reserved bits of the link type are set" if field & 0x03FF0000 else ""
