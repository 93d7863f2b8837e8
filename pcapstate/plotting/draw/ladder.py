"""The timing diagram on paper."""

from __future__ import annotations

from math import atan, degrees
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle
from matplotlib.transforms import offset_copy

from ...schema import SIDES
from ..canvas import backing, canvas, entitle, given, inches, legend, shrink
from ..facts import NARROW, FlowLike, records
from ..layout.fold import ROWS
from ..layout.ladder import SLANTS, Ladder, ladder_layout
from ..layout.spans import covered
from ..style import NORMAL, SMALL, Style, style

WIDTH = 10.0
LINE_HEIGHT = 0.165
"""Inches of a line of words."""

WIDE, SMALLEST = 7.2, 0.66
"""Inches that the words are made for, and how small these become on lower axes before more is folded."""

FEWER = (40, 25, 16, 10, 6)
"""Arrows at most on axes of the caller's that are too low for what was asked for."""

BAND = 0.03
"""Width of a lifeline's band, as a part of the way between the lifelines."""

NAMES = 0.27
"""Room for the names of states outside of the bands, in the same measure."""

SHORT = 14.0
"""A ladder of fewer lines has no room for a long name of its time axis."""

HATCH = "/////"


def ladder(
    flow: FlowLike,
    *,
    ax: Axes | None = None,
    frames: tuple[int, int] | None = None,
    time: tuple[float, float] | None = None,
    rows: int = ROWS,
    numbers: str = "relative",
    theme: str | Style = "light",
) -> Axes:
    """Draws the exchange of a flow as a timing diagram: two lifelines, time downward, a slanted arrow per segment.

    ``frames`` (first and last, both included) or ``time`` (seconds since the flow's first frame) choose a part;
    ``rows`` is how many arrows there are at most, longer flows are folded; ``numbers`` are ``relative`` or ``raw``;
    ``theme`` is ``light`` or ``dark``. Draws into ``ax``, or into a figure of its own, as high as it needs to be.
    A given ``ax`` keeps its size: there the words are smaller, and where that is not enough more is folded.
    Returns the Axes. Raises ValueError for a range without a segment and for an unknown word.
    """
    colors = style(theme)

    def lay_out(most: int, slants: tuple[float, ...] = SLANTS) -> Ladder:
        return ladder_layout(flow, frames=frames, time=time, rows=most, numbers=numbers, slants=slants)

    table = lay_out(rows)
    axes = canvas(ax, WIDTH, _height(table) + 1.7, colors)
    size = 1.0
    if given(axes):
        wide, high = inches(axes)
        for most in (rows, *(few for few in FEWER if few < rows)):
            if _height(table) * SMALLEST > high:
                table = lay_out(most, SLANTS[:1])
        size = min(1.0, wide / WIDE, max(high / _height(table), SMALLEST))
    axes.set_xlim(-BAND - NAMES, 1 + BAND + NAMES)
    axes.set_ylim(table.bottom, table.top - (2.3 if _long(table) else 1.4))
    _lifelines(axes, table, colors)
    if table.measured:
        _captured(axes, table, colors)
    _folds(axes, table, colors)
    _blocks(axes, table, colors)
    _arrows(axes, table, colors)
    _axis(axes, table, colors)
    if size < 1:
        shrink(axes, size)
    entitle(axes, table.facts, f"Timing diagram, from {table.facts.clock}", colors, more=table.hidden)
    _legend(axes, table, colors)
    return axes


def _height(table: Ladder) -> float:
    """Inches that a ladder needs for its words to stand apart."""
    return (table.bottom - table.top) * LINE_HEIGHT


def _edges(side: str) -> tuple[float, float]:
    """Left edge of a side's band, and where the names begin."""
    return (-BAND, -BAND - 0.016) if side == "client" else (1.0, 1 + BAND + 0.016)


