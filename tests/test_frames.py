"""Columns into DataFrames: dtypes as the schema has them, missing values missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from making import START, columns_from, four_way_close

from pcapstate.frames import frame, series
from pcapstate.schema import MISSING, TABLES, WORD, Coded, Column

ROWS = four_way_close()


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("filled", [True, False], ids=["rows", "empty"])
def test_every_column_has_its_dtype(name, filled):
    made = frame(TABLES[name], columns_from(name, ROWS[name] if filled else []))
    assert tuple(made.columns) == TABLES[name].names
    assert {column: str(made[column].dtype) for column in made} == {c.name: c.dtype for c in TABLES[name].columns}
    assert len(made) == (len(ROWS[name]) if filled else 0)


@pytest.mark.parametrize("name", TABLES)
def test_the_index_is_a_plain_range(name):
    index = frame(TABLES[name], columns_from(name, ROWS[name])).index
    assert isinstance(index, pd.RangeIndex)
    assert list(index) == list(range(len(ROWS[name])))


@pytest.mark.parametrize("name", TABLES)
def test_nothing_that_was_not_said_has_a_value(name):
    said = {column for row in ROWS[name] for column in row if row[column] is not None}
    made = frame(TABLES[name], columns_from(name, ROWS[name]))
    for column in TABLES[name].columns:
        if column.name not in said and column.dtype != "int64":
            assert made[column.name].isna().all(), column.name


def test_a_column_that_comes_later_is_left_out():
    columns = columns_from("notes", ROWS["notes"])
    del columns["text"]
    assert "text" not in frame(TABLES["notes"], columns)


def column(dtype, words=()):
    return Column("x", dtype, "X.", words=words)


def test_integers_with_holes():
    made = series(column("Int64"), np.array([5, MISSING, 2**32 - 1]))
    assert made.isna().tolist() == [False, True, False]
    assert made[2] == 2**32 - 1


def test_times_are_exact_and_in_utc():
    made = series(column("datetime64[ns, UTC]"), np.array([START + 123_456_789, MISSING]))
    assert made[0] == pd.Timestamp("2026-01-02T03:04:05.123456789Z")
    assert made.isna().tolist() == [False, True]


def test_truth_values_with_holes():
    made = series(column("boolean"), np.array([1, 0, -1], np.int8))
    assert made.tolist()[:2] == [True, False]
    assert made.isna().tolist() == [False, False, True]


def test_words_are_categories_of_the_schema():
    made = series(column("category", ("a", "b")), np.array([1, -1], np.int8))
    assert made.cat.categories.tolist() == ["a", "b"]
    assert made[0] == "b"
    assert made.isna().tolist() == [False, True]


def test_words_of_the_data_become_categories_where_they_are_used():
    coded = Coded(np.array([3, -1, 1, 3]), ["never", "ACK", "unused", "SYN"])
    made = series(column("category"), coded)
    assert made.cat.categories.tolist() == ["ACK", "SYN"]
    assert made.astype(object).where(made.notna(), None).tolist() == ["SYN", None, "ACK", "SYN"]


def test_words_that_come_as_text():
    made = series(column("category"), np.array(["b", None, "a"], object))
    assert made[0] == "b"
    assert made.isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    "values",
    [Coded(np.array([1, -1, 0]), ["a", "b"]), np.array(["b", None, "a"], object)],
    ids=["coded", "objects"],
)
def test_text(values):
    made = series(column("string"), values)
    assert made.fillna("missing").tolist() == ["b", "missing", "a"]


def test_a_table_can_be_asked_as_a_user_asks():
    made = frame(TABLES["timeline"], columns_from("timeline", ROWS["timeline"]))
    client = made[made.side == "client"]
    assert client.to_state.tolist()[-2:] == ["TIME_WAIT", "CLOSED"]
    assert made.groupby("side", observed=True).size().to_dict() == {"client": 6, "server": 5}
    assert (made.latest - made.earliest).min() == pd.Timedelta("1ms")


def test_no_word_is_missing():
    """Not a category of its own: ``isna``, ``dropna`` and ``groupby`` take it for what it is."""
    column = Column("label", WORD, "", words=("", "retransmission", "duplicate"))
    made = series(column, np.array([0, 2, 0, 1], np.int8))
    assert made.isna().tolist() == [True, False, True, False]
    assert made.cat.categories.tolist() == ["retransmission", "duplicate"]
    assert made.dropna().tolist() == ["duplicate", "retransmission"]
