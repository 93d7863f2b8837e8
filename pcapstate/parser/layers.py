"""From the link type to IP: everything that lies around it on a link. Kernels, one for each shape of header.

Each reads its header at ``cursor.at``, moves there where the next layer begins, and says which it is. What ends the
walk is in `links`: CUT where the file does not hold the header, NOTHING where no IP can follow.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .links import C_HDLC, CUT, ETHERNET, IPV4, IPV6, LINK, LLC, NOTHING, PPP, UNKNOWN_LINK, VERSION
from .network import close
from .octets import be16, be32, le32

FIRST_ETHERTYPE = 0x600  # below, the field is IEEE 802.3's length and an LLC header follows
TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)  # of VLANs: IEEE 802.1Q, 802.1ad, and older ones for the outer tag
MPLS, MPLS_MULTICAST = LABELS = (0x8847, 0x8848)
PPP_DIRECT, PPPOE, BRIDGING, VN_TAG = 0x880B, 0x8864, 0x6558, 0x8926
PPP_IPV4, PPP_IPV6, PPP_LABELS = 0x0021, 0x0057, (0x0281, 0x0283)
FAMILIES_IPV6 = (10, 24, 28, 30)  # AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin
ARCNET_IP = 212
ENCAPSULATED = (0x000000, 0x0000F8)  # organizations in SNAP: an ethertype follows (RFC 1042, IEEE 802.1H)
CISCO = (0x0F00, 0x8F00)  # Cisco's HDLC: address and control


@kernel
def move(cursor: Any, size: int, layer: int) -> None:
    """Over a header of `size` octets to `layer`, if the file holds them."""
    cursor.at += size
    cursor.layer = layer if cursor.at <= cursor.end else CUT


@kernel
def link(octets: Any, cursor: Any, links: Any) -> None:
    """A link type, by the table in `links`."""
    place = 3 * (cursor.layer - LINK)
    if place < 0 or place >= len(links):
        cursor.layer = UNKNOWN_LINK
        return
    layer = links[place + 2]
    if layer == UNKNOWN_LINK:
        cursor.layer = UNKNOWN_LINK
        return
    at = cursor.at + links[place]
    if at > cursor.end:
        cursor.layer = CUT
        return
    field = links[place + 1]
    cursor.layer = layer if field < 0 else be16(octets, cursor.at + field)
    cursor.at = at


@kernel
def tag(octets: Any, cursor: Any) -> None:
    """A VLAN tag: four octets, the last two of which are the next ethertype."""
    at = cursor.at
    cursor.at = at + 4
    cursor.layer = be16(octets, at + 2) if at + 4 <= cursor.end else CUT


@kernel
def shim(octets: Any, cursor: Any) -> None:
    """What has an ethertype and is neither IP nor a VLAN tag: labels, PPPoE, or a length instead."""
    layer = cursor.layer
    if layer < FIRST_ETHERTYPE:
        cursor.layer = LLC
    elif layer in LABELS:
        labels(octets, cursor)
    elif layer == PPPOE:
        pppoe(octets, cursor)
    elif layer == PPP_DIRECT:
        cursor.layer = PPP
    elif layer == BRIDGING:
        cursor.layer = ETHERNET
    elif layer == VN_TAG:
        move(cursor, 6, NOTHING)
        if cursor.layer != CUT:
            cursor.layer = be16(octets, cursor.at - 2)
    else:
        cursor.layer = NOTHING


@kernel
def pppoe(octets: Any, cursor: Any) -> None:
    """PPPoE (RFC 2516 4), which has a length of its own."""
    at = cursor.at
    if at + 6 > cursor.end:
        cursor.layer = CUT
        return
    close(cursor, at + 6 + be16(octets, at + 4))
    cursor.at = at + 6
    cursor.layer = PPP


@kernel
def labels(octets: Any, cursor: Any) -> None:
    """MPLS labels to the bottom of the stack (RFC 3032 2.1); what is below is told by its first four bits.

    0 is a control word (RFC 4385) before an Ethernet frame; an Ethernet frame without one is not to be told from IP.
    """
    at = cursor.at
    end = cursor.end
    while at + 4 <= end:
        bottom = octets[at + 2] & 1
        at += 4
        if bottom:
            cursor.at = at
            if at >= end:
                break
            first = octets[at] & 0xF0
            if first == 0x40:
                cursor.layer = IPV4
            elif first == 0x60:
                cursor.layer = IPV6
            elif first == 0:
                move(cursor, 4, ETHERNET)
            else:
                cursor.layer = NOTHING
            return
    cursor.layer = CUT


@kernel
def llc(octets: Any, cursor: Any) -> None:
    """IEEE 802.2: SNAP with an ethertype (RFC 1042), or IP's own access point."""
    at = cursor.at
    if at + 8 > cursor.end:
        cursor.layer = CUT
        return
    point = be16(octets, at)
    organization = be32(octets, at + 2) & 0xFFFFFF
    if point == 0xAAAA and organization in ENCAPSULATED:
        cursor.at = at + 8
        cursor.layer = be16(octets, at + 6)
    elif point == 0x0606:
        cursor.at = at + 3
        cursor.layer = VERSION
    else:
        cursor.layer = NOTHING