def _lifelines(ax: Axes, table: Ladder, colors: Style) -> None:
    for band in records(table.bands):
        left, _ = _edges(band["side"])
        ax.add_patch(
            _box(
                left,
                BAND,
                band["top"],
                band["bottom"],
                facecolor=colors.states[band["state"]],
                edgecolor=colors.paper,
                linewidth=0.6,
            )
        )
    for doubt in records(table.doubts):
        left, _ = _edges(doubt["side"])
        ink = colors.over(colors.states[doubt["state"]])
        ax.add_patch(
            _box(
                left,
                BAND,
                doubt["top"],
                doubt["bottom"],
                facecolor="none",
                edgecolor=ink,
                linewidth=0.0,
                hatch=HATCH,
                alpha=0.55,
            )
        )
    long = _long(table)
    for side, address in zip(SIDES, (table.facts.client, table.facts.server), strict=True):
        left, _ = _edges(side)
        ax.plot([0.0 if side == "client" else 1.0] * 2, [table.top, table.bottom], color=colors.ink, linewidth=0.8)
        ax.text(
            left + BAND / 2,
            table.top - 0.35,
            f"{side}\n{address}" if long else f"{side}  {address}",
            ha="center" if long else "left" if side == "client" else "right",
            va="bottom",
            color=colors.ink,
            fontsize=NORMAL,
            fontweight="bold",
        )
    for name in records(table.names):
        _name(ax, name, colors)
    for side, words in table.unknown.items():
        _, beside = _edges(side)
        align = "right" if side == "client" else "left"
        ax.text(beside, table.top, words, ha=align, va="top", color=colors.quiet, fontsize=SMALL - 0.5)


def _long(table: Ladder) -> bool:
    """Whether the endpoints are too long (IPv6) to stand side by side between the lifelines."""
    return max(len(table.facts.client), len(table.facts.server)) > NARROW


def _name(ax: Axes, name: dict[str, Any], colors: Style) -> None:
    left, beside = _edges(name["side"])
    client = name["side"] == "client"
    align = "right" if client else "left"
    ax.text(
        beside,
        name["y"] + 0.1,
        name["state"],
        ha=align,
        va="top",
        color=colors.ink,
        fontsize=SMALL + 0.5,
        fontweight="bold",
    )
    if name["detail"]:
        ax.text(beside, name["y"] + 0.98, name["detail"], ha=align, va="top", color=colors.quiet, fontsize=SMALL - 0.5)
    if name["y"] - name["at"] > 0.3:
        outer = left if client else left + BAND
        ax.plot([outer, beside], [name["at"], name["y"] + 0.5], color=colors.quiet, linewidth=0.6)


def _box(left: float, width: float, top: float, bottom: float, **how: Any) -> Rectangle:
    return Rectangle((left, top), width, bottom - top, **how)


def _captured(ax: Axes, table: Ladder, colors: Style) -> None:
    """Where the capture was made: there, the times are measured, and everywhere else they are worked out."""
    x = min(max(table.captured, 0.0), 1.0)
    where = "client" if x < 0.03 else "server" if x > 0.97 else ""
    if not where:
        ax.plot([x, x], [table.top, table.bottom], color=colors.rule, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.4)
    words = f"captured at the {where}" if where else "captured here"
    align = {"client": "left", "server": "right"}.get(where, "center")
    ax.text(x, table.bottom + 0.2, words, ha=align, va="top", color=colors.quiet, fontsize=SMALL - 0.5)


