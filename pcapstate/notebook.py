"""How a capture and a connection show themselves in a notebook: HTML and CSS only, everything from outside escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from .findings import of_capture
from .flow import endpoint
from .schema import FLOWS, SIDES
from .story import octets
from .values import count, counted, record

if TYPE_CHECKING:
    from .capture import Capture
    from .flow import Flow, Side

MOST_FLOWS = 20
"""Rows of the table of connections."""

# Colours come from the page, so that a dark notebook stays dark.
_STYLE = (
    "<style>"
    ".pcapstate table{border-collapse:collapse}"
    ".pcapstate th,.pcapstate td{padding:.15em .7em;text-align:left;white-space:nowrap}"
    ".pcapstate th{border-bottom:1px solid currentColor;font-weight:600}"
    ".pcapstate .number{text-align:right!important;font-variant-numeric:tabular-nums}"
    ".pcapstate p{margin:.3em 0}.pcapstate .more{opacity:.7}"
    ".pcapstate pre{line-height:1.25;overflow-x:auto}"
    ".pcapstate .states span{display:inline-block;border:1px solid currentColor;border-radius:.6em;"
    "padding:0 .6em;margin:.1em .15em}"
    "</style>"
)


def capture_html(capture: Capture) -> str:
    """Facts, findings and the first connections."""
    columns = capture.columns("flows")
    shown = min(count(columns), MOST_FLOWS)
    parts = [f"<p><b>{escape(repr(capture)[1:-1])}</b></p>"]
    found = [f"<li>{escape(finding.text)}: {_numbers(finding.flows)}</li>" for finding in of_capture(capture)]
    if found:
        parts.append(f"<ul>{''.join(found)}</ul>")
    if shown:
        headings = "".join(
            f"<th class='number'>{heading}</th>" if heading in _NUMBERS else f"<th>{heading}</th>"
            for heading in _HEADINGS
        )
        rows = "".join(_flow_row(record(FLOWS, columns, row)) for row in range(shown))
        parts.append(f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>")
    if shown < count(columns):
        parts.append(f"<p class='more'>{counted(count(columns) - shown, 'more connection')} in <code>.flows</code></p>")
    return _page(parts)


def flow_html(flow: Flow) -> str:
    """The story, the states of both sides, the ladder."""
    title = f"<p><b>Flow {flow.number}: {escape(flow.client.endpoint)} → {escape(flow.server.endpoint)}</b></p>"
    states = "".join(_states(side) for side in flow.sides)
    return _page([title, f"<p>{escape(flow.story())}</p>", states, f"<pre>{escape(flow.ladder())}</pre>"])


def side_html(side: Side) -> str:
    """The states of one side, and its transitions."""
    title = f"<p><b>Flow {side.flow.number}, {side.name}: {escape(side.endpoint)}</b></p>"
    headings = ("frame", "seconds", "event", "state", "evidence", "note")
    rows = "".join(_transition(row, side.flow.facts["start"]) for row in side.transitions)
    table = f"<table><thead>{_row(headings, 'th')}</thead><tbody>{rows}</tbody></table>" if rows else ""
    return _page([title, _states(side), table])


def _transition(row: dict[str, Any], start: int) -> str:
    when = row["estimate"] if row["estimate"] is not None else row["time"]
    seconds = "" if when is None else f"{(when - start) / 1e9:.6f}"
    frame = "" if row["frame"] is None else str(row["frame"])
    return _row((frame, seconds, row["event"], row["to_state"], row["evidence"], row["note"]), "td")


def _row(cells: Sequence[str | None], element: str) -> str:
    """A row of a table whose first two columns are numbers."""
    told = [escape(cell or "") for cell in cells]
    numbers = "".join(f"<{element} class='number'>{cell}</{element}>" for cell in told[:2])
    return f"<tr>{numbers}{''.join(f'<{element}>{cell}</{element}>' for cell in told[2:])}</tr>"


_HEADINGS = ["flow", "client", "server", "client state", "server state", "opened", "closed"]
_HEADINGS += ["sent", "received", "seconds"]
_NUMBERS = ("flow", "sent", "received", "seconds")


def _flow_row(facts: dict[str, Any]) -> str:
    reason = (facts["close_reason"] or "").replace("_", " ")
    texts = [
        *(endpoint(facts[f"{side}_address"], facts[f"{side}_port"]) for side in SIDES),
        *(facts[f"{side}_state"] or "?" for side in SIDES),
        (facts["opened"] or "?").replace("_", " "),
        f"{facts['closed_by']}, {reason}" if facts["closed_by"] in (*SIDES, "both") else reason,
    ]
    numbers = [*(octets(facts[f"{side}_bytes"]) for side in SIDES), f"{facts['duration']:.3f}"]
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    counted = "".join(f"<td class='number'>{escape(number)}</td>" for number in numbers)
    return f"<tr><td class='number'>{facts['flow']}</td>{cells}{counted}</tr>"


def _states(side: Side) -> str:
    states = " → ".join(f"<span>{escape(state)}</span>" for state in side.states) or "no state seen"
    return f"<p class='states'>{side.name}: {states}</p>"


def _numbers(flows: Any, most: int = 6) -> str:
    word = "flow" if len(flows) == 1 else "flows"
    return f"{word} {', '.join(map(str, flows[:most].tolist()))}{', ...' if len(flows) > most else ''}"


def _page(parts: list[str]) -> str:
    return f"<div class='pcapstate'>{_STYLE}{''.join(parts)}</div>"
