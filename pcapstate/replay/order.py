"""The order of a side's events, and what follows from it: bounds that bound each other, states that are certain.

An event is certain when a segment shows that it happened; a state only when the order of the events that make it is
shown too. FIN_WAIT_1 or LAST_ACK: had the side received the peer's FIN before it sent its own? FIN_WAIT_2 or CLOSING:
which arrived first, the peer's FIN or the acknowledgement of its own? ``proofs`` has the facts that tell; where they
do not, the states stay presumed, and nothing is concluded from one event for the other.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from ..tcp import machine
from .proofs import DATA, EMPTY
from .resets import ACTIVE as ACTIVE_FORM
from .rows import (
    CONFIRMED,
    DEAD,
    DEDUCED,
    EVENTS_PER_SIDE,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    NEVER,
    PRESUMED,
    SENT,
    SYN_ACKED,
    SYN_RECEIVED,
)

SND_RST = machine.SND_RST

PASSIVE, CROSSED, ACTIVE = range(3)
"""How a side closes: by CLOSE_WAIT and LAST_ACK, by FIN_WAIT_1 and CLOSING, by FIN_WAIT_1 and FIN_WAIT_2."""

Dated = Row("Dated", "grade at frame low high proof refuted sure")
"""An event of a side, while its order is found: as in ``rows.Event``, but ``grade`` becomes that of the state which the
event makes; ``sure`` says of the event that it happened."""

Proved = Row(
    "Proved",
    # What is proved of the order of a side's events; a fact may hold only one way. `received_first`: the peer's FIN
    # arrived before the side sent its own; `sent_first`: it had not; `acked_first`: the ACK of its FIN came before the
    # peer's FIN; `crossed`: after it; `established_first`: it was past the handshake before it sent its FIN;
    # `closed_after`: no FIN was waiting when the peer's arrived before its own was sent.
    "received_first sent_first acked_first crossed established_first closed_after "
    # `crossing`: both sides sent a SYN; `both`: the side opened simultaneously; `closing`: PASSIVE, CROSSED or ACTIVE.
    "crossing both closing",
)


@kernel
def shown(grade: int) -> int:
    """1 if a segment shows that an event of that grade happened."""
    return 1 if grade == SENT or grade == CONFIRMED or grade == DEDUCED else 0


@kernel
def prove(m: Any, slot: int) -> None:
    """Weighs the proofs of ``proofs`` for both sides of a flow: fills ``m.proved``."""
    f = m.flows[slot]
    for side in range(2):
        x = m.sides[2 * slot + side]
        p = m.proved[side]
        p.crossing = 1 if x.syn_pure and f.simultaneous else 0
        # A simultaneous opener answers the peer's SYN with a SYN,ACK. One that never did has got the peer's SYN,ACK
        # first.
        past = shown(m.events[EVENTS_PER_SIDE * (2 * slot + side) + SYN_ACKED].grade)
        p.both = 1 if p.crossing and (x.crossed or not past) else 0
        first_fin(x, m.sides[2 * slot + 1 - side], p)
    for side in range(2):
        index = 2 * slot + side
        prove_closing(m, index, m.sides[index], m.sides[index ^ 1], m.proved[side], m.proved[1 - side])
        prove_opening(f, m.sides[index], m.sides[index ^ 1], m.proved[side])


@kernel
def seen_fin(y: Any) -> int:
    """The end of the FIN of Y, 0 if none was seen: what is guessed proves nothing."""
    return 0 if y.fin_guess > 0 else y.fin  # type: ignore[no-any-return]


@kernel
def first_fin(x: Any, y: Any, p: Any) -> None:
    """Had X received the peer's FIN before it sent its own?"""
    received = seen_fin(y) > 0 and x.open_ack >= seen_fin(y)
    # What the peer sent before its FIN is known; what a FIN acknowledges beyond that may be the peer's FIN.
    not_yet = x.fin_ack_low <= y.data_end
    p.received_first = 1 if received and not not_yet else 0
    p.sent_first = 1 if not_yet and not received else 0


@kernel
def prove_closing(m: Any, index: int, x: Any, y: Any, p: Any, q: Any) -> None:
    """Which arrived first at X, the peer's FIN or the ACK of its own; and how it closes. ``q`` is of the peer."""
    sent = m.events[EVENTS_PER_SIDE * index + FIN_SENT].grade > 0
    got = m.events[EVENTS_PER_SIDE * index + FIN_RECEIVED]
    acked = m.events[EVENTS_PER_SIDE * index + FIN_ACKED]
    known = shown(acked.grade) and x.fin_acked_ack <= y.data_end
    fin = seen_fin(y)
    p.acked_first = 1 if p.sent_first and (q.received_first or known) else 0
    p.crossed = 1 if p.sent_first and not p.acked_first and fin > 0 and x.fin_ack_high >= fin else 0
    waited = x.waiting != DATA if sent else x.waiting == EMPTY
    p.closed_after = 1 if p.received_first and waited else 0
    # The way of closing is the proved one, or the likely one. An IP ID tells which, but not whether it was a copy of
    # the FIN, made behind the capture point, that drew the answer: no proof.
    first = got.grade > 0 and (acked.grade == 0 or got.at < acked.at)
    if not sent or p.received_first or (x.fin_after_fin and not p.sent_first):
        p.closing = PASSIVE
    elif p.crossed or (first and not p.acked_first and not x.orphan):
        p.closing = CROSSED
    else:
        p.closing = ACTIVE


