"""What a flow's events say as a whole: openings that were given up, accept queues, sides that never close.

A stack that gives up in silence sends nothing, so there is no row in the timeline: a note tells from which frame on it
may have happened. All of it is found for many flows at once, when they are settled.
"""

from __future__ import annotations

import numpy as np

from .memory import Settled
from .rows import (
    ACCEPT_QUEUE,
    CLOSE_WAIT_LEFT,
    DEAD,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    FIN_WAIT_2_LEFT,
    NO_ANSWER,
    NO_ANSWER_TO_SYN,
    SCALE_INFERRED,
    SYN_ACKED,
    SYN_SENT,
    Note,
)

MANY = 3
"""Retransmissions in a row without an answer from which on a sender may have given up."""


def episodes(settled: Settled) -> np.ndarray:
    """Rows of ``rows.Note`` for a batch of flows, shape (m,)."""
    flows, sides, events = settled.flows, settled.sides, settled.events
    happened = events["grade"] > 0
    alive = ~happened[:, DEAD]
    client = np.arange(len(sides)) % 2 == 0
    answered = np.repeat(flows["syn_ack_seen"] + flows["refused_frame"] + flows["bad_ack"] > 0, 2)
    unopened = client & happened[:, SYN_SENT] & ~happened[:, SYN_ACKED] & ~answered & alive
    closing = happened[:, FIN_SENT]
    got_fin = happened[:, FIN_RECEIVED]
    unanswered = sides["repeated_unanswered"]
    nothing = np.zeros(len(sides), np.int64)
    told = (
        (NO_ANSWER_TO_SYN, unopened, sides["sent_frame"], sides["syn_copies"] + 1),
        (NO_ANSWER, alive & (unanswered >= MANY) & ~unopened, sides["sent_frame"], unanswered),
        # SYN,ACKs again although the client's ACK and its data had passed (SEMANTICS O12).
        (ACCEPT_QUEUE, ~client & (sides["deaf"] > 0), events["first_frame"][:, SYN_ACKED], sides["deaf"]),
        (CLOSE_WAIT_LEFT, alive & got_fin & ~closing, events["frame"][:, FIN_RECEIVED], nothing),
        (FIN_WAIT_2_LEFT, alive & happened[:, FIN_ACKED] & ~got_fin, events["frame"][:, FIN_ACKED], nothing),
    )
    found = [_rows(kind, settled, where, frame, value) for kind, where, frame, value in told]
    found.append(inferred_scales(settled))
    return np.concatenate(found)


def inferred_scales(settled: Settled) -> np.ndarray:
    """A note for each side whose scale was inferred, at the segment that settled it, unless it was given up later."""
    senders = settled.senders
    where = (senders["inferred"] > 0) & (settled.sides["scale"] >= 0)
    made = _rows(SCALE_INFERRED, settled, where, senders["inferred"], settled.sides["scale"])
    made["time"] = senders["inferred_at"][where]
    return made


def _rows(kind: int, settled: Settled, where: np.ndarray, frame: np.ndarray, value: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(where)
    out = np.zeros(len(at), Note.dtype)
    out["kind"] = kind
    out["flow"] = settled.flows["number"][at // 2]
    out["side"] = at % 2
    out["frame"] = frame[at]
    out["time"] = settled.sides["sent_at"][at]
    out["value"] = value[at]
    return out
