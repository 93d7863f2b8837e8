"""Any capture as one section of pcapng: files of pcap's kind, or several files merged in time.

Each file's interfaces are described once, packets come in the order of time, and of pcapng files also names,
statistics, secrets and the options of packets. All packets of a batch are laid out at once; Python looks only at what
is no packet, and at packets with options.
"""

from __future__ import annotations

import itertools
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from .blocks import (
    STATISTICS,
    blocks_of,
    comment_options,
    interface,
    little,
    options_of,
    options_swapped,
    section,
    ticks,
)
from .containers import LONGEST_HEADER, recognise
from .files import CaptureFile
from .pcap import PlainFormat
from .pcapng import ENHANCED_PACKET, INTERFACE, OLD_PACKET, SECTION, SIMPLE_PACKET, Order, order_of, read_interface
from .reader import Reader
from .sources import FileInfo


class Combined:
    """One section, made anew from all that a reader reads."""

    def __init__(self, reader: Reader, write: Callable[[bytes], Any]) -> None:
        self._reader = reader
        self._write = write
        self._sources: dict[int, _Plain | _Blocks] = {}
        self._known: dict[tuple[bytes, int], int] = {}
        write(section())

    def part(self, file: CaptureFile, until: int) -> None:
        """Octets that will not be in memory any longer; a section or an interface comes alone."""
        with self._reader.octets_at_hand as octets:
            self._source(file).between(bytes(octets[file.seen : until]))

    def _source(self, file: CaptureFile) -> _Plain | _Blocks:
        if file.number not in self._sources:
            kind = _Blocks if file.info.format == "pcapng" else _Plain
            self._sources[file.number] = kind(file.info, self._interface)
        return self._sources[file.number]

    def _interface(self, described: bytes, which: int) -> int:
        """The number of an interface; files that describe theirs alike share it.

        ``which``: how many that are alike came before it in its section.
        """
        if (described, which) not in self._known:
            self._write(described)
            self._known[described, which] = len(self._known)
        return self._known[described, which]

    def packets(self, records: np.ndarray, octets: memoryview, frames: list[int], texts: list[str]) -> None:
        """Some packets, of which ``frames`` get the ``texts``."""
        layout = Layout(records)
        opened = self._reader.opened
        for number in np.unique(records["file"]).tolist():
            rows = np.flatnonzero(records["file"] == number)
            source, file = self._source(opened[number]), opened[number]
            first = int(records["block"][rows[0]])
            source.between(bytes(octets[file.seen : first]))
            file.seen = source.packets(layout, rows, octets)
        added = comment_options(frames, texts, "little")
        for row, options in zip(np.searchsorted(records["frame"], list(added)).tolist(), added.values(), strict=True):
            layout.options[row] = layout.options.get(row, b"") + options
        self._write(layout.octets(octets))

    def finish(self) -> None:
        """What came after the last packet of each file."""
        for source in self._sources.values():
            self._write(source.taken())


class Layout:
    """Enhanced Packet Blocks for some records, all at once."""

    HEAD = np.dtype([(name, "<u4") for name in ("kind", "length", "interface", "high", "low", "captured", "wire")])
    TAIL = np.dtype([("padding", "S3"), ("length", "<u4")])

    def __init__(self, records: np.ndarray) -> None:
        self.records = records
        self.heads = np.zeros(len(records), self.HEAD)
        self.options: dict[int, bytes] = {}
        """The options of a row, without the mark of their end."""
        self.before: dict[int, bytes] = {}
        """Blocks that come before a row."""

    def octets(self, octets: memoryview) -> bytes:
        """The blocks. ``octets``: those that the records mean."""
        records, heads, count = self.records, self.heads, len(self.records)
        captured = records["captured"]
        heads["kind"], heads["captured"], heads["wire"] = ENHANCED_PACKET, captured, records["wire"]
        padding = -captured & 3
        heads["length"] = 32 + captured + padding
        # One of numpy's single elements costs as much as many at once.
        more = np.array([len(options) + 4 for options in self.options.values()], np.uint32)
        heads["length"][np.array(list(self.options), np.int64)] += more
        tails = np.zeros(count, self.TAIL)
        tails["length"] = heads["length"]
        head, tail = heads.tobytes(), tails.tobytes()
        starts, ends = records["offset"].tolist(), (records["offset"] + captured).tolist()
        first: list[Any] = [head[at : at + 28] for at in range(0, 28 * count, 28)]
        data = [octets[start:end] for start, end in zip(starts, ends, strict=True)]
        last = [tail[7 * row + 3 - pad : 7 * row + 7] for row, pad in enumerate(padding.tolist())]
        for row, options in self.options.items():
            last[row] = last[row][:-4] + options + bytes(4) + last[row][-4:]
        for row, blocks in self.before.items():
            first[row] = blocks + first[row]
        return b"".join(itertools.chain.from_iterable(zip(first, data, last, strict=True)))


