"""``pcapstate schema``: what the columns of the tables mean, from ``pcapstate.schema``."""

from __future__ import annotations

import textwrap

import click

from ..schema import TABLES, Column


def schema(table: str | None) -> int:
    """Prints one table's columns, or what tables there are and all of theirs."""
    for name in [table] if table else TABLES:
        click.echo(f"{name}: {TABLES[name].row}\n")
        for column in TABLES[name].columns:
            click.echo(column_text(column))
        click.echo()
    return 0


def column_text(column: Column) -> str:
    """A column in a few lines: name, type, unit, meaning, words, Wireshark's field."""
    head = f"  {column.name:34} {column.dtype}" + (f", {column.unit}" if column.unit else "")
    body = [column.meaning]
    words = [word for word in column.words if word]
    if words and not all(word in column.meaning for word in words):
        body.append(f"One of: {', '.join(words)}.")
    if column.wireshark:
        body.append(f"Wireshark: {column.wireshark}.")
    return "\n".join([head, *textwrap.wrap(" ".join(body), 100, initial_indent="      ", subsequent_indent="      ")])
