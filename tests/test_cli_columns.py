"""``pcapstate schema``."""

from __future__ import annotations

import pytest

from pcapstate.cli import DONE, run
from pcapstate.cli.columns import column_text
from pcapstate.schema import TABLES, Column


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_a_table(name, capsys):
    assert run(["schema", name]) == DONE
    out = capsys.readouterr().out
    assert out.startswith(f"{name}: {TABLES[name].row}\n")
    assert [line.split()[0] for line in out.splitlines() if line[:2] == "  " and line[2] != " "] == list(
        TABLES[name].names
    )


def test_all_tables(capsys):
    assert run(["schema"]) == DONE
    out = capsys.readouterr().out
    assert all(f"{name}: {table.row}" in out for name, table in TABLES.items())


def test_a_column_in_a_few_lines():
    column = Column("window", "Int64", "What is offered.", "octets", "tcp.window_size")
    assert column_text(column).splitlines() == [
        "  window                             Int64, octets",
        "      What is offered. Wireshark: tcp.window_size.",
    ]


def test_words_are_listed_where_the_meaning_does_not():
    assert "One of: a, b." in column_text(Column("x", "category", "X.", words=("", "a", "b")))
    assert "One of" not in column_text(Column("x", "category", "a or b.", words=("a", "b")))
