"""The walk through a packet's layers to its TCP header, and the loop over a chunk's packets. Kernels.

There are two forms of both. `walk` knows what nearly every packet is made of: link, VLAN tags, IP, TCP. Where another
layer comes, it stops with RARE. `walk_everywhere` goes on from there through tunnels, labels and the radio's headers.
They are apart because compiling all of it takes longer than reading most captures: see `Decoder`.

TCP quoted in ICMP errors is not taken: it is not on its way to anyone.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .layers import TAGS, link, shim, tag
from .links import CUT, ENDS, FAR, IPV4, IPV6, LINK, MALFORMED, NOTHING, PROTOCOL, RARE, SEGMENT, SHAPE, TCP, VERSION
from .network import ipv4, ipv6, version
from .octets import be16, be32
from .options import clear_options, read_options
from .shapes import shape
from .tunnels import UDP, has_tunnel_port, transport

MOST_LAYERS = 48  # a loop can be built of headers that take no octets
PLAIN = (0x0806, 0x88CC, PROTOCOL + 1, PROTOCOL + 2, PROTOCOL + 50, PROTOCOL + 58, PROTOCOL + 132)
"""Often there, and nothing to be seen in it: ARP, LLDP, ICMP, IGMP, ESP, ICMPv6, SCTP."""


@kernel
def walk(octets: Any, cursor: Any, links: Any, s: Any) -> int:
    """From the layer of `cursor` to TCP, whose header fills `s`. Returns how it ended: SEGMENT, NOTHING, RARE, ..."""
    for _ in range(MOST_LAYERS):
        layer = cursor.layer
        if layer == TCP:
            tcp(octets, cursor, s)
        elif layer == IPV4:
            ipv4(octets, cursor, s)
        elif layer < 0:
            return layer  # type: ignore[no-any-return]
        elif LINK <= layer < SHAPE:
            link(octets, cursor, links)
        elif layer == IPV6:
            ipv6(octets, cursor, s)
        elif layer in TAGS:
            tag(octets, cursor)
        elif layer == VERSION:
            version(octets, cursor)
        elif layer == UDP:
            return RARE if has_tunnel_port(octets, cursor) else NOTHING
        else:
            return NOTHING if layer in PLAIN else RARE
    return NOTHING


@kernel
def walk_everywhere(octets: Any, cursor: Any, links: Any, s: Any) -> int:
    """`walk`, and on through the rarer layers."""
    for _ in range(MOST_LAYERS):
        end = walk(octets, cursor, links, s)
        if end != RARE:
            return end
        if cursor.layer < PROTOCOL:
            shim(octets, cursor)
        elif cursor.layer < LINK:
            transport(octets, cursor, s)
        else:
            shape(octets, cursor)
    return NOTHING


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
def begin(record: Any, room: int, cursor: Any) -> None:
    """The cursor at the beginning of a record, in a buffer of `room` octets."""
    cursor.at = record.offset
    cursor.end = min(record.offset + record.captured, room)
    cursor.limit = FAR
    cursor.wire = record.offset + max(record.wire, record.captured)
    cursor.layer = LINK + record.link


@kernel
def wanted(ends: Any, end: int) -> bool:
    """Counts how a packet's walk ended; whether the caller wants to see the packet."""
    ends[-end] += 1
    if ends[ENDS - end] <= 0:
        return False
    ends[ENDS - end] -= 1
    return True


@kernel
def decode(octets: Any, records: Any, progress: Any, cursors: Any, links: Any, ends: Any, segments: Any) -> int:
    """Decodes records into segments until the caller wants to see a packet: then how its walk ended, else 0.

    `progress` is the next record, how many there are, and the next segment. `ends` counts, at the number of each end
    but SEGMENT's, how often it was, and ENDS further on, how many more of it are wanted. The cursor of a wanted packet
    stays in ``cursors[0]``, and what is known of it in the next segment.
    """
    while progress[0] < progress[1]:
        record = records[progress[0]]
        s = segments[progress[2]]
        progress[0] += 1
        begin(record, len(octets), cursors[0])
        end = walk(octets, cursors[0], links, s)
        if end == SEGMENT:
            complete(record, s)
            progress[2] += 1
        elif wanted(ends, end):
            return end
    return 0


@kernel
def decode_everywhere(
    octets: Any, records: Any, progress: Any, cursors: Any, links: Any, ends: Any, segments: Any
) -> int:
    """`decode`, through the rarer layers too."""
    while progress[0] < progress[1]:
        record = records[progress[0]]
        s = segments[progress[2]]
        progress[0] += 1
        begin(record, len(octets), cursors[0])
        end = walk_everywhere(octets, cursors[0], links, s)
        if end == SEGMENT:
            complete(record, s)
            progress[2] += 1
        elif wanted(ends, end):
            return end
    return 0