class _Plain:
    """A file of pcap's kind: one interface, and no options."""

    def __init__(self, info: FileInfo, number_of: Callable[[bytes, int], int]) -> None:
        self._info = info
        self._number_of = number_of
        self._number = -1
        self._unit = 1

    def between(self, octets: bytes) -> None:
        """What is no packet: the header of the file."""
        plain = recognise(octets[:LONGEST_HEADER])
        if self._number >= 0 or not isinstance(plain, PlainFormat) or len(octets) < plain.header:
            return
        snaplen, check_sequence = 0, -1
        if plain.header == LONGEST_HEADER:
            snaplen, check_sequence = limits(octets, order_of(plain.big))
        self._unit = plain.unit
        described = interface(self._info.links[0], snaplen, 9 if plain.unit == 1 else 6, check_sequence)
        self._number = self._number_of(described, 0)

    def packets(self, layout: Layout, rows: np.ndarray, octets: memoryview) -> int:
        """Fills rows of the layout; gives where the last of them ends."""
        records = layout.records[rows]
        stamps = records["time"] // self._unit
        layout.heads["interface"][rows] = self._number
        layout.heads["high"][rows], layout.heads["low"][rows] = stamps >> 32, stamps & 0xFFFFFFFF
        return int(records["offset"][-1] + records["captured"][-1])

    def taken(self) -> bytes:
        """Blocks that wait for the next packet: none."""
        return b""


class _Blocks:
    """A pcapng file. Its interfaces get other numbers, and its sections become one."""

    def __init__(self, info: FileInfo, number_of: Callable[[bytes, int], int]) -> None:
        self._number_of = number_of
        self._order: Order = "little"
        self._interfaces: list[Any] = []
        self._numbers: list[int] = []
        self._alike: Counter[bytes] = Counter()
        self._waiting = b""
        self._rest = 0

    def between(self, octets: bytes) -> None:
        """What is no packet: blocks, or a part of one that is too large to be kept (and is left out)."""
        passed = min(self._rest, len(octets))
        self._rest -= passed
        octets = octets[passed:]
        if octets[:4] == SECTION.to_bytes(4, "big"):
            self._order = order_of(octets[8:12] == b"\x1a\x2b\x3c\x4d")
            self._interfaces, self._numbers = [], []
            self._alike.clear()
        whole = 0
        for kind, one in blocks_of(octets, self._order):
            whole += len(one)
            if kind == INTERFACE:
                self._described(one)
            elif kind == STATISTICS:
                self._waiting += self._statistics(little(one, self._order))
            elif kind != SECTION:
                self._waiting += little(one, self._order)
        if len(octets) >= whole + 12:
            self._rest = ((int.from_bytes(octets[whole + 4 : whole + 8], self._order) + 3) & ~3) - len(octets) + whole

    def _described(self, one: bytes) -> None:
        self._interfaces.append(read_interface(one, big=self._order == "big"))
        described = little(one, self._order)
        self._numbers.append(self._number_of(described, self._alike[described]))
        self._alike[described] += 1

    def _statistics(self, one: bytes) -> bytes:
        """Statistics of an interface, by its new number."""
        at = int.from_bytes(one[8:12], "little")
        return one[:8] + struct.pack("<I", self._numbers[at]) + one[12:] if at < len(self._numbers) else b""

    def taken(self) -> bytes:
        """The blocks that wait for the next packet, so that no other packet's number shifts."""
        waiting, self._waiting = self._waiting, b""
        return waiting

    def packets(self, layout: Layout, rows: np.ndarray, octets: memoryview) -> int:
        """Fills rows of the layout; gives where the last of them ends."""
        blocks = layout.records["block"][rows]
        heads = self._heads(octets, blocks)
        ends = blocks + ((heads["length"].astype(np.int64) + 3) & ~3)
        self._before(layout, int(rows[0]))
        for at in np.flatnonzero(blocks[1:] != ends[:-1]).tolist():
            self.between(bytes(octets[ends[at] : blocks[at + 1]]))
            self._before(layout, int(rows[at + 1]))
        old, simple = heads["kind"] == OLD_PACKET, heads["kind"] == SIMPLE_PACKET
        number = heads["interface"].astype(np.int64)
        number[old] = number[old] >> 16 if self._order == "big" else number[old] & 0xFFFF
        number[simple] = 0
        layout.heads["interface"][rows] = np.array(self._numbers)[number]
        layout.heads["high"][rows], layout.heads["low"][rows] = heads["high"], heads["low"]
        for row in rows[simple].tolist():
            stamp = ticks(int(layout.records["time"][row]), self._interfaces[0])
            layout.heads["high"][row], layout.heads["low"][row] = stamp >> 32, stamp & 0xFFFFFFFF
        first = layout.records["offset"][rows] + ((layout.records["captured"][rows] + 3) & ~3)
        for at in np.flatnonzero(~simple & (ends - 4 > first)).tolist():
            found = self._options(bytes(octets[first[at] : ends[at] - 4]))
            if found:
                layout.options[int(rows[at])] = found
        return int(ends[-1])

    def _heads(self, octets: memoryview, blocks: np.ndarray) -> np.ndarray:
        """The first 28 octets of each block; a Simple Packet Block may have fewer."""
        places = np.minimum(blocks[:, None] + np.arange(28), len(octets) - 1)
        return np.frombuffer(octets, np.uint8)[places].view(Layout.HEAD.newbyteorder(self._order)).ravel()

    def _before(self, layout: Layout, row: int) -> None:
        if self._waiting:
            layout.before[row] = self.taken()

    def _options(self, octets: bytes) -> bytes:
        if self._order == "big":
            return options_swapped(octets, ENHANCED_PACKET)
        return options_of(octets, "little")


def limits(header: bytes, order: Order) -> tuple[int, int]:
    """What a pcap header says of the longest packet, and of the octets of the frame check sequence (-1: nothing)."""
    field = int.from_bytes(header[20:24], order)
    # Bit 26 tells that the highest four bits count its 16-bit words.
    return int.from_bytes(header[16:20], order), (field >> 28) * 2 if field & 1 << 26 else -1
