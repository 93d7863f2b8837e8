"""Two lanes of states on paper."""

from __future__ import annotations

from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from ...schema import SIDES, STATES
from ..canvas import canvas, entitle, given, inches, legend, shrink
from ..facts import FlowLike, narrow, records
from ..layout.spans import covered
from ..layout.states import LETTERS, States, states_layout
from ..style import NORMAL, SMALL, Style, style

LANES = {"client": 1.0, "server": 0.0}
TALL = 0.42
HATCH = "/////"

WIDE, SMALLEST = 8.6, 0.75
"""Inches that the lanes are made for, and how small words become on narrower axes before there are fewer of them."""


def states(
    flow: FlowLike,
    *,
    ax: Axes | None = None,
    fold: bool = True,
    until: float | None = None,
    theme: str | Style = "light",
) -> Axes:
    """Draws both sides' states as two lanes over time.

    With ``fold`` silences are folded, so that every state has room for its name; without it the time axis is plain
    seconds since the first frame (to share it with other pictures), up to ``until``. ``theme`` is ``light`` or
    ``dark``. Draws into ``ax``, as large as it is, or into a figure of its own. Returns the Axes.
    """
    colors = style(theme)
    axes = canvas(ax, 10.0, 3.0, colors)
    part = min(inches(axes)[0] / WIDE, 1.0) if given(axes) else 1.0
    size = max(part, SMALLEST)
    table = states_layout(flow, fold=fold, until=until, letters=LETTERS * part / size)
    lanes(axes, table, colors)
    if size < 1:
        shrink(axes, size)
    entitle(axes, table.facts, "States of both sides", colors)
    _legend(axes, table, colors)
    return axes


def lanes(ax: Axes, table: States, colors: Style) -> None:
    """The lanes alone, without title and legend."""
    ax.set_xlim(table.left, table.right)
    ax.set_ylim(-0.45, 1.75)
    for band in records(table.bands):
        _band(ax, band, colors)
    for doubt in records(table.doubts):
        ink = colors.over(colors.states[doubt["state"]])
        ax.add_patch(
            _box(
                doubt["left"],
                doubt["right"],
                LANES[doubt["side"]],
                facecolor="none",
                edgecolor=ink,
                linewidth=0,
                hatch=HATCH,
                alpha=0.55,
                zorder=3,
            )
        )
    for event in records(table.events):
        y = LANES[event["side"]]
        ax.plot([event["x"]] * 2, [y, y + TALL + 0.07], color=colors.ink, linewidth=0.8, zorder=4)
        ax.text(
            event["x"], y + TALL + 0.09, event["text"], ha="left", va="bottom", color=colors.quiet, fontsize=SMALL - 0.8
        )
    for side, words in table.unknown.items():
        middle = (table.left + table.right) / 2
        ax.text(middle, LANES[side] + TALL / 2, words, ha="center", va="center", color=colors.quiet, fontsize=SMALL)
    for crowd in records(table.crowds):
        ax.text(
            crowd["x"],
            LANES[crowd["side"]] - 0.04,
            crowd["text"],
            ha="left",
            va="top",
            color=colors.quiet,
            fontsize=SMALL - 0.8,
        )
    _folds(ax, table, colors)
    ax.set_yticks(
        [LANES[side] + TALL / 2 for side in SIDES],
        labels=[
            f"{side}\n{narrow(name)}"
            for side, name in zip(SIDES, (table.facts.client, table.facts.server), strict=True)
        ],
        fontsize=NORMAL,
    )
    ax.tick_params(axis="y", length=0, colors=colors.ink)
    ax.spines["left"].set_visible(False)
    if table.folded:
        ax.set_xticks(table.ticks["x"].to_numpy(), labels=list(table.ticks["text"]))
    ax.set_xlabel(f"seconds since the first frame ({table.facts.clock})")


def _box(left: float, right: float, y: float, **how: Any) -> Rectangle:
    return Rectangle((left, y), right - left, TALL, **how)


def _band(ax: Axes, band: dict[str, Any], colors: Style) -> None:
    color = colors.states[band["state"]]
    y = LANES[band["side"]]
    ax.add_patch(_box(band["left"], band["right"], y, facecolor=color, edgecolor=colors.paper, linewidth=0.5, zorder=2))
    words = f"{band['name']}  {band['ends']}" if band["name"] and band["ends"] else band["name"]
    ax.text(
        band["name_x"],
        y + TALL / 2,
        words,
        ha="center",
        va="center",
        color=colors.over(color),
        fontsize=SMALL,
        fontweight="bold",
        bbox={"facecolor": color, "edgecolor": "none", "boxstyle": "square,pad=0.15"},
        clip_on=True,
        zorder=5,
    )


def _folds(ax: Axes, table: States, colors: Style) -> None:
    lean = (table.right - table.left) * 0.002
    for fold in records(table.folds):
        x = fold["cut"]
        for side, y in LANES.items():
            if not covered(table.bands, side, x):
                continue
            ax.add_patch(
                Rectangle(
                    (x - lean, y - 0.02), 2 * lean, TALL + 0.04, facecolor=colors.paper, edgecolor="none", zorder=6
                )
            )
            for shift in (-lean, lean):
                ax.plot(
                    [x + shift - lean, x + shift + lean],
                    [y - 0.05, y + TALL + 0.05],
                    color=colors.ink,
                    linewidth=0.8,
                    zorder=7,
                )
        ax.plot([x, x], [-0.4, 1.6], color=colors.rule, linewidth=0.8, linestyle=(0, (1, 3)), zorder=1)
        ax.text(
            x,
            -0.28,
            fold["text"],
            ha="center",
            va="center",
            color=colors.quiet,
            fontsize=SMALL,
            backgroundcolor=colors.paper,
            zorder=6,
        )


def _legend(ax: Axes, table: States, colors: Style) -> None:
    found = set(table.bands["state"])
    order = [state for state in STATES if state in found]
    handles: list[Artist] = [
        Patch(facecolor=colors.states[state], edgecolor=colors.rule, linewidth=0.5) for state in order
    ]
    labels = list(order)
    if len(table.doubts):
        handles.append(Patch(facecolor="none", edgecolor=colors.doubt, hatch=HATCH, linewidth=0.5))
        labels.append("the change lies somewhere in here")
    handles.append(Line2D([], [], color=colors.ink, linestyle="", marker="|", markersize=8))
    labels.append("transition, with its event and frame")
    how = "How to read it: each lane is one endpoint\N{RIGHT SINGLE QUOTATION MARK}s state, from left to right."
    if len(table.folds):
        how += " A broken lane stands for a silence, folded; its length is written below."
    legend(ax, handles, labels, how, colors, columns=6)
