"""Which connections a user means: ``--flow 3,7-9`` and ``--filter 'host 10.0.0.5 and port 443'``."""

from __future__ import annotations

import re

import click
import numpy as np

from ..capture import Capture


def flow_numbers(text: str, flow_count: int) -> np.ndarray:
    """The numbers that ``3,7-9`` names, sorted. Raises click.UsageError for what is no such list, or no such flow."""
    numbers: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise click.UsageError(f"--flow {text}: expected numbers and ranges, as in 3,7-9")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise click.UsageError(f"--flow {text}: the range {part.strip()} runs backwards")
        if last >= flow_count:
            known = (
                f"flows 0 to {flow_count - 1}"
                if flow_count > 1
                else "only flow 0"
                if flow_count
                else "no TCP connection"
            )
            raise click.UsageError(f"--flow {text}: the capture has {known}")
        numbers.update(range(first, last + 1))
    return np.array(sorted(numbers), np.int64)


def selected_flows(capture: Capture, flows: str | None, expression: str | None) -> np.ndarray | None:
    """The numbers of the flows that both options choose, sorted; None where neither is given."""
    chosen = None if flows is None else flow_numbers(flows, len(capture))
    if expression is not None:
        from ..findings import of_capture
        from .filters import matching

        found = np.flatnonzero(matching(expression, capture.columns("flows"), lambda: of_capture(capture)))
        chosen = found if chosen is None else np.intersect1d(chosen, found)
    return chosen
