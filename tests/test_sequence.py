"""tcp/sequence.py: arithmetic modulo 2**32."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED
from pcapstate.tcp.sequence import distance, unwrap

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(-(2**31), 2**31 - 1))
def test_distance_is_what_was_added(start, step):
    assert distance((start + step) % 2**32, start) == step


@given(numbers, st.integers(0, 2**50), st.integers(-(2**31), 2**31 - 1))
def test_unwrap_finds_the_number_closest_to_what_is_expected(base, near, step):
    assert unwrap((base + near + step) % 2**32, base, near) == near + step


def test_a_number_just_before_the_wrap_is_before_one_just_after():
    assert distance(0xFFFFFFFF, 0) == -1
    assert unwrap(5, 0xFFFFFFF0, 0) == 21


def test_both_speeds_agree():
    fast = COMPILED.of(unwrap)
    for number, base, near in ((0, 0xFFFFFFFF, 1), (0xFFFFFFFF, 0, 0), (7, 7, 2**40)):
        assert fast(number, base, near) == unwrap(number, base, near)
