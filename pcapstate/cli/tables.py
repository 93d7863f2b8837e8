"""Tables on a terminal that is too narrow for them: no word is cut, and what is left out is said.

A column keeps its natural width while there is room. Then those that matter least are left out, one after another;
then those that may wrap become narrower, down to their longest word (an address: to a few letters). States, numbers
and seconds never wrap: half a state is another state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

GAP = 2
"""Between two columns."""
LEAST_ADDRESS = 15
"""Letters of an address or the like, which has no words, that stand side by side where there is little room."""

LEAST = 4
"""And where there is next to none."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: its title; whether it is a number; its turn to be left out (0: never); whether its cells may wrap."""

    title: str
    number: bool = False
    leaves: int = 0
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Fitted:
    """The places of the columns that have room, their widths, and the titles of those that have none."""

    places: tuple[int, ...]
    widths: tuple[int, ...]
    left_out: tuple[str, ...]


def fitted(headings: Sequence[Heading], rows: Sequence[Sequence[Text]], width: int) -> Fitted:
    """Which columns of a table stand side by side in ``width`` letters, and how wide each is."""
    natural = {place: _longest(headings, rows, place) for place in range(len(headings))}
    left_out: list[str] = []
    for place in sorted((p for p, heading in enumerate(headings) if heading.leaves), key=lambda p: headings[p].leaves):
        if _together(natural) > width:
            del natural[place]
            left_out.append(headings[place].title)
    widths = natural
    for floor in (_floor, lambda *_: LEAST):
        floors = {place: floor(headings, rows, place) if headings[place].wraps else natural[place] for place in natural}
        widths = _narrowed(widths, floors, width)
    widths = _narrowed(widths, dict.fromkeys(widths, 1), width)  # narrower than any terminal: everything has to wrap
    return Fitted(tuple(widths), tuple(widths.values()), tuple(left_out))


def print_table(
    console: Console,
    headings: Sequence[Heading],
    rows: Sequence[Sequence[Text]],
    title: Text | None = None,
) -> tuple[str, ...]:
    """Prints a table as wide as the console at most; gives the titles of the columns that had no room."""
    fit = fitted(headings, rows, console.width)
    if title is not None:
        console.print(title)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for place, width in zip(fit.places, fit.widths, strict=True):
        heading = headings[place]
        # Without `fold` rich cuts a word that has no room.
        justify = "right" if heading.number else "left"
        table.add_column(heading.title, justify=justify, width=width, overflow="fold")  # type: ignore[arg-type]
    for cells in rows:
        table.add_row(*(cells[place] for place in fit.places))
    console.print(table)
    return fit.left_out


def no_room(left_out: Sequence[str], wide: int) -> Text:
    """A line that says which columns had no room; ``wide``: the width at which all of them have."""
    return Text(f"  no room for: {', '.join(left_out)} (COLUMNS={wide} shows all)", style="dim")


def wanted(headings: Sequence[Heading], rows: Sequence[Sequence[Text]]) -> int:
    """The width at which every column has room."""
    return _together({place: _longest(headings, rows, place) for place in range(len(headings))})


def _narrowed(widths: dict[int, int], floors: dict[int, int], width: int) -> dict[int, int]:
    """Widths that fit, if their floors do: each letter is taken from the widest column that can spare one."""
    widths = dict(widths)
    while _together(widths) > width:
        spare = [place for place in widths if widths[place] > floors[place]]
        if not spare:
            break
        widths[max(spare, key=lambda place: widths[place])] -= 1
    return widths


def _together(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _longest(headings: Sequence[Heading], rows: Sequence[Sequence[Text]], place: int) -> int:
    return max([len(headings[place].title), *(cells[place].cell_len for cells in rows)])


def _floor(headings: Sequence[Heading], rows: Sequence[Sequence[Text]], place: int) -> int:
    words = [headings[place].title, *(word for cells in rows for word in cells[place].plain.split())]
    return min(max(map(len, words)), max(LEAST_ADDRESS, len(headings[place].title)))
