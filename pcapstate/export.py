"""Tables into files: CSV, Parquet, NDJSON. Works on the numpy columns: no pandas.

A file is written beside its place and renamed when it is whole, so that a failed run leaves the old one. CSV has
times as ISO 8601 with nine digits and Z, nothing where a value is missing, and quotes only where they are needed.
pyarrow writes the same octets as we do ourselves, and is used for large tables where it is installed.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from .schema import MISSING, NULLABLE, REAL, TABLES, TEXT, TIME, WORD, Column, Table
from .values import Columns, Values, count, take, text_objects, time_texts

FORMATS = ("csv", "parquet", "ndjson")
CHUNK = 65_536
"""Rows that are turned into text at once: bounds the memory of an export."""


def write_table(table: Table, columns: Columns, target: str | Path | IO[bytes], form: str = "csv") -> int:
    """Writes one table, and returns its number of rows. ``form`` is one of ``FORMATS``.

    Raises ValueError for another format, and ImportError where Parquet is asked for without pyarrow.
    """
    writer = _WRITERS.get(form)
    if writer is None:
        raise ValueError(f"no format {form!r}; the formats are {', '.join(FORMATS)}")
    if isinstance(target, str | Path):
        with replaced(target) as stream:
            writer(table, columns, stream)
    else:
        writer(table, columns, target)
    return count(columns)


def write_tables(tables: Mapping[str, Columns], folder: str | Path, form: str = "csv") -> dict[str, Path]:
    """Writes tables into a folder, each as NAME.FORMAT, made if need be; gives the paths by the tables' names.

    Old files stay until every new one is whole.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.{form}" for name in tables}
    with contextlib.ExitStack() as stack:
        for name, columns in tables.items():
            write_table(TABLES[name], columns, stack.enter_context(replaced(paths[name])), form)
    return paths


@contextlib.contextmanager
def replaced(target: str | Path) -> Iterator[IO[bytes]]:
    """A stream whose octets become the file ``target`` when all went well, and are thrown away when it did not."""
    path = Path(os.path.realpath(target))
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        if path.is_dir():
            raise IsADirectoryError(f"{target} is a folder")
        with path.open("wb") as stream:  # /dev/stdout, a named pipe: nothing that could be renamed
            yield stream
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as stream:
            yield stream
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


# --- CSV -------------------------------------------------------------------------------------------------------


def _write_csv(table: Table, columns: Columns, stream: IO[bytes]) -> None:
    known = [column for column in table.columns if column.name in columns]
    stream.write((",".join(column.name for column in known) + "\n").encode())
    for part in _chunks(columns):
        text = io.StringIO()
        rows = zip(*(csv_cells(column, part[column.name]) for column in known), strict=True)
        csv.writer(text, lineterminator="\n").writerows(rows)
        stream.write(text.getvalue().encode("utf-8", "surrogateescape"))


def csv_cells(column: Column, values: Values) -> list[Any]:
    """What stands in the cells of a column: texts and integers, empty text where there is no value."""
    if column.dtype in (WORD, TEXT):
        cells: list[Any] = text_objects(values, column.words).tolist()
        return ["" if cell is None else cell for cell in cells] if None in cells else cells
    assert not isinstance(values, tuple)
    if column.dtype == TIME:
        return time_texts(values)
    cells = values.tolist()
    if column.dtype == NULLABLE:
        return ["" if cell == MISSING else cell for cell in cells]
    if column.dtype == REAL:
        return ["" if cell != cell else number_text(cell) for cell in cells]  # noqa: PLR0124 -- NaN
    if column.dtype == "boolean":
        return [("false", "true", "")[cell] for cell in cells]
    return cells


def number_text(number: float) -> str:
    """A number in the fewest digits that give it back, as pyarrow writes it: 1, 0.25, 1e-7."""
    text = repr(number)
    if "e" not in text:
        return text.removesuffix(".0") if len(text) < 18 or not text.endswith(".0") else _plain_or_power(text)
    mantissa, _, power = text.partition("e")
    return f"{mantissa}e{int(power):+d}" if int(power) > 0 else f"{mantissa}e{int(power)}"


def _plain_or_power(text: str) -> str:
    return text.removesuffix(".0")


def _chunks(columns: Columns) -> Iterator[Columns]:
    for start in range(0, count(columns), CHUNK):
        yield take(columns, slice(start, start + CHUNK))


# --- NDJSON ----------------------------------------------------------------------------------------------------


def _write_ndjson(table: Table, columns: Columns, stream: IO[bytes]) -> None:
    known = [column for column in table.columns if column.name in columns]
    template = "{" + ", ".join(f"{json.dumps(column.name)}: %s" for column in known) + "}\n"
    for part in _chunks(columns):
        rows = zip(*(_json_cells(column, part[column.name]) for column in known), strict=True)
        stream.write("".join([template % row for row in rows]).encode())


def _json_cells(column: Column, values: Values) -> list[Any]:
    if column.dtype in (WORD, TEXT):
        cells = text_objects(values, column.words).tolist()
        spelled = {cell: json.dumps(cell) for cell in set(cells)}
        return [spelled[cell] for cell in cells]
    if column.dtype == TIME:
        return [f'"{cell}"' if cell else "null" for cell in csv_cells(column, values)]
    return ["null" if cell == "" else cell for cell in csv_cells(column, values)]


# --- Parquet ---------------------------------------------------------------------------------------------------


def _write_parquet(table: Table, columns: Columns, stream: IO[bytes]) -> None:
    from . import arrow

    arrow.write_parquet(table, columns, stream)


_WRITERS: dict[str, Callable[[Table, Columns, IO[bytes]], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "ndjson": _write_ndjson,
}
