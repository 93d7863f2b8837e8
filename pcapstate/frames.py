"""Columns into DataFrames: the only place where the replay's numpy columns become pandas'.

A column comes as the replay hands it on (``schema.MISSING``, NaN, code -1 or None where there is no value) and leaves
with the dtype that ``schema`` gives it. Every table has a plain RangeIndex.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .schema import INTEGER, MISSING, NULLABLE, REAL, TEXT, TIME, WORD, Coded, Column, Table
from .values import Values, text_objects, worded


def frame(table: Table, columns: Mapping[str, Values]) -> pd.DataFrame:
    """The table as a DataFrame, its columns in the order of ``schema`` and with the dtypes that stand there.

    ``columns`` maps a column's name to its values, all of one length. A column of ``table`` that is not among them
    is left out.
    """
    made = {column.name: series(column, columns[column.name]) for column in table.columns if column.name in columns}
    return pd.DataFrame(made, copy=False)


def series(column: Column, values: Values) -> pd.Series[Any]:
    """One column, with the dtype ``column.dtype``."""
    return pd.Series(_ARRAYS[column.dtype](column, values), name=column.name, copy=False)


def _integer(_: Column, values: Any) -> Any:
    return np.asarray(values, np.int64)


def _nullable(_: Column, values: Any) -> Any:
    values = np.asarray(values, np.int64)
    missing = values == MISSING
    return pd.arrays.IntegerArray(np.where(missing, 0, values), missing)


def _time(_: Column, values: Any) -> Any:
    # MISSING is the same bit pattern as NaT, so nothing needs replacing.
    return pd.DatetimeIndex(np.asarray(values, np.int64).view("M8[ns]"), tz="UTC")


def _real(_: Column, values: Any) -> Any:
    return np.asarray(values, np.float64)


def _boolean(_: Column, values: Any) -> Any:
    values = np.asarray(values, np.int8)
    return pd.arrays.BooleanArray(values == 1, values < 0)


def _word(column: Column, values: Any) -> Any:
    if isinstance(values, Coded):
        # Of the words that a column might hold only those that it does hold become categories.
        used = np.flatnonzero(np.bincount(values.codes + 1, minlength=1)[1:])
        renumbered = np.full(len(values.words) + 1, -1, np.int32)
        renumbered[used] = np.arange(len(used))
        words = pd.Index([values.words[code] for code in used.tolist()], dtype="object")
        return pd.Categorical.from_codes(renumbered[values.codes], categories=words)
    if column.words:
        codes, kinds = worded(values, column.words)
        return pd.Categorical.from_codes(codes, categories=pd.Index(list(kinds), dtype="object"))
    return pd.Categorical(values)


def _text(_: Column, values: Any) -> Any:
    return pd.array(text_objects(values), dtype="string")


_ARRAYS = {
    INTEGER: _integer,
    NULLABLE: _nullable,
    TIME: _time,
    REAL: _real,
    "boolean": _boolean,
    WORD: _word,
    TEXT: _text,
}
