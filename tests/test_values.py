"""Columns as plain values and as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import START, columns_from

from pcapstate.schema import MISSING, TABLES, Coded
from pcapstate.values import (
    RowsByFlow,
    coded,
    count,
    counted,
    joined,
    number_text,
    plain_numbers,
    quoted,
    record,
    records,
    scalar,
    take,
    text_objects,
    time_octets,
    time_texts,
    worded,
)

FLOWS, NOTES = TABLES["flows"], TABLES["notes"]


@pytest.mark.parametrize(
    ("table", "name", "values", "expected"),
    [
        ("flows", "flow", np.array([7]), 7),
        ("flows", "client_isn", np.array([2**32 - 1]), 2**32 - 1),
        ("flows", "client_isn", np.array([MISSING]), None),
        ("flows", "start", np.array([START]), START),
        ("flows", "start", np.array([MISSING]), None),
        ("flows", "duration", np.array([0.5]), 0.5),
        ("flows", "duration", np.array([np.nan]), None),
        ("flows", "client_sack", np.array([1], np.int8), True),
        ("flows", "client_sack", np.array([0], np.int8), False),
        ("flows", "client_sack", np.array([-1], np.int8), None),
        ("flows", "roles", np.array([2], np.int8), "guessed"),
        ("flows", "roles", np.array([-1], np.int8), None),
        ("flows", "roles", Coded(np.array([0]), ["syn"]), "syn"),
        ("flows", "note", Coded(np.array([-1]), ["a"]), None),
        ("flows", "note", np.array(["x"], object), "x"),
        ("flows", "note", np.array([None], object), None),
    ],
)
def test_scalar(table, name, values, expected):
    value = scalar(TABLES[table][name], values, 0)
    assert value == expected
    assert type(value) is type(expected)


def test_a_record_has_the_columns_that_are_there():
    columns = {"flow": np.array([3, 4]), "kind": np.array(["cut", None], object)}
    assert record(NOTES, columns, 0) == {"flow": 3, "kind": "cut"}
    assert records(NOTES, columns) == [{"flow": 3, "kind": "cut"}, {"flow": 4, "kind": None}]


def test_count():
    assert count({}) == 0
    assert count({"a": np.zeros(3)}) == 3
    assert count({"a": Coded(np.zeros(2, np.int32), ["x"])}) == 2


def test_take_positions_masks_and_slices():
    columns = {"a": np.arange(4), "b": Coded(np.array([0, 1, 0, -1]), ["x", "y"])}
    for rows in (np.array([1, 3]), np.array([False, True, False, True]), slice(1, 4, 2)):
        part = take(columns, rows)
        assert part["a"].tolist() == [1, 3]
        assert text_objects(part["b"]).tolist() == ["y", None]


@pytest.mark.parametrize(
    ("values", "words", "expected"),
    [
        (Coded(np.array([1, -1, 0]), ["a", "b"]), (), ["b", None, "a"]),
        (np.array([1, -1, 0], np.int8), ("a", "b"), ["b", None, "a"]),
        (np.array(["b", None, "a"], object), (), ["b", None, "a"]),
        (Coded(np.zeros(0, np.int32), []), (), []),
    ],
)
def test_text_of_every_form(values, words, expected):
    assert text_objects(values, words).tolist() == expected
    codes, known = coded(values, words)
    assert [None if code < 0 else known[code] for code in codes.tolist()] == expected


def test_tables_are_joined_whatever_form_their_text_has():
    first = columns_from("notes", [{"kind": "cut", "text": "A.", "frame": 3}])
    second = columns_from("notes", [{"kind": "odd", "side": "client"}])
    first["text"] = text_objects(first["text"])
    both = joined(NOTES.columns, first, second)
    rows = records(NOTES, both)
    assert [(row["kind"], row["text"], row["frame"], row["side"]) for row in rows] == [
        ("cut", "A.", 3, None),
        ("odd", None, None, "client"),
    ]


def test_rows_of_a_flow_keep_the_order_of_the_table():
    rows = RowsByFlow(np.array([2, 0, 2, 5, 0, 2]))
    assert rows[2].tolist() == [0, 2, 5]
    assert rows[0].tolist() == [1, 4]
    assert rows[1].tolist() == rows[99].tolist() == []


def test_notes_without_a_flow_belong_to_none():
    assert RowsByFlow(np.array([MISSING, 0]))[0].tolist() == [1]


# --- text of files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a,b", '"a,b"'),
        ('say "x"', '"say ""x"""'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
    ],
)
def test_quotes_only_where_needed(text, expected):
    assert quoted(text) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.0, "0.0"), (1.0, "1.0"), (-1.5, "-1.5"), (0.08, "0.08"), (0.00001, "0.00001"), (0.0000123, "0.0000123"),
        (-0.00005, "-0.00005"), (0.0001, "0.0001"), (1e-6, "1e-06"),
        (123456789.25, "123456789.25"), (1e9, "1000000000.0"),
        (1e22, "1e+22"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_number_text(number, expected):
    assert number_text(number) == expected


@given(st.floats(allow_nan=False))
def test_a_numbers_text_gives_it_back(number):
    assert float(number_text(number)) == number


@given(st.floats(1e-5, 1e-4, exclude_max=True))
def test_small_numbers_have_no_exponent(number):
    assert re.fullmatch(r"0\.0000\d+", number_text(number))


def test_plain_numbers():
    numbers = np.array([0.0, -0.0, 1.0, 1e-6, 1e9, 9e8, np.nan, np.inf, -3.5])
    assert plain_numbers(numbers).tolist() == [True, False, True, False, False, True, False, False, True]


NANOSECONDS = st.integers(-(2**62), 2**62)


def spelled(nanoseconds):
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    moment = datetime(1970, 1, 1, tzinfo=UTC).timestamp() + seconds
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{fraction:09}Z"


@given(st.lists(NANOSECONDS, max_size=20))
def test_times_as_numpy_spells_them(times):
    array = np.array(times, np.int64)
    expected = [f"{text}Z" for text in np.datetime_as_string(array.view("M8[ns]")).tolist()] if times else []
    assert time_texts(array) == expected


@pytest.mark.parametrize("time", [0, START, START + 1, 1_582_934_399_999_999_999, -1])
def test_times_as_the_calendar_has_them(time):
    assert time_texts(np.array([time])) == [spelled(time)]


def test_a_missing_time_is_empty():
    assert time_texts(np.array([MISSING, 0])) == ["", "1970-01-01T00:00:00.000000000Z"]
    assert time_texts(np.zeros(0, np.int64)) == []


def test_times_far_apart_need_no_table_of_days():
    far = np.array([-(2**62), 2**62])
    assert time_octets(far).shape == (2, 30)
    assert time_texts(far)[0].startswith("1823-")


def test_the_empty_word_is_none():
    codes, words = worded(np.array([0, 2, -1, 1], np.int8), ("", "a", "b"))
    assert (codes.tolist(), words) == ([-1, 1, -1, 0], ["a", "b"])
    codes, words = worded(Coded(np.array([1, 0, -1], np.int32), ["a", "b"]))
    assert (codes.tolist(), words) == ([1, 0, -1], ["a", "b"])


def test_numbers_of_things():
    assert [counted(number, "row") for number in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]
