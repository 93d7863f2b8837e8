"""Tables that are as wide as the terminal: nothing is cut, what has no room is named."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.text import Text

from pcapstate.cli.tables import Heading, fitted, no_room, print_table, wanted

HEADINGS = (
    Heading("flow", number=True),
    Heading("client", wraps=True),
    Heading("state"),
    Heading("closed", wraps=True),
    Heading("sent", number=True, leaves=2),
    Heading("seconds", number=True, leaves=1),
)
ROWS = [
    [Text(cell) for cell in cells]
    for cells in (
        ("0", "10.0.0.1:40000", "SYN_RECEIVED", "client, abort unread", "1.2 kB", "12.333"),
        ("12", "[2001:db8::1:2:3:4:5]:40000", "FIN_WAIT_1", "fin", "", "0.3"),
    )
]


def printed(width, capsys, title=None):
    left_out = print_table(Console(width=width, highlight=False), HEADINGS, ROWS, title)
    return left_out, capsys.readouterr().out.splitlines()


def test_with_room_every_column_has_its_natural_width():
    fit = fitted(HEADINGS, ROWS, 200)
    assert fit.places == (0, 1, 2, 3, 4, 5)
    assert fit.widths == (4, 27, 12, 20, 6, 7)
    assert fit.left_out == ()
    assert wanted(HEADINGS, ROWS) == sum(fit.widths) + 2 * 5
    assert fitted(HEADINGS, ROWS, wanted(HEADINGS, ROWS)) == fit
    assert fitted(HEADINGS, ROWS, wanted(HEADINGS, ROWS) - 1) != fit


def test_columns_leave_in_their_turn():
    assert fitted(HEADINGS, ROWS, 80).left_out == ("seconds",)
    assert fitted(HEADINGS, ROWS, 70).left_out == ("seconds", "sent")


def test_then_those_that_may_wrap_become_narrower_down_to_a_word():
    fit = fitted(HEADINGS, ROWS, 60)
    assert fit.places == (0, 1, 2, 3)
    assert (fit.widths[0], fit.widths[2]) == (4, 12)
    assert sum(fit.widths) + 2 * 3 == 60
    assert min(fit.widths[1], fit.widths[3]) >= len("client,")


@pytest.mark.parametrize("width", range(12, 100))
def test_nothing_is_wider_than_the_terminal_and_no_letter_is_lost(width, capsys):
    left_out, lines = printed(width, capsys)
    assert max(map(len, lines)) <= width
    letters = sorted("".join("".join(lines).replace("\N{BOX DRAWINGS LIGHT HORIZONTAL}", "").split()))
    shown = [place for place, heading in enumerate(HEADINGS) if heading.title not in left_out]
    cells = [HEADINGS[place].title for place in shown] + [row[place].plain for row in ROWS for place in shown]
    assert letters == sorted("".join("".join(cells).split()))


@pytest.mark.parametrize("width", range(44, 100))
def test_states_never_wrap(width, capsys):
    _, lines = printed(width, capsys)
    assert {"SYN_RECEIVED", "FIN_WAIT_1"} <= set(" ".join(lines).split())


def test_a_title_stands_above(capsys):
    _, lines = printed(100, capsys, Text("client 10.0.0.1"))
    assert lines[0] == "client 10.0.0.1"
    assert lines[1].split() == [heading.title for heading in HEADINGS]


def test_a_table_without_rows(capsys):
    print_table(Console(width=80), HEADINGS, [])
    assert capsys.readouterr().out.split()[: len(HEADINGS)] == [heading.title for heading in HEADINGS]


def test_what_had_no_room():
    assert no_room(["proof", "note"], 120).plain == "  no room for: proof, note (COLUMNS=120 shows all)"
