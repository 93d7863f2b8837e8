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
    # Where in a packet we are: `layer` begins at octet `at`; the file holds the packet up to `end`, and by the shortest
    # length that a header told it went up to `limit`, by the frame's length up to `wire`. All are positions in the same
    # buffer. The headers are believed before the frame: captures are cut by programs that forget the true length.
    "at end limit wire layer",
)

IPV4, IPV6 = 0x0800, 0x86DD
PROTOCOL = 0x10000
LINK = 0x20000
SHAPE = 0x30000

TCP = PROTOCOL + 6
ETHERNET = LINK + 1
C_HDLC = LINK + 104
FAR = 1 << 62  # `limit` as long as no header has told a length

# Beginnings that are told apart by looking at them.
VERSION, FAMILY, PPP, LLC, TOKEN_RING, ARCNET, JUNIPER, PFLOG = range(SHAPE, SHAPE + 8)
WLAN, RADIOTAP, PRISM, AVS, PPI, NFLOG, NETLINK = range(SHAPE + 8, SHAPE + 15)
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
    "netlink": NETLINK,
    "arcnet": ARCNET,
    "juniper": JUNIPER,
    "pflog": PFLOG,
}

# How the walk through a packet's layers ends, in place of a layer.
SEGMENT, NOTHING, RARE, CUT, MALFORMED, FRAGMENT, AGGREGATE, COMPRESSED, UNKNOWN_LINK = range(-1, -10, -1)
ENDS = 10

_TABLE = """
number  name                     skip  field  next
------  -----------------------  ----  -----  ----------
     0  NULL                        0      -  family
     1  ETHERNET                   14     12  ethertype
     6  IEEE802_5                  14      -  token ring
     7  ARCNET_BSD                  2      -  arcnet
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
   117  PFLOG                       0      -  pflog
   119  IEEE802_11_PRISM            0      -  prism
   122  IP_OVER_FC                 16      -  llc
   127  IEEE802_11_RADIOTAP         0      -  radiotap
   129  ARCNET_LINUX                4      -  arcnet
   138  APPLE_IP_OVER_IEEE1394     18     16  ethertype
   163  IEEE802_11_AVS              0      -  avs
   166  PPP_PPPD                    2      -  ppp
   178  JUNIPER_ETHER               0      -  juniper
   192  PPI                         0      -  ppi
   204  PPP_WITH_DIR                1      -  ppp
   205  C_HDLC_WITH_DIR             5      3  ethertype
   226  IPNET                      24      -  ip
   228  IPV4                        0      -  ip
   229  IPV6                        0      -  ip
   239  NFLOG                       4      -  nflog
   240  NETANALYZER                 4      -  ethernet
   253  NETLINK                    16      -  netlink
   259  EPON                        8      -  ethernet
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
