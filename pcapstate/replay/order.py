"""The order of a side's events, and what follows from it: bounds that bound each other, states that are certain.

An event is certain when a segment shows that it happened; a state only when the order of the events that make it is
shown too. FIN_WAIT_1 or LAST_ACK: had the side received the peer's FIN before it sent its own? FIN_WAIT_2 or CLOSING:
which arrived first, the peer's FIN or the acknowledgement of its own? ``proofs`` has the facts that tell; where they
do not, the states stay presumed, and nothing is concluded from one event for the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tcp import machine
from .proofs import DATA, EMPTY
from .resets import ACTIVE as ACTIVE_FORM
from .rows import (
    CONFIRMED,
    DEAD,
    DEDUCED,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    NEVER,
    PRESUMED,
    SENT,
    SYN_ACKED,
    SYN_RECEIVED,
    SYN_SENT,
)

PASSIVE, CROSSED, ACTIVE = range(3)
"""How a side closes: by CLOSE_WAIT and LAST_ACK, by FIN_WAIT_1 and CLOSING, by FIN_WAIT_1 and FIN_WAIT_2."""


@dataclass(slots=True)
class Ordered:
    """Of each side: ``closing`` (PASSIVE, CROSSED, ACTIVE), ``both`` (it opened simultaneously), shape (n,), and
    ``grade``, ``low``, ``high``, ``proof`` of its events, shape (n, EVENTS_PER_SIDE), where a grade now is that of the
    state which the event makes; ``sure`` says of the event that it happened."""

    closing: np.ndarray
    both: np.ndarray
    grade: np.ndarray
    low: np.ndarray
    high: np.ndarray
    proof: np.ndarray
    sure: np.ndarray


def peer(values: np.ndarray) -> np.ndarray:
    """The values of the other side, shape (2n,)."""
    found: np.ndarray = values.reshape(-1, 2)[:, ::-1].reshape(-1)
    return found


def happened(grade: np.ndarray) -> np.ndarray:
    """Events of which a segment shows that they happened."""
    found: np.ndarray = (grade == SENT) | (grade == CONFIRMED) | (grade == DEDUCED)
    return found


@dataclass(slots=True)
class Facts:
    """What is proved of the order of events, of each side: arrays of bool, shape (n,). A fact may hold only one way."""

    received_first: np.ndarray
    sent_first: np.ndarray
    acked_first: np.ndarray
    crossed: np.ndarray
    established_first: np.ndarray
    closed_after: np.ndarray


def facts(flows: np.ndarray, sides: np.ndarray, events: np.ndarray, crossing: np.ndarray) -> Facts:
    """The proofs of ``proofs``, weighed. ``received_first``: the peer's FIN arrived before the side sent its own;
    ``sent_first``: it had not; ``acked_first``: the ACK of its FIN before the peer's FIN; ``crossed``: after it;
    ``established_first``: it was past the handshake before it sent its FIN; ``closed_after``: no FIN was waiting when
    the peer's arrived before its own was sent. ``crossing``: both sides sent a SYN."""
    other_fin = np.where(peer(sides["fin_guess"]) > 0, 0, peer(sides["fin"]))
    received = (other_fin > 0) & (sides["open_ack"] >= other_fin)
    # What the peer sent before its FIN is known; what a FIN acknowledges beyond that may be the peer's FIN.
    not_yet = sides["fin_ack_low"] <= peer(sides["data_end"])
    received, not_yet = received & ~not_yet, not_yet & ~received
    grade = events["grade"]
    shown = happened(grade[:, FIN_ACKED]) & (sides["fin_acked_ack"] <= peer(sides["data_end"]))
    acked = not_yet & (peer(received) | shown)
    crossed = not_yet & ~acked & (other_fin > 0) & (sides["fin_ack_high"] >= other_fin)
    active = (sides["syn_pure"] == 1) & (sides["syn_unseen"] == 0) & ~crossing
    data = (sides["data_end"] > np.maximum(sides["syn_end"], 1)) | (sides["open_shown"] == 1)
    midstream = np.repeat(flows["midstream"] == 1, 2)
    # RFC 7413 4.2: a fast open hands the child over in SYN_RECEIVED; it may send data from there, and close.
    fast = (sides["syn_pure"] == 0) & (peer(sides["syn_end"]) > 1) & (peer(sides["fast_open"]) >= 0)
    sent = grade[:, FIN_SENT] > 0
    after = received & np.where(sent, sides["waiting"] != DATA, sides["waiting"] == EMPTY)
    return Facts(received, not_yet, acked, crossed, active | (data & ~fast) | midstream, after)