@kernel
def ppp(octets: Any, cursor: Any) -> None:
    """PPP, with or without its address, control and the first octet of the protocol (RFC 1661 2, 6.5 and 6.6).

    In captures of serial lines Cisco's HDLC looks the same but for its address.
    """
    at = cursor.at
    end = cursor.end
    if at + 4 > end:
        cursor.layer = CUT
        return
    first = be16(octets, at)
    if first in CISCO:
        cursor.layer = C_HDLC
        return
    if first == 0xFF03:
        at += 2
    protocol = be16(octets, at)
    at += 2
    if protocol & 0x0100:
        protocol = protocol >> 8
        at -= 1
    cursor.at = at
    if protocol == PPP_IPV4:
        cursor.layer = IPV4
    elif protocol == PPP_IPV6:
        cursor.layer = IPV6
    elif protocol in PPP_LABELS:
        labels(octets, cursor)
    else:
        cursor.layer = NOTHING


@kernel
def family(octets: Any, cursor: Any) -> None:
    """NULL and LOOP: an address family in the byte order of the host that captured, whichever that was."""
    at = cursor.at
    if at + 4 > cursor.end:
        cursor.layer = CUT
        return
    number = min(be32(octets, at), le32(octets, at))
    cursor.at = at + 4
    if number == 2:
        cursor.layer = IPV4
    elif number in FAMILIES_IPV6:
        cursor.layer = IPV6
    else:
        cursor.layer = NOTHING


@kernel
def token_ring(octets: Any, cursor: Any) -> None:
    """After the addresses of IEEE 802.5: routing information, if the source address says so, and LLC."""
    at = cursor.at
    if at + 2 > cursor.end:
        cursor.layer = CUT
        return
    move(cursor, octets[at] & 0x1F if octets[at - 6] & 0x80 else 0, LLC)


@kernel
def arcnet(octets: Any, cursor: Any) -> None:
    """ARCNET as in RFC 1201: its protocol, and the beginning of a packet (not of a later fragment)."""
    at = cursor.at
    if at + 8 > cursor.end:
        cursor.layer = CUT
        return
    size = 8 if octets[at + 1] == 0xFF else 4  # an exception packet has four octets more
    cursor.at = at + size
    cursor.layer = IPV4 if octets[at] == ARCNET_IP and octets[at + size - 3] == 0 else NOTHING


@kernel
def juniper(octets: Any, cursor: Any) -> None:
    """Juniper's header: "MGC", flags, and extensions if the highest flag says so. The second: no Ethernet follows."""
    at = cursor.at
    if at + 6 > cursor.end:
        cursor.layer = CUT
        return
    flags = octets[at + 3]
    if be32(octets, at) & 0xFFFFFF00 != 0x4D474300 or flags & 0x02:
        cursor.layer = NOTHING
        return
    move(cursor, 6 + be16(octets, at + 4) if flags & 0x80 else 4, ETHERNET)


@kernel
def pflog(octets: Any, cursor: Any) -> None:
    """The log of BSD's packet filter: its first octet is its length, filled up to a multiple of four."""
    at = cursor.at
    if at >= cursor.end:
        cursor.layer = CUT
        return
    move(cursor, (octets[at] + 3) & ~3, VERSION)
