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
from simulator import Habits

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
        found = contradictions(played.truth, replayed(played))
        assert found == [], "\n".join([*found, story(played)])


@hunting(scenarios(PERFECT, taps=False))
def test_a_perfect_path(scenario):
    judge(scenario)


@hunting(scenarios(complete(troubles()), taps=False))
def test_a_path_that_loses_delays_reorders_and_copies(scenario):
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
