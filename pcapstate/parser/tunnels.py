"""What IP carries besides TCP and may hold another IP packet: tunnels, told by protocol number or by UDP port. Kernels.

The ports are the registered ones (and 8472, where Linux first had VXLAN), at either end of the datagram. Each header is
checked as far as it has fixed bits, because anybody may use a port.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .layers import FIRST_ETHERTYPE, MPLS, move
from .links import COMPRESSED, CUT, ETHERNET, IPV4, IPV6, NOTHING, PPP, PROTOCOL, VERSION, WLAN
from .network import EXTENSIONS, extension
from .octets import be16

IP_IN_IP, UDP, SIX_IN_FOUR, GRE = PROTOCOL + 4, PROTOCOL + 17, PROTOCOL + 41, PROTOCOL + 47
ETHER_IP, IP_COMP, MPLS_IN_IP = PROTOCOL + 97, PROTOCOL + 108, PROTOCOL + 137
ERSPAN, ERSPAN_3 = 0x88BE, 0x22EB
ARUBA, ARUBA_LAST = 0x8200, 0x8370

L2TP, GTP_U, TEREDO, VXLAN_GPE, GENEVE, MPLS_IN_UDP = 1701, 2152, 3544, 4790, 6081, 6635
VXLANS = (4789, 8472)
TUNNEL_PORTS = (L2TP, GTP_U, TEREDO, VXLAN_GPE, GENEVE, MPLS_IN_UDP, *VXLANS)


@kernel
def transport(octets: Any, cursor: Any, s: Any) -> None:
    """What IP carries, other than TCP."""
    layer = cursor.layer
    if layer == UDP:
        udp(octets, cursor)
    elif layer in EXTENSIONS:
        extension(octets, cursor, s)
    elif layer == IP_IN_IP:
        cursor.layer = IPV4
    elif layer == SIX_IN_FOUR:
        cursor.layer = IPV6
    elif layer == GRE:
        gre(octets, cursor)
    elif layer == ETHER_IP:  # RFC 3378
        move(cursor, 2, ETHERNET)
    elif layer == MPLS_IN_IP:  # RFC 4023
        cursor.layer = MPLS
    elif layer == IP_COMP:  # RFC 3173
        cursor.layer = COMPRESSED
    else:
        cursor.layer = NOTHING


@kernel
def gre(octets: Any, cursor: Any) -> None:
    """GRE (RFC 2784, 2890), its form for PPTP (RFC 2637 4.1), ERSPAN in it, and Aruba's 802.11 frames."""
    at = cursor.at
    if at + 4 > cursor.end:
        cursor.layer = CUT
        return
    flags = be16(octets, at)
    protocol = be16(octets, at + 2)
    size = 4
    if flags & 0x8000:  # checksum
        size += 4
    if flags & 0x2000:  # key
        size += 4
    if flags & 0x1000:  # sequence number
        size += 4
    if flags & 0x0007 == 1:
        if flags & 0x0080:  # acknowledgement
            size += 4
        move(cursor, size, PPP if flags & 0x1000 else NOTHING)
    elif flags & 0x4007:  # routing (RFC 1701), or no version that is known
        cursor.layer = NOTHING
    elif protocol == ERSPAN:
        move(cursor, size + 8 if flags & 0x1000 else size, ETHERNET)
    elif protocol == ERSPAN_3:
        move(cursor, size, NOTHING)
        erspan_3(octets, cursor)
    elif ARUBA <= protocol <= ARUBA_LAST:
        move(cursor, size, WLAN)
    else:
        move(cursor, size, protocol if protocol >= FIRST_ETHERTYPE else NOTHING)


@kernel
def erspan_3(octets: Any, cursor: Any) -> None:
    """ERSPAN type III: 12 octets, and 8 more where the last bit says so."""
    at = cursor.at
    if at + 12 > cursor.end:
        cursor.layer = CUT
    else:
        move(cursor, 20 if octets[at + 11] & 1 else 12, ETHERNET)


