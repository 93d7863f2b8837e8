"""Both sides' windows of a flow as SVG: what each lets its peer send over time, and how much of it is used."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from math import isnan

import pandas as pd
from matplotlib.ticker import EngFormatter, MaxNLocator

from ..plotting.facts import FlowLike
from ..plotting.layout.windows import Panel, Windows, windows_layout
from .markup import Markup, element, join
from .svg import box, drawing, label, line, path, rectangle, steps

COLUMNS = 120
"""Columns that a long flow is thinned to: enough for the page, and small."""

LEFT, RIGHT = 66.0, 1018.0
TALL, LOW = 150.0, 74.0
"""Height of a panel: tall for who receives most, if that is more than a few segments."""

MUCH = 20_000
"""Octets from which a window is worth a tall panel."""

HEAD, GAP, FOOT = 22.0, 30.0, 34.0


def windows(flow: FlowLike, *, columns: int = COLUMNS) -> tuple[Markup, str]:
    """The picture, and a sentence about what was thinned (empty: nothing)."""
    table = windows_layout(flow, columns=columns)
    most = max(MUCH, *(panel.carries for panel in table.panels))
    parts: list[str] = []
    top = HEAD
    for panel in table.panels:
        bottom = top + (TALL if panel.carries >= most else LOW)
        parts.append(_panel(panel, _Paper(table, panel, top, bottom)))
        top = bottom + GAP
    height = top - GAP + FOOT
    parts.append(_axis(_Paper(table, table.panels[-1], HEAD, top - GAP), height))
    parts.append(label(LEFT, height - 2, f"seconds since the first frame ({table.facts.clock})", "q small"))
    words = f"Windows of {table.facts.client} and {table.facts.server} over time, and how much of them is used"
    return drawing(height, words, *parts), table.thinned


class _Paper:
    """Seconds and octets in pixels."""

    def __init__(self, table: Windows, panel: Panel, top: float, bottom: float) -> None:
        self.top, self.bottom, self.thinned = top, bottom, bool(table.thinned)
        # A single moment stands in the middle of a millisecond.
        self.start, end = (0.0, table.facts.duration) if table.facts.duration else table.facts.view
        self.duration = end - self.start
        self.peak = panel.peak * 1.1

    def x(self, time: float) -> float:
        return LEFT + (time - self.start) / self.duration * (RIGHT - LEFT)

    def y(self, octets: float) -> float:
        return self.bottom - octets / self.peak * (self.bottom - self.top)


def _panel(panel: Panel, paper: _Paper) -> Markup:
    name = f"window of the {panel.side} ({panel.address}), in octets"
    parts = [label(LEFT, paper.top - 6, name, "b")] + ([] if panel.empty else [_grid(paper)])
    for spans, what in ((panel.full, "full"), (panel.zero, "zero")):
        parts.append(path(what, *(_span(start, end, paper) for start, end in spans.itertuples(index=False))))
    parts.append(_curves(panel, paper))
    probes = [f"M{round(paper.x(time)) - 4} {round(paper.bottom) - 9}h8l-4 8z" for time in panel.probes]
    updates = [
        f"M{round(paper.x(time)) - 4} {round(paper.y(octets)) + 4}h8l-4-8z"
        for time, octets in panel.updates.itertuples(index=False)
        if not isnan(octets)
    ]
    parts += [path("probe", *probes), path("update", *updates)]
    for time, text in panel.notes.itertuples(index=False):
        middle = (paper.top + paper.bottom) / 2
        lines = text.split("\n")
        parts += [
            label(paper.x(time), middle + 14 * k - 2, words, "bad halo b", middle=True) for k, words in enumerate(lines)
        ]
    remarks = [words for words in (panel.scale, panel.stalls) if words]
    if remarks:
        parts.append(label(RIGHT, paper.top - 6, "; ".join(remarks), "bad", end=True))
    if panel.empty:
        none = f"the capture holds no window that the {panel.side} advertised"
        parts.append(label((LEFT + RIGHT) / 2, (paper.top + paper.bottom) / 2 + 4, none, "q", middle=True))
    return join(parts)


def _curves(panel: Panel, paper: _Paper) -> Markup:
    """Window and octets in flight; of a long flow what they were between in each column of pixels."""
    granted, flight = list(_pieces(panel.granted, "octets", paper)), list(_pieces(panel.in_flight, "octets", paper))
    parts = [] if panel.raw else [_areas(granted, paper, "usable")]
    if paper.thinned:
        parts.append(_areas(flight, paper, "range"))
        parts.append(path("lowest", *map(steps, _pieces(panel.granted, "low", paper))))
        flight = list(_pieces(panel.in_flight, "low", paper))
    parts.append(_areas(flight, paper, "flight"))
    # A window of which only one moment is known is a short stroke there: a line would need two.
    lines = [
        steps(piece) if len(piece) > 1 else f"M{round(piece[0][0]) - 3} {round(piece[0][1])}h6" for piece in granted
    ]
    parts.append(path("raw" if panel.raw else "granted", *lines))
    return join(parts)


def _pieces(table: pd.DataFrame, column: str, paper: _Paper) -> Iterator[list[tuple[float, float]]]:
    """A curve in pixels, parted where its values are not known."""
    for known, points in groupby(zip(table["time"], table[column], strict=True), lambda point: not isnan(point[1])):
        if known:
            yield [(paper.x(time), paper.y(octets)) for time, octets in points]


def _span(start: float, end: float, paper: _Paper) -> str:
    """A stretch of time over the panel's whole height, wide enough to be seen."""
    left = paper.x(start)
    return rectangle(left, paper.top, max(paper.x(end), left + 1), paper.bottom)


