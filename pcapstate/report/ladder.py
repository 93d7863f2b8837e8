"""The timing diagram of a flow as SVG: two lifelines, time downward, an arrow per segment, states beside the lines."""

from __future__ import annotations

from math import atan2, cos, degrees, radians
from typing import Any

from ..plotting.facts import NARROW, FlowLike, records
from ..plotting.layout.ladder import Ladder, ladder_layout
from ..plotting.layout.spans import covered
from ..schema import SIDES, STATES
from .markup import Markup, join, number
from .svg import box, drawing, group, label, line, path, rectangle

ROWS = 26
"""Arrows at most: what is more is folded."""

LINE = 16.5
"""Pixels of the layout's line of words."""

LEFT, RIGHT = 212.0, 874.0
"""Where the lifelines are."""

BAND = 15.0
HEAD = 34.0
FOOT = 22.0


def ladder(flow: FlowLike, *, rows: int = ROWS) -> tuple[Markup, str]:
    """The picture, and a sentence about what is folded in it (empty: nothing)."""
    table = ladder_layout(flow, rows=rows)
    paper = _Paper(table)
    parts = [
        _lifelines(table, paper),
        _captured(table, paper),
        _folds(table, paper),
        _blocks(table, paper),
        join(_arrow(arrow, paper) for arrow in records(table.arrows)),
        join(label(58, paper.y(tick["y"]) + 4, tick["text"], "q", end=True) for tick in records(table.ticks)),
        label(58, 12, "seconds", "q", end=True),
    ]
    words = f"Timing diagram of the segments between {table.facts.client} and {table.facts.server}"
    return drawing(paper.height, words, *parts), table.hidden


class _Paper:
    """Places of the layout (lines downward, 0 to 1 across) in pixels."""

    def __init__(self, table: Ladder) -> None:
        self.top = table.top
        self.height = HEAD + (table.bottom - table.top) * LINE + FOOT

    def x(self, across: float) -> float:
        return LEFT + across * (RIGHT - LEFT)

    def y(self, down: float) -> float:
        return HEAD + (down - self.top) * LINE


def _band(side: str) -> tuple[float, float]:
    """Left and right end of a side's band of states."""
    return (LEFT - BAND, LEFT) if side == "client" else (RIGHT, RIGHT + BAND)


def _lifelines(table: Ladder, paper: _Paper) -> Markup:
    parts = []
    for band in records(table.bands):
        left, right = _band(band["side"])
        fill = f"s{STATES.index(band['state'])}"
        parts.append(box(left, paper.y(band["top"]), right, paper.y(band["bottom"]), fill))
    doubts = [
        rectangle(_band(doubt["side"])[0], paper.y(doubt["top"]), _band(doubt["side"])[1], paper.y(doubt["bottom"]))
        for doubt in records(table.doubts)
    ]
    parts.append(path("hatch", *doubts))
    for side, address in zip(SIDES, (table.facts.client, table.facts.server), strict=True):
        x = LEFT if side == "client" else RIGHT
        parts.append(path("life", line(x, paper.y(table.top), x, paper.y(table.bottom))))
        words, outer = f"{side}  {address}", LEFT - BAND if side == "client" else RIGHT + BAND
        if max(len(table.facts.client), len(table.facts.server)) <= NARROW:
            parts.append(label(outer, 18, words, "b", end=side == "server"))
        else:  # IPv6: two long names have no room between the lifelines
            parts.append(label(66 if side == "client" else 1024, 18, words, "b small", end=side == "server"))
        if words := table.unknown.get(side, ""):
            parts += [
                label(
                    outer + (-7 if side == "client" else 7),
                    paper.y(table.top) + 12 + 13 * k,
                    text,
                    "q small",
                    end=side == "client",
                )
                for k, text in enumerate(words.split("\n"))
            ]
    return join([*parts, *(_name(name, paper) for name in records(table.names))])


def _name(name: dict[str, Any], paper: _Paper) -> Markup:
    client = name["side"] == "client"
    left, right = _band(name["side"])
    x, outer = (left - 7, left) if client else (right + 7, right)
    y = paper.y(name["y"])
    parts = [label(x, y + 11, name["state"], "b", end=client)]
    if name["detail"]:
        parts.append(label(x, y + 24, name["detail"], "q small", end=client))
    if name["y"] - name["at"] > 0.3:
        parts.append(path("rule", line(outer, paper.y(name["at"]), x, y + 7)))
    return join(parts)


