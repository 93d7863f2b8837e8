"""A capture copied as pcapng, packet by packet as it is, with comments on some of its packets.

One pcapng file keeps all that it has, octet for octet: only blocks that get a comment are made anew, and a section no
longer says how long it is. Anything else becomes one section: each file's interfaces, packets in the order of time,
and of pcapng files also names, statistics, secrets and the options of packets. What Wireshark gives a number of its
own is copied too, even blocks that ask not to be: the comments name frames by their numbers, which would shift.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from .blocks import comment_options, options_of, section, ticks
from .combining import Combined
from .files import CaptureFile
from .pcapng import ENHANCED_PACKET, INTERFACE, SECTION, SIMPLE_PACKET, Order, order_of, read_interface
from .reader import Reader

Comments = Callable[[int], tuple[list[int], list[str]]]
"""Frames in their order, and a text for each: those up to the frame asked for that were not given before."""

Write = Callable[[bytes], Any]


def copy(reader: Reader, comments: Comments, write: Write) -> None:
    """Copies what ``reader`` reads. ``reader`` tells afterwards what it read, and what it could not."""
    whole = len(reader.files) == 1 and reader.files[0].format == "pcapng"
    copier: Same | Combined = Same(reader, write) if whole else Combined(reader, write)
    for records, octets in reader.records(copier.part):
        frames, texts = comments(int(records["frame"][-1]))
        copier.packets(records, octets, frames, texts)
    copier.finish()


class Same:
    """One pcapng file: runs of octets as they are, and between them blocks that got a comment."""

    def __init__(self, reader: Reader, write: Write) -> None:
        self._reader = reader
        self._write = write
        self._order: Order = "little"
        self._interfaces: list[Any] = []
        self._empty = True

    def part(self, file: CaptureFile, until: int) -> None:
        """Octets that will not be in memory any longer; a section or an interface comes alone."""
        with self._reader.octets_at_hand as octets:
            piece = bytes(octets[file.seen : until])
        kind = int.from_bytes(piece[:4], self._order)
        if kind == SECTION:
            self._order = order_of(piece[8:12] == b"\x1a\x2b\x3c\x4d")
            self._interfaces = []
            # The comments make it longer.
            piece = piece[:16] + b"\xff" * 8 + piece[24:]
        elif kind == INTERFACE:
            self._interfaces.append(read_interface(piece, big=self._order == "big"))
        self._write(piece)
        self._empty = False

    def packets(self, records: np.ndarray, octets: memoryview, frames: list[int], texts: list[str]) -> None:
        """Some packets, of which ``frames`` get the ``texts``."""
        if not frames:
            return
        file = self._reader.opened[0]
        added = comment_options(frames, texts, self._order)
        rows = np.searchsorted(records["frame"], list(added))
        starts, times = records["block"][rows].tolist(), records["time"][rows].tolist()
        pieces: list[Any] = []
        for start, time, options in zip(starts, times, added.values(), strict=True):
            end = start + ((int.from_bytes(octets[start + 4 : start + 8], self._order) + 3) & ~3)
            pieces += octets[file.seen : start], self._commented(bytes(octets[start:end]), time, options)
            file.seen = end
        self._write(b"".join(pieces))

    def _commented(self, packet: bytes, time: int, comments: bytes) -> bytes:
        """The block of a packet with more options. One that can have none becomes an Enhanced Packet Block."""
        mark = ">" if self._order == "big" else "<"
        (kind,) = struct.unpack_from(f"{mark}I", packet)
        if kind == SIMPLE_PACKET:
            (wire,) = struct.unpack_from(f"{mark}I", packet, 8)
            stamp = ticks(time, self._interfaces[0])
            captured = min(wire, self._interfaces[0].snaplen or wire)
            fixed = struct.pack(f"{mark}IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, captured, wire)
            body = fixed + packet[12 : 12 + ((captured + 3) & ~3)]
            kind = ENHANCED_PACKET
        else:
            end = 28 + ((struct.unpack_from(f"{mark}I", packet, 20)[0] + 3) & ~3)
            body = packet[8:end] + options_of(packet[end:-4], self._order)
        body += comments + bytes(4)
        length = struct.pack(f"{mark}I", len(body) + 12)
        return struct.pack(f"{mark}I", kind) + length + body + length

    def finish(self) -> None:
        """A file that ends within its first header is a capture without packets."""
        if self._empty:
            self._write(section())
