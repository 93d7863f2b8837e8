"""IEEE 802.11 and the headers that monitoring radios put before it. Kernels."""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .layers import move
from .links import AGGREGATE, CUT, LINK, LLC, NOTHING, SHAPE, UNKNOWN_LINK, WLAN
from .octets import be32, le16, le32


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
    if at + 24 > cursor.end or octets[at + 22] & 0x0F:  # not the first fragment
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
