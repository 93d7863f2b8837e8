"""replay/packed.py: batches in few octets, and every value as it went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pcapstate.kernels import Row
from pcapstate.replay.packed import Batches, Packed, unpacked
from pcapstate.schema import MISSING

EDGES = [bound for bits in (8, 16, 32) for bound in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)]
NUMBERS = st.one_of(
    st.integers(-200, 200),
    st.sampled_from([MISSING, MISSING + 1, 2**63 - 1, *EDGES, *(e + 1 for e in EDGES), *(e - 1 for e in EDGES)]),
)


TWO = Row("Two", "small large")


def integers(*values):
    return np.array(values, np.int64)


def rows(*values):
    made = np.zeros(len(values), TWO.dtype)
    made["small"], made["large"] = zip(*values, strict=True)
    return made


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 20), st.integers(1, 6)), elements=NUMBERS))
def test_what_was_packed_comes_out_again(table):
    made = Packed(table)
    assert [unpacked(made.column(at)).tolist() for at in range(table.shape[1])] == table.T.tolist()


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
        (integers(2**31), np.uint32),
        (integers(2**32 - 1, 0), np.uint32),
        (integers(2**32), np.int64),
        (integers(2**31, MISSING), np.int64),
        (integers(2**31, -1), np.int64),
    ],
)
def test_the_narrowest_integers_that_hold_all(values, dtype):
    assert Packed(values[:, None]).column(0).dtype == dtype


def test_each_column_has_its_own_width():
    made = Packed(integers((1, 2**40, 3, -1, 2**20), (4, 5, MISSING, 200, 6)))
    widths = [np.int8, np.int64, np.int8, np.int16, np.int32]
    assert [made.column(at).dtype for at in range(5)] == widths


def test_what_was_given_is_left_as_it_was():
    values = integers([1, MISSING])
    Packed(values)
    assert values.tolist() == [[1, MISSING]]


@pytest.mark.parametrize("batches", [1, 2, 40])
def test_batches_come_out_one_after_another(batches):
    table = Batches(TWO)
    for i in range(batches):
        table.add(rows((i, i * 1000), (-1, MISSING)))
    assert table
    assert table.rows == 2 * batches
    assert table.names == ("small", "large")
    assert table.column("large").dtype == np.int64
    assert table.column("small").tolist() == [n for i in range(batches) for n in (i, -1)]
    assert table.column("large").tolist() == [n for i in range(batches) for n in (i * 1000, MISSING)]


def test_batches_may_come_after_a_column_was_asked_for():
    table = Batches(TWO)
    table.add(rows((1, 1)))
    assert table.column("large").tolist() == [1]
    table.add(rows((1, 2**40)))
    assert table.column("large").tolist() == [1, 2**40]


@pytest.mark.parametrize("value", [7, 2**40])
def test_memory_that_is_used_again_does_not_change_what_was_added(value):
    """Wide values are kept as they come."""
    room = np.zeros(2, TWO.dtype)
    table = Batches(TWO)
    for more in (0, 1):
        room["large"] = value + more
        table.add(room[:1])
    assert table.column("large").tolist() == [value, value + 1]


def test_no_batch_is_an_empty_table():
    table = Batches(TWO)
    table.add(np.zeros(0, TWO.dtype))
    assert not table
    assert table.rows == 0
    assert table.column("small").tolist() == []
    assert table.column("small").dtype == np.int64
