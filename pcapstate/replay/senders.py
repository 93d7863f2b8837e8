"""What is known of a side as a sender, beyond its sequence space: and which of two transmissions it made first.

One row for each side, beside ``rows.Side``, for what the labels, the windows and the question what limited it need.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from .rows import NEVER

Sender = Row(
    "Sender",
    # Its rows in the ring of ``transmissions``: the highest, the lowest that is not acknowledged, where the last search
    # ended.
    # `next` ends the highest octets that were seen, skipped or acknowledged; `acked`: the highest acknowledgement.
    "base next acked acked_at top unacked finger "
    # What the peer told beyond the acknowledgement: end of its highest SACK block, its latest first block, how many
    # duplicate ACKs since the last new one; `signal_*`: the latest of these signs that something was lost.
    "sacked_top sack_left sack_right duplicate_acks signal_at signal_frame signal_tsval signal_acked "
    # While it repairs: cause of the first retransmission, and the number that ends it (RFC 6675's RecoveryPoint).
    "recovery recover "
    # IP IDs: the highest so far, and how often the next one was one more, a little more, or anything else. `carries`:
    # how many packets the segment at hand stands for (``skipped.packets``); `id_used`: the same of the highest ID.
    "ip_id id_ones id_steps id_jumps carries id_used "
    # How many segments of the peer it may still have to acknowledge.
    "owed "
    # The clock of its timestamps: the first one, and when it was seen.
    "tsval tsval_time "
    # Its latest bare ACK, and its latest window field.
    "bare_ip_id bare_tsval bare_ack bare_frame window_field "
    # What it last sent that asks for an answer, whether its window is zero, and when and with which TSval its latest
    # zero window ended; whether it probes the peer's.
    "asks asks_frame zero zero_until zero_tsval probing syns syn_acks "
    # The end of its highest octets that were seen, whether they had PSH, and packets lost before the capture point
    # that can only have held the octets after them, and what was last seen before these; a segment that was sent before
    # if the IDs count, and its row; whether octets arrived that were not captured; whether it sends keep-alives;
    # how it began (``first_flight``), and when.
    "data_top pushed lost_ahead ahead_at doubt doubt_row unseen keeps flight flight_at "
    # The window that it grants: whether one is in force, its field, and TSval and IP ID of the segment that had it;
    # highest right edge, smallest and largest field, and the field of the SYN; what was last
    # told of it in the log of changes; whether it was ever taken back.
    "in_force field wl_tsval wl_ip_id edge_max zero_from field_min field_max syn_window told_field told_state "
    "shrunk "
    # Where the SYNs do not tell the scale (``scales``): least and largest shift, where the fall of the window began,
    # votes for the largest, and the frame from which on the shift in use is an inferred one, with its time.
    "scale_least scale_most scale_ack scale_field scale_votes inferred inferred_at "
    # Round trips from the capture point to it (``rtt``): how many were heard of, samples, RFC 6298's SRTT and RTTVAR,
    # five markers and where the upper four stand.
    "heard samples smoothed variation mark0 mark1 mark2 mark3 mark4 at1 at2 at3 at4 "
    # What limited it (``limits``): when the handshake was over and when it sent FIN; its latest octets: when, how far
    # they reached, the window left and the octets under way as it knew them, whether they were all that it had and
    # whether it repairs; window probes since; its longest segment.
    "opened_at finished_at data_at data_frame data_seen reach left under_way wrote_all repairing probed longest "
    # What is on its way to it (``arrivals``: next and last row), what it knows of that, and since its latest octets:
    # when it heard of new acknowledgements, of room for more, of the end of a repair; how long it knew of no window.
    "told_next told_last knows_acked knows_edge knows_zero heard_at room_at repaired_at blocked_at unblocked_at "
    "blocked "
    "of_zero_window of_receive_window of_recovery of_timeout_stall of_delayed_ack of_network of_application",
)

Relabel = Row("Relabel", "frame label cause proof")
"""Something learned later of an earlier segment; a field is -1 where it stays as it is."""

_clear = Sender.clear

NOTHING_ASKED, KEEP_ALIVE_ASKS, PROBE_ASKS, FIN_ASKS, CHALLENGE_ASKS = range(5)

MOST_SCALE = 14
"""RFC 7323 2.3: the largest shift count of a window."""

LEAST_TIMEOUT = 180_000_000
"""ns: no common stack sends again because of a timeout sooner than 200 ms (RFC 6298 says 1 s), less some jitter."""

LEAST_SYN_TIMEOUT = 900_000_000
"""ns: a SYN or SYN,ACK is sent again after a second (RFC 6298 2.1), less some jitter."""

SYN = 2

LEAST_TICKS, MOST_TICKS, MOST_GAP = 8, 1 << 26, 1 << 36
"""Ticks of a side's timestamps from which their rate is known, and up to which, and to how many ns, the sums hold."""

HALF_ID = 0x8000
NEAR_ID = 256
"""IP IDs of one connection that run lie this close together."""


@kernel
def clear_sender(k: Any) -> None:
    """A side of which nothing is known yet."""
    _clear(k)
    k.ip_id = -1
    k.carries = 1
    k.id_used = 1
    k.bare_ip_id = -1
    k.bare_tsval = -1
    k.bare_ack = -1
    k.window_field = -1
    k.zero_until = -(1 << 62)
    k.zero_tsval = -1
    k.signal_at = -(1 << 62)
    k.sack_left = -1
    k.base = -1
    k.tsval = -1
    k.signal_acked = -1
    k.signal_tsval = -1
    k.field_min = -1
    k.scale_most = MOST_SCALE
    k.told_field = -1
    k.left = 1 << 62
    k.knows_edge = 1 << 62


