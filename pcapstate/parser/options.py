"""TCP options (RFC 9293 3.1, 3.2) out of a header: the ones that the replay needs. One kernel.

A list is read up to its first fault (a length below 2 or past the header, or a header that the file holds only in
part); what came before stands. An option whose length is not its own is stepped over, as Linux does. Of an option
that is there twice the last counts, as in Linux.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .octets import be16, be32

END, NOP, MSS, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS, FAST_OPEN = 0, 1, 2, 3, 4, 5, 8, 34
EXPERIMENTS = (253, 254)  # RFC 4727; RFC 6994 shares them out by a magic number,
FAST_OPEN_MAGIC = 0xF989  # and this one was fast open's before RFC 7413


@kernel
def clear_options(s: Any) -> None:
    """No options: what a segment has before its list is read."""
    s.mss = -1
    s.window_scale = -1
    s.sack_permitted = 0
    s.tsval = -1
    s.tsecr = -1
    s.fast_open = -1
    s.sacks = 0
    s.sack_left0 = -1
    s.sack_right0 = -1
    s.sack_left1 = -1
    s.sack_right1 = -1
    s.sack_left2 = -1
    s.sack_right2 = -1
    s.sack_left3 = -1
    s.sack_right3 = -1


@kernel
def read_options(octets: Any, at: int, end: int, s: Any) -> None:
    """The options in octets `at` to `end` (past the last one) into the fields of segment `s`."""
    while at < end:
        kind = octets[at]
        if kind == NOP:
            at += 1
            continue
        if kind == END or at + 2 > end:
            return
        size = octets[at + 1]
        if size < 2 or at + size > end:
            return
        if kind == TIMESTAMPS:
            if size == 10:
                s.tsval = be32(octets, at + 2)
                s.tsecr = be32(octets, at + 6)
        elif kind == SACK:
            read_sack(octets, at, size, s)
        else:
            read_offer(octets, at, kind, size, s)
        at += size


@kernel
def read_offer(octets: Any, at: int, kind: int, size: int, s: Any) -> None:
    """An option that a SYN carries. The shift of a window scale is as sent, also above 14 (RFC 7323 2.3)."""
    if kind == MSS:
        if size == 4:
            s.mss = be16(octets, at + 2)
    elif kind == WINDOW_SCALE:
        if size == 3:
            s.window_scale = octets[at + 2]
    elif kind == SACK_PERMITTED:
        if size == 2:
            s.sack_permitted = 1
    elif kind == FAST_OPEN:
        s.fast_open = size - 2
    elif kind in EXPERIMENTS:
        if size >= 4 and be16(octets, at + 2) == FAST_OPEN_MAGIC:
            s.fast_open = size - 4


@kernel
def read_sack(octets: Any, at: int, size: int, s: Any) -> None:
    """The blocks of a SACK option (RFC 2018 3); more than four do not fit into a header."""
    blocks = (size - 2) // 8
    if blocks < 1 or blocks > 4 or size != 2 + 8 * blocks:
        return
    s.sacks = blocks
    s.sack_left0 = be32(octets, at + 2)
    s.sack_right0 = be32(octets, at + 6)
    if blocks > 1:
        s.sack_left1 = be32(octets, at + 10)
        s.sack_right1 = be32(octets, at + 14)
    if blocks > 2:
        s.sack_left2 = be32(octets, at + 18)
        s.sack_right2 = be32(octets, at + 22)
    if blocks > 3:
        s.sack_left3 = be32(octets, at + 26)
        s.sack_right3 = be32(octets, at + 30)
