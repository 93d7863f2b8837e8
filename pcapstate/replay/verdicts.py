"""How each connection was opened, who closed it, with which call and why: from its events.

Each verdict is a code into the words of its column, and comes with the frames that prove it; ``sentences`` makes one
plain sentence of them.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from ..schema import CLOSE_CALLS, CLOSE_REASONS, CLOSED_BY, OPENED
from .episodes import happened
from .resets import MIDDLEBOX, REFUSED
from .rows import DEAD, DEDUCED, EVENTS_PER_SIDE, FIN_ACKED, FIN_SENT, NEVER, SENT, SYN_ACKED, SYN_SENT

NEAR = 200_000
"""A round trip below this, ns, has no wire in it: the capture was made at that host (a LAN's is longer)."""

NEAR_PARTS = 50
"""... and is at most one part in so many of the whole."""

POINTS = ("at the client", "at the server", "between")
AT_CLIENT, AT_SERVER, BETWEEN = range(len(POINTS))

(UNANSWERED, WAS_REFUSED, HALF_OPEN, THREE_WAY, SIMULTANEOUS, FAST_OPEN, OPENING_ABORTED, MIDSTREAM) = (
    OPENED.index(word)
    for word in (
        "unanswered", "refused", "half_open", "three_way", "simultaneous", "fast_open", "aborted", "midstream",
    )
)  # fmt: skip
(STILL_OPEN, HALF_CLOSED, FIN, BAD_HANDSHAKE, NO_ANSWER) = (
    CLOSE_REASONS.index(word) for word in ("still_open", "half_closed", "fin", "bad_handshake", "unanswered")
)
BY_CLIENT, BY_SERVER, BY_BOTH, BY_NONE = (CLOSED_BY.index(word) for word in ("client", "server", "both", "none"))
NO_CALL, UNKNOWN_CALL, CLOSE, SHUTDOWN_WRITE = (
    CLOSE_CALLS.index(word) for word in ("", "unknown", "close", "shutdown_write")
)


@kernel
def judge(m: Any, slot: int, at: int) -> None:
    """The verdicts on a flow, and the frames for the sentences."""
    f, o = m.flows[slot], m.outcomes[at]
    o.opened = opening_of(m, f, slot)
    o.close_reason = reason_of(m, f, slot, o.opened)
    o.closed_by = closer_of(m, f, slot, o.opened)
    o.capture_point = point_of(m.sides[2 * slot], m.sides[2 * slot + 1])
    o.proof_syn = captured(m, 2 * slot, SYN_SENT)
    o.proof_syn_ack = f.syn_ack_seen
    o.proof_handshake = captured(m, 2 * slot + 1, SYN_ACKED)
    o.proof_reset = f.refused_frame if f.refused_frame > 0 else f.reset_frame
    o.proof_reset_by = f.reset_by
    o.proof_answers = f.reset_answers
    o.proof_bad_ack = f.bad_ack
    for side in range(2):
        judge_side(m, 2 * slot + side, m.sides[2 * slot + side], m.side_outcomes[2 * at + side])


@kernel
def opening_of(m: Any, f: Any, slot: int) -> int:
    """How the connection was opened."""
    if f.midstream:
        return MIDSTREAM
    if f.refused_frame > 0 and not happened(m, 2 * slot + 1, SYN_SENT):
        return WAS_REFUSED
    if happened(m, 2 * slot, SYN_ACKED) and happened(m, 2 * slot + 1, SYN_ACKED):
        if f.fast_open_taken > 0 and m.sides[2 * slot].syn_end > 1:
            return FAST_OPEN
        return SIMULTANEOUS if f.simultaneous else THREE_WAY
    if f.reset_frame > 0:
        return OPENING_ABORTED
    return HALF_OPEN if f.syn_ack_seen > 0 or f.bad_ack > 0 else UNANSWERED


@kernel
def counts(m: Any, f: Any, slot: int) -> int:
    """1 if a reset ended a side."""
    return 1 if f.reset_frame > 0 and (happened(m, 2 * slot, DEAD) or happened(m, 2 * slot + 1, DEAD)) else 0


@kernel
def reason_of(m: Any, f: Any, slot: int, opened: int) -> int:
    """Why the connection ended, or that it did not."""
    if opened == WAS_REFUSED:
        return REFUSED
    if opened == UNANSWERED:
        return NO_ANSWER
    if opened == HALF_OPEN and f.bad_ack > 0:
        return BAD_HANDSHAKE
    if counts(m, f, slot):
        return f.reset_reason  # type: ignore[no-any-return]
    fins = happened(m, 2 * slot, FIN_SENT) + happened(m, 2 * slot + 1, FIN_SENT)
    return FIN if fins == 2 else HALF_CLOSED if fins == 1 else STILL_OPEN


@kernel
def closer_of(m: Any, f: Any, slot: int, opened: int) -> int:
    """Who ended the connection: by a reset, or by the first FIN."""
    if opened == WAS_REFUSED:
        return BY_SERVER
    if counts(m, f, slot):
        if f.reset_reason == MIDDLEBOX:
            return BY_NONE
        return BY_CLIENT if f.reset_by == 0 else BY_SERVER
    if not happened(m, 2 * slot + 1, FIN_SENT):
        return BY_CLIENT if happened(m, 2 * slot, FIN_SENT) else BY_NONE
    if not happened(m, 2 * slot, FIN_SENT):
        return BY_SERVER
    # A FIN that acknowledges the other was sent after it.
    if m.sides[2 * slot + 1].fin_after_fin:
        return BY_CLIENT
    return BY_SERVER if m.sides[2 * slot].fin_after_fin else BY_BOTH


@kernel
def judge_side(m: Any, index: int, x: Any, o: Any) -> None:
    """What the program of a side called, proved by what it does with data that comes after its FIN; and the frames."""
    o.close_call = UNKNOWN_CALL if happened(m, index, FIN_SENT) else NO_CALL
    if x.shutdown_frame > 0:
        o.close_call = SHUTDOWN_WRITE
    elif x.close_frame > 0:
        o.close_call = CLOSE
    o.proof_fin = frame_of(m, index, FIN_SENT)
    o.proof_acked = frame_of(m, index, FIN_ACKED)
    o.proof_shutdown = x.shutdown_frame
    o.proof_close = x.close_frame
    o.proof_again = x.fin_copies
    o.proof_syn_again = x.syn_copies
    o.proof_strange_ttl = x.rst_ttl if x.rst_ttl >= 0 and x.ttl >= 0 and x.rst_ttl != x.ttl else -1
    o.proof_ttl = x.ttl
    o.proof_bare = x.rst_bare
    fin = m.events[EVENTS_PER_SIDE * index + FIN_SENT]
    o.proof_guessed = 1 if o.proof_fin > 0 and fin.grade != SENT else 0


@kernel
def frame_of(m: Any, index: int, event: int) -> int:
    """The frame that tells of an event, 0 if it did not happen."""
    e = m.events[EVENTS_PER_SIDE * index + event]
    return e.frame if e.grade > 0 else 0  # type: ignore[no-any-return]


@kernel
def captured(m: Any, index: int, event: int) -> int:
    """The frame that carried an event, 0 where it is only deduced from later ones."""
    e = m.events[EVENTS_PER_SIDE * index + event]
    return 0 if e.grade == DEDUCED else e.frame  # type: ignore[no-any-return]


@kernel
def point_of(x: Any, y: Any) -> int:
    """Where the capture was made: a place in POINTS, -1 where a round trip is not known. X is the client."""
    if x.rtt_min < 0 or x.rtt_min >= NEVER or y.rtt_min < 0 or y.rtt_min >= NEVER:
        return -1
    if near(x.rtt_min, y.rtt_min):
        return AT_CLIENT
    return AT_SERVER if near(y.rtt_min, x.rtt_min) else BETWEEN


@kernel
def near(here: int, there: int) -> int:
    """1 if a round trip is that within a host, and the other is not."""
    if here >= NEAR or here >= there:
        return 0
    return 1 if here * NEAR_PARTS <= max(here + there, 1) or there > 3 * here else 0