def _folds(ax: Axes, table: Ladder, colors: Style) -> None:
    """A fold is a stripe of paper across both lifelines, between two wavy edges, with the time that passes in it."""
    for fold in records(table.folds):
        middle = (fold["top"] + fold["bottom"]) / 2
        for side in SIDES:
            if not covered(table.bands, side, middle, "top", "bottom"):
                continue
            left, _ = _edges(side)
            for shift in (-0.18, 0.18):
                ax.plot(
                    [left - 0.006, left + BAND + 0.006],
                    [middle + shift + 0.16, middle + shift - 0.16],
                    color=colors.ink,
                    linewidth=0.8,
                    zorder=4,
                )
            ax.add_patch(
                _box(
                    left - 0.004,
                    BAND + 0.008,
                    middle - 0.14,
                    middle + 0.14,
                    facecolor=colors.paper,
                    edgecolor="none",
                    zorder=3,
                )
            )
        ax.plot([0.01, 0.99], [middle, middle], color=colors.rule, linewidth=0.8, linestyle=(0, (1, 3)), zorder=0.5)
        ax.text(
            0.5,
            middle,
            f"  {fold['text']}  ",
            ha="center",
            va="center",
            color=colors.quiet,
            fontsize=SMALL,
            backgroundcolor=colors.paper,
            zorder=0.6,
        )


def _tone(tone: str, colors: Style) -> tuple[str, float]:
    """Colour and thickness of an arrow."""
    return {
        "ordinary": (colors.quiet, 0.9),
        "data": (colors.data, 1.5),
        "retransmission": (colors.retransmission, 1.5),
        "zero": (colors.zero, 1.2),
        "odd": (colors.sack, 1.2),
        "reset": (colors.retransmission, 1.2),
    }[tone]


def _arrows(ax: Axes, table: Ladder, colors: Style) -> None:
    for arrow in records(table.arrows):
        color, width = _tone(arrow["tone"], colors)
        ends = (arrow["from_x"], arrow["from_y"]), (arrow["to_x"], arrow["to_y"])
        many = 1.0 if arrow["count"] == 1 else 2.5
        ax.add_patch(
            FancyArrowPatch(
                *ends,
                arrowstyle="-" if arrow["lost"] else "-|>",
                mutation_scale=8,
                color=color,
                linewidth=width * many,
                shrinkA=0,
                shrinkB=0,
                zorder=2,
            )
        )
        if arrow["lost"]:
            ax.plot(*ends[1], marker="x", color=colors.retransmission, markersize=8, markeredgewidth=2, zorder=3)
        _words(ax, arrow, color, colors)


def _words(ax: Axes, arrow: dict[str, Any], color: str, colors: Style) -> None:
    """The words run along with their arrow, just above it; the frame's number stands at its tail."""
    slope = (arrow["to_y"] - arrow["from_y"]) / (arrow["to_x"] - arrow["from_x"])
    above = offset_copy(
        ax.transData, fig=ax.get_figure(root=True), y=1.5 if arrow["count"] == 1 else 3.0, units="points"
    )
    how: dict[str, Any] = {
        "rotation": degrees(atan(slope)),
        "rotation_mode": "anchor",
        "transform_rotates_text": True,
        "transform": above,
        "va": "bottom",
        "zorder": 5,
        "bbox": backing(colors),
    }
    text = f"{arrow['text']}   {arrow['mark']}" if arrow["mark"] else arrow["text"]
    ink = color if arrow["tone"] in {"retransmission", "zero", "odd", "reset"} else colors.ink
    y = arrow["from_y"] + slope * (arrow["label_x"] - arrow["from_x"])
    ax.text(arrow["label_x"], y, text, ha="center", color=ink, fontsize=SMALL + 0.2, **how)
    if arrow["below"]:
        under = offset_copy(ax.transData, fig=ax.get_figure(root=True), y=-1.5, units="points")
        ax.text(
            arrow["label_x"],
            y,
            arrow["below"],
            ha="center",
            color=ink,
            fontsize=SMALL + 0.2,
            **{**how, "va": "top", "transform": under},
        )
    tail, align = (0.012, "left") if arrow["side"] == "client" else (0.988, "right")
    frames = f"#{arrow['frame']}" if arrow["count"] == 1 else f"#{arrow['frame']}\N{EN DASH}{arrow['last_frame']}"
    at = arrow["from_y"] + slope * (tail - arrow["from_x"])
    ax.text(tail, at, frames, ha=align, color=colors.quiet, fontsize=SMALL - 1, **how)


