"""``pcapstate annotate``: the capture as pcapng, with transitions as comments on its packets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..annotate import annotate as write
from ..annotate import check_target
from ..pipeline import Source
from ..values import counted
from .reading import Progress, read
from .selection import selected_flows

OTHERS = (".pcap", ".cap", ".csv", ".gz", ".html", ".json", ".txt", ".zst")
"""Endings that promise another format than pcapng, which alone has room for comments."""


def annotate(
    files: Sequence[str], *, output: str, flows: str | None, expression: str | None, labels: bool, msl: float
) -> int:
    """Runs the command; gives the exit code."""
    from . import INTERRUPTED

    source = _checked(files, output)
    capture, code = read(files, msl=msl, keep=("segments", "windows") if labels else ())
    if code == INTERRUPTED:
        click.echo(f"pcapstate: {output} was not written", err=True)
        return code
    chosen = selected_flows(capture, flows, expression)
    progress = Progress(source.size, "writing")
    target: Any = sys.stdout.buffer if output == "-" else output
    try:
        comments = write(
            capture, target, flows=None if chosen is None else chosen.tolist(), labels=labels, progress=progress
        )
    finally:
        progress.clear()
    if output != "-":
        connections = len(capture) if chosen is None else len(chosen)
        click.echo(
            f"Wrote {output}: {counted(capture.packets, 'packet')}, {counted(comments, 'comment')}"
            f" on {counted(connections, 'connection')}"
        )
    return code


def _checked(files: Sequence[str], output: str) -> Source:
    """Says what is wrong before the work, not after it."""
    from ..parser.sources import CaptureError, origins

    if output == "-" and sys.stdout.isatty():
        raise click.UsageError("-o -: a capture is not for a terminal: send it on, as in | tshark -r -")
    if Path(output).suffix.lower() in OTHERS:
        raise click.UsageError(f"-o {output}: only pcapng has room for comments: name it x.pcapng")
    given: Any = list(files) if len(files) > 1 else files[0]
    source = Source(given)
    if not source.repeatable and origins(given):
        raise CaptureError("annotate reads a capture twice, and only files can be: save what comes from a pipe first")
    try:
        check_target(source.paths, output)
    except ValueError as error:
        raise click.UsageError(f"-o {error}") from error
    return source
