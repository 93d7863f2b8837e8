"""Events to states: a side's dated events, put in order and run through figure 5.

The order of a side's events follows from what it is (active, passive, simultaneous opener) and from proof: a FIN that
acknowledges the peer's FIN was sent after that one had arrived, one that does not before (``order``). Each event then
is one look into ``machine.NEXT``, and one row of the timeline if it has an effect. Estimates are made to follow the
order.
"""

from __future__ import annotations

from typing import Any

from ..kernels import Row, kernel
from ..schema import MISSING
from ..tcp import machine
from .order import CROSSED, PASSIVE, ordered, prove
from .resets import REPLY
from .rows import (
    DEAD,
    DEDUCED,
    EVENTS_PER_SIDE,
    FIN_ACKED,
    FIN_RECEIVED,
    FIN_SENT,
    NEVER,
    NOTHING,
    PRESUMED,
    SENT,
    STEP_COUNT,
    SYN_ACKED,
    SYN_RECEIVED,
    SYN_SENT,
)
from .verdicts import WAS_REFUSED

STEPS = 8
"""A side's steps at most: its opening (three), its closing (three), its death, the end of TIME_WAIT."""

SEEN = len(machine.EVENTS)
"""Code of the event `seen`, beside those of the machine."""

EVENT_WORDS = (*machine.EVENTS, "seen")
TIMER = 5
NO_EVENT = -1
NO_STATE = -1

Step = Row("Step", "flow side event before after grade at low high estimate frame proof note")
"""A transition: what the timeline table is made of. Grouped by side, in the order of its steps.

``event``: a code of EVENT_WORDS; ``before`` and ``after``: codes of states (NO_STATE: none); ``grade``: as in
``rows``, or TIMER; ``at``, ``low``, ``high``, ``estimate``: nanoseconds (MISSING where nothing is known); ``frame`` and
``proof``: frame numbers (0: none); ``note``: a place in NOTES.
"""

NOTES = (
    "",
    "Picked up in mid-stream.",
    "An earlier copy had no effect: it was sent again.",
    "The timer started anew when the FIN came again.",
    "Cut short: the 4-tuple was used again (RFC 6191).",
    "The FIN rides on data or waited for the window: close() may have come earlier.",
    "Gone in silence, at the latest when it answered with a reset.",
    "Its program had closed, so data that came after drew a reset; it may have gone before.",
    "Its own retransmissions went unanswered: it may have given up before the reset came.",
    "Not heard of since long before the reset: it may have gone in between.",
    "Not captured: shown by what came after.",
)
(NO_NOTE, SEEN_NOTE, AGAIN, ANEW, CUT_SHORT, EARLIER, SILENT, NOBODY_READS, GAVE_UP, QUIET, UNCAPTURED) = range(
    len(NOTES)
)

# A kernel sees the names of its own module.
NEXT, NO_EFFECT = machine.NEXT, machine.NO_STATE
CLOSED, LISTEN, ESTABLISHED = machine.CLOSED, machine.LISTEN, machine.ESTABLISHED
FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT = machine.FIN_WAIT_1, machine.FIN_WAIT_2, machine.TIME_WAIT
CLOSE_WAIT, SYN_RECEIVED_STATE = machine.CLOSE_WAIT, machine.SYN_RECEIVED  # an event has the name of the second
SND_SYN, RCV_SYN, RCV_SYN_ACK, RCV_ACK_OF_SYN = (
    machine.SND_SYN,
    machine.RCV_SYN,
    machine.RCV_SYN_ACK,
    machine.RCV_ACK_OF_SYN,
)
SND_FIN, RCV_FIN, RCV_ACK_OF_FIN = machine.SND_FIN, machine.RCV_FIN, machine.RCV_ACK_OF_FIN
SND_RST, RCV_RST, RCV_RST_ACTIVE, TWO_MSL = machine.SND_RST, machine.RCV_RST, machine.RCV_RST_ACTIVE, machine.TWO_MSL


@kernel
def tell_steps(m: Any, slot: int, at: int, two_msl: int) -> None:
    """Writes the steps of both sides of a flow into ``m.steps``, and what they come to into the outcomes of its sides,
    those of flow ``at``. ``two_msl``: ns."""
    f = m.flows[slot]
    prove(m, slot)
    for side in range(2):
        x, y, p = m.sides[2 * slot + side], m.sides[2 * slot + 1 - side], m.proved[side]
        first = m.control[STEP_COUNT]
        ordered(m, f, x, 2 * slot + side, p)
        state = run(m, f, x, y, 2 * slot + side, p)
        if state == TIME_WAIT:
            end_of_time_wait(m, f, x, y, side, first, two_msl)
        bound(m.steps, first, m.control[STEP_COUNT])
        conclude(m, m.side_outcomes[2 * at + side], first, state)
    if m.outcomes[at].opened == WAS_REFUSED:
        # Who refuses has no connection: RFC 9293's fictional state CLOSED.
        m.side_outcomes[2 * at + 1].state = CLOSED


