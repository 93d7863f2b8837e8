"""Tables that come in many small batches, kept in as few octets as hold their values until somebody asks for a column.

The integers of a batch mostly fit one or two octets. Nothing is lost: what comes out has the values and the types that
went in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..schema import MISSING, Coded

Columns = dict[str, Any]

WIDTHS = tuple((width, int(np.iinfo(width).min), int(np.iinfo(width).max)) for width in (np.int8, np.int16, np.int32))

TOGETHER = 32
"""Batches that are packed at once: few large arrays cost less than many small ones."""


def packed(values: np.ndarray) -> np.ndarray:
    """int64 ``values`` as the narrowest integers that hold them all, in which the least number stands for MISSING.

    Others as they are.
    """
    if values.dtype != np.int64 or not len(values):
        return values
    least, most = int(values.min()), int(values.max())
    missing = None
    if least == MISSING:
        missing = values == MISSING
        least = int(np.where(missing, most, values).min())
    for width, none, highest in WIDTHS:
        if (none < least and most <= highest) or most == MISSING:
            narrow = values.astype(width)
            if missing is not None:
                narrow[missing] = none
            return narrow
    return values


def unpacked(values: np.ndarray) -> np.ndarray:
    """The int64 values that ``packed`` was given."""
    wide = values.astype(np.int64)
    if values.dtype != np.int64:
        wide[values == np.iinfo(values.dtype).min] = MISSING
    return wide


class Batches:
    """The batches of one table. All have the same columns: arrays with one entry a row, or ``Coded`` text."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Any]] = {}
        self._fresh: list[Columns] = []
        self._wide: set[str] = set()
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._parts or self._fresh)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, none before the first batch."""
        self._pack()
        return tuple(self._parts)

    def add(self, columns: Columns) -> None:
        """One more batch. Views are copied: their memory may be used again, and would be kept for one column's sake."""
        self._fresh.append(
            {name: v.copy() if isinstance(v, np.ndarray) and v.base is not None else v for name, v in columns.items()}
        )
        self.rows += _length(next(iter(columns.values()))) if columns else 0
        if len(self._fresh) == TOGETHER:
            self._pack()

    def column(self, name: str) -> Any:
        """A whole column, in the order in which the batches came. Without any batch, no integers."""
        self._pack()
        parts = self._parts.get(name, ())
        if not parts:
            return np.zeros(0, np.int64)
        if isinstance(parts[0], Coded):
            return _one_vocabulary(parts)
        return np.concatenate([unpacked(part) for part in parts] if name in self._wide else parts)

    def _pack(self) -> None:
        """Joins and packs what came since the last time."""
        if not self._fresh:
            return
        for name, first in self._fresh[0].items():
            values = [columns[name] for columns in self._fresh]
            kept = self._parts.setdefault(name, [])
            if isinstance(first, Coded):
                kept.append(_one_vocabulary(values))
                continue
            if first.dtype == np.int64:
                self._wide.add(name)
            kept.append(packed(np.concatenate(values)))
        self._fresh.clear()


def _length(values: Any) -> int:
    return len(values.codes) if isinstance(values, Coded) else len(values)


def _one_vocabulary(parts: list[Coded]) -> Coded:
    """One column of text from those of the batches, each word once."""
    words: dict[str, int] = {}
    codes = []
    for part in parts:
        here = [words.setdefault(word, len(words)) for word in part.words]
        codes.append(np.array([*here, -1], np.int32)[part.codes])
    return Coded(np.concatenate(codes), list(words))
