"""Columns as plain Python values and as text, without pandas: for the summary, the exports and ``Flow``.

Knows how a column shows that a value is missing; what a column means stands in ``schema``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .schema import MISSING, NULLABLE, REAL, TEXT, TIME, WORD, Coded, Column, Table

Values = np.ndarray | Coded
Columns = dict[str, Values]
"""A table as the replay hands it on: column name to values."""


def text_objects(values: Values, words: tuple[str, ...] = ()) -> np.ndarray:
    """A column of text as an object array of str, with None where it is missing.

    ``words`` are those that integer codes stand for; a ``Coded`` column brings its own.
    """
    if isinstance(values, Coded):
        codes, known = values
    elif words:
        codes, known = values, list(words)
    else:
        return np.asarray(values, object)
    # One more word at the end is what code -1 falls on.
    spelled = np.empty(len(known) + 1, object)
    spelled[:-1] = known
    result: np.ndarray = spelled[codes]
    return result


def scalar(column: Column, values: Values, row: int) -> Any:
    """One value as int, float, bool, str or None (missing); a time is nanoseconds since 1970 UTC."""
    if column.dtype in (WORD, TEXT):
        return _text_scalar(column, values, row)
    assert not isinstance(values, Coded)
    value = values[row].item()
    if column.dtype in (NULLABLE, TIME):
        return None if value == MISSING else value
    if column.dtype == REAL:
        return None if value != value else value  # noqa: PLR0124 -- NaN is what differs from itself
    if column.dtype == "boolean":
        return None if value < 0 else bool(value)
    return value


def _text_scalar(column: Column, values: Values, row: int) -> str | None:
    if isinstance(values, Coded):
        code = int(values.codes[row])
        return None if code < 0 else values.words[code]
    if column.words:
        code = int(values[row])
        return None if code < 0 else column.words[code]
    value: str | None = values[row]
    return value


def record(table: Table, columns: Mapping[str, Values], row: int) -> dict[str, Any]:
    """One row of a table, column name to value, as ``scalar`` gives them."""
    return {c.name: scalar(c, columns[c.name], row) for c in table.columns if c.name in columns}


def records(table: Table, columns: Mapping[str, Values]) -> list[dict[str, Any]]:
    """All rows of a (small) table."""
    return [record(table, columns, row) for row in range(count(columns))]


def count(columns: Mapping[str, Values]) -> int:
    """How many rows a table has."""
    for values in columns.values():
        return len(values.codes) if isinstance(values, Coded) else len(values)
    return 0


def take(columns: Mapping[str, Values], rows: np.ndarray | slice) -> Columns:
    """Some rows of a table: ``rows`` are positions, a mask or a slice."""
    return {
        name: Coded(values.codes[rows], values.words) if isinstance(values, Coded) else values[rows]
        for name, values in columns.items()
    }


def joined(columns: tuple[Column, ...], first: Columns, second: Columns) -> Columns:
    """One table after another. Text comes out as object arrays."""
    both: Columns = {}
    for column in columns:
        if column.name not in first or column.name not in second:
            continue
        parts = first[column.name], second[column.name]
        if column.dtype in (WORD, TEXT) and not all(isinstance(p, np.ndarray) and p.dtype != object for p in parts):
            both[column.name] = np.concatenate([text_objects(part, column.words) for part in parts])
        else:
            both[column.name] = np.concatenate([np.asarray(part) for part in parts])
    return both


class RowsByFlow:
    """Which rows of a table belong to which flow, found once for all flows."""

    def __init__(self, flow: np.ndarray) -> None:
        self._order = np.argsort(flow, kind="stable")
        self._sorted = flow[self._order]

    def __getitem__(self, flow: int) -> np.ndarray:
        """The positions of the flow's rows, in the order of the table."""
        first, last = np.searchsorted(self._sorted, [flow, flow + 1])
        return self._order[first:last]


_DIGITS = np.frombuffer(b"0123456789", np.uint8)
_TIME_WIDTH = len("2026-01-02T03:04:05.678901234Z")


def time_octets(times: np.ndarray) -> np.ndarray:
    """ISO 8601 with nine digits and Z, as ASCII octets of shape (n, 30); what a missing time gives means nothing.

    Two divisions per group of digits are much faster than formatting one time after another.
    """
    text = np.empty((len(times), _TIME_WIDTH), np.uint8)
    text[:] = np.frombuffer(b"0000-00-00T00:00:00.000000000Z", np.uint8)
    seconds, fraction = np.divmod(times, 1_000_000_000)
    days, clock = np.divmod(seconds, 86_400)
    dates, which = np.unique(days, return_inverse=True)
    spelled = np.datetime_as_string(dates.view("M8[D]")).astype("S10")
    text[:, :10] = spelled.view(np.uint8).reshape(-1, 10)[which]
    _put(text, 20, 9, fraction)
    _put(text, 17, 2, clock % 60)
    _put(text, 14, 2, clock // 60 % 60)
    _put(text, 11, 2, clock // 3600)
    return text


def _put(text: np.ndarray, start: int, width: int, numbers: np.ndarray) -> None:
    for place in range(start + width - 1, start - 1, -1):
        numbers, digit = np.divmod(numbers.astype(np.int32, copy=False), 10)
        text[:, place] = _DIGITS[digit]


def time_texts(times: np.ndarray) -> list[str]:
    """The same as str, empty where the time is missing."""
    if not len(times):
        return []
    missing = times == MISSING
    texts = time_octets(np.where(missing, 0, times)).view(f"S{_TIME_WIDTH}").ravel().astype(f"U{_TIME_WIDTH}")
    texts[missing] = ""
    result: list[str] = texts.tolist()
    return result