def ordered(flows: np.ndarray, sides: np.ndarray, events: np.ndarray) -> Ordered:
    """Orders the events of all sides. ``flows``: shape (n,), ``sides``: (2n,), ``events``: (2n, EVENTS_PER_SIDE)."""
    crossing = (sides["syn_pure"] == 1) & np.repeat(flows["simultaneous"] == 1, 2)
    # A simultaneous opener answers the peer's SYN with a SYN,ACK. One that never did has got the peer's SYN,ACK first.
    past = happened(events["grade"][:, SYN_ACKED])
    both = crossing & ((sides["crossed"] == 1) | ~past)
    known = facts(flows, sides, events, crossing)
    twin = np.repeat(flows["twin"] == 1, 2)
    made = Ordered(
        _closing(sides, events, known),
        both,
        # A column of all sides lies together in memory: what follows works on columns.
        events["grade"].copy(order="F"),
        events["low"].copy(order="F"),
        events["high"].copy(order="F"),
        events["proof"].copy(order="F"),
        happened(events["grade"].copy(order="F")),
    )
    _opening_bounds(made, known, crossing & (sides["crossed"] == 0))
    _closing_bounds(made, known)
    _death(made)
    aborted = (events["how"][:, DEAD] == machine.SND_RST) & (sides["rst_form"] == ACTIVE_FORM)
    listened = (sides["syn_pure"] == 0) & (sides["syn_seen"] == 1)
    for event in (SYN_RECEIVED, SYN_ACKED, FIN_SENT, FIN_RECEIVED, FIN_ACKED, DEAD):
        # A SYN with the ISN of the connection before may be a late copy of its SYN, and what follows its own; or two
        # connections are taken for one, as the SYN of the second was not captured.
        _doubt(made, event, twin)
        made.low[twin, event] = -NEVER
    # A reset takes the child of a listener back to LISTEN, if it was not yet past SYN_RECEIVED.
    _doubt(made, DEAD, listened & ~made.sure[:, SYN_ACKED] & ~aborted)
    return made


def _closing(sides: np.ndarray, events: np.ndarray, known: Facts) -> np.ndarray:
    """The way of closing: the proved one, or the likely one. An IP ID tells which, but not whether it was a copy of the
    FIN, made behind the capture point, that drew the answer: no proof."""
    got, acked = events[:, FIN_RECEIVED], events[:, FIN_ACKED]
    first = (got["grade"] > 0) & ((acked["grade"] == 0) | (got["at"] < acked["at"]))
    crossed = (first & ~known.acked_first & (sides["orphan"] == 0)) | known.crossed
    passive = ((sides["fin_after_fin"] == 1) & ~known.sent_first) | known.received_first
    passive |= events["grade"][:, FIN_SENT] == 0
    return np.where(passive, PASSIVE, np.where(crossed, CROSSED, ACTIVE))


def _before(made: Ordered, one: int, other: int, where: np.ndarray) -> None:
    """Bounds of two events of which ``one`` came first: each bounds the other if it happened."""
    there = where & made.sure[:, one]
    made.low[:, other] = np.where(there, np.maximum(made.low[:, other], made.low[:, one]), made.low[:, other])
    there = where & made.sure[:, other]
    made.high[:, one] = np.where(there, np.minimum(made.high[:, one], made.high[:, other]), made.high[:, one])


