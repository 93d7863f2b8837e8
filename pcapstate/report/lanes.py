"""Both sides' states of a flow as SVG: two lanes over time, silences folded."""

from __future__ import annotations

from typing import Any

from ..plotting.facts import FlowLike, records
from ..plotting.layout.spans import covered
from ..plotting.layout.states import States, states_layout
from ..schema import SIDES, STATES
from .markup import Markup, join
from .svg import box, drawing, label, line, path, rectangle

LEFT, RIGHT = 12.0, 1018.0
LANE = {"client": 46.0, "server": 124.0}
"""Where each lane begins, downward."""

TALL = 28.0
HEIGHT = 200.0


def lanes(flow: FlowLike) -> tuple[Markup, str]:
    """The picture; nothing is left out of it."""
    table = states_layout(flow)
    paper = _Paper(table)
    axis = LANE["server"] + TALL + 16
    parts = [
        join(_band(band, paper) for band in records(table.bands)),
        path("hatch", *(_doubt(doubt, paper) for doubt in records(table.doubts))),
        join(_name(band, paper) for band in records(table.bands)),
        _events(table, paper),
        join(
            label(paper.x(crowd["x"]), LANE[crowd["side"]] + TALL + 12, crowd["text"], "q small")
            for crowd in records(table.crowds)
        ),
        _folds(table, paper),
        _ticks(table, paper, axis),
        label(LEFT, HEIGHT - 2, f"seconds since the first frame ({table.facts.clock})", "q small"),
    ]
    for side, address in zip(SIDES, (table.facts.client, table.facts.server), strict=True):
        parts.append(label(LEFT, LANE[side] - 26, f"{side}  {address}", "b"))
    for side, words in table.unknown.items():
        parts.append(label((LEFT + RIGHT) / 2, LANE[side] + TALL / 2 + 4, words, "q", middle=True))
    return drawing(HEIGHT, f"States of {table.facts.client} and {table.facts.server} over time", *parts), ""


class _Paper:
    """Places of the layout (letters across) in pixels."""

    def __init__(self, table: States) -> None:
        self.left, self.scale = table.left, (RIGHT - LEFT) / (table.right - table.left)

    def x(self, place: float) -> float:
        return LEFT + (place - self.left) * self.scale


def _band(band: dict[str, Any], paper: _Paper) -> Markup:
    top = LANE[band["side"]]
    # A band too narrow for its name tells it when one points at it.
    words = "" if band["name"] else f"{band['state']}  {band['ends']}".strip()
    fill = f"s{STATES.index(band['state'])} edge"
    return box(paper.x(band["left"]), top, paper.x(band["right"]), top + TALL, fill, words)


def _name(band: dict[str, Any], paper: _Paper) -> Markup:
    if not band["name"]:
        return Markup()
    name = f"{band['name']}  {band['ends']}".strip()
    base, color = LANE[band["side"]] + TALL / 2 + 4, f"o{STATES.index(band['state'])} state"
    return label(paper.x(band["name_x"]), base, name, color, middle=True)


def _doubt(doubt: dict[str, Any], paper: _Paper) -> str:
    top = LANE[doubt["side"]]
    return rectangle(paper.x(doubt["left"]), top, paper.x(doubt["right"]), top + TALL)


def _events(table: States, paper: _Paper) -> Markup:
    ticks, words = [], []
    for event in records(table.events):
        top, x = LANE[event["side"]], paper.x(event["x"])
        ticks.append(line(x, top - 4, x, top + TALL))
        if event["text"]:
            words.append(label(x, top - 7, event["text"], "q small"))
    return join([path("life", *ticks), *words])


def _folds(table: States, paper: _Paper) -> Markup:
    gaps, edges, words = [], [], []
    middle = (LANE["client"] + TALL + LANE["server"]) / 2
    for fold in records(table.folds):
        x = round(paper.x(fold["cut"]))
        for side, top in LANE.items():
            if not covered(table.bands, side, fold["cut"]):
                continue
            gaps.append(rectangle(x - 2, top - 1, x + 3, top + TALL + 1))
            edges += [line(x + shift - 2, top + TALL + 3, x + shift + 2, top - 3) for shift in (-3, 3)]
        words.append(label(x, middle - 4, fold["text"], "q small halo", middle=True))
    return join([path("paper", *gaps), path("life", *edges), *words])


def _ticks(table: States, paper: _Paper, axis: float) -> Markup:
    marks, words = [line(LEFT, axis, RIGHT, axis)], []
    for tick in records(table.ticks):
        x = paper.x(tick["x"])
        marks.append(line(x, axis, x, axis + 4))
        words.append(label(x, axis + 15, tick["text"], "q small"))
    return join([path("rule", *marks), *words])