@kernel
def udp(octets: Any, cursor: Any) -> None:
    """UDP, to what its ports promise: the destination's first."""
    at = cursor.at
    if at + 8 > cursor.end:
        cursor.layer = CUT
        return
    cursor.at = at + 8
    cursor.layer = NOTHING
    inside(octets, cursor, be16(octets, at + 2))
    if cursor.layer == NOTHING:
        cursor.at = at + 8
        inside(octets, cursor, be16(octets, at))


@kernel
def has_tunnel_port(octets: Any, cursor: Any) -> bool:
    """Whether a UDP datagram goes to or comes from a port of a tunnel."""
    at = cursor.at
    if at + 4 > cursor.end:
        return False
    return be16(octets, at) in TUNNEL_PORTS or be16(octets, at + 2) in TUNNEL_PORTS


@kernel
def inside(octets: Any, cursor: Any, port: int) -> None:
    """What a datagram to or from `port` carries, if its first octets agree; else the layer stays NOTHING."""
    at = cursor.at
    if at + 8 > cursor.end:
        return
    first = octets[at]
    if port in VXLANS:  # RFC 7348 5
        if first & 0x08:
            move(cursor, 8, ETHERNET)
    elif port == GENEVE:  # RFC 8926 3.4
        if first & 0xC0 == 0:
            move(cursor, 8 + (first & 0x3F) * 4, be16(octets, at + 2))
    elif port == GTP_U:
        gtp(octets, cursor)
    elif port == TEREDO:
        teredo(octets, cursor)
    elif port == L2TP:
        l2tp(octets, cursor)
    elif port == VXLAN_GPE:
        if first & 0xCC == 0x0C:
            move(cursor, 8, generic(octets[at + 3]))
    elif port == MPLS_IN_UDP:  # RFC 7510
        cursor.layer = MPLS


@kernel
def generic(number: int) -> int:
    """The next protocol of VXLAN-GPE."""
    if number == 1:
        return IPV4
    if number == 2:
        return IPV6
    if number == 3:
        return ETHERNET
    return MPLS if number == 5 else NOTHING


@kernel
def gtp(octets: Any, cursor: Any) -> None:
    """GTP-U version 1 (3GPP TS 29.281 5.1): a user's packet, after extension headers of four octets each or more."""
    at = cursor.at
    flags = octets[at]
    if flags & 0xF0 != 0x30 or octets[at + 1] != 255:
        return
    size = 8
    if flags & 7:
        size = 12
        following = octets[at + 11] if flags & 4 and at + 12 <= cursor.end else 0
        while following and at + size < cursor.end:
            more = octets[at + size] * 4
            size += more
            if more == 0 or at + size > cursor.end:
                break
            following = octets[at + size - 1]
    move(cursor, size, VERSION)


@kernel
def teredo(octets: Any, cursor: Any) -> None:
    """Teredo (RFC 4380 5.1.1): IPv6, perhaps after an authentication and an origin indication."""
    at = cursor.at
    end = cursor.end
    if be16(octets, at) == 1:
        at += 13 + octets[at + 2] + octets[at + 3]
    if at + 8 <= end and be16(octets, at) == 0:
        at += 8
    if at < end and octets[at] & 0xF0 == 0x60:
        cursor.at = at
        cursor.layer = IPV6


@kernel
def l2tp(octets: Any, cursor: Any) -> None:
    """L2TP version 2 (RFC 2661 3.1): data messages hold PPP."""
    at = cursor.at
    flags = be16(octets, at)
    if flags & 0x800F != 2:
        return
    size = 6
    if flags & 0x4000:  # length
        size += 2
    if flags & 0x0800:  # Ns, Nr
        size += 4
    if flags & 0x0200:  # offset, and that many octets
        if at + size + 2 > cursor.end:
            cursor.layer = CUT
            return
        size += 2 + be16(octets, at + size)
    move(cursor, size, PPP)
