"""All connections as one table: sorted and filtered by the page's script, and whole without it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ..findings import Finding
from ..flow import endpoint
from ..schema import FLOWS, SIDES, STATES
from ..values import Columns, take, text_objects
from .markup import Markup, element, join, safe

HEADINGS = (
    ("flow", "number", "The connection's number in this capture, from 0"),
    ("client", "", "Address and port of who sent the first SYN"),
    ("server", "", "Address and port of the other side"),
    ("start", "number", "Seconds from the first packet of the capture to the first of the connection"),
    ("duration", "number", "Seconds from its first packet to its last"),
    ("client state", "", "State of the client at the end of the capture"),
    ("server state", "", "State of the server at the end of the capture"),
    ("opened", "", "How it was opened"),
    ("closed", "", "Who closed it first, and why"),
    ("findings", "", "What was found about it"),
    ("sent", "number", "Octets that the client sent, each counted once"),
    ("received", "number", "Octets that the server sent, each counted once"),
    ("resent", "number", "Segments that either side sent again"),
)
"""The columns: name, kind, what it is. The script sorts numbers by what they say."""


def table(flows: Columns, rows: np.ndarray, found: Sequence[Finding], details: Collection[int], start: int) -> Markup:
    """The connections ``rows`` (positions). ``start`` is when the capture began, in ns since 1970 UTC."""
    part = take(flows, rows)
    cells = [
        _numbers(part, details),
        *(_endpoints(part, side) for side in SIDES),
        _digits((_array(part, "start") - start) / 1e9),
        _digits(_array(part, "duration")),
        *(_states(part, side) for side in SIDES),
        [f"<td>{word}" for word in _words(part, "opened")],
        _closed(part),
        _found(rows, found),
        *([f"<td class=n>{octets:,}" for octets in _array(part, f"{side}_bytes").tolist()] for side in SIDES),
        _resent(part),
    ]
    # End tags of rows and cells are left out, as HTML allows: it makes a large table a third smaller.
    body = Markup("".join(["<tr>" + "".join(row) + "\n" for row in zip(*cells, strict=True)]))
    return element("table", _head(), element("tbody", body), id="flows")


def _head() -> Markup:
    headings = (
        element("th", element("button", name, type="button"), title=meaning, class_="n" if kind else None, scope="col")
        for name, kind, meaning in HEADINGS
    )
    return element("thead", element("tr", *headings))


def _array(part: Columns, name: str) -> np.ndarray:
    values = part[name]
    assert isinstance(values, np.ndarray)
    return values


def _words(part: Columns, name: str) -> list[str]:
    """A column of words for people, escaped; empty where there is none."""
    known: dict[str | None, str] = {None: ""}
    texts = text_objects(part[name], FLOWS[name].words).tolist()
    for text in set(texts) - {None}:
        known[text] = safe(text.replace("_", " "))
    return [known[text] for text in texts]


def _numbers(part: Columns, details: Collection[int]) -> list[str]:
    told = set(details)
    return [
        f'<td class=n><a href="#flow-{flow}">{flow}</a>' if flow in told else f"<td class=n>{flow}"
        for flow in _array(part, "flow").tolist()
    ]


def _endpoints(part: Columns, side: str) -> list[str]:
    addresses = text_objects(part[f"{side}_address"]).tolist()
    ports = _array(part, f"{side}_port").tolist()
    return [f"<td>{safe(endpoint(address or '?', port))}" for address, port in zip(addresses, ports, strict=True)]


def _digits(seconds: np.ndarray) -> list[str]:
    return [f"<td class=n>{value:.3f}" if value == value else "<td>" for value in seconds.tolist()]  # noqa: PLR0124 -- NaN


def _states(part: Columns, side: str) -> list[str]:
    name = f"{side}_state"
    states = text_objects(part[name], FLOWS[name].words).tolist()
    marks = {state: f'<td class="st s{code}">{state}' for code, state in enumerate(STATES)}
    return [marks.get(state, "<td>?") for state in states]


def _closed(part: Columns) -> list[str]:
    sides = _words(part, "closed_by")
    reasons = _words(part, "close_reason")
    return [
        f"<td>{side}: {reason}" if side not in ("", "none") else f"<td>{reason}"
        for side, reason in zip(sides, reasons, strict=True)
    ]


def _resent(part: Columns) -> list[str]:
    client, server = (_array(part, f"{side}_retransmissions") for side in SIDES)
    return [f"<td class=n>{again:,}" for again in (client + server).tolist()]


def _found(rows: np.ndarray, found: Sequence[Finding]) -> list[str]:
    words: dict[int, list[str]] = {}
    for finding in found:
        kind = safe(kind_words(finding))
        for flow in finding.flows.tolist():
            mine = words.setdefault(flow, [])
            if kind not in mine:
                mine.append(kind)
    return [f"<td class=f>{', '.join(words[flow])}" if flow in words else "<td>" for flow in rows.tolist()]


def kind_words(finding: Finding) -> str:
    """A finding's word for people, the same in the table and in the link that filters it."""
    return finding.kind.replace("_", " ")


def note(shown: int, whole: int, details: int) -> Markup:
    """What the table holds and which of it is told in full."""
    parts = [f"{whole:,} connection{'' if whole == 1 else 's'}"]
    if shown < whole:
        parts.append(
            f"the table has {shown:,} of them, those with findings or failures first; all are in the tables that "
            "pcapstate analyze -o writes"
        )
    if details < whole:
        parts.append(
            f"{details} are told in full below (linked by their number): those with findings, then failures, "
            "then the first"
        )
    return element("p", join(["; ".join(parts), "."]), class_="quiet")
