"""Grouping equal rows, and counting intervals that overlap, beside plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapstate.replay.groups import different, most_at_once

NUMBERS = st.integers(-(2**62), 2**62) | st.integers(0, 3)


def columns(rows, width):
    return [np.array([row[k] for row in rows], np.int64) for k in range(width)]


def test_equal_rows_are_one_group():
    code, first = different(columns([(1, 5), (0, 5), (1, 5), (1, 4)], 2), 4)
    assert code.tolist() == [2, 0, 2, 1]
    assert first.tolist() == [1, 3, 0]


def test_no_rows_are_no_groups():
    code, first = different([np.zeros(0, np.int64)], 0)
    assert (code.tolist(), first.tolist()) == ([], [])


def test_rows_that_are_all_equal_are_one_group():
    code, first = different(columns([(7, 7)] * 3, 2), 3)
    assert (code.tolist(), first.tolist()) == ([0, 0, 0], [0])


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=30))
def test_groups_are_those_of_a_dictionary(rows):
    code, first = different(columns(rows, 3), len(rows))
    expected = sorted(set(rows))
    assert [expected[c] for c in code.tolist()] == rows
    assert [rows[f] for f in first.tolist()] == expected
    assert all(rows.index(rows[f]) == f for f in first.tolist())  # the first of each


def most(spans, groups=1):
    group, begin, end = (np.array([span[k] for span in spans], np.int64) for k in range(3))
    return [values.tolist() for values in most_at_once(group, begin, end, groups)]


def test_overlapping_intervals_are_counted():
    assert most([(0, 0, 10), (0, 5, 15), (0, 20, 30)]) == [[2], [1]]


def test_an_interval_that_ends_when_another_begins_does_not_overlap_it():
    assert most([(0, 0, 10), (0, 10, 20)]) == [[1], [0]]


def test_groups_are_counted_apart():
    assert most([(0, 0, 10), (2, 0, 10), (2, 1, 2), (2, 3, 4)], 4) == [[1, 0, 2, 0], [0, -1, 2, -1]]


def test_nothing_overlaps_nothing():
    assert [values.tolist() for values in most_at_once(*[np.zeros(0, np.int64)] * 3, 2)] == [[0, 0], [-1, -1]]


@pytest.mark.parametrize("late", [0, 10**18])
def test_one_interval_without_length_is_none(late):
    assert most([(0, late, late)])[0] == [0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(0, 10)), max_size=30))
def test_overlaps_are_those_of_counting_at_every_moment(spans):
    spans = [(group, begin, begin + length) for group, begin, length in spans]
    counts, when = most(spans, 4) if spans else ([0] * 4, [-1] * 4)
    for group in range(4):
        mine = [(begin, end) for g, begin, end in spans if g == group]
        at_once = [sum(begin <= moment < end for begin, end in mine) for moment in range(31)]
        assert counts[group] == max(at_once)
        if counts[group]:
            number, begin, _ = spans[when[group]]
            assert number == group
            assert at_once[begin] == counts[group]
            assert begin == at_once.index(counts[group])
