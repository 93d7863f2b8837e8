"""The folded time axis: order always, scale where things happen, room where words need it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapstate.plotting.layout.warp import FOLDED, Apart, clock, duration, warp


def test_to_scale_between_close_moments():
    axis = warp([0.0, 0.1, 0.3], scale=10)
    assert axis.at.tolist() == [0, 1, 3]
    assert axis.folds == ()
    assert axis.length == 3
    assert axis.place([0.05, 0.2]).tolist() == [0.5, 2.0]


def test_a_silence_is_folded():
    axis = warp([0.0, 0.1, 60.0, 60.1], scale=10)
    np.testing.assert_allclose(axis.at, [0, 1, 1 + FOLDED, 2 + FOLDED])
    assert axis.folds == (1,)


def test_what_is_too_close_is_drawn_apart():
    axis = warp([0.0, 0.01], scale=10, apart=[Apart(0, 1, 2.0)])
    assert axis.at.tolist() == [0, 2]


def test_a_demand_over_several_moments():
    axis = warp([0.0, 0.1, 0.2], scale=10, apart=[Apart(0, 2, 5.0)])
    assert axis.at.tolist() == [0, 1, 5]


def test_moments_in_any_order_and_equal_ones():
    axis = warp([0.2, 0.0, 0.2], scale=10, apart=[Apart(0, 2, 3.0), Apart(1, 0, 1.0)])
    assert axis.times.tolist() == [0.0, 0.2]
    assert axis.at.tolist() == [0, 2]


def test_outside_is_put_at_the_ends_and_unknown_stays_unknown():
    axis = warp([0.0, 1.0], scale=1)
    assert axis.place([-5, 5]).tolist() == [0, 1]
    assert np.isnan(axis.place([np.nan])[0])


def test_one_moment_is_an_axis_too():
    assert warp([3.0], scale=1).length == 0


def test_wrong_use():
    with pytest.raises(ValueError, match="at least one moment"):
        warp([], scale=1)
    with pytest.raises(ValueError, match="moment 0 lies before moment 1"):
        warp([0.0, 1.0], scale=1, apart=[Apart(1, 0, 1.0)])


@given(
    st.lists(st.floats(0, 1e5), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39), st.floats(0, 5)), max_size=20),
    st.floats(1e-3, 1e6),
)
def test_order_is_kept_and_every_demand_is_met(times, pairs, scale):
    demands = [Apart(a, b, lines) for a, b, lines in pairs if a < len(times) and b < len(times) and times[a] < times[b]]
    axis = warp(times, scale=scale, apart=demands)
    assert (np.diff(axis.at) >= 0).all()
    places = axis.place(times)
    for demand in demands:
        assert places[demand.later] - places[demand.earlier] >= demand.lines - 1e-9


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (0.0, "0 µs"),
        (2.5e-6, "2.5 µs"),
        (0.0125, "12.5 ms"),
        (0.9999, "1 s"),
        (1.0, "1 s"),
        (59.96, "60 s"),
        (119.0, "119 s"),
        (125.0, "2 min 5 s"),
        (120.0, "2 min"),
        (3600.0, "1 h"),
        (7385.0, "2 h 3 min"),
    ],
)
def test_durations_in_words(span, words):
    assert duration(span) == words


def test_the_clock_of_an_axis_has_as_many_digits_as_the_way_needs():
    assert clock(0.00512, 0.02, 0.5) == "0.005"
    assert clock(0.00512, 0.0003, 0.5) == "0.00512"
    assert clock(0.00512, 0.0, 0.5) == "0.005120"
    assert clock(-0.0000001, 0.02, 0.5) == "0.000"


def test_but_milliseconds_where_seconds_go_by():
    assert clock(5.02, 0.000001, 13.0) == "5.020"
    assert clock(60.02, 0.000001, 0.5) == "60.020"
