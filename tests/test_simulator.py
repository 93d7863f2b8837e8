"""Two simulated endpoints of RFC 9293 over a path that loses, delays, reorders and copies: the replay may not know what
happened, but what it calls certain is true, and every bound holds.

A hundred scenarios of each kind run here, always the same; more of them with ``PCAPSTATE_SCENARIOS=10000``.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from scenarios import PERFECT, complete, scenarios, troubles
from simulated_path import Fate, Scenario, run, story
from simulated_truth import contradictions, replayed
from simulator import MILLI, SECOND, Habits

COUNT = int(os.environ.get("PCAPSTATE_SCENARIOS", "100"))


def hunting(strategy):
    """Many scenarios, the same ones each time; shrinking is for the hunter, who raises COUNT."""

    def decorate(function):
        return seed(1)(
            settings(
                max_examples=COUNT,
                deadline=None,
                database=None,
                derandomize=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink] if COUNT > 100 else [Phase.generate],
            )(given(strategy)(function))
        )

    return decorate


def judge(scenario):
    played = run(scenario)
    if played.seen:
        found = contradictions(played.truth, replayed(played), scenario.complete)
        assert found == [], "\n".join([*found, story(played)])


@hunting(scenarios(PERFECT, taps=False))
def test_a_perfect_path(scenario):
    judge(scenario)


@hunting(scenarios(complete(troubles()), taps=False))
def test_a_path_that_loses_delays_reorders_and_copies(scenario):
    judge(scenario)


@hunting(scenarios(complete(troubles())))
def test_a_capture_that_begins_late_ends_early_or_sees_one_side_only(scenario):
    judge(scenario)


@hunting(scenarios(troubles(), taps=False))
def test_a_capture_that_misses_packets(scenario):
    judge(scenario)


def open_and_close(**fate):
    """A connection that the client opens, sends on, and closes, the server after it; one segment has a fate."""
    return Scenario(
        habits=(Habits(), Habits()),
        scripts=(
            ((0, "connect", 0), (0, "when_open", 0), (0, "send", 100), (10**8, "close", 0)),
            ((0, "listen", 0), (0, "when_open", 0), (3 * 10**8, "close", 0)),
        ),
        delays=(10**7, 10**7),
        fates=fate.get("fates", {}),
    )


def states(scenario, side):
    return [after for _, _, _, after in run(scenario).truth[side]]


def test_the_simulated_endpoints_go_the_way_of_figure_5():
    client, server = states(open_and_close(), 0), states(open_and_close(), 1)
    assert [s for s in client if s != "CLOSED"] == ["SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
    assert [s for s in server if s not in ("CLOSED", "LISTEN")] == [
        "SYN_RECEIVED",
        "ESTABLISHED",
        "CLOSE_WAIT",
        "LAST_ACK",
    ]


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("side", [0, 1])
def test_any_single_loss(side, number, place):
    judge(open_and_close(fates={(side, number): Fate(lost=place)}))


def test_a_contradiction_is_found_when_there_is_one():
    """The judge can fail: the truth of another connection does not fit."""
    played = run(open_and_close())
    other = run(
        Scenario(
            habits=(Habits(), Habits()),
            scripts=(((0, "connect", 0), (0, "when_open", 0), (0, "abort", 0)), ((0, "listen", 0),)),
            delays=(10**7, 10**7),
            fates={},
        )
    )
    assert contradictions(other.truth, replayed(played)) != []


def test_a_simultaneous_opener_whose_own_syn_is_seen_last():
    """SYN,ACK and FIN pass first: it looks like a listener's child until the SYN comes, after the close."""
    judge(
        Scenario(
            habits=(Habits(), Habits()),
            scripts=(
                ((0, "connect", 0), (0, "when_open", 0), (0, "shutdown", 0)),
                ((0, "connect", 0), (200_000_000, "shutdown", 0)),
            ),
            delays=(40_000_000, 40_000_000),
            fates={(1, 0): Fate(late_before=300_000_000)},
        )
    )


def a_scenario(client=(), server=(), *, habits=({}, {}), fates=None, **more):
    """Scripts in ms; a side's script begins with ``connect`` or ``listen``."""
    delays = more.pop("delays", (0, 0))
    return Scenario(
        habits=(Habits(**habits[0]), Habits(**habits[1])),
        scripts=tuple(tuple((wait * MILLI, call, octets) for wait, call, octets in side) for side in (client, server)),
        delays=tuple(delay * MILLI for delay in delays),
        fates=fates or {},
        **more,
    )


