"""``pcapstate analyze``: tables into files, or a summary on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..capture import Capture
from ..export import FORMATS, check_format, write_table, write_tables
from ..pipeline import LARGE, SPARABLE
from ..schema import TABLES
from ..values import Columns, counted, take
from .reading import read
from .selection import selected_flows

OTHERS = ("arrow", "feather", "html", "json", "jsonl", "pcap", "pcapng", "pq", "tsv", "txt", "xls", "xlsx")
"""Endings of files that we do not write. Who types one, or a table's name with an ending, does not mean a folder."""
COMPRESSED = ("gz", "bz2", "xz", "zst", "lz4", "zip")


def analyze(
    files: Sequence[str],
    *,
    output: str | None,
    form: str | None,
    tables: Sequence[str],
    flows: str | None,
    expression: str | None,
    msl: float,
    limit: int,
    quiet: bool,
) -> int:
    """Runs the command; gives the exit code."""
    plan = Plan(output, form, tables)
    check_format(plan.form)  # before the work, not after it
    keep = [name for name in plan.tables if name in LARGE]
    # The summary of all connections does not need the timeline, which takes as much memory as all the rest.
    spared = () if flows is not None else [name for name in SPARABLE if name not in plan.tables]
    capture, code = read(files, msl=msl, keep=keep, leave_out=spared)
    chosen = selected_flows(capture, flows, expression)
    plan.write(capture, chosen)
    if not quiet and not plan.to_stdout:
        from .summary import summarize

        summarize(capture, chosen, limit=limit, detailed=flows is not None)
        for line in plan.told:
            click.echo(line)
    return code


class Plan:
    """Which tables go where, in which format: from ``-o``, ``--format`` and ``--table``."""

    def __init__(self, output: str | None, form: str | None, tables: Sequence[str]) -> None:
        self.told: list[str] = []
        self.folder: Path | None = None
        self.file: Path | None = None
        self.form = form or "csv"
        self.to_stdout = output == "-" or (output is None and bool(tables))
        self.tables: tuple[str, ...] = tuple(dict.fromkeys(tables))
        if form is not None and output is None and not tables:
            raise click.UsageError("--format is of the tables: say where to with -o, or which with --table")
        if output is None or self.to_stdout:
            self._one_table("timeline" if output == "-" else None)
            return
        path = Path(output)
        first, *endings = path.name.lower().split(".")
        like_a_file = (
            bool({*FORMATS, *OTHERS, *COMPRESSED} & set(endings))
            or (first in TABLES and bool(endings))
            or _is_file(path)
        )
        if path.is_dir() or output.endswith(os.sep) or not like_a_file:
            self.folder = path
            self.tables = self.tables or tuple(TABLES)
            return
        ending = endings[-1] if endings else ""
        if ending in COMPRESSED:
            raise click.UsageError(f"-o {output}: tables are written as they are, not compressed")
        if ending not in FORMATS and form is None and (path.is_file() or not path.exists()):
            raise click.UsageError(
                f"the ending of {output} names no format: it may be {', '.join(f'.{each}' for each in FORMATS)}, "
                f"or give --format; {output}{os.sep} would be a folder"
            )
        self.file = path
        self.form = form or (ending if ending in FORMATS else "csv")  # a device or a pipe has no ending
        self._one_table(path.stem if path.stem in TABLES else "timeline")

    def _one_table(self, default: str | None) -> None:
        if len(self.tables) > 1:
            raise click.UsageError("one file holds one table: give -o a folder for several")
        if not self.tables and default is not None:
            self.tables = (default,)

    def write(self, capture: Capture, chosen: np.ndarray | None) -> None:
        """Writes the tables of the chosen flows (all: None)."""
        made = {name: of_flows(capture.columns(name), chosen) for name in self.tables}
        if self.folder is not None:
            write_tables(made, self.folder, self.form)
            self.told.append(f"Wrote {', '.join(f'{name}.{self.form}' for name in made)} into {self.folder}")
            return
        for name, columns in made.items():
            target: Any = self.file or sys.stdout.buffer
            rows = write_table(TABLES[name], columns, target, self.form)
            self.told.append(f"Wrote {self.file}: {name}, {counted(rows, 'row')}")


def _is_file(path: Path) -> bool:
    """Whether there is something of this name that is no folder: a file, a device, a pipe."""
    return path.exists() and not path.is_dir()


def of_flows(columns: Columns, chosen: np.ndarray | None) -> Columns:
    """The rows of the chosen flows; also notes that belong to no flow are left out when flows are chosen."""
    if chosen is None:
        return columns
    flow = columns["flow"]
    assert isinstance(flow, np.ndarray)
    return take(columns, np.isin(flow, chosen))
