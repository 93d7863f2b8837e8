"""``pcapstate plot`` and ``pcapstate report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..export import replaced
from .reading import read

ENDINGS = (".png", ".svg", ".pdf")


def plot(files: Sequence[str], *, flow: int, kind: str, output: str, msl: float) -> int:
    """Runs ``pcapstate plot``; gives the exit code."""
    ending = Path(output).suffix.lower()
    if ending not in ENDINGS:
        raise click.UsageError(f"-o {output}: the ending must be one of {', '.join(ENDINGS)}")
    capture, code = read(files, msl=msl, keep=["segments", "windows"])
    if not 0 <= flow < len(capture):
        raise click.UsageError(f"--flow {flow}: the capture has {len(capture)} connections, counted from 0")
    from .. import plotting

    made: Any = getattr(plotting, kind)(capture.flow(flow))
    figure = made if hasattr(made, "savefig") else made.figure
    with replaced(output) as stream:
        figure.savefig(stream, format=ending.removeprefix("."))
    click.echo(f"Wrote {output}: {kind} of flow {flow}")
    return code


def report(files: Sequence[str], *, output: str, msl: float) -> int:
    """Runs ``pcapstate report``; gives the exit code."""
    capture, code = read(files, msl=msl, keep=["segments", "windows"])
    from ..report import write

    write(capture, output)
    click.echo(f"Wrote {output}: {len(capture):,} connections")
    return code
