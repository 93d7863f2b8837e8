"""From the link type to IP: everything that lies around it on a link. Kernels, one for each shape of header.

Each reads its header at ``cursor.at``, moves there where the next layer begins, and says which it is. What ends the
walk is in `links`: CUT where the file does not hold the header, NOTHING where no IP can follow.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .links import (
    AGGREGATE,
    AVS,
    C_HDLC,
    CUT,
    ETHERNET,
    FAMILY,
    IPV4,
    IPV6,
    LINK,
    LLC,
    NFLOG,
    NOTHING,
    PPI,
    PPP,
    PRISM,
    RADIOTAP,
    SHAPE,
    TOKEN_RING,
    UNKNOWN_LINK,
    VERSION,
    WLAN,
)
from .octets import be16, be32, le16, le32

FIRST_ETHERTYPE = 0x600  # below, the field is IEEE 802.3's length and an LLC header follows
TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)  # of VLANs: IEEE 802.1Q, 802.1ad, and older ones for the outer tag
MPLS, MPLS_MULTICAST = LABELS = (0x8847, 0x8848)
PPP_DIRECT, PPPOE, BRIDGING, VN_TAG = 0x880B, 0x8864, 0x6558, 0x8926
PPP_IPV4, PPP_IPV6, PPP_LABELS = 0x0021, 0x0057, (0x0281, 0x0283)
FAMILIES_IPV6 = (10, 24, 28, 30)  # AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin
MONITORS = (PRISM, AVS)
NFULA_PAYLOAD = 9
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
        move(cursor, 6, PPP)
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
def wlan(octets: Any, cursor: Any, pad: int) -> None:
    """IEEE 802.11: the data frames that are not encrypted. `pad`: the header is filled up to a multiple of four."""
    at = cursor.at
    if at + 2 > cursor.end:
        cursor.layer = CUT
        return
    control = octets[at]
    flags = octets[at + 1]
    if control & 0x0C != 0x08 or control & 0x40 or flags & 0x40:  # not data, no data in it, or protected
        cursor.layer = NOTHING
        return
    size = 24
    if flags & 3 == 3:  # from one access point to another: a fourth address
        size += 6
    layer = LLC
    if control & 0x80:  # quality of service
        if at + size + 2 > cursor.end:
            cursor.layer = CUT
            return
        if octets[at + size] & 0x80:
            layer = AGGREGATE
        size += 2
        if flags & 0x80:  # HT control
            size += 4
    if pad:
        size = (size + 3) & ~3
    move(cursor, size, layer)


@kernel
def radiotap(octets: Any, cursor: Any) -> None:
    """Radiotap (radiotap.org): its length, and whether the 802.11 header is padded (bit 0x20 of its flags)."""
    at = cursor.at
    if at + 8 > cursor.end:
        cursor.layer = CUT
        return
    present = le32(octets, at + 4)
    field = at + 8
    more = present
    while more & 0x80000000 and field + 4 <= cursor.end:
        more = le32(octets, field)
        field += 4
    if present & 1:  # a timestamp first, of eight octets and aligned to them
        field += -(field - at) % 8 + 8
    pad = 0
    if present & 2 and field < cursor.end:
        pad = octets[field] & 0x20
    move(cursor, le16(octets, at + 2), WLAN)
    if cursor.layer == WLAN:
        wlan(octets, cursor, pad)


@kernel
def monitor_header(octets: Any, cursor: Any) -> None:
    """Prism and AVS, before 802.11: AVS has version and length with the most significant octet first."""
    at = cursor.at
    if at + 8 > cursor.end:
        cursor.layer = CUT
    elif be32(octets, at) & 0xFFFFF000 == 0x80211000:
        move(cursor, be32(octets, at + 4), WLAN)
    else:
        move(cursor, 144, WLAN)


@kernel
def ppi(octets: Any, cursor: Any) -> None:
    """Per-Packet Information: its length, and the link type that follows."""
    at = cursor.at
    if at + 8 > cursor.end:
        cursor.layer = CUT
        return
    kind = le32(octets, at + 4)
    move(cursor, le16(octets, at + 2), LINK + kind if kind < SHAPE - LINK else UNKNOWN_LINK)


@kernel
def nflog(octets: Any, cursor: Any) -> None:
    """Linux netfilter's log: a list of (length, type, value) in the order of the host; the payload is one of them."""
    at = cursor.at
    end = cursor.end
    while at + 4 <= end:
        size = le16(octets, at)
        kind = le16(octets, at + 2)
        if kind & 0xFF == 0:  # types are small numbers
            size = be16(octets, at)
            kind = be16(octets, at + 2)
        if size < 4:
            break
        if kind == NFULA_PAYLOAD:
            cursor.at = at + 4
            cursor.layer = VERSION
            return
        at += (size + 3) & ~3
    cursor.layer = NOTHING


@kernel
def shape(octets: Any, cursor: Any) -> None:
    """A layer that is in no registry, other than IP of either version."""
    layer = cursor.layer
    if layer == PPP:
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
    elif layer in MONITORS:
        monitor_header(octets, cursor)
    else:
        cursor.layer = NOTHING
