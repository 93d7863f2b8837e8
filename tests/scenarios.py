"""Scenarios for hypothesis: two applications, two stacks, and a path. Simple ones come first, so that it can shrink."""

from __future__ import annotations

from hypothesis import strategies as st
from simulated_path import Fate, Scenario
from simulator import MILLI, SECOND, Habits

WAITS = st.sampled_from([0, 1, 10, 50, 200, 1000, 5000]).map(lambda ms: ms * MILLI) | st.integers(0, 3 * SECOND)
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


def actions(calls):
    octets = st.sampled_from([1, 100, 500, 1200, 3000])
    return st.tuples(WAITS, st.sampled_from(calls), octets)


USUAL = ["send", "shutdown", "close", "send", "abort"]
RARE = [*USUAL, "pause", "resume", "vanish", "forget"]


def scripts(first, calls=RARE):
    return st.tuples(st.tuples(WAITS, st.sampled_from(first), st.just(0)), st.lists(actions(calls), max_size=6)).map(
        lambda parts: (parts[0], *parts[1])
    )


def fates():
    places = st.sampled_from(["", "before", "after"])
    return st.builds(
        Fate, lost=places, late_before=LATE, late_after=LATE, copied=places, copy_late=LATE, missed=st.booleans()
    )


def troubles(most=8):
    where = st.tuples(st.integers(0, 1), st.integers(0, 12))
    return st.dictionaries(where, fates(), max_size=most)


def openings():
    """How the two sides begin: mostly a client and a listener, at times two clients, or nobody who listens."""
    passive = st.tuples(scripts(["connect"]), st.lists(actions(RARE), max_size=6)).map(
        lambda both: (both[0], ((0, "listen", 0), *both[1]))
    )
    return passive | st.tuples(scripts(["connect"]), scripts(["connect", "listen", "forget"]))


def scenarios(fates=troubles(), taps=True):
    """Any scenario; ``taps=False``: the capture holds the whole connection, both sides of it."""
    starts = st.just(0) | st.integers(0, 4 * SECOND)
    stops = st.just(10_000 * SECOND) | st.integers(0, 10 * SECOND)
    sees = st.sampled_from([(True, True), (True, False), (False, True)])
    return st.builds(
        Scenario,
        habits=st.tuples(habits(), habits()),
        scripts=openings(),
        delays=st.tuples(DELAYS, DELAYS),
        fates=fates,
        starts=starts if taps else st.just(0),
        stops=stops if taps else st.just(10_000 * SECOND),
        sees=sees if taps else st.just((True, True)),
    )


PERFECT = st.just({})
