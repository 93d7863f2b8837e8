"""Packets to TCP segments: the walk through a packet's layers, TCP's own header, and `Decoder`, which does chunks.

The walk is a kernel (see `kernels`). What it cannot do alone it hands out, packet by packet: fragments go to `odd`,
what cannot be read becomes a `Problem`. TCP quoted in ICMP errors is not taken: it is not on its way to anyone.
"""

from __future__ import annotations

from typing import Any

from ..kernels import INTERPRETED, Speed, convert, convert_integers, kernel
from ..schema import Record, Segment
from .layers import family, link, llc, monitor_header, nflog, ppi, ppp, radiotap, shim, token_ring, wlan
from .links import (
    AGGREGATE,
    AVS,
    CUT,
    ENDS,
    FAMILY,
    FRAGMENT,
    IPV4,
    IPV6,
    LINK,
    LLC,
    MALFORMED,
    NFLOG,
    NOTHING,
    PPI,
    PPP,
    PRISM,
    PROTOCOL,
    RADIOTAP,
    SEGMENT,
    SHAPE,
    TCP,
    TOKEN_RING,
    UNKNOWN_LINK,
    VERSION,
    WLAN,
    Cursor,
    link_table,
)
from .network import ipv4, ipv6, version
from .octets import be16, be32
from .odd import Fragments, Start, subframes
from .options import clear_options, read_options
from .problems import Problem
from .tunnels import transport

MOST_LAYERS = 48  # a loop can be built of headers that take no octets


@kernel
def walk(octets: Any, cursor: Any, links: Any, s: Any) -> int:
    """From the layer of `cursor` to TCP, whose header fills `s`. Returns how it ended: SEGMENT, NOTHING, CUT, ..."""
    for _ in range(MOST_LAYERS):
        layer = cursor.layer
        if layer < 0:
            return layer  # type: ignore[no-any-return]
        if layer == TCP:
            tcp(octets, cursor, s)
        elif layer == IPV4:
            ipv4(octets, cursor, s)
        elif layer == IPV6:
            ipv6(octets, cursor, s)
        elif layer < PROTOCOL:
            shim(octets, cursor)
        elif layer < LINK:
            transport(octets, cursor, s)
        elif layer < SHAPE:
            link(octets, cursor, links)
        else:
            shape(octets, cursor)
    return NOTHING


@kernel
def shape(octets: Any, cursor: Any) -> None:
    """A layer whose beginning must be looked at."""
    layer = cursor.layer
    if layer == VERSION:
        version(octets, cursor)
    elif layer == PPP:
        ppp(octets, cursor)
    elif layer == LLC:
        llc(octets, cursor)
    elif layer == FAMILY:
        family(octets, cursor)
    elif layer == WLAN:
        wlan(octets, cursor, 0)
    elif layer == RADIOTAP:
        radiotap(octets, cursor)
    elif layer == PPI:
        ppi(octets, cursor)
    elif layer == NFLOG:
        nflog(octets, cursor)
    elif layer == TOKEN_RING:
        token_ring(octets, cursor)
    elif layer == PRISM or layer == AVS:
        monitor_header(octets, cursor)
    else:
        cursor.layer = NOTHING


@kernel
def tcp(octets: Any, cursor: Any, s: Any) -> None:
    """A TCP header (RFC 9293 3.1) into `s`; its first 16 octets must be there."""
    at = cursor.at
    end = cursor.end
    if at + 16 > end:
        cursor.layer = CUT if end < cursor.limit else MALFORMED
        return
    data = at + ((octets[at + 12] & 0xF0) >> 2)
    if data < at + 20 or data > cursor.limit:
        cursor.layer = MALFORMED
        return
    s.sport = be16(octets, at)
    s.dport = be16(octets, at + 2)
    s.seq = be32(octets, at + 4)
    s.ack = be32(octets, at + 8)
    s.flags = be16(octets, at + 12) & 0x0FFF
    s.window = be16(octets, at + 14)
    s.checksum = -1
    s.urgent = 0
    if at + 20 <= end:
        s.checksum = be16(octets, at + 16)
        s.urgent = be16(octets, at + 18)
    s.length = cursor.limit - data
    s.captured = max(0, end - data)
    clear_options(s)
    if data > at + 20:
        read_options(octets, at + 20, min(data, end), s)
    cursor.layer = SEGMENT


@kernel
def complete(record: Any, s: Any) -> None:
    """What a segment has from its record, and nothing yet from the replay."""
    s.frame = record.frame
    s.file = record.file
    s.file_frame = record.file_frame
    s.time = record.time
    s.flow = 0
    s.slot = 0
    s.side = 0
    s.seq_relative = 0
    s.ack_relative = 0
    s.ack_known = 0
    s.window_octets = 0
    s.in_flight = 0
    s.right_edge = 0
    s.label = 0
    s.cause = 0
    s.proof = 0


@kernel
def decode(octets: Any, records: Any, progress: Any, cursors: Any, links: Any, ends: Any, segments: Any) -> int:
    """Decodes records into segments until one ends as the caller wants to see: then the number of that end, else 0.

    `progress` is the next record, how many there are, and the next segment. `ends` counts, at the number of each end,
    how often it was, and ENDS further on, how many more of it are wanted. The cursor of a wanted packet stays in
    ``cursors[0]``, and what is known of it in the next segment.
    """
    cursor = cursors[0]
    room = len(octets)
    i = progress[0]
    made = progress[2]
    while i < progress[1]:
        record = records[i]
        cursor.at = record.offset
        cursor.end = min(record.offset + record.captured, room)
        cursor.limit = record.offset + max(record.wire, record.captured)
        cursor.layer = LINK + record.link
        end = walk(octets, cursor, links, segments[made])
        if end == SEGMENT:
            complete(record, segments[made])
            made += 1
        i += 1
        ends[-end] += 1
        if ends[ENDS - end] > 0:
            ends[ENDS - end] -= 1
            progress[0] = i
            progress[2] = made
            return end  # type: ignore[no-any-return]
    progress[0] = i
    progress[2] = made
    return 0