def _captured(table: Ladder, paper: _Paper) -> Markup:
    """Where the capture was made: there, the times are measured, and everywhere else they are worked out."""
    if not table.measured:
        return Markup()
    part = min(max(table.captured, 0.0), 1.0)
    where = "client" if part < 0.03 else "server" if part > 0.97 else ""
    x, bottom = paper.x(part), paper.y(table.bottom)
    words = f"captured at the {where}" if where else "captured here"
    base = bottom + 14
    said = label(x, base, words, "q small", end=where == "server", middle=not where)
    return said if where else join([path("rule dash", line(x, paper.y(table.top), x, bottom)), said])


def _folds(table: Ladder, paper: _Paper) -> Markup:
    """A fold is a stripe of paper across both lifelines, with the time that passes in it."""
    gaps, edges, ways, words = [], [], [], []
    for fold in records(table.folds):
        y = round(paper.y((fold["top"] + fold["bottom"]) / 2))
        for side in SIDES:
            if not covered(table.bands, side, (fold["top"] + fold["bottom"]) / 2, "top", "bottom"):
                continue
            left, right = _band(side)
            gaps.append(rectangle(left - 2, y - 2, right + 2, y + 3))
            edges += [line(left - 3, y + shift + 2, right + 3, y + shift - 2) for shift in (-3, 3)]
        ways.append(line(LEFT + 6, y, RIGHT - 6, y))
        words.append(label(paper.x(0.5), y + 4, fold["text"], "q halo", middle=True))
    return join([path("paper", *gaps), path("life", *edges), path("rule dots", *ways), *words])


def _blocks(table: Ladder, paper: _Paper) -> Markup:
    """A folded exchange: a box across, with what went each way written in it."""
    parts = []
    for block in records(table.blocks):
        top, bottom = paper.y(block["top"]), paper.y(block["bottom"])
        parts.append(box(LEFT, top, RIGHT, bottom, "block odd" if block["odd"] else "block"))
        parts.append(label(LEFT + 5, top + 12, f"#{block['frame']}\N{EN DASH}{block['last_frame']}", "q small"))
        lines = block["text"].split("\n")
        first = (top + bottom) / 2 - 14 * (len(lines) - 1) / 2 + 4
        parts += [label(paper.x(0.5), first + 14 * k, words, middle=True) for k, words in enumerate(lines)]
    return join(parts)


def _arrow(arrow: dict[str, Any], paper: _Paper) -> Markup:
    """An arrow with its words, drawn level from the lifeline on the left and then turned as a whole."""
    x1, y1, x2, y2 = (
        paper.x(arrow["from_x"]), paper.y(arrow["from_y"]), paper.x(arrow["to_x"]), paper.y(arrow["to_y"])
    )  # fmt: skip
    rightward = x2 > x1
    slope = (y2 - y1) / (x2 - x1)
    turned = degrees(atan2(slope, 1.0))
    stretch = 1 / cos(radians(turned))
    origin_y = y1 + slope * (LEFT - x1)
    tail, tip = (x1 - LEFT) * stretch, (x2 - LEFT) * stretch
    shaft = f"M{number(tail)} 0H{number(tip)}"
    head = "" if arrow["lost"] else "m-7-3.5 7 3.5-7 3.5" if rightward else "m7-3.5-7 3.5 7 3.5"
    words = f"{arrow['text']}   {arrow['mark']}" if arrow["mark"] else arrow["text"]
    middle = (paper.x(arrow["label_x"]) - LEFT) * stretch
    frames = f"#{arrow['frame']}" if arrow["count"] == 1 else f"#{arrow['frame']}\N{EN DASH}{arrow['last_frame']}"
    parts = [
        path("many" if arrow["count"] > 1 else "shaft", shaft + head),
        label(middle, -4, words, "halo", middle=True),
        label(6 if rightward else (RIGHT - LEFT) * stretch - 6, -3, frames, "q small halo", end=not rightward),
    ]
    if arrow["lost"]:
        parts.append(path("cross", f"M{number(tip - 5)}-5l10 10m0-10-10 10"))
    if arrow["below"]:
        parts.append(label(middle, 12, arrow["below"], "halo", middle=True))
    return group(*parts, x=LEFT, y=origin_y, turned=turned, class_=f"t-{arrow['tone']}")
