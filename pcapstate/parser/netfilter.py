"""What Linux netfilter hands to programs: its log (NFLOG), and netlink messages as nlmon sees them. Kernels."""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .links import CUT, NOTHING, VERSION
from .octets import be16, be32, le16, le32

LOG, QUEUE = 4, 3  # subsystems of NETLINK_NETFILTER: nfnetlink.h
LOG_PAYLOAD, QUEUE_PAYLOAD = 9, 10  # the attribute that is the packet


@kernel
def netlink(octets: Any, cursor: Any) -> None:
    """A netlink message and netfilter's header in it: those that log or queue a packet."""
    at = cursor.at
    if at + 20 > cursor.end:
        cursor.layer = CUT
        return
    kind = le16(octets, at + 4)
    if be32(octets, at) < le32(octets, at):  # the length tells the byte order of the host
        kind = be16(octets, at + 4)
    cursor.at = at + 20
    cursor.layer = NOTHING
    if kind == LOG * 256:
        attributes(octets, cursor, LOG_PAYLOAD)
    elif kind == QUEUE * 256:
        attributes(octets, cursor, QUEUE_PAYLOAD)


@kernel
def attributes(octets: Any, cursor: Any, payload: int) -> None:
    """A list of (length, type, value), one of which is the packet; the numbers are in the byte order of the host."""
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
        if kind == payload:
            cursor.at = at + 4
            cursor.layer = VERSION
            return
        at += (size + 3) & ~3
    cursor.layer = NOTHING
