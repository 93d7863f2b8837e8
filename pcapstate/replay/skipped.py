"""What IP IDs tell of packets that nobody saw: whether octets that are seen for the first time were sent before.

A host that gives each packet of a connection the next ID (Linux, with IPv4) spends one on every transmission, so the
IDs that are missing before a segment were packets lost before the capture point. They are accounted for: at most one
acknowledgement for each segment of the peer, the octets of a hole, older octets once more, probes. A sender sends
octets for the first time in their order; so if anything remains, it held the octets of this segment. Where all of it
may be explained otherwise, nothing is said. Not known here: IDs of IPv6, random ones, and those that are always 0.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .codes import FAST, LOST_BEFORE, RETRANSMISSION, TIMEOUT
from .evidence import guard_of
from .losses import relabel
from .senders import LEAST_TIMEOUT, whole_trip
from .transmissions import alive, place

PSH, FIN = 8, 1

TIMESTAMPS = 12
"""Octets of the option and its padding, in every segment where both sides agreed on it (RFC 7323 A)."""

MOST_SKIPPED = 8

LEAST_KEEP_ALIVE = 900_000_000
"""ns: no common stack sends a keep-alive sooner than after a second of silence, less some jitter."""


@kernel
def full_size(x: Any, y: Any) -> int:
    """The most octets in a packet of the connection (RFC 9293 3.7.1); at most 0 where it is not known."""
    return min(x.mss, y.mss) - (TIMESTAMPS if x.timestamps and y.timestamps else 0)  # type: ignore[no-any-return]


@kernel
def packets(x: Any, y: Any, s: Any) -> int:
    """How many packets a segment of X is on the wire: one that was captured before the network card cut it has the IDs
    of all its parts, of which the first is seen (Linux: ip_select_ident_segs)."""
    size = full_size(x, y)
    return 1 if size <= 0 or s.length <= size else (s.length + size - 1) // size  # type: ignore[no-any-return]


@kernel
def ids_count(k: Any) -> int:
    """1 if the side is known to give each packet of the connection the next ID."""
    return 1 if k.id_ones >= 2 and k.id_jumps == 0 and 4 * k.id_steps <= k.id_ones else 0


@kernel
def skipped_ids(y: Any, k: Any, s: Any) -> int:
    """How many packets with octets the sender of ``s`` has sent since the last one that was seen, if its IDs count.

    It had no new window to tell, and at most one acknowledgement for each segment of the peer.
    """
    skipped = ((s.ip_id - k.ip_id) & 0xFFFF) - k.id_used - k.owed
    if s.ip_id <= 0 or k.ip_id < 0 or skipped < 1 or skipped >= MOST_SKIPPED:
        return 0
    if s.ip_id < k.ip_id:
        # They have begun anew, and 0, which stands for no ID elsewhere, may have been one of them.
        return 0
    told = s.window != k.window_field and k.window_field >= 0
    return 0 if told or y.window == 0 else skipped


@kernel
def offers_all(x: Any) -> int:
    """1 if the SYN of X offered SACK, a window scale and timestamps that run, as common stacks of today do.

    Older ones count IP IDs for the whole host, so that a few in a row prove little, and begin with a single segment.
    """
    return 1 if x.sack > 0 and x.offered_scale >= 0 and x.syn_tsval > 0 else 0


@kernel
def probed(x: Any, mine: Any, theirs: Any, s: Any) -> int:
    """1 if X may have sent probes since it was last seen: the window was zero for long, or it asks who is there."""
    if theirs.zero_until - x.sent_at >= LEAST_TIMEOUT:
        return 1
    return 1 if mine.keeps and s.time - x.sent_at >= LEAST_KEEP_ALIVE else 0


@kernel
def calm(x: Any, mine: Any, s: Any) -> int:
    """1 if X had no reason left to send anything again: the last sign of a loss is older than a trip to it and back,
    and what it had sent was acknowledged before a timeout."""
    if mine.sacked_top > mine.acked or mine.acked_at - x.sent_at >= LEAST_TIMEOUT:
        return 0
    return 1 if s.time - mine.signal_at > guard_of(x) else 0


@kernel
def lost_before(x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """Whether the next octets, which are seen for the first time, had been sent before.

    That is so where IDs were skipped that can stand for nothing else: X had nothing to acknowledge, no new window,
    nothing older to send again; and a round trip went by. While it is not known yet whether its IDs count, it is noted
    as a doubt.
    """
    trip = whole_trip(x, y)
    known = 0
    if mine.lost_ahead > 0:
        known = 1 if s.time - mine.ahead_at > trip else 0
        mine.lost_ahead = max(0, mine.lost_ahead - mine.carries) if known else 0
    elif s.time - x.sent_at > trip and (mine.acked >= mine.next or mine.pushed == 0) and calm(x, mine, s):
        skipped = skipped_ids(y, mine, s)
        if skipped > 0 and probed(x, mine, theirs, s) == 0:
            if ids_count(mine):
                known = 1
                mine.lost_ahead = max(0, skipped - mine.carries)
                mine.ahead_at = x.sent_at
            elif mine.doubt == 0 and offers_all(x):
                mine.doubt = s.frame
    if known:
        sent_before(x, s)
    if s.flags & (PSH | FIN):
        # The end of what was written: what comes next is new.
        mine.lost_ahead = 0


@kernel
def sent_before(x: Any, s: Any) -> None:
    """The octets of ``s``, which nobody saw before, were sent before."""
    s.label = RETRANSMISSION
    s.cause = LOST_BEFORE
    x.lost_before += 1


@kernel
def beyond_hole(x: Any, y: Any, mine: Any, theirs: Any, s: Any) -> None:
    """As ``lost_before``, for octets with a hole below them, which takes one full packet: a second one held these.

    No timer sends a packet again that is alone under way within 200 ms (RFC 6298, RFC 8985 7.2), but a probe for the
    end of several comes after two round trips.
    """
    waited = s.time - x.sent_at
    if waited <= 2 * whole_trip(x, y) or waited >= LEAST_TIMEOUT or s.seq_relative - mine.next != full_size(x, y):
        return
    if mine.acked >= mine.next and calm(x, mine, s) and ids_count(mine) and probed(x, mine, theirs, s) == 0:
        if skipped_ids(y, mine, s) > 1:
            sent_before(x, s)


@kernel
def ahead_of_repair(x: Any, y: Any, mine: Any, s: Any, sent_at: int) -> None:
    """Segment ``s`` is the first retransmission for a loss of octets last sent or acknowledged at ``sent_at``: how many
    packets before it held octets beyond those that were seen, which will be sent again when their turn comes."""
    if only_new(x, y, mine, s, s.time - sent_at) and ids_count(mine):
        mine.lost_ahead = skipped_ids(y, mine, s)
        mine.ahead_at = x.sent_at


@kernel
def only_new(x: Any, y: Any, mine: Any, s: Any, waited: int) -> int:
    """1 if packets that X sent before this retransmission, the first of its kind, can only have held new octets.

    More was written behind the highest that was seen; or nothing told X to send old ones again: a sign of loss came
    too soon for a tail loss probe (RFC 8985 7: two round trips), or X cannot probe, without SACK, and sends nothing
    again before the timeout but one packet, if duplicate ACKs ask for it (RFC 5681 3.2).
    """
    if mine.pushed == 0 and mine.sacked_top <= mine.acked:
        return 1
    if x.sack == 0 or y.sack == 0:
        asked = mine.duplicate_acks > 2
        return 1 if (s.cause == TIMEOUT and not asked) or (s.cause == FAST and waited < LEAST_TIMEOUT) else 0
    return 1 if mine.signal_at > x.sent_at and mine.signal_at - x.sent_at < 2 * whole_trip(x, y) else 0


@kernel
def settle_doubt(m: Any, x: Any, mine: Any) -> None:
    """What was noted as a doubt is known as soon as it is known whether the IDs of X count, itself not counted."""
    if mine.id_jumps > 0:
        mine.doubt = 0
    elif ids_count(mine) or (mine.id_steps == 1 and mine.id_ones > 2):
        if alive(m, mine.doubt_row):
            row = m.sent[place(m, mine.doubt_row)]
            if row.first_frame == mine.doubt:
                row.first_label = RETRANSMISSION
                relabel(m, mine.doubt, RETRANSMISSION, LOST_BEFORE, 0)
                x.retransmissions += 1
                x.lost_before += 1
        mine.doubt = 0
