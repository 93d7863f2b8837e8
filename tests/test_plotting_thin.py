"""Thinning keeps what the eye sees: in each column of pixels first, lowest, highest and last."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapstate.plotting.thin import column_starts, thin, thin_bars, thin_marks, thin_range


def test_few_points_are_all_kept():
    assert thin([0, 1, 2], [5, 5, 5], columns=1).tolist() == [0, 1, 2]
    assert thin([], []).tolist() == []
    assert thin(range(40), range(40), columns=10).tolist() == list(range(40))


def test_first_lowest_highest_last_of_each_column():
    y = [3, 9, 4, 1, 5, 2, 7, 7, 7, 7, 7, 7]
    assert thin(range(12), y, columns=2).tolist() == [0, 1, 3, 5, 6, 11]


def test_the_extremes_of_a_million_points_survive():
    rng = np.random.default_rng(5)
    y = rng.normal(size=1_000_000)
    y[123_456], y[654_321] = 1e6, -1e6
    kept = thin(np.arange(len(y)), y, columns=900)
    assert len(kept) <= 3600
    assert {0, 123_456, 654_321, len(y) - 1} <= set(kept.tolist())


def test_a_gap_in_the_line_stays_a_gap():
    y = np.ones(100)
    y[40:60] = np.nan
    kept = thin(np.arange(100), y, columns=4)
    assert np.isnan(y[kept]).any()
    assert not np.isnan(y[kept]).all()


def test_a_line_of_nothing_but_gaps():
    kept = thin(np.arange(100), np.full(100, np.nan), columns=4)
    assert kept[0] == 0
    assert kept[-1] == 99


def test_points_at_one_place():
    assert set(thin(np.zeros(100), np.arange(100), columns=4).tolist()) == {0, 99}


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300),
    st.lists(st.floats(0, 1e3), min_size=300, max_size=300),
    st.integers(1, 20),
)
def test_each_column_keeps_its_range(values, steps, columns):
    x = np.cumsum(steps[: len(values)])
    y = np.array(values)
    kept = thin(x, y, columns=columns)
    assert kept.tolist() == sorted(set(kept.tolist()))
    bounds = [*column_starts(x, columns).tolist(), len(x)]
    for begin, end in pairwise(bounds):
        inside = y[kept[(kept >= begin) & (kept < end)]]
        assert inside.min() == y[begin:end].min()
        assert inside.max() == y[begin:end].max()
        assert inside[0] == y[begin]
        assert inside[-1] == y[end - 1]


def test_bars_of_a_column_become_one():
    x, low, high = thin_bars(np.arange(100.0), np.arange(100), np.arange(100) + 5, columns=2)
    assert x.tolist() == [0, 50]
    assert low.tolist() == [0, 50]
    assert high.tolist() == [54, 104]


def test_few_bars_are_all_kept():
    x, low, high = thin_bars([1, 2], [3, 4], [5, 6], columns=1)
    assert (x.tolist(), low.tolist(), high.tolist()) == ([1, 2], [3, 4], [5, 6])


def test_one_mark_a_column():
    assert thin_marks(np.arange(10), columns=20).tolist() == list(range(10))
    assert thin_marks(np.arange(100), columns=4).tolist() == [0, 25, 50, 75]


@pytest.mark.parametrize("columns", [1, 3, 900])
def test_columns_without_points_are_left_out(columns):
    x = np.array([0.0, 0.1, 0.2, 100.0])
    starts = column_starts(x, columns)
    assert starts[0] == 0
    assert len(starts) <= min(columns, 4)


def test_the_range_of_each_column():
    x, low, high = thin_range(np.arange(12), [3, 9, 4, 1, 5, 2, 7, 7, np.nan, 7, 8, 7], columns=2)
    assert (x.tolist(), low.tolist(), high.tolist()) == ([0, 6], [1, 7], [9, 8])


def test_the_range_of_few_points_is_themselves():
    x, low, high = thin_range([1, 2], [3, np.nan], columns=1)
    np.testing.assert_array_equal(low, [3, np.nan])
    np.testing.assert_array_equal(high, low)
    assert x.tolist() == [1, 2]


def test_the_range_of_a_column_of_gaps_is_a_gap():
    _, low, high = thin_range(np.arange(100), [*[np.nan] * 50, *range(50)], columns=2)
    np.testing.assert_array_equal(low, [np.nan, 0])
    np.testing.assert_array_equal(high, [np.nan, 49])


def test_what_lasts_through_a_silence_is_the_last_value():
    x = [*np.arange(50), *np.arange(500, 550)]
    y = [*[9.0] * 49, 1.0, *[5.0] * 50]
    when, low, high = thin_range(x, y, columns=10)
    held = when.tolist().index(49)
    assert low[held] == high[held] == 1
    assert when.tolist() == sorted(when.tolist())
