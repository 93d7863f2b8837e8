"""replay/packed.py: batches in few octets, and every value and type as it went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pcapstate.replay.packed import TOGETHER, Batches, packed, unpacked
from pcapstate.schema import MISSING, Coded

EDGES = [bound for bits in (8, 16, 32) for bound in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)]
NUMBERS = st.one_of(
    st.integers(-200, 200),
    st.sampled_from([MISSING, MISSING + 1, 2**63 - 1, *EDGES, *(e + 1 for e in EDGES), *(e - 1 for e in EDGES)]),
)


def integers(*values):
    return np.array(values, np.int64)


@given(hnp.arrays(np.int64, st.integers(0, 20), elements=NUMBERS))
def test_what_was_packed_comes_out_again(values):
    assert unpacked(packed(values)).tolist() == values.tolist()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (integers(0, 127), np.int8),
        (integers(0, 128), np.int16),
        (integers(MISSING, 5), np.int8),
        (integers(MISSING, -128), np.int16),
        (integers(-128), np.int16),
        (integers(MISSING), np.int8),
        (integers(2**31 - 1, MISSING), np.int32),
        (integers(2**31), np.int64),
        (np.array([1.5]), np.float64),
        (np.array([True]), np.bool_),
    ],
)
def test_the_narrowest_integers_that_hold_all(values, dtype):
    assert packed(values).dtype == dtype


def test_what_was_given_is_left_as_it_was():
    values = integers(1, MISSING)
    packed(values)
    assert values.tolist() == [1, MISSING]


@pytest.mark.parametrize("batches", [1, 2, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 1])
def test_batches_come_out_one_after_another(batches):
    table = Batches()
    for i in range(batches):
        table.add({
            "number": integers(i * 1000, MISSING),
            "real": np.array([0.5, i]),
            "code": np.array([i % 3, -1], np.int8),
            "words": np.array([[1, 2], [3, i]], np.uint32),
            "text": Coded(np.array([0, -1], np.int32), [f"word {i % 2}"]),
        })
    assert table
    assert table.rows == 2 * batches
    assert table.names == ("number", "real", "code", "words", "text")
    assert table.column("number").dtype == np.int64
    assert table.column("number").tolist() == [n for i in range(batches) for n in (i * 1000, MISSING)]
    assert table.column("real").tolist() == [n for i in range(batches) for n in (0.5, i)]
    assert table.column("code").dtype == np.int8
    assert table.column("words").shape == (2 * batches, 2)
    text = table.column("text")
    assert [None if c < 0 else text.words[c] for c in text.codes] == [
        word for i in range(batches) for word in (f"word {i % 2}", None)
    ]


def test_batches_may_come_after_a_column_was_asked_for():
    table = Batches()
    table.add({"a": integers(1)})
    assert table.column("a").tolist() == [1]
    table.add({"a": integers(2**40)})
    assert table.column("a").tolist() == [1, 2**40]


def test_memory_that_is_used_again_does_not_change_what_was_added():
    room = np.zeros(4, np.int64)
    table = Batches()
    for value in (7, 8):
        room[:] = value
        table.add({"a": room[:2]})
    assert table.column("a").tolist() == [7, 7, 8, 8]


def test_no_batch_is_an_empty_table():
    table = Batches()
    assert not table
    assert table.rows == 0
    assert table.names == ()
    assert table.column("a").tolist() == []
