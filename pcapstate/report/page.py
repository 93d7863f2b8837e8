"""The page: what was read and what not, findings, all connections, some of them in full, how to read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .. import __version__
from ..capture import Capture
from ..findings import Finding, of_capture
from ..schema import NOTES, STATES
from ..values import counted, records
from . import choice, looks, windows
from .details import details, note_item
from .markup import Markup, element, join
from .table import kind_words, note, table

MOST_FILES = 30
MOST_PROBLEMS = 50
MOST_LINKS = 12
"""Connections that a finding names one by one."""


def page(capture: Capture, most: int) -> Iterator[str]:
    """The page, part by part; at most so many connections are told in full."""
    flows = capture.columns("flows")
    found = of_capture(capture)
    told = choice.told(flows, found, most)
    rows = choice.listed(flows, found)
    yield _top(capture)
    yield _read(capture)
    yield _findings(found, set(told))
    yield element("h2", "Connections")
    if len(rows):
        yield note(len(rows), len(capture), len(told))
        yield _tools()
        yield element("div", table(flows, rows, found, told, capture.times[0]), class_="wide", id="all")
    else:
        yield element("p", "No TCP connection was found.")
    yield _notes(capture)
    if told:
        yield element("h2", "In full")
    for number in told:
        yield details(capture.flow(number), len(capture.files)) + "\n"
    yield _guide()
    yield _bottom()


def _top(capture: Capture) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=looks.policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{capture.name}: what each TCP did"),
        element("style", Markup(looks.colors() + looks.rules())),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{head}\n<body>{_hatching()}<main>\n'


def _hatching() -> Markup:
    """The pattern of what is not known exactly; black and white, to be seen on every state's colour."""
    return Markup(
        '<svg class="defs" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M1 0V6" class="black"/>'
        '<path d="M2.4 0V6" class="white"/></pattern></defs></svg>'
    )


def _bottom() -> str:
    said = element("footer", f"Made by pcapstate {__version__}. Times are those of the capture; states are RFC 9293's.")
    return f"{said}</main>\n<script>{looks.script()}</script></body></html>\n"


def _read(capture: Capture) -> Markup:
    """What was read, and what could not be."""
    facts = [counted(capture.packets, "packet"), counted(len(capture), "TCP connection")]
    if capture.packets:
        facts += [f"{capture.duration:.3f} s", f"from {capture.start.strftime('%Y-%m-%d %H:%M:%S.%f')} UTC"]
    title = element("h1", element("small", "What each TCP did"), capture.name)
    return join([title, element("p", ", ".join(facts), class_="lead"), _files(capture), _problems(capture)])


def _files(capture: Capture) -> Markup:
    names = capture.files
    if len(names) < 2:
        return Markup()
    items = [element("li", element("code", name)) for name in names[:MOST_FILES]]
    if len(names) > MOST_FILES:
        items.append(element("li", f"and {len(names) - MOST_FILES:,} more"))
    merged = "Frame and stream numbers are those of the files merged in the order of time (mergecap)."
    return element("details", element("summary", f"{len(names)} files"), element("ul", *items), element("p", merged))


def _problems(capture: Capture) -> Markup:
    problems = capture.problems
    if not problems:
        return element("p", "Everything in it could be read.", class_="quiet")
    items = [_problem(problem, capture.files) for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        items.append(element("li", f"and {len(problems) - MOST_PROBLEMS:,} more in the table notes"))
    return element("div", element("h2", "What could not be read"), element("ul", *items), class_="problems")


def _problem(problem: Any, files: Sequence[str]) -> Markup:
    file = files[problem.file] if 0 <= problem.file < len(files) else ""
    where = [file if len(files) > 1 else "", f"frame {problem.frame}" if problem.frame else ""]
    place = ", ".join(word for word in where if word)
    return element("li", element("b", problem.kind), f" ({place})" if place else "", f": {problem.text}")


def _findings(found: Sequence[Finding], told: set[int]) -> Markup:
    if not found:
        return join([element("h2", "Findings"), element("p", "Nothing out of the ordinary.", class_="quiet")])
    items = []
    for finding in found:
        shown = [flow for flow in finding.flows.tolist() if flow in told][:MOST_LINKS]
        links = join(join([" ", element("a", f"{flow}", href=f"#flow-{flow}", title=f"Flow {flow}")]) for flow in shown)
        chosen = f"#filter={kind_words(finding).replace(' ', '+')}"
        every = element("a", "in the table", href=chosen, class_="quiet")
        items.append(element("li", f"{finding.text}: ", element("span", links, class_="links"), " ", every))
    return join([element("h2", "Findings"), element("ul", *items, class_="findings")])


def _tools() -> Markup:
    field = element(
        "input",
        type="search",
        id="filter",
        placeholder="10.0.0.5 CLOSE_WAIT -fin",
        aria_describedby="filter-help",
        size="32",
    )
    helped = "rows that hold all of the words, and none of those with a minus"
    return element(
        "div",
        element("label", "Filter ", field),
        element("span", id="matches", role="status"),
        element("span", helped, class_="quiet", id="filter-help"),
        class_="tools",
        hidden=True,
    )


def _notes(capture: Capture) -> Markup:
    """Notes about no connection in particular: listeners, and what else could not be decided."""
    reading = {problem.text for problem in capture.problems}
    rows = records(NOTES, capture.columns("notes")) if len(capture.columns("notes")) else []
    rows = [row for row in rows if row["flow"] is None and row["text"] not in reading]
    if not rows:
        return Markup()
    items = [note_item(row) for row in rows[:MOST_PROBLEMS]]
    if len(rows) > MOST_PROBLEMS:
        items.append(element("li", f"and {len(rows) - MOST_PROBLEMS:,} more in the table notes", class_="quiet"))
    return join([element("h2", "Notes"), element("ul", *items, class_="notes")])


EVIDENCE = {
    "sent": "the side sent the segment itself: certain",
    "confirmed": "a later segment of the side proves that it got there (its frame stands under proof)",
    "presumed": "seen on its way to the side, and nothing speaks against its arrival",
    "deduced": "the only possibility that the later evidence leaves",
    "timer": "a timer of the side, no segment: the time is an estimate",
}


def _guide() -> Markup:
    """How to read the page."""
    states = [element("li", element("span", state, class_=f"st s{k}")) for k, state in enumerate(STATES)]
    evidence = [join([element("dt", word), element("dd", meaning)]) for word, meaning in EVIDENCE.items()]
    said = (
        "A ladder is read from top to bottom, time runs downward; an arrow is a segment, slanted by the time that it "
        "takes, with its frame\N{RIGHT SINGLE QUOTATION MARK}s number at its tail; a cross is where one was lost. "
        "Beside each lifeline stands the state of that side. Hatched: the state began somewhere in there. A broken "
        "line stands for a silence; its length is written on it."
    )
    return element(
        "section",
        element("h2", "How to read it"),
        element("p", said),
        element("ul", *states, class_="key"),
        windows.key(),
        element("dl", *evidence, class_="filters"),
        class_="guide",
    )