@kernel
def whole_trip(x: Any, y: Any) -> int:
    """The smallest round trip from end to end through the capture point less an eighth, ns; what is not known is 0."""
    whole = (x.rtt_min if x.rtt_min < NEVER else 0) + (y.rtt_min if y.rtt_min < NEVER else 0)
    return whole - whole // 8  # type: ignore[no-any-return]


@kernel
def ids_run(k: Any) -> int:
    """1 if the side numbers its packets one after another, so that IP IDs tell which of two it sent first."""
    return 1 if k.id_ones + k.id_steps > 4 * k.id_jumps and k.id_ones > 0 else 0


@kernel
def watch_ids(k: Any, s: Any) -> None:
    """How the IP ID of a segment in order follows the one before."""
    if s.ip_id <= 0:
        if s.ip_id == 0 and s.flags & 18 == 18:
            # A SYN,ACK of Linux; its connections have counters of their own (ip_select_ident_segs).
            k.id_ones = 2
        return
    if k.ip_id >= 0:
        step = (s.ip_id - k.ip_id) & 0xFFFF
        if step == k.id_used:
            k.id_ones += 1
        elif 0 < step < NEAR_ID:
            k.id_steps += 1
        elif step >= NEAR_ID and step < 0x10000 - NEAR_ID:
            k.id_jumps += 1
        else:
            return
    k.ip_id = s.ip_id
    k.id_used = k.carries


@kernel
def order(k: Any, s: Any, tsval: int, ip_id: int, said: int) -> int:
    """Whether the side sent segment ``s`` before (-1) or after (1) the one with these marks; 0: unknown.

    A TSval never goes back (RFC 7323 3); an IP ID tells where IDs run; an acknowledgement never goes back either.
    Missing ones are -1.
    """
    if s.tsval >= 0 and tsval >= 0 and s.tsval != tsval:
        return 1 if ((s.tsval - tsval) & 0xFFFFFFFF) < 0x80000000 else -1
    if s.ip_id > 0 and ip_id > 0 and s.ip_id != ip_id and ids_run(k):
        return 1 if ((s.ip_id - ip_id) & 0xFFFF) < HALF_ID else -1
    if said >= 0 and said & 16 and s.flags & 16 and said >> 25 != s.ack:
        return 1 if ((s.ack - (said >> 25)) & 0xFFFFFFFF) < 0x80000000 else -1
    return 0


@kernel
def same_transmission(
    k: Any, s: Any, x: Any, tsval: int, tsecr: int, ip_id: int, gap: int, shortest: int, heard: int
) -> int:
    """1 if ``s`` of side X is a copy made on the way of a transmission with these marks, ``gap`` ns before.

    What a host sends again has another IP ID, or another TSval. Where neither can tell (IPv6 or ID 0, no timestamps or
    both within one tick), it is a copy if the clock of its timestamps should have ticked meanwhile; or if it comes
    sooner than any sign of loss could, ``shortest``, or after its sender had ``heard`` that it arrived, or echoes less
    than the ACK that gave the first sign.
    """
    if s.tsval >= 0 and tsval >= 0 and (s.tsval != tsval or s.tsecr != tsecr):
        return 0
    if s.ip_id > 0 and ip_id > 0:
        if s.ip_id != ip_id:
            return 0
        if k.id_ones + k.id_steps + k.id_jumps > 0:
            return 1
    if gap < (LEAST_SYN_TIMEOUT if s.flags & SYN else shortest) or (heard and gap < LEAST_TIMEOUT):
        return 1
    if s.tsval < 0:
        return unprompted(k, x, s, gap)  # type: ignore[no-any-return]
    if k.sack_left <= s.seq_relative and s.seq_relative + s.length <= k.sack_right and s.length > 0:
        # The peer has told that it has these.
        return 1
    return 1 if ticks(k, x, gap) > 1 or unprompted(k, x, s, gap) else 0


@kernel
def ticks(k: Any, x: Any, gap: int) -> int:
    """How often the clock of the side's timestamps ticks within ``gap`` ns; 0 where it is not known yet."""
    passed = (x.tsval - k.tsval) & 0xFFFFFFFF
    known = x.tsval_time - k.tsval_time
    if k.tsval < 0 or passed < LEAST_TICKS or passed > MOST_TICKS or known <= 0 or gap > MOST_GAP:
        return 0
    return passed * (gap >> 10) // ((known >> 10) + 1)  # type: ignore[no-any-return]


@kernel
def unprompted(k: Any, x: Any, s: Any, gap: int) -> int:
    """1 if nothing that the sender of ``s`` had heard when it sent it can have told it of a loss ``gap`` ns before.

    The first sign (SACK, third duplicate ACK) has a TSval, and what is sent because of it echoes that or a later one.
    """
    if gap > LEAST_TIMEOUT:
        return 0
    if s.tsecr < 0:
        # By the clock of the capture. A probe for the end of what was sent needs no sign, but SACK (RFC 8985 7.2).
        tail = 1 if s.seq_relative + s.length >= k.next and x.sack else 0
        return 1 if k.signal_at < s.time - gap and k.recovery == 0 and tail == 0 else 0
    if k.signal_tsval < 0:
        return 1 if k.signal_at < s.time - gap else 0
    return 1 if ((k.signal_tsval - s.tsecr - 1) & 0xFFFFFFFF) < 0x7FFFFFFF else 0
