"""What a flow's events say as a whole: openings that were given up, accept queues, sides that never close.

A stack that gives up in silence sends nothing, so there is no row in the timeline: a note tells from which frame on it
may have happened.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .rows import (
    ACCEPT_QUEUE,
    CLOSE_WAIT_LEFT,
    DEAD,
    EVENTS_PER_SIDE,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    FIN_WAIT_2_LEFT,
    NO_ANSWER,
    NO_ANSWER_TO_SYN,
    NOTE_COUNT,
    SCALE_INFERRED,
    SYN_ACKED,
    SYN_SENT,
)

MANY = 3
"""Retransmissions in a row without an answer from which on a sender may have given up."""

MOST_EPISODES = 10
"""Notes that one flow can make."""


@kernel
def tell_episodes(m: Any, slot: int) -> None:
    """Notes on a flow whose story is complete."""
    f = m.flows[slot]
    client, server = m.sides[2 * slot], m.sides[2 * slot + 1]
    given_up = unopened(m, f, 2 * slot)
    if given_up:
        remark(m, f, 2 * slot, NO_ANSWER_TO_SYN, client.sent_frame, client.sent_at, client.syn_copies + 1)
    for index in range(2 * slot, 2 * slot + 2):
        x = m.sides[index]
        if x.repeated_unanswered >= MANY and not happened(m, index, DEAD) and not (given_up and index & 1 == 0):
            remark(m, f, index, NO_ANSWER, x.sent_frame, x.sent_at, x.repeated_unanswered)
    if server.deaf > 0:
        # SYN,ACKs again although the client's ACK and its data had passed (SEMANTICS O12).
        acked = m.events[EVENTS_PER_SIDE * (2 * slot + 1) + SYN_ACKED]
        remark(m, f, 2 * slot + 1, ACCEPT_QUEUE, acked.first_frame, acked.first, server.deaf)
    for index in range(2 * slot, 2 * slot + 2):
        if happened(m, index, FIN_RECEIVED) and not happened(m, index, FIN_SENT) and not happened(m, index, DEAD):
            fin = m.events[EVENTS_PER_SIDE * index + FIN_RECEIVED]
            remark(m, f, index, CLOSE_WAIT_LEFT, fin.frame, fin.at, 0)
    for index in range(2 * slot, 2 * slot + 2):
        if happened(m, index, FIN_ACKED) and not happened(m, index, FIN_RECEIVED) and not happened(m, index, DEAD):
            ack = m.events[EVENTS_PER_SIDE * index + FIN_ACKED]
            remark(m, f, index, FIN_WAIT_2_LEFT, ack.frame, ack.at, 0)
    for index in range(2 * slot, 2 * slot + 2):
        inferred_scale(m, f, index)


@kernel
def happened(m: Any, index: int, event: int) -> int:
    """1 if the event is believed to have happened to the side."""
    return 1 if m.events[EVENTS_PER_SIDE * index + event].grade > 0 else 0


@kernel
def unopened(m: Any, f: Any, index: int) -> int:
    """1 if nothing came back to the client's SYN."""
    if f.syn_ack_seen + f.refused_frame + f.bad_ack > 0 or happened(m, index, DEAD):
        return 0
    return 1 if happened(m, index, SYN_SENT) and not happened(m, index, SYN_ACKED) else 0


@kernel
def inferred_scale(m: Any, f: Any, index: int) -> None:
    """A side whose scale was inferred, at the segment that settled it, unless it was given up later."""
    x, k = m.sides[index], m.senders[index]
    if k.inferred > 0 and x.scale >= 0:
        remark(m, f, index, SCALE_INFERRED, k.inferred, k.inferred_at, x.scale)


@kernel
def remark(m: Any, f: Any, index: int, kind: int, frame: int, time: int, value: int) -> None:
    """A note on a side, at a frame and its time. There is room: see MOST_EPISODES."""
    n = m.notes[m.control[NOTE_COUNT]]
    m.control[NOTE_COUNT] += 1
    n.kind = kind
    n.frame = frame
    n.time = time
    n.flow = f.number
    n.side = index & 1
    n.value = value
    n.other = 0