def _areas(pieces: list[list[tuple[float, float]]], paper: _Paper, class_: str) -> Markup:
    """What lies under a curve; nothing where it is nowhere above the ground."""
    ground = round(paper.bottom)
    risen = [piece for piece in pieces if any(round(y) != ground for _, y in piece)]
    return path(class_, *(f"{steps(piece)}V{ground}H{round(piece[0][0])}z" for piece in risen))


def _grid(paper: _Paper) -> Markup:
    count = 4 if paper.bottom - paper.top > LOW else 2
    spell = EngFormatter(sep="\N{THIN SPACE}")
    levels, parts = [], []
    for value in MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(0, paper.peak):
        if 0 <= value <= paper.peak:
            y = paper.y(value)
            levels.append(line(LEFT, y, RIGHT, y))
            parts.append(label(LEFT - 6, y + 4, spell.format_eng(value), "q small", end=True))
    return join([path("rule", *levels), *parts])


def _axis(paper: _Paper, height: float) -> Markup:
    marks, parts = [], []
    for value in MaxNLocator(10, steps=[1, 2, 2.5, 5, 10]).tick_values(paper.start, paper.start + paper.duration):
        if paper.start <= value <= paper.start + paper.duration:
            x = paper.x(value)
            marks.append(line(x, paper.bottom, x, paper.bottom + 4))
            parts.append(label(x, height - FOOT + 15, f"{value:.6g}", "q small", middle=True))
    return join([path("rule", *marks), *parts])


def key() -> Markup:
    """What the colours of the picture mean."""
    meant = {
        "granted": "window advertised",
        "raw": "window field, where the scale is not known",
        "flight": "in flight: sent by the peer, not acknowledged",
        "range": "the same at its most, where it changes quickly",
        "usable": "usable: what the peer may still send",
        "full": "window full",
        "zero": "zero window",
        "probe": "window probe",
        "update": "window update",
    }
    return element("ul", *(element("li", _sample(what), words) for what, words in meant.items()), class_="key")


def _sample(what: str) -> Markup:
    shape = {
        "granted": path("granted", "M0 6H22"),
        "raw": path("raw", "M0 6H22"),
        "probe": path("probe", "M7 2h8l-4 8z"),
        "update": path("update", "M7 10h8l-4-8z"),
    }.get(what) or box(0, 0, 22, 12, what)
    return element("svg", shape, viewBox="0 0 22 12", class_="sample", aria_hidden="true")
