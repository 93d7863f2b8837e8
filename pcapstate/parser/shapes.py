"""Which kernel reads which of the layers that have no number in a registry."""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .layers import arcnet, family, juniper, llc, pflog, ppp, token_ring
from .links import (
    ARCNET,
    AVS,
    FAMILY,
    JUNIPER,
    LLC,
    NETLINK,
    NFLOG,
    NOTHING,
    PFLOG,
    PPI,
    PPP,
    PRISM,
    RADIOTAP,
    TOKEN_RING,
    WLAN,
)
from .netfilter import LOG_PAYLOAD, attributes, netlink
from .radio import monitor_header, ppi, radiotap, wlan

MONITORS = (PRISM, AVS)


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
        attributes(octets, cursor, LOG_PAYLOAD)
    elif layer == NETLINK:
        netlink(octets, cursor)
    elif layer == TOKEN_RING:
        token_ring(octets, cursor)
    elif layer in MONITORS:
        monitor_header(octets, cursor)
    elif layer == ARCNET:
        arcnet(octets, cursor)
    elif layer == JUNIPER:
        juniper(octets, cursor)
    elif layer == PFLOG:
        pflog(octets, cursor)
    else:
        cursor.layer = NOTHING