CONNECT, LISTEN, WHEN_OPEN = (0, "connect", 0), (0, "listen", 0), (0, "when_open", 0)
NO_SYN_ACK = {"syn_draws_syn_ack": False, "takes_syn_ack": False}
"""A simultaneous opener that sends its SYN,ACK once, and takes the peer's for no acknowledgement."""
COARSE = {"tick": 500 * MILLI}
ALIVE = {"keep_alive": 2 * SECOND}

INCOMPLETE = {
    "a keep-alive is the first of its side: the octet that it lacks is no FIN": a_scenario(
        [CONNECT],
        [LISTEN, (1000, "send", 100), (5000, "close", 0)],
        habits=({}, ALIVE),
        starts=3625 * MILLI,
        stops=5415 * MILLI,
    ),
    "a single octet that was acknowledged unseen was data, the FIN comes after it": a_scenario(
        [CONNECT, (2000, "shutdown", 0), (0, "abort", 0)],
        [LISTEN, WHEN_OPEN, (200, "send", 1), (1000, "shutdown", 0)],
        delays=(0, 200),
        sees=(True, False),
    ),
    "SYN and SYN,ACK from one side: simultaneous, though the peer's SYN is missing": a_scenario(
        [CONNECT],
        [CONNECT, (1000, "close", 0)],
        habits=({"takes_syn_ack": False}, {"takes_syn_ack": False}),
        delays=(0, 200),
        fates={(0, 0): Fate(missed=True)},
    ),
    "the first acknowledgement of an unseen SYN may answer a SYN": a_scenario(
        [CONNECT],
        [(200, "connect", 0)],
        habits=({}, {"syn_draws_syn_ack": False}),
        delays=(100, 100),
        fates={(1, 1): Fate(missed=True), (0, 0): Fate(copied="before", missed=True)},
    ),
    "the SYN,ACK of an opener comes after its bare ACK, and its peer is not seen": a_scenario(
        [CONNECT],
        [CONNECT],
        habits=(NO_SYN_ACK, {}),
        fates={(0, 1): Fate(late_before=300 * MILLI)},
        sees=(True, False),
    ),
    "the SYN,ACK of an opener comes after its bare ACK, and the capture begins late": a_scenario(
        [CONNECT],
        [CONNECT],
        habits=({"takes_syn_ack": False}, NO_SYN_ACK),
        delays=(200, 0),
        fates={
            (1, 4): Fate(lost="before"),
            (1, 1): Fate(late_after=2 * SECOND),
            (1, 2): Fate(late_before=2 * SECOND),
            (0, 2): Fate(late_after=2 * SECOND),
        },
        starts=2444 * MILLI,
    ),
    "who answers a late SYN with bare ACKs was no listener": a_scenario(
        [CONNECT],
        [CONNECT],
        habits=({}, ALIVE),
        fates={(0, 0): Fate(late_before=2 * SECOND)},
        starts=1085 * MILLI,
    ),
    "who answers a lost SYN's SYN,ACK with a bare ACK was no listener": a_scenario(
        [CONNECT],
        [CONNECT],
        habits=({"syn_draws_syn_ack": False}, {}),
        fates={
            (0, 0): Fate(lost="after"),
            (0, 1): Fate(late_before=300 * MILLI),
            (1, 0): Fate(copied="after", missed=True),
        },
    ),
    "a capture that begins with a SYN,ACK does not show that it answers a SYN": a_scenario(
        [CONNECT],
        [CONNECT],
        habits=({}, NO_SYN_ACK),
        delays=(200, 0),
        starts=391 * MILLI,
    ),
    "a side that was never seen may have sent its FIN in SYN_RECEIVED": a_scenario(
        [CONNECT, (1000, "close", 0)],
        [CONNECT, WHEN_OPEN, (0, "close", 0)],
        habits=({"takes_syn_ack": False}, {"takes_syn_ack": False}),
        delays=(0, 40),
        starts=767 * MILLI,
        sees=(False, True),
    ),
    "a FIN from SYN_RECEIVED that is missing: bare segments after it leave a hole": a_scenario(
        [(200, "connect", 0), (300, "shutdown", 0)],
        [(200, "connect", 0), (2000, "close", 0)],
        delays=(200, 0),
        fates={(0, 2): Fate(late_after=SECOND, missed=True)},
    ),
    "a SYN that is missing had the timestamp of the SYN,ACK": a_scenario(
        [CONNECT],
        [CONNECT],
        habits=(COARSE, NO_SYN_ACK),
        delays=(100, 0),
        fates={(0, 0): Fate(missed=True)},
    ),
    "a SYN that is missing had the timestamp of the ACK": a_scenario(
        [CONNECT],
        [LISTEN],
        habits=(COARSE, {"syn_draws_syn_ack": False}),
        delays=(0, 100),
        fates={(0, 0): Fate(copied="before", copy_late=30 * MILLI, missed=True)},
    ),
    "a SYN that is missing had the timestamp of the SYN,ACK, as the peer's SYN,ACK shows": a_scenario(
        [(200, "connect", 0)],
        [CONNECT],
        habits=({}, NO_SYN_ACK),
        delays=(0, 200),
        fates={(0, 0): Fate(missed=True)},
    ),
    "a capture that begins with a SYN,ACK whose acknowledgement is 0": a_scenario(
        [CONNECT],
        [LISTEN],
        habits=({"iss": 0xFFFFFFFF, **ALIVE}, {}),
        fates={(0, 1): Fate(lost="after"), (0, 4): Fate(lost="before"), (0, 2): Fate(lost="before")},
        starts=2247 * MILLI,
    ),
    "data that is missing had the timestamp of the ACK of the FIN": a_scenario(
        [CONNECT, (200, "shutdown", 0)],
        [LISTEN, (100, "send", 1200)],
        habits=({"window": 500}, {}),
        delays=(0, 10),
        fates={(1, 1): Fate(late_after=MILLI, missed=True), (0, 1): Fate(lost="before")},
    ),
    "a reset with a number of the connection before": a_scenario(
        [CONNECT],
        [LISTEN, WHEN_OPEN, (800, "send", 100), (100, "send", 1), (2100, "close", 0), (0, "abort", 0)],
        delays=(0, 150),
        fates={(0, 0): Fate(late_before=2500 * MILLI, late_after=2 * SECOND)},
        starts=3723 * MILLI,
    ),
}


