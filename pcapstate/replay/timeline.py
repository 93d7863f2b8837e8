"""Events to states: every side's dated events, put in order and run through figure 5, for all sides at once.

The order of a side's events follows from what it is (active, passive, simultaneous opener) and from proof: a FIN that
acknowledges the peer's FIN was sent after that one had arrived, one that does not before (``order``). Each event then
is one look into ``machine.NEXT``. Estimates are made to follow the order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..schema import MISSING
from ..tcp import machine
from .order import Ordered, ordered, peer
from .resets import REPLY
from .rows import (
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

STEPS = 8
"""A side's row of steps: its opening (three), its closing (three), its death, the end of TIME_WAIT."""

SEEN = len(machine.EVENTS)
"""Code of the event `seen`, beside those of the machine."""

EVENT_WORDS = (*machine.EVENTS, "seen")
TIMER = 5
NO_EVENT = -1


CLOSINGS = np.array(
    [[FIN_RECEIVED, FIN_SENT, FIN_ACKED], [FIN_SENT, FIN_RECEIVED, FIN_ACKED], [FIN_SENT, FIN_ACKED, FIN_RECEIVED]]
)
"""The order of the closing events, for PASSIVE, CROSSED and ACTIVE."""

_CODES = {FIN_SENT: machine.SND_FIN, FIN_ACKED: machine.RCV_ACK_OF_FIN, FIN_RECEIVED: machine.RCV_FIN}
CLOSING_CODES = np.array([[_CODES[event] for event in way] for way in CLOSINGS.tolist()])


@dataclass(slots=True)
class Steps:
    """What happened to each side, in order: arrays of shape (sides, STEPS).

    ``event`` codes of EVENT_WORDS or -1; ``before`` and ``after`` state codes (-1: none) ; ``grade`` as in ``rows``, 5
    for a timer; ``at``, ``low``, ``high``, ``estimate`` nanoseconds (MISSING where nothing is known); ``frame`` and
    ``proof`` frame numbers (0: none). A step whose event has no effect has event -1.
    """

    event: np.ndarray
    before: np.ndarray
    after: np.ndarray
    grade: np.ndarray
    at: np.ndarray
    low: np.ndarray
    high: np.ndarray
    estimate: np.ndarray
    frame: np.ndarray
    proof: np.ndarray
    note: np.ndarray

    def final(self, last_time: int) -> np.ndarray:
        """State code of each side at ``last_time`` (-1: nothing known), shape (sides,), int8."""
        state = np.full(len(self.event), -1, np.int8)
        for k in range(STEPS):
            takes = (self.event[:, k] != NO_EVENT) & ((self.grade[:, k] != TIMER) | (self.estimate[:, k] <= last_time))
            state = np.where(takes, self.after[:, k], state)
        return state.astype(np.int8)


