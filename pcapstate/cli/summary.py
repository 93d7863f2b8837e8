"""The summary of ``pcapstate analyze``: what was read, what was found, how connections ended, and a table of them."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from ..capture import Capture
from ..findings import of_capture
from ..schema import FLOWS
from ..story import octets
from ..values import coded, count, counted, record, take, time_texts
from .reading import printable
from .tables import Heading, no_room, print_table, wanted

MOST_NUMBERS = 6
"""Connections named after a finding."""
WIDTH = 140
"""Where the output is no terminal, and nobody says how wide it is."""


def summarize(capture: Capture, chosen: np.ndarray | None, *, limit: int, detailed: bool) -> None:
    """Prints the summary. ``chosen``: the numbers of the flows to tell of (None: all); ``detailed``: each in full."""
    console = _console()
    flows = capture.columns("flows")
    if chosen is not None:
        flows = take(flows, chosen)
    for line in opening(capture, count(flows)):
        console.print(Text(line))
    if detailed:
        from .flows import print_flows

        print_flows(console, capture, chosen.tolist() if chosen is not None else range(len(capture)), limit=limit)
        return
    _print_findings(console, capture, flows)
    _print_endings(console, flows)
    _print_flows(console, flows, limit)


def _console() -> Console:
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return _Console(width=None if known else WIDTH, highlight=False, soft_wrap=False)


class _Console(Console):
    """Whoever has seen enough (head, a pager) is no failure: rich itself would end the command with 1 then."""

    def on_broken_pipe(self) -> None:
        """Goes on to the one place that knows what to do; called while the error is handled."""
        raise  # noqa: PLE0704


def opening(capture: Capture, chosen: int) -> list[str]:
    """What was read and what was not, in a line or two."""
    first, last = time_texts(np.array(capture.times))
    names = ", ".join(dict.fromkeys(os.path.basename(name) for name in capture.files[:3])) or capture.name
    more = f" and {counted(len(capture.files) - 3, 'more file')}" if len(capture.files) > 3 else ""
    read = f"{printable(names)}{more}: {counted(capture.packets, 'packet')}"
    if capture.packets:
        read += f" in {capture.duration:.3f} s, {first[:10]} {first[11:23]} to {last[11:23]} UTC"
    connections = counted(len(capture), "TCP connection")
    if chosen != len(capture):
        connections += f", {chosen:,} chosen"
    lines = [f"{read}; {connections}"]
    if capture.problems:
        lines.append(f"Not everything could be read: {len(capture.problems):,} in the table notes.")
    return lines


def _print_findings(console: Console, capture: Capture, flows: Any) -> None:
    found = of_capture(capture, flows)
    if not found:
        return
    console.print()
    for finding in found:
        numbers = finding.flows[:MOST_NUMBERS].tolist()
        more = f", ... --filter 'finding {finding.kind}'" if len(finding.flows) > MOST_NUMBERS else ""
        flow = "flow" if len(finding.flows) == 1 else "flows"
        line = Text("  ! ", style="bold red")
        line.append(finding.text, style="default not bold")
        line.append(f" ({flow} {', '.join(map(str, numbers))}{more})", style="dim not bold")
        console.print(line)


def _print_endings(console: Console, flows: Any) -> None:
    if not count(flows):
        return
    console.print()
    for title, column in (("opened", "opened"), ("ended ", "close_reason")):
        console.print(Text(f"  {title}: {', '.join(tally(flows, column)) or 'not known'}"))


def tally(flows: Any, name: str) -> list[str]:
    """How often each word of a column is there, the most frequent first: ``fin 120``."""
    codes, words = coded(flows[name], FLOWS[name].words)
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    order = np.argsort(-counts, kind="stable")
    return [f"{words[code].replace('_', ' ')} {counts[code]:,}" for code in order.tolist() if counts[code]]


def _print_flows(console: Console, flows: Any, limit: int) -> None:
    total, shown = count(flows), min(count(flows), limit)
    if not shown:
        return
    told = {name: flows[name] for name in _TOLD}
    rows = [flow_cells(record(FLOWS, told, row)) for row in range(shown)]
    console.print()
    left_out = print_table(console, HEADINGS, rows)
    console.print()
    if left_out:
        console.print(no_room(left_out, wanted(HEADINGS, rows)))
    if shown < total:
        console.print(Text(f"  {total - shown:,} more: --limit {total} shows all, --filter some, -o DIR writes tables"))
    console.print(Text("  --flow N tells of one connection in full", style="dim"))


HEADINGS = (
    Heading("flow", number=True),
    Heading("client", wraps=True),
    Heading("server", wraps=True),
    Heading("client state"),
    Heading("server state"),
    Heading("opened", leaves=2),
    Heading("closed", wraps=True),
    Heading("sent", number=True, leaves=4),
    Heading("received", number=True, leaves=3),
    Heading("seconds", number=True, leaves=1),
)


_TOLD = (
    "flow",
    "client_address",
    "client_port",
    "server_address",
    "server_port",
    "client_state",
    "server_state",
    "opened",
    "closed_by",
    "close_reason",
    "client_bytes",
    "server_bytes",
    "duration",
)
"""The columns of ``flows`` that a row of the table is made from: the others need not be made."""


def flow_cells(facts: dict[str, Any]) -> list[Text]:
    """A row of the table of connections."""
    from ..flow import endpoint

    reason = (facts["close_reason"] or "").replace("_", " ")
    closed = f"{facts['closed_by']}, {reason}" if facts["closed_by"] in ("client", "server", "both") else reason
    cells = [
        str(facts["flow"]),
        endpoint(facts["client_address"], facts["client_port"]),
        endpoint(facts["server_address"], facts["server_port"]),
        facts["client_state"] or "?",
        facts["server_state"] or "?",
        (facts["opened"] or "?").replace("_", " "),
        closed,
        octets(facts["client_bytes"]),
        octets(facts["server_bytes"]),
        f"{facts['duration']:.3f}",
    ]
    style = "" if facts["close_reason"] in _ORDINARY else "red"
    return [Text(cell, style=style if place == 6 else "") for place, cell in enumerate(cells)]


_ORDINARY = ("fin", "still_open", "half_closed", None)