@kernel
def conclude(m: Any, o: Any, first: int, state: int) -> None:
    """What the steps of a side, those from ``first`` on, come to; the timer of TIME_WAIT is told beside its state."""
    o.state = NO_STATE
    o.timer = o.received = o.received_until = o.waited = o.waited_until = o.close_waits = MISSING
    for i in range(first, m.control[STEP_COUNT]):
        step = m.steps[i]
        o.state = state
        if step.before == SYN_RECEIVED_STATE:
            o.received_until = step.estimate
        elif step.before == TIME_WAIT:
            o.waited_until = step.estimate
        if step.after == SYN_RECEIVED_STATE:
            o.received = step.estimate
        elif step.after == TIME_WAIT:
            o.waited = step.estimate
        elif step.after == CLOSE_WAIT:
            o.close_waits = step.high if step.high != MISSING else step.estimate
        elif step.grade == TIMER:
            o.timer = step.estimate


@kernel
def drop_guess(m: Any, slot: int) -> None:
    """A side that was never captured, and whose last octet was alone: a FIN only if its peer closes as well."""
    for index in range(2 * slot, 2 * slot + 2):
        x, y = m.sides[index], m.sides[index ^ 1]
        if x.fin_guess > 0 and x.packets == 0 and y.fin == 0:
            m.events[EVENTS_PER_SIDE * index + FIN_SENT].grade = NOTHING
            m.events[EVENTS_PER_SIDE * index + FIN_ACKED].grade = NOTHING
            m.events[EVENTS_PER_SIDE * (index ^ 1) + FIN_RECEIVED].grade = NOTHING


@kernel
def one_way(x: Any) -> int:
    """Delay between the capture point and the side, ns: half of the smallest round trip, 0 where none was seen."""
    return x.rtt_min // 2 if x.rtt_min < NEVER else 0  # type: ignore[no-any-return]


@kernel
def run(m: Any, f: Any, x: Any, y: Any, index: int, p: Any) -> int:
    """Looks the events of a side up in figure 5, in their order. One without effect is dropped. Returns the state."""
    state = CLOSED if x.syn_pure else LISTEN
    if f.midstream:
        state = NO_STATE
        if x.first_at > 0:
            found_open(m, f, x, y, index & 1)
            state = ESTABLISHED
    delay = one_way(x)
    too_soon = fin_before_ack(m, x, y, index)
    for place in range(EVENTS_PER_SIDE):
        event = event_at(place, x, p, too_soon)
        if event == NO_EVENT or m.dated[event].grade == 0 or state == NO_STATE:
            continue
        if place < 3 and m.dated[SYN_SENT].grade == 0:
            continue
        code = code_of(m, event, x, p, index)
        after = int(NEXT[state, code])
        if after == NO_EFFECT:
            continue
        step = m.steps[next_step(m, f, index & 1, code, state, after)]
        take(step, m.dated[event], delay)
        step.note = note_of(step, x, m.dated[event].refuted)
        state = after
    return state


@kernel
def event_at(place: int, x: Any, p: Any, too_soon: int) -> int:
    """Which event stands at a place of a side's order: of its opening, of its closing, its death; or NO_EVENT."""
    passive = not x.syn_pure or p.both
    if place == 0:
        return SYN_SENT if x.syn_pure else NO_EVENT
    if place == 1:
        return SYN_RECEIVED if passive else SYN_ACKED
    if place == 2:
        return SYN_ACKED if passive and not too_soon else NO_EVENT
    if place == DEAD:
        return DEAD
    if p.closing == PASSIVE:
        return FIN_RECEIVED if place == 3 else FIN_SENT if place == 4 else FIN_ACKED
    if place == 3:
        return FIN_SENT
    return FIN_RECEIVED if (place == 4) == (p.closing == CROSSED) else FIN_ACKED


@kernel
def code_of(m: Any, event: int, x: Any, p: Any, index: int) -> int:
    """The event of the machine."""
    if event == SYN_SENT:
        return SND_SYN
    if event == SYN_RECEIVED:
        return RCV_SYN
    if event == SYN_ACKED:
        return RCV_ACK_OF_SYN if not x.syn_pure or p.both else RCV_SYN_ACK
    if event == FIN_SENT:
        return SND_FIN
    if event == FIN_RECEIVED:
        return RCV_FIN
    if event == FIN_ACKED:
        return RCV_ACK_OF_FIN
    how = m.events[EVENTS_PER_SIDE * index + DEAD].how
    if how == RCV_RST or how == RCV_RST_ACTIVE:
        # Figure 5: who opened passively goes back to LISTEN.
        return RCV_RST_ACTIVE if x.syn_pure and p.both and m.dated[SYN_ACKED].grade == 0 else RCV_RST
    return how  # type: ignore[no-any-return]


