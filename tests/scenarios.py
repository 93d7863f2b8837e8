"""Scenarios for hypothesis: two applications, two stacks, and a path. Simple ones come first, so that it can shrink."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from simulated_path import Fate, Scenario
from simulator import MILLI, SECOND, Habits

WAITS = (
    st.sampled_from([0, 1, 10, 50, 200, 1000, 5000]).map(lambda ms: ms * MILLI)
    | st.integers(0, 300 * MILLI)
    | st.integers(0, 3 * SECOND)
)
DELAYS = st.sampled_from([0, 1, 10, 40, 150]).map(lambda ms: ms * MILLI) | st.integers(0, 300 * MILLI)
LATE = st.sampled_from([0, 1, 30, 300, 2000]).map(lambda ms: ms * MILLI) | st.integers(0, 3 * SECOND)
NUMBERS = st.sampled_from([1000, 0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFE00]) | st.integers(0, 0xFFFFFFFF)


def habits():
    return st.builds(
        Habits,
        iss=NUMBERS,
        mss=st.sampled_from([500, 100, 1460]),
        window=st.sampled_from([20_000, 500, 1000, 65_535]),
        window_scale=st.sampled_from([-1, 0, 7]),
        timestamps=st.booleans(),
        clock=NUMBERS,
        tick=st.sampled_from([1, 10, 500]).map(lambda ms: ms * MILLI),
        sack=st.booleans(),
        dsack=st.booleans(),
        ip_id=st.sampled_from(["running", "zero", "linux", "none"]),
        first_ip_id=st.sampled_from([1, 0xFFF0]),
        delayed_ack=st.sampled_from([0, 40, 200]).map(lambda ms: ms * MILLI),
        smallest_rto=st.sampled_from([200, 1000]).map(lambda ms: ms * MILLI),
        retries=st.sampled_from([6, 2]),
        two_msl=st.sampled_from([60, 1]).map(lambda s: s * SECOND),
        fin_wait_2_limit=st.sampled_from([0, 1, 60]).map(lambda s: s * SECOND),
        keep_alive=st.sampled_from([0, 0, 0, 2]).map(lambda s: s * SECOND),
        ack_limit=st.sampled_from([0, 500]).map(lambda ms: ms * MILLI),
        fin_rides=st.booleans(),
        probe_octet=st.booleans(),
        syn_draws_syn_ack=st.booleans(),
        takes_syn_ack=st.booleans(),
        lax_reset=st.booleans(),
        reset_on_giving_up=st.booleans(),
    )


OCTETS = st.sampled_from([1, 100, 500, 1200, 3000])
CLOSES = ["shutdown", "close"]
ENDS = [*CLOSES, *CLOSES, "abort", "forget", "vanish", "pause"]
LATER = ["send", "close", "abort", "resume", "forget"]


def actions(calls, most):
    return st.lists(st.tuples(WAITS, st.sampled_from(calls), OCTETS), max_size=most)


def scripts(first, last=ENDS):
    """How a side begins, what it sends, how it ends, and what it still tries then."""
    begins = st.tuples(WAITS if first != ["listen"] else st.just(0), st.sampled_from(first), st.just(0))
    ends = st.tuples(WAITS, st.sampled_from(last), st.just(0)).map(lambda action: (action,))
    opens = st.sampled_from([((0, "when_open", 0),), ((0, "when_open", 0),), ()])
    acts = actions(["send", "send", "pause", "resume"], 3)
    parts = st.tuples(begins, opens, acts, ends | st.just(()), actions(LATER, 2))
    return parts.map(lambda parts: (parts[0], *parts[1], *parts[2], *parts[3], *parts[4]))


def fates():
    places = st.sampled_from(["", "before", "after"])
    return st.builds(
        Fate, lost=places, late_before=LATE, late_after=LATE, copied=places, copy_late=LATE, missed=st.booleans()
    )


def troubles():
    """Few of them early, or many."""
    early = st.tuples(st.integers(0, 1), st.integers(0, 8))
    any_ = st.tuples(st.integers(0, 1), st.integers(0, 20))
    return st.dictionaries(early, fates(), max_size=4) | st.dictionaries(any_, fates(), min_size=4, max_size=14)


def complete(fates):
    """The same, with nothing that the capture itself has missed."""
    return fates.map(lambda all_: {where: replace(fate, missed=False) for where, fate in all_.items()})


def both_scripts():
    """Mostly a client and a listener that both close; at times two clients, or nobody who listens."""
    passive = st.tuples(scripts(["connect"]), scripts(["listen"]))
    closing = st.tuples(scripts(["connect"], CLOSES), scripts(["listen"], CLOSES))
    any_ = st.tuples(scripts(["connect"]), scripts(["connect", "listen", "forget"]))
    return closing | closing | passive | any_


def scenarios(fates=troubles(), taps=True):
    """Any scenario; ``taps=False``: the capture holds the whole connection, both sides of it."""
    starts = st.just(0) | st.integers(0, 4 * SECOND)
    stops = st.just(10_000 * SECOND) | st.integers(0, 10 * SECOND)
    sees = st.sampled_from([(True, True), (True, False), (False, True)])
    return st.builds(
        Scenario,
        habits=st.tuples(habits(), habits()),
        scripts=both_scripts(),
        delays=st.tuples(DELAYS, DELAYS),
        fates=fates,
        starts=starts if taps else st.just(0),
        stops=stops if taps else st.just(10_000 * SECOND),
        sees=sees if taps else st.just((True, True)),
    )


PERFECT = st.just({})
