"""Tables into files: CSV, Parquet, NDJSON. Works on the numpy columns: no pandas.

A file is written beside its place and renamed when it is whole, so that a failed run leaves the old one. CSV has
times as ISO 8601 with nine digits and Z, nothing where a value is missing, and quotes only where they are needed.
pyarrow writes the same octets as we do ourselves, and is used for large tables where it is installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np

from .schema import MISSING, NULLABLE, REAL, TABLES, TEXT, TIME, WORD, Column, Table
from .values import Columns, Values, coded, count, number_text, quoted, take, time_texts

FORMATS = ("csv", "parquet", "ndjson")
CHUNK = 65_536
"""Rows that are turned into text at once: bounds the memory of an export."""
MANY_ROWS = 20_000
"""From here on loading pyarrow (0.1 s) pays."""


def write_table(table: Table, columns: Columns, target: str | Path | IO[bytes], form: str = "csv") -> int:
    """Writes one table, and returns its number of rows. ``form`` is one of ``FORMATS``.

    Raises ValueError for another format, and ImportError where Parquet is asked for without pyarrow.
    """
    check_format(form)
    writer = _WRITERS[form]
    if isinstance(target, str | Path):
        with replaced(target) as stream:
            writer(table, columns, stream)
    else:
        writer(table, columns, target)
    return count(columns)


def check_format(form: str) -> None:
    """Raises, before any work is done, what ``write_table`` would raise for a format that cannot be written."""
    if form not in FORMATS:
        raise ValueError(f"no format {form!r}; the formats are {', '.join(FORMATS)}")
    if form == "parquet" and find_spec("pyarrow") is None:
        raise ImportError("Parquet needs pyarrow: pip install pcapstate[parquet]")


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
        try:
            stream = beside.open("wb")
        except OSError as error:
            # The user knows the file that was asked for, not the one that is written in its stead.
            raise type(error)(error.errno, error.strerror, str(target)) from error
        with stream:
            yield stream
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


# --- CSV -------------------------------------------------------------------------------------------------------


def _write_csv(table: Table, columns: Columns, stream: IO[bytes]) -> None:
    known = [column for column in table.columns if column.name in columns]
    stream.write((",".join(column.name for column in known) + "\n").encode())
    lines = _csv_writer(count(columns))
    for part in _chunks(columns):
        stream.write(lines(known, part))


def _csv_writer(rows: int) -> Callable[[list[Column], Columns], Any]:
    """What turns a part of a table into octets: pyarrow's way is worth its loading only for many rows."""
    if rows >= MANY_ROWS:
        with contextlib.suppress(ImportError):
            from .arrow import CsvLines

            return CsvLines()
    return csv_lines


def csv_lines(columns: list[Column], part: Columns) -> bytes:
    """The rows of a table as CSV, without heading."""
    rows = zip(*(cells(column, part[column.name], quoted, "") for column in columns), strict=True)
    return "".join([",".join(row) + "\n" for row in rows]).encode("utf-8", "surrogateescape")


def cells(column: Column, values: Values, spell: Callable[[str], str], empty: str) -> list[str]:
    """The text of a column's cells: texts and times as ``spell`` gives them, ``empty`` where there is no value."""
    if column.dtype in (WORD, TEXT):
        codes, words = coded(values, column.words)
        spelled = [*map(spell, words), empty]
        return [spelled[code] for code in codes.tolist()]
    assert isinstance(values, np.ndarray)
    if column.dtype == TIME:
        return [spell(text) if text else empty for text in time_texts(values)]
    if column.dtype == NULLABLE:
        return [empty if number == MISSING else str(number) for number in values.tolist()]
    if column.dtype == REAL:
        return [empty if number != number else number_text(number) for number in values.tolist()]  # noqa: PLR0124 -- NaN
    if column.dtype == "boolean":
        words = ["false", "true", empty]
        return [words[code] for code in values.tolist()]
    return list(map(str, values.tolist()))


def _chunks(columns: Columns) -> Iterator[Columns]:
    for start in range(0, count(columns), CHUNK):
        yield take(columns, slice(start, start + CHUNK))


# --- NDJSON ----------------------------------------------------------------------------------------------------


def _write_ndjson(table: Table, columns: Columns, stream: IO[bytes]) -> None:
    known = [column for column in table.columns if column.name in columns]
    template = "{" + ", ".join(f"{json.dumps(column.name)}: %s" for column in known) + "}\n"
    for part in _chunks(columns):
        rows = zip(*(cells(column, part[column.name], json.dumps, "null") for column in known), strict=True)
        stream.write("".join([template % row for row in rows]).encode())


# --- Parquet ---------------------------------------------------------------------------------------------------


def _write_parquet(table: Table, columns: Columns, stream: IO[bytes]) -> None:
    from .arrow import write_parquet

    write_parquet(table, columns, stream)


_WRITERS: dict[str, Callable[[Table, Columns, IO[bytes]], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "ndjson": _write_ndjson,
}
