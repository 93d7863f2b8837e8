"""Columns as plain Python values and as text, without pandas: for the summary, the exports and ``Flow``.

Knows how a column shows that a value is missing; what a column means stands in ``schema``.
"""

from __future__ import annotations

import functools
import re
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


def coded(values: Values, words: tuple[str, ...] = ()) -> Coded:
    """A column of text as codes and words, whatever it was; -1 is missing."""
    if isinstance(values, Coded):
        return values
    if words:
        return Coded(values, list(words))
    cells = values.tolist()
    codes = {word: code for code, word in enumerate(dict.fromkeys(cell for cell in cells if cell is not None))}
    return Coded(np.array([codes.get(cell, -1) for cell in cells], np.int32), list(codes))


def worded(values: Values, words: tuple[str, ...] = ()) -> Coded:
    """The same where missing is missing: the empty word, by which the replay says that there is none, is code -1."""
    found = coded(values, words)
    if not found.words or found.words[0] != "":
        return found
    return Coded(np.maximum(found.codes.astype(np.int32) - 1, -1), found.words[1:])


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


def counted(number: int, word: str) -> str:
    """A number of things for people: 1 row, 1,200 rows."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


# --- text of files ---------------------------------------------------------------------------------------------


_MARKS = re.compile('[,"\n\r]')


def quoted(word: str) -> str:
    """A text as it stands in a CSV: in quotes if it holds a comma, a quote or a line end (RFC 4180 2)."""
    if _MARKS.search(word):
        return '"' + word.replace('"', '""') + '"'
    return word


def number_text(number: float) -> str:
    """A number in the fewest digits that give it back, always with a point or an exponent: 1.0, 0.00001, 1e-07."""
    if not 1e-5 <= abs(number) < 1e-4:
        return repr(number)
    mantissa, _, _ = repr(number).partition("e")
    digits = mantissa.lstrip("-").replace(".", "").removesuffix("0") or "0"
    return f"{'-' if number < 0 else ''}0.0000{digits}"


def plain_numbers(numbers: np.ndarray) -> np.ndarray:
    """Which numbers everybody spells alike: without an exponent, and not minus zero."""
    size = np.abs(numbers)
    plain: np.ndarray = ((size >= 1e-5) & (size < 1e9)) | ((size == 0) & ~np.signbit(numbers))
    return plain


_TIME = np.dtype(
    [("date", "S10"), ("t", "S1"), ("minute", "S5"), ("second", "S3"), ("dot", "S1")]
    + [(name, "S3") for name in ("milli", "micro", "nano")]
    + [("z", "S1")]
)
"""2026-01-02T03:04:05.678901234Z, part by part."""


@functools.cache
def _spellings() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The minutes of a day, the seconds of a minute and the numbers below 1000, as text."""
    minutes = np.array([f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)], "S5")
    seconds = np.array([f":{second:02}" for second in range(60)], "S3")
    return minutes, seconds, np.array([f"{number:03}" for number in range(1000)], "S3")


def time_octets(times: np.ndarray) -> np.ndarray:
    """ISO 8601 with nine digits and Z, as ASCII octets of shape (n, 30); what a missing time gives means nothing.

    Looking the parts up is much faster than formatting one time after another.
    """
    minutes, seconds, thousands = _spellings()
    text = np.empty(len(times), _TIME)
    text["t"], text["dot"], text["z"] = b"T", b".", b"Z"
    whole, fraction = np.divmod(times, 1_000_000_000)
    days, clock = np.divmod(whole, 86_400)
    first_day = int(days.min()) if len(days) else 0
    spanned = np.arange(first_day, int(days.max()) + 1 if len(days) else 0)
    if len(spanned) <= 10_000:  # all days between the first and the last are fewer than the rows, or nearly so
        text["date"] = np.datetime_as_string(spanned.view("M8[D]")).astype("S10")[days - first_day]
    else:
        text["date"] = np.datetime_as_string(days.view("M8[D]")).astype("S10")
    minute, second = np.divmod(clock.astype(np.int32), 60)
    text["minute"], text["second"] = minutes[minute], seconds[second]
    micros, nanos = np.divmod(fraction.astype(np.int32), 1000)
    millis, micros = np.divmod(micros, 1000)
    text["milli"], text["micro"], text["nano"] = thousands[millis], thousands[micros], thousands[nanos]
    return text.view(np.uint8).reshape(-1, _TIME.itemsize)


def time_texts(times: np.ndarray) -> list[str]:
    """The same as str, empty where the time is missing."""
    if not len(times):
        return []
    missing = times == MISSING
    texts = time_octets(np.where(missing, 0, times)).view(f"S{_TIME.itemsize}").ravel().astype(f"U{_TIME.itemsize}")
    texts[missing] = ""
    result: list[str] = texts.tolist()
    return result
