"""The memory of the replay: what it knows of a flow, of a side, of an event; all of it in bounded rows.

Sequence numbers here are relative to the initial sequence number (a SYN is octet 0, the first octet of data 1) and
unwrapped, so that plain comparisons hold for connections of any length. Times are nanoseconds since 1970, as seen at
the capture point. ``NEVER`` stands for a bound that is not known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..kernels import Row

NEVER = 1 << 62
"""As an upper bound: none. Its negative, as a lower bound: none."""

# --- events: the seven things that can happen to a side --------------------------------------------------------

SYN_SENT, SYN_RECEIVED, SYN_ACKED, FIN_SENT, FIN_RECEIVED, FIN_ACKED, DEAD = range(7)
EVENTS_PER_SIDE = 7

NOTHING, SENT, CONFIRMED, PRESUMED, DEDUCED = range(5)
"""Grades: schema.EVIDENCE, one later."""

Event = Row(
    "Event",
    # `at` and `frame`: when the segment that carried it passed the capture point. `low`, `high`: the bounds of the
    # true time at the side. `octets`: what the peer had sent before the carrier: any octet above was sent with the
    # same knowledge (NEVER if that is not known). `tsval`: of the carrier, -1 if an earlier segment may have had the
    # same. `first`: as `at`, of the first carrier. `how`: for DEAD, the event of the machine.
    "grade at frame low high proof octets tsval first first_frame how refuted "
    # The latest copy of the carrier.
    "later later_frame later_octets later_tsval",
)

Side = Row(
    "Side",
    # What every segment touches comes first, so that it shares few cache lines.
    # Sequence space. `next`: end of the highest octet seen; `acked`: highest acknowledgement from the peer;
    # `hole`, `hole_end`, `holes`: the lowest octets never seen, and whether there are more above them.
    # `beyond`: where the last bare segment pointed that came before what it followed, and when; `beyond_twice`: it
    # reports the peer's FIN as received twice.
    # `opened`: nothing of the handshake is left to be shown; `deaf`: SYN,ACKs sent again after data of the peer.
    "based base next acked acked_at opened syn_seen fin fin_guess fin_waits "
    "hole hole_end holes beyond beyond_at beyond_frame beyond_twice bytes "
    # The window that the side advertises: `edge` is the right edge it grants, in the peer's space.
    "window edge scale scaled wl_seq wl_ack zero_windows "
    # Clocks. `had`: the latest capture time of something of the peer's that the side is proved to have had.
    "tsval had spoke sent_at sent_frame rtt_min rtt_max rtt_count rtt_last "
    # The ring of what the side sent, for echoes; counts; habits.
    "ring ring_count packets data_packets ip_id_running ttl data_at probes repeated_unanswered "
    # What the opening and the closing touch. SYN and FIN: relative end, form, copies, and what tells a fresh copy from
    # a duplicate.
    "syn_pure crossed syn_unseen syn_end syn_ip_id syn_tsval syn_last syn_copies deaf "
    "zero_time first_at first_frame tsval_time "
    "fin_ip_id fin_tsval fin_tsecr fin_last fin_copies fin_after_fin "
    # Proofs of order, see `proofs`. `chain`: no FIN can have been sent up to the last segment; `open_ack`, `open_had`:
    # what was acknowledged, and had, before the FIN was sent; `fin_ack_low`, `fin_ack_high`: what its copies
    # acknowledge; `waiting`: whether its own FIN can have waited when the peer's came; `fin_acked_ack`: what the
    # segment does that proves the arrival of the ACK of the FIN; `data_end`: end of the highest octet seen, FINs
    # left out; `open_shown`: seen past the handshake before any FIN.
    "proof_ip_id chain open_ack open_had fin_ack_low fin_ack_high waiting fin_acked_ack data_end open_shown "
    # Options as offered. `isn_before`: of the latest connection of this 4-tuple before that it sent a SYN in, -1: none.
    "isn isn_before isn_known mss offered_scale sack timestamps fast_open "
    # For verdicts: frames that prove which call closed the side, and what a reset was made from. `orphan`: it was in
    # FIN_WAIT_2, closed by its program, when the peer's FIN came.
    "peer_next_at_fin shutdown_frame close_frame orphan fin_with_data window_at_fin rst_first "
    "rst_form rst_ttl rst_bare rst_refused "
    # For tools that speak of histories.
    "retransmissions reordered duplicates lost_before lost_after told told_end told_again told_zero told_gaps told_rst",
)

Echo = Row("Echo", "end octets tsval time frame again answered")
RING = 8

Flow = Row(
    "Flow",
    # The 4-tuple: `a` sent the first segment that was seen; `flip` is 1 where `a` is the server.
    "used a0 a1 a2 a3 b0 b1 b2 b3 aport bport version flip hash chain older retired "
    "number stream roles first_frame first_time last_frame last_time frames "
    "syn_ack_seen bad_ack simultaneous midstream twin successor_time refused_frame resets reset_frame reset_by "
    "completeness history0 history1 history2 history_count "
    "fast_open_taken reset_reason reset_answers first_data_frame time_wait_reused time_wait_number file",
)

Note = Row("Note", "kind frame time flow side value other")

NOTE_KINDS = (
    "",
    "refuted_syn",
    "refuted_syn_ack",
    "refuted_ack_of_syn",
    "refuted_ack_of_fin",
    "refuted_fin",
    "reset_ignored",
    "reset_outlived",
    "reset_challenged",
    "bad_ack",
    "two_syn_acks",
    "port_reused",
    "pool_full",
    "scale_inferred",
    "window_shrunk",
    "time_wait_left",
    "no_answer_to_syn",
    "no_answer",
    "accept_queue",
    "close_wait",
    "fin_wait_2",
)
(
    _,
    REFUTED_SYN,
    REFUTED_SYN_ACK,
    REFUTED_ACK_OF_SYN,
    REFUTED_ACK_OF_FIN,
    REFUTED_FIN,
    RESET_IGNORED,
    RESET_OUTLIVED,
    RESET_CHALLENGED,
    BAD_ACK,
    TWO_SYN_ACKS,
    PORT_REUSED,
    POOL_FULL,
    SCALE_INFERRED,
    WINDOW_SHRUNK,
    TIME_WAIT_LEFT,
    NO_ANSWER_TO_SYN,
    NO_ANSWER,
    ACCEPT_QUEUE,
    CLOSE_WAIT_LEFT,
    FIN_WAIT_2_LEFT,
) = range(len(NOTE_KINDS))


class Memory(NamedTuple):
    """All that the kernels of the replay work on. Tables of rows, and two tables of integers."""

    flows: Any
    sides: Any
    events: Any
    echoes: Any
    notes: Any
    senders: Any
    sent: Any
    relabels: Any
    changes: Any
    stalls: Any
    arrivals: Any
    facts: Any
    proved: Any
    dated: Any
    steps: Any
    outcomes: Any
    side_outcomes: Any
    buckets: Any
    free: Any
    control: Any


(
    FREE_COUNT,
    FLOW_COUNT,
    STREAM_COUNT,
    NOTE_COUNT,
    BUCKET_MASK,
    SENT_HEAD,
    RELABEL_COUNT,
    CHANGE_COUNT,
    STALL_COUNT,
    STEP_COUNT,
    OUTCOME_COUNT,
    ARRIVAL_HEAD,
    KEEP_CHANGES,
    CONTROL_SIZE,
) = range(14)