def one_way(sides: np.ndarray) -> np.ndarray:
    """Delay between the capture point and each side, ns: half of the smallest round trip, 0 where none was seen."""
    return np.where(sides["rtt_min"] < NEVER, sides["rtt_min"] // 2, 0)


def steps(flows: np.ndarray, sides: np.ndarray, events: np.ndarray, msl: float) -> Steps:
    """The steps of all sides.

    ``flows`` has shape (n,), ``sides`` (2n,), ``events`` (2n, EVENTS_PER_SIDE), structured as in ``rows``; ``msl`` is
    in seconds.
    """
    n = len(sides)
    _doubt(sides, events)
    known = ordered(flows, sides, events)
    order, code = _order(sides, events, known)
    delay = one_way(sides)
    # A column of all sides lies together in memory, so that what is done to one step of all sides is fast.
    place = np.maximum(order, 0)
    place *= n
    place += np.arange(n)[:, None]

    def picked(values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values.T).reshape(-1)[place.T].T

    made = Steps(*(np.zeros((n, STEPS), np.int64, order="F") for _ in range(11)))
    made.event = np.where((order >= 0) & (picked(events["grade"]) > 0), code, NO_EVENT)
    for name in ("at", "frame"):
        setattr(made, name, picked(events[name]))
    for name in ("grade", "low", "high", "proof"):
        setattr(made, name, picked(getattr(known, name)))
    sign = np.where(made.grade == SENT, -1, 1)
    made.estimate = made.at + sign * delay[:, None]
    _seen(flows, sides, delay, made)
    _run(sides, flows, made)
    _two_msl(flows, sides, events, delay, msl, made)
    _note(flows, sides, picked(events["refuted"]), made)
    _bound(made)
    return made


def _doubt(sides: np.ndarray, events: np.ndarray) -> None:
    """A side that was never captured, and whose last octet was alone: a FIN only if its peer closes as well."""
    peer = np.arange(len(sides)) ^ 1
    drop = (sides["fin_guess"] > 0) & (sides["packets"] == 0) & (sides["fin"][peer] == 0)
    for event, of in ((FIN_SENT, drop), (FIN_ACKED, drop), (FIN_RECEIVED, drop[peer])):
        events["grade"][of, event] = 0


def _order(sides: np.ndarray, events: np.ndarray, known: Ordered) -> tuple[np.ndarray, np.ndarray]:
    """Which event stands in which step, and as which event of the machine."""
    n = len(sides)
    order = np.full((n, STEPS), -1, np.int64, order="F")
    code = np.full((n, STEPS), NO_EVENT, np.int64, order="F")
    active = sides["syn_pure"] == 1
    both = known.both
    opened = events["grade"][:, SYN_SENT] > 0
    order[:, 0] = np.where(active, SYN_SENT, -1)
    code[:, 0] = machine.SND_SYN
    order[:, 1] = np.where(opened, np.where(active & ~both, SYN_ACKED, SYN_RECEIVED), -1)
    code[:, 1] = np.where(active & ~both, machine.RCV_SYN_ACK, machine.RCV_SYN)
    order[:, 2] = np.where(opened & (~active | both), SYN_ACKED, -1)
    code[:, 2] = machine.RCV_ACK_OF_SYN
    order[_fin_before_ack(sides, events) & (~active | both), 2] = -1
    order[:, 3:6] = CLOSINGS[known.closing]
    code[:, 3:6] = CLOSING_CODES[known.closing]
    order[:, 6] = DEAD
    how = events["how"][:, DEAD]
    unopened = active & both & (events["grade"][:, SYN_ACKED] == 0)
    reset = (how == machine.RCV_RST) | (how == machine.RCV_RST_ACTIVE)
    code[:, 6] = np.where(reset, np.where(unopened, machine.RCV_RST_ACTIVE, machine.RCV_RST), how)
    return order, code


def _fin_before_ack(sides: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Sides that closed in SYN_RECEIVED (RFC 9293 3.10.4): their FIN was seen too soon to have waited for the ACK.

    Too soon is before the ACK was seen; or echoing an older timestamp; or, where there are none and the child was
    handed over with the SYN (RFC 7413), sooner than the ACK can have been answered. What the side had sent before its
    FIN may show the contrary: not every stack keeps its timestamps well.
    """
    fin, ack = events[:, FIN_SENT], events[:, SYN_ACKED]
    known = (fin["grade"] == SENT) & (ack["grade"] > 0) & (ack["grade"] != DEDUCED) & (ack["high"] >= fin["at"])
    stale = (sides["fin_tsecr"] >= 0) & (ack["tsval"] >= 0)
    stale &= ((sides["fin_tsecr"] - ack["tsval"]) & 0xFFFFFFFF) > 0x7FFFFFFF
    fast = (sides["syn_pure"] == 0) & (peer(sides["syn_end"]) > 1) & (sides["fin_tsecr"] < 0)
    room = np.where(fast & (sides["rtt_min"] < NEVER), sides["rtt_min"] * 7 // 8, 0)
    found: np.ndarray = known & ((fin["at"] < ack["at"] + room) | stale)
    return found


def _seen(flows: np.ndarray, sides: np.ndarray, delay: np.ndarray, made: Steps) -> None:
    """The first step of a side picked up mid-stream."""
    midstream = np.repeat(flows["midstream"] == 1, 2)
    late = midstream & (sides["first_at"] > 0)
    made.event[late, 0] = SEEN
    # New octets from both sides show that no FIN had been sent before (SEMANTICS C5); else it is only likely.
    spoke = sides["spoke"] > 0
    both = spoke & peer(spoke)
    made.grade[late, 0] = np.where(both, DEDUCED, PRESUMED)[late]
    made.at[late, 0] = sides["first_at"][late]
    made.low[late, 0] = -NEVER
    made.high[late, 0] = sides["first_at"][late]
    made.estimate[late, 0] = sides["first_at"][late] - delay[late]
    made.frame[late, 0] = sides["first_frame"][late]
    made.proof[late, 0] = 0


def _run(sides: np.ndarray, flows: np.ndarray, made: Steps) -> None:
    """Looks every side's events up in figure 5, a step of all sides at a time. An event without effect is dropped."""
    n = len(sides)
    late = made.event[:, 0] == SEEN
    state = np.where(sides["syn_pure"] == 1, machine.CLOSED, machine.LISTEN)
    state = np.where(np.repeat(flows["midstream"] == 1, 2), -1, state)
    made.before = np.full((n, STEPS), -1, np.int64, order="F")
    made.after = np.full((n, STEPS), -1, np.int64, order="F")
    for k in range(STEPS):
        event = made.event[:, k]
        known = (event != NO_EVENT) & (event != SEEN) & (state >= 0)
        after = machine.NEXT[np.maximum(state, 0), np.where(known, event, 0)].astype(np.int64)
        known &= after != machine.NO_STATE
        made.before[:, k] = state
        state = np.where(known, after, state)
        if k == 0:
            state = np.where(late, machine.ESTABLISHED, state)
            known |= late
        made.after[:, k] = state
        made.event[:, k] = np.where(known, event, NO_EVENT)


def _two_msl(
    flows: np.ndarray, sides: np.ndarray, events: np.ndarray, delay: np.ndarray, msl: float, made: Steps
) -> None:
    """The end of TIME_WAIT: its timer, started anew by every FIN that comes again (RFC 9293 3.10.7.4)."""
    waits = made.after[:, STEPS - 2] == machine.TIME_WAIT
    if not waits.any():
        return
    entered = np.where(made.event[:, 3:6] != NO_EVENT, made.estimate[:, 3:6], -NEVER).max(axis=1)
    copies, last_copy = peer(sides["fin_copies"]), peer(sides["fin_last"])
    again = np.where(copies > 0, last_copy + delay, -NEVER)
    ends = np.maximum(entered, again) + int(msl * 2e9)
    reused = np.repeat(flows["successor_time"], 2)
    ends = np.where((reused > 0) & (reused < ends), reused, ends)
    last = STEPS - 1
    made.event[waits, last] = machine.TWO_MSL
    made.before[:, last] = made.after[:, last - 1]
    made.after[waits, last] = machine.CLOSED
    made.grade[waits, last] = TIMER
    made.estimate[waits, last] = ends[waits]
    made.at[waits, last] = ends[waits]
    made.low[waits, last] = -NEVER
    made.high[waits, last] = NEVER
    made.frame[waits, last] = 0
    made.proof[waits, last] = 0


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
(_, SEEN_NOTE, AGAIN, ANEW, CUT_SHORT, EARLIER, SILENT, NOBODY_READS, GAVE_UP, QUIET, UNCAPTURED) = range(len(NOTES))


def _note(flows: np.ndarray, sides: np.ndarray, refuted: np.ndarray, made: Steps) -> None:
    """One short sentence where a step has something to say: codes into NOTES."""
    code = made.event
    note = np.where(made.grade == DEDUCED, UNCAPTURED, 0)
    note[(refuted > 0) & (code != SEEN) & (made.grade != TIMER)] = AGAIN
    note[:, 0][code[:, 0] == SEEN] = SEEN_NOTE
    pushed = (sides["fin_with_data"] > 0) | ((sides["window_at_fin"] >= 0) & (sides["window_at_fin"] <= 1))
    note[(code == machine.SND_FIN) & pushed[:, None]] = EARLIER
    replied = (code == machine.SND_RST) & ((sides["rst_form"] == REPLY)[:, None])
    note[replied] = SILENT
    closed = (made.before == machine.FIN_WAIT_1) | (made.before == machine.FIN_WAIT_2)
    note[replied & closed] = NOBODY_READS
    early = (code == machine.RCV_RST) & (made.low < made.at) & (made.before != machine.TIME_WAIT)
    tried = (sides["repeated_unanswered"] > 0)[:, None]
    note[early & tried] = GAVE_UP
    note[early & ~tried] = QUIET
    again = peer(sides["fin_copies"]) > 0
    timer = (code == machine.TWO_MSL) & (made.grade == TIMER)
    note[timer & again[:, None]] = ANEW
    cut = np.repeat(flows["successor_time"], 2)[:, None]
    note[timer & (cut > 0) & (made.estimate == cut)] = CUT_SHORT
    made.note = np.where(code != NO_EVENT, note, 0)


def _bound(made: Steps) -> None:
    """Estimates lie within the bounds and follow the order of the steps; a bound that is not known becomes MISSING."""
    there = (made.event != NO_EVENT) & (made.grade != TIMER)
    low, high = np.where(there, made.low, -NEVER), np.where(there, made.high, NEVER)
    for k in range(1, STEPS):
        np.maximum(low[:, k], low[:, k - 1], out=low[:, k])
        np.minimum(high[:, -1 - k], high[:, -k], out=high[:, -1 - k])
    estimate = np.minimum(np.maximum(made.estimate, low), np.maximum(high, low))
    timer = (made.event != NO_EVENT) & (made.grade == TIMER)
    estimate = np.where(timer, made.estimate, np.where(there, estimate, -NEVER))
    for k in range(1, STEPS):
        np.maximum(estimate[:, k], estimate[:, k - 1], out=estimate[:, k])
    made.low = np.where(there & (made.low > -NEVER), made.low, MISSING)
    made.high = np.where(there & (made.high < NEVER), made.high, MISSING)
    made.estimate = np.where(made.event != NO_EVENT, estimate, MISSING)


@dataclass
class Rows:
    """The steps that are transitions, one row each, as flat arrays: what the timeline table is made of.

    Grouped by side in the order of its steps; ``flow`` and ``side`` say whose. ``state`` codes -1 are none.
    """

    flow: np.ndarray
    side: np.ndarray
    event: np.ndarray
    before: np.ndarray
    after: np.ndarray
    grade: np.ndarray
    at: np.ndarray
    low: np.ndarray
    high: np.ndarray
    estimate: np.ndarray
    frame: np.ndarray
    proof: np.ndarray
    note: np.ndarray


def rows(flows: np.ndarray, sides: np.ndarray, made: Steps) -> Rows:
    """Flattens ``made`` into rows."""
    side, step = np.nonzero(made.event != NO_EVENT)

    def flat(values: np.ndarray, dtype: type = np.int64) -> np.ndarray:
        return values[side, step].astype(dtype)

    return Rows(
        flow=flows["number"][side // 2],
        side=(side % 2).astype(np.int8),
        event=flat(made.event, np.int8),
        before=flat(made.before, np.int8),
        after=flat(made.after, np.int8),
        grade=flat(made.grade, np.int8),
        at=flat(made.at),
        low=flat(made.low),
        high=flat(made.high),
        estimate=flat(made.estimate),
        frame=flat(made.frame),
        proof=flat(made.proof),
        note=flat(made.note, np.int8),
    )