def _blocks(ax: Axes, table: Ladder, colors: Style) -> None:
    """A folded exchange: a box across, with what went each way written in it."""
    for block in records(table.blocks):
        line = colors.retransmission if block["odd"] else colors.data
        ax.add_patch(
            _box(
                0.0,
                1.0,
                block["top"],
                block["bottom"],
                facecolor=to_rgba(line, 0.10),
                edgecolor=line,
                linewidth=0.8,
                zorder=1,
            )
        )
        middle = (block["top"] + block["bottom"]) / 2
        ax.text(0.5, middle, block["text"], ha="center", va="center", color=colors.ink, fontsize=SMALL + 0.2, zorder=5)
        ax.text(
            0.008,
            block["top"] + 0.12,
            f"#{block['frame']}\N{EN DASH}{block['last_frame']}",
            ha="left",
            va="top",
            color=colors.quiet,
            fontsize=SMALL - 1,
            zorder=5,
        )


def _axis(ax: Axes, table: Ladder, colors: Style) -> None:
    ax.set_xticks([])
    ax.set_yticks(table.ticks["y"].to_numpy(), labels=list(table.ticks["text"]))
    ax.set_ylabel(
        "time since the first frame (s)" if table.bottom - table.top > SHORT else "time (s)", color=colors.quiet
    )
    ax.spines["bottom"].set_visible(False)


def _legend(ax: Axes, table: Ladder, colors: Style) -> None:
    def arrow(tone: str, many: float = 1.0) -> Line2D:
        color, width = _tone(tone, colors)
        return Line2D([], [], color=color, linewidth=width * many, marker=">", markevery=[1], markersize=5)

    tones = set(table.arrows["tone"])
    gone, there = table.arrows["lost"].to_numpy(bool), table.arrows["to_x"].isin([0.0, 1.0]).to_numpy(bool)
    cross = Line2D([], [], color=colors.retransmission, linestyle="", marker="x", markeredgewidth=2)
    marks: list[tuple[bool, Artist, str]] = [
        ("ordinary" in tones, arrow("ordinary"), "segment without data"),
        ("data" in tones, arrow("data"), "segment with data"),
        (bool((table.arrows["count"] > 1).any()), arrow("data", 2.5), "burst: several segments in one arrow"),
        ("retransmission" in tones, arrow("retransmission"), "retransmission, or lost"),
        (bool((gone & ~there).any()), cross, "lost on the way"),
        (bool((gone & there).any()), cross, "no effect: lost, or ignored"),
        ("zero" in tones, arrow("zero"), "zero window"),
        ("reset" in tones, arrow("reset"), "reset"),
        ("odd" in tones, arrow("odd"), "probe, keep-alive or other, as its words say"),
        (
            bool((~table.blocks["odd"].astype(bool)).any()),
            Patch(facecolor=to_rgba(colors.data, 0.10), edgecolor=colors.data),
            "exchange folded into a box",
        ),
        (
            bool(table.blocks["odd"].astype(bool).any()),
            Patch(facecolor=to_rgba(colors.retransmission, 0.10), edgecolor=colors.retransmission),
            "folded, with retransmissions or zero windows",
        ),
        (
            len(table.doubts) > 0,
            Patch(facecolor="none", edgecolor=colors.doubt, hatch=HATCH, linewidth=0.5),
            "the change lies somewhere in here",
        ),
    ]
    shown = [(mark, label) for wanted, mark, label in marks if wanted]
    how = (
        "How to read it: time runs downward. An arrow is a segment, "
        + (
            "slanted by the measured one-way delay"
            if table.measured
            else "its slant is nominal: the delays are not known"
        )
        + "; the band on each side is that endpoint\N{RIGHT SINGLE QUOTATION MARK}s state.\n"
        + ("A broken band and a dotted line stand for a silence, folded. " if len(table.folds) else "")
        + "ack=0+1: it acknowledges the SYN (or FIN) numbered 0, which counts as one."
    )
    legend(ax, [mark for mark, _ in shown], [label for _, label in shown], how, colors, below=16)