@kernel
def resume(octets: Any, record: Any, cursor: Any, links: Any, s: Any) -> int:
    """The walk from where `cursor` says; `s` may know the addresses already. Returns how it ended."""
    end = walk(octets, cursor, links, s)
    if end == SEGMENT:
        complete(record, s)
    return end  # type: ignore[no-any-return]


MOST_REPORTS = 100
"""Problems of one kind that are told one by one; of the rest `Decoder.finish` tells the number."""

_SENTENCES = {
    CUT: ("cut", "the file does not hold the packet as far as its TCP header"),
    MALFORMED: ("malformed", "a header contradicts itself; the packet is left out"),
    UNKNOWN_LINK: ("link_type", "link type {link} is not decoded"),
}


class Decoder:
    """Records in, TCP segments out, chunk by chunk in the order of the capture; fragments wait here for their rest.

    `problems` grows with what could not be read; the caller may empty it between two chunks.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._fragments = Fragments()
        self._speed: Speed | None = None
        self._ends: Any = [0] * (2 * ENDS)
        self._segments: Any = []
        self._plain_links = link_table(INTERPRETED)
        for end in _SENTENCES:
            self._ends[ENDS - end] = MOST_REPORTS
        self._ends[ENDS - FRAGMENT] = self._ends[ENDS - AGGREGATE] = 1 << 62

    def chunk(self, octets: Any, records: Any, count: int, speed: Speed) -> tuple[Any, int]:
        """The segments of ``records[:count]``, a table of `schema.Record` rows that point into `octets`.

        Octets and records are as `speed` makes them. Returns a table of `schema.Segment` rows, which the next call
        uses again, and how many of its rows are segments, in the order of their frames. The speed may change between
        two calls. Raises nothing: what cannot be read is in `problems`.
        """
        self._settle(speed, count)
        progress = speed.integers(3)
        progress[1] = count
        run = speed.of(decode)
        while end := run(octets, records, progress, self._cursors, self._links, self._ends, self._segments):
            self._odd(end, octets, records, progress)
        return self._segments, int(progress[2])

    def finish(self) -> None:
        """Adds to `problems` what only the end of the capture tells: fragments without the rest, and the untold."""
        self._tell_given_up(everything=True)
        for end, (kind, text) in _SENTENCES.items():
            untold = int(self._ends[-end]) - MOST_REPORTS
            if untold > 0:
                self.problems.append(Problem(0, 0, 0, -1, kind, f"{untold} more: {text}"))

    def _settle(self, speed: Speed, count: int) -> None:
        """Tables as `speed` wants them, with room for a chunk and one row to try in."""
        if self._speed is not speed:
            self._speed = speed
            self._cursors = speed.table(Cursor, 1)
            self._links = link_table(speed)
            self._ends = convert_integers(self._ends, speed)
            self._segments = speed.table(Segment, count + 1)
        self._segments = speed.grown(Segment, self._segments, count + 1)

    def _odd(self, end: int, octets: Any, records: Any, progress: Any) -> None:
        """One packet that the kernel handed out, at interpreted speed whatever the chunk's is."""
        done, count, made = (int(number) for number in progress)
        record = convert(Record, records[done - 1 : done], INTERPRETED)[0]
        cursor = convert(Cursor, self._cursors, INTERPRETED)[0]
        s = convert(Segment, self._segments[made : made + 1], INTERPRETED)[0]
        packet = bytes(octets[record.offset : cursor.end])
        cursor.at -= record.offset
        cursor.end -= record.offset
        cursor.limit -= record.offset
        todo = self._unfold(end, packet, cursor, s, record)
        while todo:
            start = todo.pop(0)
            cursor.at, cursor.end, cursor.limit, cursor.layer = start.at, start.end, start.limit, start.layer
            end = resume(start.octets, record, cursor, self._plain_links, s)
            if end == SEGMENT:
                self._segments = self._speed.grown(Segment, self._segments, made + 2 + count - done)
                self._write(made, s)
                made += 1
            else:
                todo += self._unfold(end, start.octets, cursor, s, record)
        progress[2] = made

    def _unfold(self, end: int, octets: bytes, cursor: Any, s: Any, record: Any) -> list[Start]:
        """Where to go on with a packet whose walk ended so; else what is wrong with it becomes a problem."""
        if end == FRAGMENT:
            start = self._fragments.add(octets, cursor, s, record)
            self._tell_given_up(everything=False)
            return [] if start is None else [start]
        if end == AGGREGATE:
            return subframes(octets, cursor)
        if end in _SENTENCES:
            kind, text = _SENTENCES[end]
            self._report(record, kind, text.format(link=record.link))
        return []

    def _write(self, place: int, s: Any) -> None:
        if isinstance(self._segments, list):
            Segment.copy(self._segments[place], s)
        else:
            self._segments[place : place + 1] = INTERPRETED.array(Segment, [s], 1)

    def _tell_given_up(self, *, everything: bool) -> None:
        for record in self._fragments.give_up(everything=everything):
            self._report(record, "fragments", "the rest of a fragmented packet is missing")

    def _report(self, record: Any, kind: str, text: str) -> None:
        self.problems.append(Problem(record.file, record.file_frame, record.frame, -1, kind, text))
