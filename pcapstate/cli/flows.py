"""Connections one by one: the ladder, and ``analyze --flow``, which has the story and the transitions too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..capture import Capture
from ..flow import Flow
from ..schema import SIDES, STALLS
from ..slowness import reason
from ..values import records
from .reading import read
from .selection import flow_numbers

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
        click.echo(f"{len(capture) - MOST_LADDERS:,} more connections: --flow names those to show")
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
                console.print(_transitions(flow, side.index))
        stalls = longest(flow)
        if stalls:
            console.print(_stalls(flow, stalls))
        console.print(Text("\n".join(flow.ladder().splitlines()[2:])), soft_wrap=True)
    if len(numbers) > limit:
        console.print(Text(f"{len(numbers) - limit:,} more: --limit {len(numbers)} shows all"))


def _transitions(flow: Flow, index: int) -> Table:
    side = flow.sides[index]
    title = Text(f"{side.name} {side.endpoint}: {side.final_state or 'state not known'}", style="bold")
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for heading, justify in (
        ("frame", "right"),
        ("seconds", "right"),
        ("between", "right"),
        ("event", "left"),
        ("state", "left"),
        ("evidence", "left"),
        ("proof", "right"),
        ("note", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for row in side.transitions:
        table.add_row(*transition_cells(row, flow.facts["start"]))
    return table


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


def _stalls(flow: Flow, rows: Sequence[dict[str, Any]]) -> Table:
    title = Text("longest gaps in sending", style="bold")
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for heading, justify in (
        ("side", "left"),
        ("seconds", "right"),
        ("for", "right"),
        ("on", "left"),
        ("frames", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*stall_cells(row, flow.facts["start"]))
    return table


def stall_cells(row: dict[str, Any], start: int) -> list[Text]:
    """A stall as the cells of a row; times are seconds since ``start`` (nanoseconds since 1970)."""
    peer = SIDES[1 - SIDES.index(row["side"])]
    cells = [row["side"], f"{(row['start'] - start) / 1e9:.6f}", f"{row['duration']:.3f} s", reason(row, peer)]
    return [Text(cell) for cell in (*cells, f"{row['start_frame']} to {row['end_frame']}")]


def _bounds(row: dict[str, Any]) -> tuple[int | None, int | None]:
    return row["earliest"], row["latest"]