@kernel
def fin_before_ack(m: Any, x: Any, y: Any, index: int) -> int:
    """1 if the side closed in SYN_RECEIVED (RFC 9293 3.10.4): its FIN was seen too soon to have waited for the ACK.

    Too soon is before the ACK was seen; or echoing an older timestamp; or, where there are none and the child was
    handed over with the SYN (RFC 7413), sooner than the ACK can have been answered. What the side had sent before its
    FIN may show the contrary: not every stack keeps its timestamps well.
    """
    fin = m.events[EVENTS_PER_SIDE * index + FIN_SENT]
    ack = m.events[EVENTS_PER_SIDE * index + SYN_ACKED]
    if fin.grade != SENT or ack.grade == 0 or ack.grade == DEDUCED or ack.high < fin.at:
        return 0
    if x.fin_tsecr >= 0 and ack.tsval >= 0 and (x.fin_tsecr - ack.tsval) & 0xFFFFFFFF > 0x7FFFFFFF:
        return 1
    fast = not x.syn_pure and y.syn_end > 1 and x.fin_tsecr < 0
    room = x.rtt_min * 7 // 8 if fast and x.rtt_min < NEVER else 0
    return 1 if fin.at < ack.at + room else 0


@kernel
def next_step(m: Any, f: Any, side: int, code: int, state: int, after: int) -> int:
    """The place of a fresh row of the timeline."""
    place = m.control[STEP_COUNT]
    m.control[STEP_COUNT] += 1
    step = m.steps[place]
    step.flow = f.number
    step.side = side
    step.event = code
    step.before = state
    step.after = after
    return place  # type: ignore[no-any-return]


@kernel
def take(step: Any, d: Any, delay: int) -> None:
    """The times and proofs of the event that makes the step: what is sent left before it was seen, what comes arrives
    after it was."""
    step.grade = d.grade
    step.at = d.at
    step.frame = d.frame
    step.low = d.low
    step.high = d.high
    step.proof = d.proof
    step.estimate = d.at - delay if d.grade == SENT else d.at + delay


@kernel
def found_open(m: Any, f: Any, x: Any, y: Any, side: int) -> None:
    """The first step of a side picked up mid-stream."""
    step = m.steps[next_step(m, f, side, SEEN, NO_STATE, ESTABLISHED)]
    # New octets from both sides show that no FIN had been sent before (SEMANTICS C5); else it is only likely.
    step.grade = DEDUCED if x.spoke > 0 and y.spoke > 0 else PRESUMED
    step.at = x.first_at
    step.low = -NEVER
    step.high = x.first_at
    step.estimate = x.first_at - one_way(x)
    step.frame = x.first_frame
    step.proof = 0
    step.note = SEEN_NOTE


@kernel
def end_of_time_wait(m: Any, f: Any, x: Any, y: Any, side: int, first: int, two_msl: int) -> None:
    """The end of TIME_WAIT: its timer, started anew by every FIN that comes again (RFC 9293 3.10.7.4)."""
    ends = -NEVER
    for i in range(first, m.control[STEP_COUNT]):
        step = m.steps[i]
        if step.event == SND_FIN or step.event == RCV_FIN or step.event == RCV_ACK_OF_FIN:
            ends = max(ends, step.estimate)
    note = NO_NOTE
    if y.fin_copies > 0:
        note = ANEW
        ends = max(ends, y.fin_last + one_way(x))
    ends += two_msl
    if f.successor_time > 0 and f.successor_time <= ends:
        note = CUT_SHORT
        ends = f.successor_time
    step = m.steps[next_step(m, f, side, TWO_MSL, TIME_WAIT, CLOSED)]
    step.grade = TIMER
    step.estimate = step.at = ends
    step.low = -NEVER
    step.high = NEVER
    step.frame = step.proof = 0
    step.note = note


@kernel
def note_of(step: Any, x: Any, refuted: int) -> int:
    """One short sentence where a step has something to say: a code into NOTES."""
    if step.event == RCV_RST and step.low < step.at and step.before != TIME_WAIT:
        return GAVE_UP if x.repeated_unanswered > 0 else QUIET
    if step.event == SND_RST and x.rst_form == REPLY:
        return NOBODY_READS if step.before == FIN_WAIT_1 or step.before == FIN_WAIT_2 else SILENT
    if step.event == SND_FIN and (x.fin_with_data > 0 or 0 <= x.window_at_fin <= 1):
        return EARLIER
    if refuted > 0:
        return AGAIN
    return UNCAPTURED if step.grade == DEDUCED else NO_NOTE


@kernel
def bound(steps: Any, first: int, end: int) -> None:
    """Estimates of a side's steps lie within the bounds and follow the order of the steps; a bound that is not known
    becomes MISSING."""
    high = NEVER
    for i in range(end - 1, first - 1, -1):
        # What a later step had happened by, this one had happened by as well.
        step = steps[i]
        if step.grade != TIMER:
            high = min(high, step.high)
            step.estimate = min(step.estimate, high)
    low = before = -NEVER
    for i in range(first, end):
        step = steps[i]
        if step.grade != TIMER:
            low = max(low, step.low)
            step.estimate = max(step.estimate, low)
        step.estimate = before = max(step.estimate, before)
        if step.low <= -NEVER or step.grade == TIMER:
            step.low = MISSING
        if step.high >= NEVER or step.grade == TIMER:
            step.high = MISSING
