"""The summary of ``pcapstate analyze``."""

from __future__ import annotations

import click
import numpy as np

from ..capture import Capture


def summarize(capture: Capture, chosen: np.ndarray | None, *, limit: int, detailed: bool) -> None:
    """Prints it."""
    click.echo(repr(capture))
