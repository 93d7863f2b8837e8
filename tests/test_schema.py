"""The schema: complete, unambiguous, and told as it is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from pcapstate import schema
from pcapstate.schema import SIDES, STATES, TABLES, Coded, Column, Record, Segment, Table

DTYPES = {"int64", "Int64", "float64", "string", "category", "boolean", "datetime64[ns, UTC]"}
EVERY_COLUMN = [(table, column) for table in TABLES.values() for column in table.columns]
COLUMN_IDS = [f"{table.name}.{column.name}" for table, column in EVERY_COLUMN]


def test_the_tables_in_their_order():
    assert list(TABLES) == ["flows", "timeline", "segments", "windows", "stalls", "notes"]
    assert all(table.name == name for name, table in TABLES.items())


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_no_column_is_named_twice(table):
    assert len(set(table.names)) == len(table.columns)


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN, ids=COLUMN_IDS)
def test_every_column_says_what_it_is(table, column):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
    assert column.dtype in DTYPES
    assert column.meaning[0].isupper() or column.meaning.startswith(("open,", "known,", "cut,"))
    assert column.meaning.endswith((".", "..."))
    assert "{" not in column.meaning


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN, ids=COLUMN_IDS)
def test_words_belong_to_categories_and_differ(table, column):
    if column.words:
        assert column.dtype == "category"
        assert len(set(column.words)) == len(column.words) <= 127  # int8 codes


@pytest.mark.parametrize(("table", "column"), EVERY_COLUMN, ids=COLUMN_IDS)
def test_wireshark_names_are_field_names(table, column):
    assert re.fullmatch(r"([a-z]+(\.[a-z_]+)+)?", column.wireshark)


def test_columns_of_both_sides_come_in_pairs():
    names = TABLES["flows"].names
    for name in names:
        if name.startswith("client_"):
            assert names.index(name.replace("client_", "server_", 1)) > names.index(name)


def test_a_tables_column_by_its_name():
    assert TABLES["timeline"]["to_state"].words == STATES
    with pytest.raises(KeyError):
        TABLES["timeline"]["state"]


def test_columns_and_tables_are_values():
    assert Column("a", "int64", "A.") == Column("a", "int64", "A.")
    assert Table("t", "a row", ()).names == ()


def test_states_and_sides():
    assert len(STATES) == 11
    assert SIDES == ("client", "server")


def test_missing_is_numpys_not_a_time():
    assert np.isnat(np.array([schema.MISSING]).view("M8[ns]")[0])


def test_flags_are_the_bits_of_rfc_9293():
    values = [getattr(schema, name) for name in schema.FLAG_NAMES]
    assert values == [1 << bit for bit in range(9)]


def test_rows_have_room_for_what_a_stage_hands_on():
    for row in (Record, Segment):
        assert len(set(row.fields)) == len(row.fields)
        assert {row.dtype[field] for field in row.fields} == {np.dtype(np.int64)}
    assert {"frame", "file", "file_frame", "time"} <= set(Record.fields) & set(Segment.fields)


def test_coded_text():
    column = Coded(np.array([1, -1, 0]), ["a", "b"])
    assert column.words[column.codes[0]] == "b"
    assert column.codes[1] == -1


@pytest.mark.parametrize(
    "words", ["EVIDENCE", "ROLES", "OPENED", "CLOSED_BY", "SCALE_KNOWN", "WINDOW_STATES", "LIMITS"]
)
def test_lists_of_words_differ_and_are_never_empty(words):
    listed = getattr(schema, words)
    assert len(set(listed)) == len(listed)
    assert all(listed)
