"""Packets that are not read in one go: IP fragments, aggregated 802.11 frames, compressed payloads.

Here is Python per packet, always interpreted; a capture has few of them. What comes out is where the walk goes on.

Fragments are put together as RFC 791 3.2 and RFC 8200 4.5 have it, with two liberties: of octets that are there twice
the first arrival counts, and a fragment of which the file holds only the beginning still takes its place, so that the
lengths are right; the octets end where the first are missing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .links import LLC, NOTHING, PROTOCOL
from .octets import be16, be32

MOST_WAITING = 1024
"""Datagrams that wait for fragments at one time; the oldest is given up for the next."""
MOST_OCTETS = 8 << 20
"""Octets of fragments that wait."""
PATIENCE = 60_000_000_000
"""Nanoseconds that a datagram waits after its first fragment (RFC 1122 3.3.2, RFC 8200 4.5)."""

MOST_INFLATED = 65_535
"""Octets of a compressed payload (RFC 3173 2)."""

CARRIERS = {4, 6, 17, 41, 47, 51, 60, 97, 108, 135, 137}
"""IP protocols that are TCP, or may have it inside; fragments of the others are passed over."""


@dataclass(slots=True)
class Start:
    """Where the walk goes on: a buffer, and the values of a `Cursor` in it."""

    octets: bytes
    at: int
    end: int
    limit: int
    layer: int
    wire: int = 0

    @classmethod
    def of(cls, octets: bytes, cursor: Any, before: int = 0) -> Start:
        """Where `cursor` is; its buffer had so many octets before `octets` begin."""
        at, end, limit, wire = cursor.at - before, cursor.end - before, cursor.limit - before, cursor.wire - before
        return cls(octets, at, end, limit, cursor.layer, wire)

    def set(self, cursor: Any) -> None:
        """Puts `cursor` (a row of the interpreted speed) here."""
        cursor.at, cursor.end, cursor.limit, cursor.layer = self.at, self.end, self.limit, self.layer
        cursor.wire = self.wire or self.limit


@dataclass(slots=True)
class Waiting:
    """A datagram of which some fragments are there. `size` is that of its payload, -1 while the last is missing.

    `held` octets of it wait here, of `told` on the wire.
    """

    record: Any
    protocol: int
    size: int = -1
    held: int = 0
    told: int = 0
    pieces: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """Offset to length on the wire and octets."""

    def add(self, offset: int, length: int, octets: bytes) -> None:
        """A fragment of `length` octets on the wire; a second one at the same place is passed over."""
        if offset not in self.pieces:
            self.pieces[offset] = (length, octets)
            self.held += len(octets)
            self.told += length

    def whole(self) -> bool:
        """Whether the pieces reach from the beginning to the end without a hole."""
        if not 0 <= self.size <= self.told:
            return False
        reached = 0
        for offset, (length, _) in sorted(self.pieces.items()):
            if offset > reached:
                return False
            reached = max(reached, offset + length)
        return self.size <= reached

    def octets(self) -> bytes:
        """The payload, up to its end or to the first octet that the file does not hold."""
        joined = bytearray()
        for offset, (_, octets) in sorted(self.pieces.items()):
            if offset > len(joined):
                break
            joined += octets[len(joined) - offset :]
        return bytes(joined[: self.size])


class Fragments:
    """Datagrams that wait for the rest of their fragments: a bounded number, for a bounded time."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, ...], Waiting] = {}
        self._held = 0
        self._given_up: list[Waiting] = []

    def add(self, here: Start, s: Any, record: Any) -> Start | None:
        """Takes the fragment at `here`, whose addresses `s` has; if it was the last missing one, where to go on."""
        identity, protocol, offset, more, at = (_piece_of_ipv4 if s.version == 4 else _piece_of_ipv6)(here)
        if protocol not in CARRIERS or here.limit <= at:
            return None
        # RFC 791: source, destination, protocol and identification; RFC 8200: without the protocol.
        key = (
            identity,
            protocol if s.version == 4 else -1,
            s.src0,
            s.src1,
            s.src2,
            s.src3,
            s.dst0,
            s.dst1,
            s.dst2,
            s.dst3,
        )
        self._make_room(record.time)
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = Waiting(record, protocol)
        if offset == 0:
            waiting.protocol = protocol
        if not more:
            waiting.size = offset + here.limit - at
        self._held -= waiting.held
        waiting.add(offset, here.limit - at, here.octets[at : here.end])
        self._held += waiting.held
        if not waiting.whole():
            return None
        self._drop(key)
        joined = waiting.octets()
        return Start(joined, 0, len(joined), waiting.size, PROTOCOL + waiting.protocol)

    def give_up(self, *, everything: bool) -> Iterator[Any]:
        """The records of the first fragments of what has been given up; of all that wait, at the end of a capture."""
        if everything:
            for key in list(self._waiting):
                self._given_up.append(self._drop(key))
        while self._given_up:
            yield self._given_up.pop(0).record

    def _make_room(self, now: int) -> None:
        while self._waiting:
            key, oldest = next(iter(self._waiting.items()))
            crowded = len(self._waiting) >= MOST_WAITING or self._held > MOST_OCTETS
            if not crowded and now - oldest.record.time <= PATIENCE:
                return
            self._given_up.append(self._drop(key))

    def _drop(self, key: tuple[int, ...]) -> Waiting:
        dropped = self._waiting.pop(key)
        self._held -= dropped.held
        return dropped


def _piece_of_ipv4(here: Start) -> tuple[int, int, int, int, int]:
    """Identification, protocol, offset, whether more follow, and where the octets begin (RFC 791 3.1)."""
    octets, at = here.octets, here.at
    field = be16(octets, at + 6)
    return be16(octets, at + 4), octets[at + 9], (field & 0x1FFF) * 8, field & 0x2000, at + (octets[at] & 0x0F) * 4


def _piece_of_ipv6(here: Start) -> tuple[int, int, int, int, int]:
    """The same of a fragment header (RFC 8200 4.5)."""
    octets, at = here.octets, here.at
    field = be16(octets, at + 2)
    return be32(octets, at + 4), octets[at], field & 0xFFF8, field & 1, at + 8


def subframes(here: Start) -> list[Start]:
    """The frames in an A-MSDU (IEEE 802.11-2020, 9.3.2.2): two addresses, a length, LLC; each padded to four octets."""
    starts = []
    octets, at = here.octets, here.at
    while at + 14 <= here.end:
        limit = at + 14 + be16(octets, at + 12)
        starts.append(Start(octets, at + 14, min(here.end, limit), limit, LLC if limit > at + 14 else NOTHING))
        at += (limit - at + 3) & ~3
    return starts


def inflated(here: Start) -> list[Start]:
    """What an IPComp header (RFC 3173 3.1) and DEFLATE (RFC 2394) hide; nothing, if the file does not hold all of it.

    The number of the algorithm may be one that both ends agreed on, so it is not looked at.
    """
    octets, at = here.octets, here.at
    if at + 4 > here.end or here.end < here.limit:
        return []
    try:
        plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(octets[at + 4 : here.end], MOST_INFLATED)
    except zlib.error:
        return []
    return [Start(plain, 0, len(plain), len(plain), PROTOCOL + octets[at])]
