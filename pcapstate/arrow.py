"""Columns as Arrow arrays: Parquet, and the fast way to the CSV that ``export`` writes. The only user of pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from .schema import INTEGER, MISSING, NULLABLE, REAL, TEXT, TIME, WORD, Column, Table
from .values import Columns, Values, coded, count, number_text, plain_numbers, quoted, take, time_octets, worded

ROWS = 262_144
"""Rows of a Parquet row group, and of a batch of CSV."""


def write_parquet(table: Table, columns: Columns, stream: IO[bytes]) -> None:
    """Writes a table as Parquet: times as timestamp[ns, UTC], words as dictionaries, missing values as null."""
    known = [column for column in table.columns if column.name in columns]
    fields = [pa.field(column.name, _TYPES[column.dtype]) for column in known]
    with pq.ParquetWriter(stream, pa.schema(fields), compression="zstd") as writer:
        for start in range(0, max(count(columns), 1), ROWS):
            part = take(columns, slice(start, start + ROWS))
            arrays = [_array(column, part[column.name]) for column in known]
            writer.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)))


_COMMA, _QUOTE, _NEWLINE, _RETURN = "\x1f", "\x01", "\x02", "\x03"
_BACK = bytes.maketrans((_COMMA + _QUOTE + _NEWLINE + _RETURN).encode(), b',"\n\r')
_STAND_INS = str.maketrans('"\n\r', _QUOTE + _NEWLINE + _RETURN)


REMEMBERED = 8
"""Vocabularies that stay spelled: a table has few large ones, which its columns share."""


class CsvLines:
    """The rows of a table as CSV, without heading: what ``export.csv_lines`` gives, in a fifth of the time.

    pyarrow quotes every text or none. So it writes none, with control characters that stand for commas, for quotes and
    for line ends within quotes, and these are put back in its octets. A text that holds one of them is left to the
    slow way. Call it with one part of a table after another: a vocabulary that the parts share is spelled once.
    """

    def __init__(self) -> None:
        self._spelled: list[tuple[Sequence[str], Any]] = []

    def __call__(self, columns: list[Column], part: Columns) -> bytes:
        """The lines of one part."""
        texts = {c.name: self._texts(c, part[c.name]) for c in columns if c.dtype in (WORD, TEXT)}
        if None in texts.values():
            from .export import csv_lines as slow_lines

            return slow_lines(columns, part)
        cells = [texts[c.name] if c.name in texts else _cells(c, part[c.name]) for c in columns]
        sink = pa.BufferOutputStream()
        # Large batches: pyarrow's own size of 1024 rows takes three times as long.
        options = pa_csv.WriteOptions(include_header=False, delimiter=_COMMA, quoting_style="none", batch_size=65_536)
        pa_csv.write_csv(pa.Table.from_arrays(cells, names=[column.name for column in columns]), sink, options)
        lines: bytes = sink.getvalue().to_pybytes().translate(_BACK)
        return lines

    def _texts(self, column: Column, values: Values) -> Any:
        """A column of text as the text of its cells, null where the cell is empty; None if it is not for pyarrow."""
        codes, words = coded(values, column.words)
        spelled: Any = None
        for known, spelled in self._spelled:  # noqa: B007 -- the loop leaves it behind
            if known is words:
                break
        else:
            spelled = _spelled(words)
            self._spelled = [*self._spelled[-REMEMBERED:], (words, spelled)]
        return None if spelled is None else spelled.take(pa.array(codes, pa.int32(), mask=codes < 0))


def csv_lines(columns: list[Column], part: Columns) -> bytes:
    """The rows of one table as ``CsvLines`` gives them."""
    return CsvLines()(columns, part)


def _spelled(words: Sequence[str]) -> Any:
    """Words as they stand in a CSV, with stand-ins; None if one of them holds a stand-in itself."""
    texts = list(words)
    together = "".join(texts)
    if any(mark in together for mark in (_COMMA, _QUOTE, _NEWLINE, _RETURN)):
        return None
    if any(mark in together for mark in ',"\n\r'):
        texts = [quoted(word).translate(_STAND_INS) for word in texts]
    return pa.array(texts, pa.string())


_WORDS = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    INTEGER: pa.int64(),
    NULLABLE: pa.int64(),
    TIME: pa.timestamp("ns", tz="UTC"),
    REAL: pa.float64(),
    "boolean": pa.bool_(),
    WORD: _WORDS,
    TEXT: _WORDS,
}


def _array(column: Column, values: Values) -> Any:
    kind = _TYPES[column.dtype]
    if column.dtype in (WORD, TEXT):
        codes, words = worded(values, column.words)
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32(), mask=codes < 0), pa.array(words, pa.string()))
    assert isinstance(values, np.ndarray)
    if column.dtype in (NULLABLE, TIME):
        return pa.array(values, pa.int64(), mask=values == MISSING).cast(kind)
    if column.dtype == REAL:
        return pa.array(values, kind, mask=np.isnan(values))
    if column.dtype == "boolean":
        return pa.array(values == 1, kind, mask=values < 0)
    return pa.array(values, kind)


def _cells(column: Column, values: Values) -> Any:
    """A column of numbers as the text of its cells, null where the cell is empty."""
    assert isinstance(values, np.ndarray)
    if column.dtype == TIME:
        return _time_cells(values)
    if column.dtype == REAL:
        return _number_cells(values)
    if column.dtype == "boolean":
        return pa.array(["false", "true", None]).take(pa.array(np.where(values < 0, 2, values), pa.int8()))
    return _array(column, values).cast(pa.string())


def _time_cells(times: np.ndarray) -> Any:
    missing = times == MISSING
    octets = time_octets(np.where(missing, 0, times))
    offsets = np.arange(0, octets.size + 1, octets.shape[1], dtype=np.int32)
    valid = np.packbits(~missing, bitorder="little")
    return pa.StringArray.from_buffers(
        len(times), pa.py_buffer(offsets), pa.py_buffer(octets), pa.py_buffer(valid), int(missing.sum())
    )


def _number_cells(numbers: np.ndarray) -> Any:
    texts = pa.array(numbers, pa.float64(), mask=np.isnan(numbers)).cast(pa.string())
    whole = pa.array(np.mod(numbers, 1, where=np.isfinite(numbers), out=np.ones(len(numbers))) == 0)
    texts = pc.if_else(whole, pc.binary_join_element_wise(texts, "0", "."), texts)
    odd = np.flatnonzero(~plain_numbers(numbers) & ~np.isnan(numbers))
    if len(odd):  # very large and very small: spelled one by one
        mask = np.zeros(len(numbers), bool)
        mask[odd] = True
        texts = pc.replace_with_mask(texts, mask, pa.array([number_text(numbers[row].item()) for row in odd]))
    return texts