@kernel
def prove_opening(f: Any, x: Any, y: Any, p: Any) -> None:
    """Was X past the handshake before it sent its FIN?"""
    active = x.syn_pure and not x.syn_unseen and not p.crossing
    data = x.data_end > max(x.syn_end, 1) or x.open_shown
    # RFC 7413 4.2: a fast open hands the child over in SYN_RECEIVED; it may send data from there, and close.
    fast = not x.syn_pure and y.syn_end > 1 and y.fast_open >= 0
    p.established_first = 1 if f.midstream or active or (data and not fast) else 0


@kernel
def ordered(m: Any, f: Any, x: Any, index: int, p: Any) -> None:
    """Orders the events of side X, which are those from ``EVENTS_PER_SIDE * index`` on: fills ``m.dated``."""
    for event in range(EVENTS_PER_SIDE):
        date(m.dated[event], m.events[EVENTS_PER_SIDE * index + event])
    bound_opening(m.dated, p, x)
    bound_closing(m.dated, p)
    for event in range(DEAD):
        # Nothing happens to a side that is CLOSED.
        before(m.dated[event], m.dated[DEAD])
    if f.twin:
        # A SYN with the ISN of the connection before may be a late copy of its SYN, and what follows its own; or two
        # connections are taken for one, as the SYN of the second was not captured.
        for event in range(SYN_RECEIVED, EVENTS_PER_SIDE):
            doubt(m.dated[event])
            m.dated[event].low = -NEVER
    # A reset takes the child of a listener back to LISTEN, if it was not yet past SYN_RECEIVED.
    aborted = m.events[EVENTS_PER_SIDE * index + DEAD].how == SND_RST and x.rst_form == ACTIVE_FORM
    if x.syn_seen and not x.syn_pure and not m.dated[SYN_ACKED].sure and not aborted:
        doubt(m.dated[DEAD])


@kernel
def date(d: Any, e: Any) -> None:
    """What is known of event ``e`` alone."""
    d.grade = e.grade
    d.at = e.at
    d.frame = e.frame
    d.low = e.low
    d.high = e.high
    d.proof = e.proof
    d.refuted = e.refuted
    d.sure = shown(e.grade)


@kernel
def before(one: Any, other: Any) -> None:
    """``one`` came first: each bounds the other if it happened."""
    if one.sure:
        other.low = max(other.low, one.low)
    if other.sure:
        one.high = min(one.high, other.high)


@kernel
def implied(one: Any, other: Any) -> None:
    """``one`` had happened when ``other`` did, by which it is confirmed."""
    if other.sure and one.grade == PRESUMED:
        one.grade = CONFIRMED
        one.sure = 1
        one.high = min(one.high, other.high)
        one.proof = other.proof


@kernel
def doubt(one: Any) -> None:
    """The event may be certain; the state that it makes is not."""
    if one.grade > 0:
        one.grade = PRESUMED


@kernel
def bound_opening(dated: Any, p: Any, x: Any) -> None:
    """The handshake comes before the close, where it is shown to have been over."""
    before(dated[SYN_RECEIVED], dated[SYN_ACKED])
    for closing in range(FIN_SENT, DEAD):
        before(dated[SYN_RECEIVED], dated[closing])
        if p.established_first:
            before(dated[SYN_ACKED], dated[closing])
            implied(dated[SYN_ACKED], dated[closing])
    if p.received_first:
        implied(dated[SYN_ACKED], dated[FIN_RECEIVED])
    if not p.established_first and dated[FIN_SENT].grade > 0:
        doubt(dated[SYN_ACKED])
    if p.both and not x.crossed:
        doubt(dated[SYN_RECEIVED])


@kernel
def bound_closing(dated: Any, p: Any) -> None:
    """The two FINs and the ACK of the side's own, by what is proved of their order."""
    before(dated[FIN_SENT], dated[FIN_ACKED])
    if p.received_first:
        before(dated[FIN_RECEIVED], dated[FIN_SENT])
    if p.sent_first:
        before(dated[FIN_SENT], dated[FIN_RECEIVED])
    if p.acked_first:
        implied(dated[FIN_ACKED], dated[FIN_RECEIVED])
    final = dated[FIN_RECEIVED].sure and dated[FIN_ACKED].sure
    low = max(dated[FIN_ACKED].low, dated[FIN_RECEIVED].low)
    high = max(dated[FIN_ACKED].high, dated[FIN_RECEIVED].high) if final else NEVER
    if p.acked_first:
        before(dated[FIN_ACKED], dated[FIN_RECEIVED])
    if p.crossed:
        before(dated[FIN_RECEIVED], dated[FIN_ACKED])
    if p.closing == ACTIVE:
        waits_after(dated[FIN_ACKED], dated[FIN_RECEIVED], p.acked_first, final, low, high)
    elif p.closing == CROSSED:
        waits_after(dated[FIN_RECEIVED], dated[FIN_ACKED], p.crossed, final, low, high)
    if not (p.closed_after if p.closing == PASSIVE else p.sent_first):
        for closing in range(FIN_SENT, DEAD):
            doubt(dated[closing])


@kernel
def waits_after(middle: Any, last: Any, proved: int, final: int, low: int, high: int) -> None:
    """TIME_WAIT begins with the later of the two, whichever that is: between ``low`` and ``high``."""
    if not proved:
        doubt(middle)
    if last.grade > 0:
        last.low = low
        if not proved:
            last.high = high
    if not final:
        doubt(last)
