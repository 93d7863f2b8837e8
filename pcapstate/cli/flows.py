"""Connections one by one: the ladder, and ``analyze --flow``, which has the story and the transitions too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from ..capture import Capture
from ..flow import Flow
from ..lingering import close_wait, lasting
from ..schema import SIDES, STALLS
from ..slowness import reason
from ..values import counted, records
from .reading import read
from .selection import flow_numbers
from .tables import Heading, no_room, print_table, wanted

MOST_LADDERS = 10
"""Ladders printed when nobody says which."""
MOST_STALLS = 8
"""Gaps in sending printed of a connection."""


def ladder(files: Sequence[str], *, flows: str | None, whole: bool, raw: bool, msl: float) -> int:
    """Runs ``pcapstate ladder``; gives the exit code."""
    capture, code = read(files, msl=msl, keep=["segments"])
    numbers = (
        list(range(min(len(capture), MOST_LADDERS))) if flows is None else flow_numbers(flows, len(capture)).tolist()
    )
    for number in numbers:
        click.echo(capture.flow(number).ladder(limit=None if whole else 60, raw=raw))
    if flows is None and len(capture) > MOST_LADDERS:
        click.echo(f"{counted(len(capture) - MOST_LADDERS, 'more connection')}: --flow names those to show")
    if not len(capture):
        click.echo("no TCP connection")
    return code


def print_flows(console: Console, capture: Capture, numbers: Iterable[int], *, limit: int) -> None:
    """Prints connections in full: story, both sides' transitions, the longest gaps, ladder."""
    numbers = list(numbers)
    for number in numbers[:limit]:
        flow = capture.flow(number)
        console.print()
        console.rule(Text(f"flow {number}", style="bold"), align="left", style="dim")
        console.print(Text(flow.story()))
        for side in flow.sides:
            if side.transitions:
                _print_transitions(console, flow, side.index)
        stalls = longest(flow)
        if stalls:
            title = Text("longest gaps in sending", style="bold")
            _print(console, STALL_HEADINGS, [stall_cells(row, flow.facts["start"]) for row in stalls], title)
        console.print()
        console.print(Text("\n".join(flow.ladder().splitlines()[2:])), soft_wrap=True)
    if len(numbers) > limit:
        console.print(Text(f"{len(numbers) - limit:,} more: --limit {len(numbers)} shows all"))


def _print_transitions(console: Console, flow: Flow, index: int) -> None:
    side = flow.sides[index]
    waited = close_wait(side)
    long = f", for at least {lasting(waited[0])}" if waited else ""
    title = Text(f"{side.name} {side.endpoint}: {side.final_state or 'state not known'}{long}", style="bold")
    rows = [transition_cells(row, flow.facts["start"]) for row in side.transitions]
    if NOTE not in _print(console, HEADINGS, rows, title, told_below=(NOTE,)):
        return
    for cells in rows:
        frame, event, note = cells[0].plain, cells[3].plain, cells[-1].plain
        if note:
            console.print(Text(f"  {f'frame {frame}, ' if frame else ''}{event}: {note}"))


def _print(
    console: Console,
    headings: Sequence[Heading],
    rows: Sequence[Sequence[Text]],
    title: Text,
    told_below: Sequence[str] = (),
) -> tuple[str, ...]:
    """Prints a table and which of its columns had no room; gives their titles. Some are ``told_below`` instead."""
    console.print()
    left_out = print_table(console, headings, rows, title)
    if gone := [name for name in left_out if name not in told_below]:
        console.print(no_room(gone, wanted(headings, rows)))
    return left_out


NOTE = "note"
HEADINGS = (
    Heading("frame", number=True),
    Heading("seconds", number=True),
    Heading("between", number=True, leaves=3),
    Heading("event"),
    Heading("state"),
    Heading("evidence", leaves=4),
    Heading("proof", number=True, leaves=2),
    Heading(NOTE, leaves=1),
)
STALL_HEADINGS = (
    Heading("side"),
    Heading("seconds", number=True),
    Heading("for", number=True),
    Heading("on", wraps=True),
    Heading("frames"),
)


def transition_cells(row: dict[str, Any], start: int) -> list[Text]:
    """A transition as the cells of a row; times are seconds since ``start`` (nanoseconds since 1970)."""
    estimate = row["estimate"] if row["estimate"] is not None else row["time"]
    bounds = " to ".join("?" if bound is None else f"{(bound - start) / 1e9:.6f}" for bound in _bounds(row))
    cells = [
        "" if row["frame"] is None else str(row["frame"]),
        "" if estimate is None else f"{(estimate - start) / 1e9:.6f}",
        "" if bounds == "? to ?" else bounds,
        row["event"] or "",
        row["to_state"],
        row["evidence"] or "",
        "" if row["proof"] is None else str(row["proof"]),
        row["note"] or "",
    ]
    return [Text(cell) for cell in cells]


def longest(flow: Flow) -> list[dict[str, Any]]:
    """The longest of a connection's stalls, in their order."""
    rows = sorted(records(STALLS, flow.columns("stalls")), key=lambda row: -row["duration"])
    return sorted(rows[:MOST_STALLS], key=lambda row: row["start"])


def stall_cells(row: dict[str, Any], start: int) -> list[Text]:
    """A stall as the cells of a row; times are seconds since ``start`` (nanoseconds since 1970)."""
    peer = SIDES[1 - SIDES.index(row["side"])]
    cells = [row["side"], f"{(row['start'] - start) / 1e9:.6f}", f"{row['duration']:.3f} s", reason(row, peer)]
    return [Text(cell) for cell in (*cells, f"{row['start_frame']} to {row['end_frame']}")]


def _bounds(row: dict[str, Any]) -> tuple[int | None, int | None]:
    return row["earliest"], row["latest"]
