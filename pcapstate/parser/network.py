"""IP: version 4 (RFC 791) and version 6 (RFC 8200) with its extension headers, and AH. Kernels.

Lengths come from these headers, not from the frame: a frame may be padded, and a file may hold only its beginning.
A length of 0 is one that the sending host had not filled in when the packet was captured (segmentation offload, BIG
TCP): then the frame's length on the wire stands.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .links import CUT, FRAGMENT, IPV4, IPV6, MALFORMED, NOTHING, PROTOCOL
from .octets import be16, be32

HOP_BY_HOP, ROUTING, FRAGMENTED, AUTHENTICATION = PROTOCOL + 0, PROTOCOL + 43, PROTOCOL + 44, PROTOCOL + 51
DESTINATION_OPTIONS, MOBILITY, HIP, SHIM6 = PROTOCOL + 60, PROTOCOL + 135, PROTOCOL + 139, PROTOCOL + 140
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENTED, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY, HIP, SHIM6)
JUMBO = 0xC2
FIRST_IS_LAST = (2, 4)  # types of routing headers whose first address is the last stop


@kernel
def close(cursor: Any, limit: int) -> None:
    """A header says that its packet ends at `limit`. No packet goes on after the one that it is in."""
    cursor.limit = min(cursor.limit, limit)
    cursor.end = min(cursor.end, cursor.limit)


@kernel
def ipv4(octets: Any, cursor: Any, s: Any) -> None:
    """Steps over an IPv4 header; a fragment stays where it is."""
    at = cursor.at
    if at + 20 > cursor.end:
        cursor.layer = CUT
        return
    first = octets[at]
    header = (first & 0x0F) * 4
    total = be16(octets, at + 2)
    if first & 0xF0 != 0x40 or header < 20 or (total > 0 and total < header):
        cursor.layer = MALFORMED
        return
    close(cursor, at + total if total > 0 else cursor.wire)
    s.version = 4
    s.tos = octets[at + 1]
    s.ip_id = be16(octets, at + 4)
    s.ttl = octets[at + 8]
    s.src0 = 0
    s.src1 = 0
    s.src2 = 0xFFFF
    s.src3 = be32(octets, at + 12)
    s.dst0 = 0
    s.dst1 = 0
    s.dst2 = 0xFFFF
    s.dst3 = be32(octets, at + 16)
    if be16(octets, at + 6) & 0x3FFF:
        cursor.layer = FRAGMENT
        return
    cursor.at = at + header
    cursor.layer = PROTOCOL + octets[at + 9]


@kernel
def ipv6(octets: Any, cursor: Any, s: Any) -> None:
    """Steps over an IPv6 header, without its extensions: each of them is a layer."""
    at = cursor.at
    if at + 40 > cursor.end:
        cursor.layer = CUT
        return
    if octets[at] & 0xF0 != 0x60:
        cursor.layer = MALFORMED
        return
    payload = be16(octets, at + 4)
    if payload > 0:
        close(cursor, at + 40 + payload)
    elif octets[at + 6] != 0:  # else the length may be in the hop-by-hop options
        close(cursor, cursor.wire)
    s.version = 6
    s.tos = (be16(octets, at) >> 4) & 0xFF
    s.ip_id = -1
    s.ttl = octets[at + 7]
    s.src0 = be32(octets, at + 8)
    s.src1 = be32(octets, at + 12)
    s.src2 = be32(octets, at + 16)
    s.src3 = be32(octets, at + 20)
    destination(octets, at + 24, s)
    cursor.at = at + 40
    cursor.layer = PROTOCOL + octets[at + 6]


@kernel
def destination(octets: Any, at: int, s: Any) -> None:
    """The IPv6 address at `at` is where the segment goes to."""
    s.dst0 = be32(octets, at)
    s.dst1 = be32(octets, at + 4)
    s.dst2 = be32(octets, at + 8)
    s.dst3 = be32(octets, at + 12)


@kernel
def version(octets: Any, cursor: Any) -> None:
    """An IP packet of either version, told by its first four bits."""
    cursor.layer = CUT
    if cursor.at < cursor.end:
        first = octets[cursor.at] & 0xF0
        cursor.layer = IPV4 if first == 0x40 else IPV6 if first == 0x60 else NOTHING


@kernel
def extension(octets: Any, cursor: Any, s: Any) -> None:
    """Steps over an extension header of IPv6 (RFC 8200 4), or over AH (RFC 4302 2) in either version."""
    at = cursor.at
    header = cursor.layer
    if s.version == 4 and header != AUTHENTICATION:
        cursor.layer = NOTHING
        return
    if at + 8 > cursor.end:
        cursor.layer = CUT
        return
    size = (octets[at + 1] + 1) * 8
    if header == AUTHENTICATION:
        size = (octets[at + 1] + 2) * 4
    elif header == FRAGMENTED:
        size = 8
        if be16(octets, at + 2) & 0xFFF9:  # else an atomic fragment (RFC 6946), which is whole
            cursor.layer = FRAGMENT
            return
    if at + size > cursor.end:
        cursor.layer = CUT
        return
    if header == HOP_BY_HOP:
        jumbogram(octets, cursor, size)
    elif header == ROUTING:
        last_hop(octets, at, size, s)
    cursor.at = at + size
    cursor.layer = PROTOCOL + octets[at]


@kernel
def jumbogram(octets: Any, cursor: Any, size: int) -> None:
    """The length of a jumbogram (RFC 2675 2): an option, where the IPv6 header just before has payload length 0."""
    start = cursor.at
    if start < 40 or be16(octets, start - 36) != 0:
        return
    at = start + 2
    while at + 6 <= start + size:
        if octets[at] == 0:
            at += 1
            continue
        if octets[at] == JUMBO and octets[at + 1] == 4:
            close(cursor, start + be32(octets, at + 2))
            return
        at += 2 + octets[at + 1]
    close(cursor, cursor.wire)


@kernel
def last_hop(octets: Any, at: int, size: int, s: Any) -> None:
    """Under way by a routing header, the destination of IPv6 is only the next stop: TCP's peer is the last one.

    Types 0 (RFC 5095), 2 (RFC 6275 6.4) and 4 (RFC 8754 2).
    """
    kind = octets[at + 2]
    if octets[at + 3] == 0 or size < 24:
        return
    if kind == 0:
        destination(octets, at + size - 16, s)
    elif kind in FIRST_IS_LAST:
        destination(octets, at + 8, s)
