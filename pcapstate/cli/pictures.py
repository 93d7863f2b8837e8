"""``pcapstate plot`` and ``pcapstate report``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from ..export import replaced
from ..values import counted
from .reading import read

ENDINGS = (".png", ".svg", ".pdf")

SIDED = ("windows", "sequence", "machine")
"""Kinds that can show one side alone."""


def plot(files: Sequence[str], *, flow: int | None, kind: str, output: str, msl: float, **options: Any) -> int:
    """Runs ``pcapstate plot``; gives the exit code."""
    ending = Path(output).suffix.lower()
    if ending not in ENDINGS:
        raise click.UsageError(f"-o {output}: the ending must be one of {', '.join(ENDINGS)}")
    given = picture_options(kind, **options)
    capture, code = read(files, msl=msl, keep=() if kind == "capture" else ("segments", "windows"))
    if len(capture) == 0:
        raise click.UsageError("there is no TCP connection to draw")
    of: Any = capture if kind == "capture" else capture.flow(_number(flow, len(capture)))
    from .. import plotting

    try:
        made: Any = getattr(plotting, kind)(of, **given)
    except ValueError as error:
        if not {"frames", "time"} & given.keys():
            raise
        raise click.UsageError(str(error)) from error
    figure = made if hasattr(made, "savefig") else made.figure
    with replaced(output) as stream:
        figure.savefig(stream, format=ending.removeprefix("."))
    what = counted(len(capture), "connection") if kind == "capture" else f"{kind} of flow {of.number}"
    click.echo(f"Wrote {output}: {what}")
    return code


def _number(flow: int | None, count: int) -> int:
    """The number of the connection meant; the only one needs no number."""
    known = counted(count, "connection")
    if flow is None and count > 1:
        raise click.UsageError(f"the capture has {known}: choose one with --flow, 0 to {count - 1}")
    if flow is not None and not 0 <= flow < count:
        raise click.UsageError(f"--flow {flow}: the capture has {known}, counted from 0")
    return flow or 0


def picture_options(
    kind: str,
    *,
    theme: str,
    side: str | None,
    frames: str | None,
    seconds: str | None,
    rows: int | None,
    raw: bool,
) -> dict[str, Any]:
    """The options of the function that draws this kind. Raises click.UsageError for one that the kind has not."""
    whole, parts = r"(\d+)", r"(\d+(?:\.\d+)?)"
    given = {
        "side": ("--side", side),
        "frames": ("--frames", frames and _range("--frames", frames, whole, int)),
        "time": ("--time", seconds and _range("--time", seconds, parts, float)),
        "rows": ("--rows", rows),
        "numbers": ("--raw", "raw" if raw else None),
    }
    chosen = {name: value for name, (_, value) in given.items() if value is not None}
    for name in chosen:
        kinds = SIDED if name == "side" else ("ladder",)
        if kind not in kinds:
            raise click.UsageError(f"{given[name][0]} goes with --kind {' or '.join(kinds)}, not with {kind}")
    return {"theme": theme, **chosen}


def _range(option: str, text: str, number: str, kind: Callable[[str], Any]) -> tuple[Any, Any]:
    """The two ends of ``10-40``."""
    match = re.fullmatch(rf"\s*{number}\s*-\s*{number}\s*", text)
    if match is None or kind(match[1]) > kind(match[2]):
        raise click.UsageError(f"{option} {text}: expected a range from the smaller to the larger, as in 10-40")
    return kind(match[1]), kind(match[2])


def report(files: Sequence[str], *, output: str, msl: float) -> int:
    """Runs ``pcapstate report``; gives the exit code."""
    capture, code = read(files, msl=msl, keep=["segments", "windows"])
    from ..report import write

    write(capture, output)
    click.echo(f"Wrote {output}: {counted(len(capture), 'connection')}")
    return code