def _implied(made: Ordered, one: int, other: int, where: np.ndarray) -> None:
    """``one`` had happened when ``other`` did, by which it is confirmed."""
    shown = where & made.sure[:, other] & (made.grade[:, one] == PRESUMED)
    made.grade[shown, one] = CONFIRMED
    made.sure[shown, one] = True
    made.high[shown, one] = np.minimum(made.high[shown, one], made.high[shown, other])
    made.proof[shown, one] = made.proof[shown, other]


def _doubt(made: Ordered, event: int, where: np.ndarray) -> None:
    """The event may be certain; the state that it makes is not."""
    made.grade[where & (made.grade[:, event] > 0), event] = PRESUMED


def _opening_bounds(made: Ordered, known: Facts, unanswered: np.ndarray) -> None:
    always = np.ones(len(made.grade), bool)
    opened = known.established_first
    _before(made, SYN_RECEIVED, SYN_ACKED, always)
    for closing in (FIN_SENT, FIN_RECEIVED, FIN_ACKED):
        _before(made, SYN_RECEIVED, closing, always)
        _before(made, SYN_ACKED, closing, opened)
        _implied(made, SYN_ACKED, closing, opened)
    _implied(made, SYN_ACKED, FIN_RECEIVED, known.received_first)
    _doubt(made, SYN_ACKED, ~opened & (made.grade[:, FIN_SENT] > 0))
    _doubt(made, SYN_RECEIVED, made.both & unanswered)


def _closing_bounds(made: Ordered, known: Facts) -> None:
    always = np.ones(len(made.grade), bool)
    passive = made.closing == PASSIVE
    _before(made, FIN_SENT, FIN_ACKED, always)
    _before(made, FIN_RECEIVED, FIN_SENT, known.received_first)
    _before(made, FIN_SENT, FIN_RECEIVED, known.sent_first)
    _implied(made, FIN_ACKED, FIN_RECEIVED, known.acked_first)
    final = made.sure[:, FIN_RECEIVED] & made.sure[:, FIN_ACKED]
    low = np.maximum(made.low[:, FIN_ACKED], made.low[:, FIN_RECEIVED])
    high = np.where(final, np.maximum(made.high[:, FIN_ACKED], made.high[:, FIN_RECEIVED]), NEVER)
    _before(made, FIN_ACKED, FIN_RECEIVED, known.acked_first)
    _before(made, FIN_RECEIVED, FIN_ACKED, known.crossed)
    # TIME_WAIT begins with the later of the two, whichever that is.
    for last, middle, proved in (
        (FIN_RECEIVED, FIN_ACKED, known.acked_first),
        (FIN_ACKED, FIN_RECEIVED, known.crossed),
    ):
        here = ~passive & (made.closing == (ACTIVE if last == FIN_RECEIVED else CROSSED))
        _doubt(made, middle, here & ~proved)
        here &= made.grade[:, last] > 0
        made.low[here, last] = low[here]
        made.high[here & ~proved, last] = high[here & ~proved]
        _doubt(made, last, here & ~final)
    _doubt(made, FIN_SENT, np.where(passive, ~known.closed_after, ~known.sent_first))
    _doubt(made, FIN_RECEIVED, passive & ~known.closed_after)
    _doubt(made, FIN_ACKED, np.where(passive, ~known.closed_after, ~known.sent_first))
    _doubt(made, FIN_RECEIVED, ~passive & ~known.sent_first)


def _death(made: Ordered) -> None:
    """Nothing happens to a side that is CLOSED."""
    always = np.ones(len(made.grade), bool)
    for event in (SYN_SENT, SYN_RECEIVED, SYN_ACKED, FIN_SENT, FIN_RECEIVED, FIN_ACKED):
        _before(made, event, DEAD, always)
