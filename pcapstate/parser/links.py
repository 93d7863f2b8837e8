"""Link types as data: how many octets to skip, and what comes then.

Every layer of a packet has one number here, whatever registry it comes from: ethertypes as they are, IP protocol
numbers from ``PROTOCOL``, link types from ``LINK``, and from ``SHAPE`` what has no registry. Each layer's kernel reads
its header and says where the next layer begins and which it is; so the layers know nothing of each other.

The numbers of link types are the LINKTYPE_ values of https://www.tcpdump.org/linktypes.html, and 12 and 14, which
some systems write for RAW.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, Speed

Cursor = Row(
    "Cursor",
    # Where in a packet we are: `layer` begins at octet `at`; the file holds the packet up to `end`, and on the wire it
    # went up to `limit`, by the innermost length that a header told. All three are positions in the same buffer.
    "at end limit layer",
)

IPV4, IPV6 = 0x0800, 0x86DD
PROTOCOL = 0x10000
LINK = 0x20000
SHAPE = 0x30000

TCP = PROTOCOL + 6
ETHERNET = LINK + 1
C_HDLC = LINK + 104
IEEE802_11 = LINK + 105

# Beginnings that are told apart by looking at them.
VERSION, FAMILY, PPP, LLC, TOKEN_RING, WLAN, RADIOTAP, PRISM, AVS, PPI, NFLOG = range(SHAPE, SHAPE + 11)
_SHAPES = {
    "ethernet": ETHERNET,
    "family": FAMILY,
    "ip": VERSION,
    "ppp": PPP,
    "llc": LLC,
    "token ring": TOKEN_RING,
    "802.11": WLAN,
    "radiotap": RADIOTAP,
    "prism": PRISM,
    "avs": AVS,
    "ppi": PPI,
    "nflog": NFLOG,
}

# How the walk through a packet's layers ends, in place of a layer.
SEGMENT, NOTHING, RARE, CUT, MALFORMED, FRAGMENT, AGGREGATE, UNKNOWN_LINK = -1, -2, -3, -4, -5, -6, -7, -8
ENDS = 9

_TABLE = """
number  name                     skip  field  next
------  -----------------------  ----  -----  ----------
     0  NULL                        0      -  family
     1  ETHERNET                   14     12  ethertype
     6  IEEE802_5                  14      -  token ring
     8  SLIP                       16      -  ip
     9  PPP                         0      -  ppp
    10  FDDI                       13      -  llc
    12  RAW                         0      -  ip
    14  RAW                         0      -  ip
    50  PPP_HDLC                    0      -  ppp
    51  PPP_ETHER                   6      -  ppp
   100  ATM_RFC1483                 0      -  llc
   101  RAW                         0      -  ip
   104  C_HDLC                      4      2  ethertype
   105  IEEE802_11                  0      -  802.11
   108  LOOP                        0      -  family
   109  ENC                        12      -  ip
   113  LINUX_SLL                  16     14  ethertype
   119  IEEE802_11_PRISM            0      -  prism
   127  IEEE802_11_RADIOTAP         0      -  radiotap
   163  IEEE802_11_AVS              0      -  avs
   192  PPI                         0      -  ppi
   204  PPP_WITH_DIR                1      -  ppp
   205  C_HDLC_WITH_DIR             5      3  ethertype
   228  IPV4                        0      -  ip
   229  IPV6                        0      -  ip
   239  NFLOG                       4      -  nflog
   240  NETANALYZER                 4      -  ethernet
   274  ETHERNET_MPACKET            8      -  ethernet
   276  LINUX_SLL2                 20      0  ethertype
"""
"""`skip` octets of header; the 16-bit number of the next layer at octet `field` of it, or `next` says what it is."""

_LINES = [
    (int(number), name, int(skip), -1 if field == "-" else int(field), " ".join(following))
    for number, name, skip, field, *following in (line.split() for line in _TABLE.strip().splitlines()[2:])
]

LINK_NAMES: dict[int, str] = {number: name for number, name, *_ in _LINES}
"""The link types that are decoded, LINKTYPE_ number to name."""


def link_table(speed: Speed) -> Any:
    """The table as integers of `speed`: at three times the link type `skip`, `field` (-1: none) and the next layer."""
    count = max(LINK_NAMES) + 1
    table = speed.integers(3 * count, UNKNOWN_LINK)
    for number, _, skip, field, following in _LINES:
        table[3 * number : 3 * number + 3] = [skip, field, _SHAPES.get(following, NOTHING)]
    return table
