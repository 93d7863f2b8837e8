"""pyarrow: Parquet, and the CSV that must be the same octets as ours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import START, columns_from, four_way_close

from pcapstate.export import csv_lines as our_lines
from pcapstate.export import write_table
from pcapstate.frames import frame
from pcapstate.schema import MISSING, TABLES, Coded, Column

pytest.importorskip("pyarrow")
import pyarrow.parquet as pq

from pcapstate import arrow
from pcapstate.arrow import CsvLines, csv_lines

ROWS = four_way_close()

# --- CSV -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("filled", [True, False], ids=["rows", "empty"])
def test_the_same_octets_as_ours(name, filled):
    columns = columns_from(name, ROWS[name] if filled else [])
    known = list(TABLES[name].columns)
    assert csv_lines(known, columns) == our_lines(known, columns)


WORDS = st.text(max_size=8) | st.sampled_from(
    ["a,b", 'say "x"', "two\nlines", "a\rb", "\x1f", "\x01\x02\x03", "", "é😀"]
)
KNOWN = [
    Column("i", "int64", ""), Column("n", "Int64", ""), Column("t", "datetime64[ns, UTC]", ""),
    Column("x", "float64", ""), Column("b", "boolean", ""), Column("s", "string", ""), Column("w", "category", ""),
]  # fmt: skip
ROW = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.just(MISSING) | st.integers(-5, 5) | st.integers(-(2**62), 2**62),
    st.just(MISSING) | st.integers(-(2**62), 2**62),
    st.floats() | st.sampled_from([0.0, -0.0, 1.0, 1e-5, 1e9, 0.25, 1e22, 3e-5]),
    st.sampled_from([-1, 0, 1]),
    st.none() | WORDS,
    st.none() | WORDS,
)


def columns_of(rows):
    cells = list(zip(*rows, strict=True)) or [()] * len(KNOWN)
    words = sorted({word for word in cells[6] if word is not None})
    return {
        "i": np.array(cells[0], np.int64),
        "n": np.array(cells[1], np.int64),
        "t": np.array(cells[2], np.int64),
        "x": np.array(cells[3], np.float64),
        "b": np.array(cells[4], np.int8),
        "s": np.array([*cells[5], None], object)[:-1],
        "w": Coded(np.array([-1 if word is None else words.index(word) for word in cells[6]], np.int32), words),
    }


@given(st.lists(ROW, max_size=10))
def test_the_same_octets_whatever_stands_in_the_table(rows):
    columns = columns_of(rows)
    assert csv_lines(KNOWN, columns) == our_lines(KNOWN, columns)


def test_a_text_with_a_stand_in_is_left_to_the_slow_way(monkeypatch):
    columns = {"s": np.array(["a\x1fb", 'c"d'], object)}
    known = [Column("s", "string", "")]
    assert csv_lines(known, columns) == b'a\x1fb\n"c""d"\n'


def test_parts_that_share_their_words_share_the_spelling_and_others_do_not():
    known, words, others = [Column("w", "category", "")], ["a", "b,c"], ["x\x1f"]
    lines = CsvLines()
    codes = np.array([1, -1, 0], np.int32)
    for vocabulary in (words, words, others, words):
        columns = {"w": Coded(codes % len(vocabulary), vocabulary)}
        assert lines(known, columns) == our_lines(known, columns)


def test_a_column_from_other_columns_of_one_type_is_not_mixed_up():
    columns = {"a": np.array([1, 2]), "b": np.array([3, 4])}
    assert csv_lines([Column("b", "int64", ""), Column("a", "int64", "")], columns) == b"3,1\n4,2\n"


# --- Parquet ---------------------------------------------------------------------------------------------------


def parquet(name, rows=None):
    stream = io.BytesIO()
    write_table(TABLES[name], columns_from(name, ROWS[name] if rows is None else rows), stream, "parquet")
    stream.seek(0)
    return pq.read_table(stream)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("filled", [True, False], ids=["rows", "empty"])
def test_parquet_has_every_column_with_its_type(name, filled):
    made = parquet(name, None if filled else [])
    assert tuple(made.column_names) == TABLES[name].names
    assert made.num_rows == (len(ROWS[name]) if filled else 0)
    types = {column.name: str(made.schema.field(column.name).type) for column in TABLES[name].columns}
    expected = {"int64": "int64", "Int64": "int64", "float64": "double", "boolean": "bool"}
    for column in TABLES[name].columns:
        text = expected.get(column.dtype, "timestamp[ns, tz=UTC]" if column.dtype.startswith("d") else "dictionary")
        assert types[column.name].startswith(text)


@pytest.mark.parametrize("name", TABLES)
def test_parquet_holds_what_the_frame_holds(name):
    made = parquet(name).to_pandas()
    expected = frame(TABLES[name], columns_from(name, ROWS[name]))
    for column in TABLES[name].names:
        first, second = (x[column].astype(object).where(x[column].notna(), None).tolist() for x in (made, expected))
        assert first == second, column


def test_row_groups(monkeypatch):
    monkeypatch.setattr(arrow, "ROWS", 3)
    stream = io.BytesIO()
    write_table(TABLES["timeline"], columns_from("timeline", ROWS["timeline"]), stream, "parquet")
    stream.seek(0)
    file = pq.ParquetFile(stream)
    assert file.num_row_groups == 4
    assert file.read().column("to_state").to_pylist()[-1] == "CLOSED"


def test_times_are_exact():
    made = parquet("notes", [{"time": START + 123_456_789}])
    assert made.column("time").cast("int64").to_pylist() == [START + 123_456_789]