@pytest.mark.parametrize("kind", INCOMPLETE)
def test_what_is_missing_from_a_capture_proves_nothing(kind):
    assert not INCOMPLETE[kind].complete
    judge(INCOMPLETE[kind])


OVERTAKEN = {
    "a SYN,ACK overtakes the SYN of the same tick, and an echo is due to that": a_scenario(
        [CONNECT],
        [CONNECT],
        habits=({"tick": 10 * MILLI}, {"syn_draws_syn_ack": False}),
        delays=(0, 1),
        fates={(0, 1): Fate(late_after=300 * MILLI), (0, 0): Fate(late_before=100 * MILLI, copied="before")},
    ),
    "the reset that refused a SYN is overtaken by the whole connection after it": a_scenario(
        [(400, "connect", 0), WHEN_OPEN, (0, "shutdown", 0)],
        [CONNECT, WHEN_OPEN, (0, "shutdown", 0)],
        fates={(0, 0): Fate(late_before=SECOND)},
    ),
}


@pytest.mark.parametrize("kind", OVERTAKEN)
def test_what_is_late_proves_nothing(kind):
    assert OVERTAKEN[kind].complete
    judge(OVERTAKEN[kind])


def test_the_segment_that_shows_a_missing_fin_acknowledges_it():
    """Only the client is captured: its first acknowledgement of the server's FIN bounds the server's FIN_WAIT_2."""
    scenario = a_scenario([CONNECT, (1000, "close", 0)], [LISTEN, (10, "shutdown", 0)], sees=(True, False))
    (row,) = (row for row in replayed(run(scenario)) if row.after == "FIN_WAIT_2")
    assert (row.side, row.earliest, row.frame) == (1, 10 * MILLI, 3)


def test_who_sends_its_syn_again_was_not_refused():
    """The reset that refused the SYN was lost; when the SYN comes again its target opens too: both at once."""
    judge(
        Scenario(
            habits=(Habits(), Habits()),
            scripts=(
                ((10**9, "connect", 0), (0, "when_open", 0), (0, "shutdown", 0)),
                ((0, "connect", 0), (0, "when_open", 0), (0, "shutdown", 0)),
            ),
            delays=(10**6, 1),
            fates={(0, 0): Fate(lost="after")},
        )
    )


def test_a_late_copy_of_a_syn_from_before_another_connection():
    """Two connections are refused, one in each direction; then a copy of the first SYN comes, and is refused again."""
    judge(
        a_scenario(
            [(1, "connect", 0)],
            [CONNECT],
            fates={(1, 0): Fate(copied="before", copy_late=30 * MILLI)},
        )
    )
