"""replay/rtt.py: RFC 6298's smoothed round trip, and a median in five markers; both speeds give the same."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED, INTERPRETED, kernel
from pcapstate.replay import rtt
from pcapstate.replay.rtt import LONGEST, MOST_SAMPLES, median_of, observe
from pcapstate.replay.senders import Sender

SAMPLES = st.integers(0, 10**9)


@kernel
def observe_all(table, samples, count):
    for i in range(count):
        observe(table[0], samples[i])
    return median_of(table[0])


def observed(samples, speed=INTERPRETED):
    """The median, and the side's row as a dict, after these samples."""
    table = speed.table(Sender, 1)
    numbers = speed.integers(max(len(samples), 1))
    for i, sample in enumerate(samples):
        numbers[i] = sample
    median = int(speed.of(observe_all)(table, numbers, len(samples)))
    return median, dict(zip(Sender.fields, speed.array(Sender, table, 1)[0].tolist(), strict=True))


def both(samples):
    slow, fast = observed(samples), observed(samples, COMPILED)
    assert slow == fast
    return slow


# --- smoothed --------------------------------------------------------------------------------------------------


def test_the_first_sample_is_the_smoothed_one():
    _, row = both([800])
    assert (row["smoothed"], row["variation"]) == (800, 400)


def test_later_ones_count_an_eighth_and_their_deviation_a_quarter():
    """RFC 6298 2.3: the variation is of the old SRTT."""
    _, row = both([800, 1600])
    assert (row["smoothed"], row["variation"]) == (900, 500)
    _, row = both([800, 0])
    assert (row["smoothed"], row["variation"]) == (700, 500)


@given(st.lists(SAMPLES, min_size=1, max_size=60))
def test_the_smoothed_one_lies_among_the_samples(samples):
    _, row = observed(samples)
    assert min(samples) - 1 <= row["smoothed"] <= max(samples)
    assert 0 <= row["variation"] <= max(samples) + 1


def test_a_sample_of_hours_counts_as_minutes():
    median, row = both([LONGEST + 10**14])
    assert median == row["smoothed"] == LONGEST


# --- the median ------------------------------------------------------------------------------------------------


def test_without_samples_there_is_none():
    assert both([])[0] == -1


@given(st.lists(SAMPLES, min_size=1, max_size=5))
def test_up_to_five_it_is_exact(samples):
    """Of two or four the lower middle one."""
    assert observed(samples)[0] == sorted(samples)[(len(samples) - 1) // 2]


@pytest.mark.parametrize("samples", [[5], [9, 1], [3, 1, 2], [4, 2, 3, 1], [5, 4, 3, 2, 1], [2, 2, 1, 2, 9]])
def test_up_to_five_at_both_speeds(samples):
    assert both(samples)[0] == sorted(samples)[(len(samples) - 1) // 2]


@given(st.lists(SAMPLES, min_size=6, max_size=200))
def test_the_markers_keep_their_order(samples):
    median, row = observed(samples)
    marks = [row[f"mark{i}"] for i in range(5)]
    places = [0, *(row[f"at{i}"] for i in range(1, 5))]
    assert marks == sorted(marks)
    assert (marks[0], marks[4]) == (min(samples), max(samples))
    assert places == sorted(set(places))
    assert places[4] == len(samples) - 1
    assert median == marks[2]


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.5), st.integers(40, 400))
@settings(max_examples=150)
def test_it_is_near_the_middle(seed, sigma, count):
    """Of round trips with any spread, a few long ones among them: between the samples at 0.3 and at 0.7."""
    samples = (20e6 * np.random.default_rng(seed).lognormal(0, sigma, count)).astype(np.int64)
    low, high = np.quantile(samples, [0.3, 0.7])
    assert low <= observed(samples.tolist())[0] <= high


@pytest.mark.parametrize("shape", ["uniform", "normal", "exponential", "two_paths"])
def test_of_a_thousand_it_is_close(shape):
    made = np.random.default_rng(7)
    samples = {
        "uniform": made.uniform(10e6, 90e6, 1000),
        "normal": made.normal(50e6, 5e6, 1000),
        "exponential": 20e6 + made.exponential(10e6, 1000),
        "two_paths": np.where(made.random(1000) < 0.7, 20e6, 80e6) + made.normal(0, 1e6, 1000),
    }[shape].astype(np.int64)
    near = 0.05 * np.subtract(*np.quantile(samples, [0.75, 0.25]))
    assert both(samples.tolist())[0] == pytest.approx(np.median(samples), abs=max(near, 1e6))


def test_it_follows_a_path_that_changes(monkeypatch):
    """After very many samples the old ones count for half."""
    monkeypatch.setattr(rtt, "MOST_SAMPLES", 64)
    chance = random.Random(1)
    samples = [chance.randint(10_000, 11_000) for _ in range(400)] + [
        chance.randint(50_000, 51_000) for _ in range(400)
    ]
    assert 50_000 <= observed(samples)[0] <= 51_000


def test_the_markers_count_half_when_there_are_very_many():
    table = INTERPRETED.table(Sender, 1)
    for sample in (1, 2, 3, 4, 5):
        observe(table[0], sample)
    table[0].at1, table[0].at2, table[0].at3, table[0].at4 = (MOST_SAMPLES // 4 * k for k in range(1, 5))
    observe(table[0], 3)
    assert table[0].at4 == (MOST_SAMPLES + 1) // 2
    assert table[0].at2 == MOST_SAMPLES // 4
    assert table[0].samples == 6


def test_all_the_same():
    assert both([7] * 50)[0] == 7
