"""Tables that come in many small batches, kept in as few octets as hold their values until somebody asks for a column.

The integers of a batch mostly fit one or two octets. Nothing is lost: what comes out has the values that went in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels import Row
from ..schema import MISSING

Columns = dict[str, Any]

WIDTHS = tuple((width, int(np.iinfo(width).min), int(np.iinfo(width).max)) for width in (np.int8, np.int16, np.int32))


class Packed:
    """A batch: each column in the narrowest integers that hold it, in which the least number stands for MISSING."""

    __slots__ = ("_blocks", "_places")

    def __init__(self, table: np.ndarray) -> None:
        """``table``: int64, shape (rows, columns), at least one row; its memory may be used again afterwards."""
        columns = np.ascontiguousarray(table.T)
        least, most = columns.min(axis=1), columns.max(axis=1)
        empty = most == MISSING
        gaps = least == MISSING
        for at in np.flatnonzero(gaps):
            values = columns[at]
            least[at] = values[values > MISSING].min(initial=most[at])
        left = np.ones(len(least), bool)
        self._blocks: list[np.ndarray] = []
        self._places = np.zeros((len(least), 2), np.int16)
        for width, none, highest in WIDTHS:
            fit = left & ((none < least) & (most <= highest) | empty)
            # The least number of all is MISSING: it becomes the least of the width.
            self._add(fit, (np.maximum(columns[fit], none) if gaps[fit].any() else columns[fit]).astype(width))
            left &= ~fit
        # Addresses and initial sequence numbers.
        fit = left & ~gaps & (least >= 0) & (most <= 0xFFFFFFFF)
        self._add(fit, columns[fit].astype(np.uint32))
        left &= ~fit
        self._add(left, columns[left])

    def _add(self, which: np.ndarray, block: np.ndarray) -> None:
        if len(block):
            self._places[which, 0] = len(self._blocks)
            self._places[which, 1] = np.arange(len(block))
            self._blocks.append(block)

    def column(self, at: int) -> np.ndarray:
        """A column as it is kept."""
        block, place = self._places[at].tolist()
        values: np.ndarray = self._blocks[block][place]
        return values


def unpacked(values: np.ndarray) -> np.ndarray:
    """The int64 values of a column that ``Packed`` keeps."""
    wide = values.astype(np.int64)
    if values.dtype.kind == "i" and values.dtype != np.int64:
        wide[values == np.iinfo(values.dtype).min] = MISSING
    return wide


class Batches:
    """The batches of one table of rows."""

    def __init__(self, row: Row) -> None:
        self.names = row.fields
        self._at = {name: at for at, name in enumerate(row.fields)}
        self._parts: list[Packed] = []
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, rows: np.ndarray) -> None:
        """One more batch: a structured array, whose memory may be used again."""
        if len(rows):
            self._parts.append(Packed(rows.view(np.int64).reshape(len(rows), -1)))
            self.rows += len(rows)

    def column(self, name: str) -> np.ndarray:
        """A whole column, int64, in the order in which the batches came."""
        at = self._at[name]
        if not self._parts:
            return np.zeros(0, np.int64)
        return np.concatenate([unpacked(part.column(at)) for part in self._parts])
