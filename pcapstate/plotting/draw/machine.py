"""Figure 5 on paper, with the way of each side lit."""

from __future__ import annotations

from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from ...schema import SIDES
from ..canvas import backing, canvas, entitle, given, inches, legend, shrink
from ..facts import FlowLike, narrow, records
from ..layout.machine import Machine, machine_layout
from ..style import NORMAL, SMALL, Style, style

WIDE, HIGH = 2.1, 0.62
BADGES = {"client": "o", "server": "s"}

MADE_FOR = 9.6, 7.6
"""Inches that the words are made for; on smaller axes they are smaller."""


def machine(flow: FlowLike, *, ax: Axes | None = None, side: str | None = None, theme: str | Style = "light") -> Axes:
    """Draws the state machine of RFC 9293 figure 5, with the way of both sides (or of ``side``) lit and numbered.

    ``theme`` is ``light`` or ``dark``. Draws into ``ax``, or into a figure of its own. Returns the Axes.
    """
    colors = style(theme)
    table = machine_layout(flow, side=side)
    axes = canvas(ax, 10.6, 9.7, colors)
    axes.set_xlim(-3.4, 13.4)
    axes.set_ylim(-12.7, 0.6)
    axes.set_aspect("equal")
    axes.set_axis_off()
    boxes = _boxes(axes, table, colors)
    _arrows(axes, table, boxes, colors)
    _badges(axes, table, colors)
    _lists(axes, table, colors)
    if given(axes):
        wide, high = inches(axes)
        shrink(axes, min(1.0, wide / MADE_FOR[0], high / MADE_FOR[1]))
    entitle(axes, table.facts, "The TCP state machine (RFC 9293, figure 5)", colors)
    _legend(axes, table, colors)
    return axes


def _boxes(ax: Axes, table: Machine, colors: Style) -> dict[str, FancyBboxPatch]:
    drawn = {}
    for box in records(table.boxes):
        visited = box["client"] or box["server"]
        color = colors.states[box["state"]] if visited else colors.paper
        patch = FancyBboxPatch(
            (box["x"] - WIDE / 2, box["y"] - HIGH / 2),
            WIDE,
            HIGH,
            boxstyle="round,pad=0,rounding_size=0.14",
            facecolor=color,
            edgecolor=colors.ink if visited else colors.rule,
            linewidth=1.2 if visited else 0.8,
            zorder=4,
        )
        ax.add_patch(patch)
        ink = colors.over(color) if visited else colors.quiet
        ax.text(
            box["x"],
            box["y"],
            box["state"],
            ha="center",
            va="center",
            color=ink,
            fontsize=NORMAL,
            fontweight="bold" if visited else "normal",
            zorder=5,
        )
        drawn[box["box"]] = patch
    return drawn


def _arrows(ax: Axes, table: Machine, boxes: dict[str, FancyBboxPatch], colors: Style) -> None:
    for arrow in records(table.arrows):
        steps = table.steps[(table.steps["source"] == arrow["source"]) & (table.steps["event"] == arrow["event"])]
        sides = list(dict.fromkeys(steps["side"]))
        for k, side in enumerate(sides or [None]):
            color, width = (colors.sides[side], 2.6) if side else (colors.rule, 0.9)
            # Where both sides went, the second is drawn narrower inside the first, so that both colours are seen.
            width = width + 2.6 if side and len(sides) == 2 and k == 0 else width
            ax.add_patch(
                _between(arrow, boxes, color, width, dashed=not arrow["drawn"], zorder=2 + 0.1 * k + bool(side))
            )
        ax.text(
            arrow["label_x"],
            arrow["label_y"],
            arrow["label"],
            ha=arrow["align"],
            va="center",
            color=colors.ink if sides else colors.quiet,
            fontsize=SMALL - 0.5,
            linespacing=1.05,
            bbox=backing(colors),
            zorder=3.5,
        )


def _between(
    arrow: dict[str, Any], boxes: dict[str, FancyBboxPatch], color: str, width: float, *, dashed: bool, zorder: float
) -> FancyArrowPatch:
    return FancyArrowPatch(
        (arrow["from_x"], arrow["from_y"]),
        (arrow["to_x"], arrow["to_y"]),
        patchA=boxes[arrow["source"]],
        patchB=boxes[arrow["target"]],
        connectionstyle=f"arc3,rad={arrow['bend']}",
        arrowstyle="-|>",
        mutation_scale=9 + 2 * width,
        color=color,
        linewidth=width,
        linestyle=(0, (3, 2)) if dashed else "-",
        shrinkA=1,
        shrinkB=1,
        zorder=zorder,
    )


def _badges(ax: Axes, table: Machine, colors: Style) -> None:
    for step in records(table.steps.dropna(subset=["x"])):
        color = colors.sides[step["side"]]
        ax.plot(
            step["x"],
            step["y"],
            marker=BADGES[step["side"]],
            markersize=13,
            color=color,
            markeredgecolor=colors.paper,
            zorder=6,
        )
        ax.text(
            step["x"],
            step["y"] - 0.01,
            str(step["number"]),
            ha="center",
            va="center",
            color=colors.over(color),
            fontsize=SMALL,
            fontweight="bold",
            zorder=7,
        )


def _lists(ax: Axes, table: Machine, colors: Style) -> None:
    """The steps in words, the client's in the left margin, the server's in the right."""
    for side, name, x in zip(SIDES, (table.facts.client, table.facts.server), (-3.4, 10.6), strict=True):
        steps = table.steps[table.steps["side"] == side]
        if side not in table.sides:
            continue
        ax.text(
            x,
            0.35,
            f"{side}\n{narrow(name)}" + ("" if len(steps) else "\nno transition seen"),
            ha="left",
            va="top",
            color=colors.sides[side],
            fontsize=NORMAL,
            fontweight="bold",
        )
        for k, step in enumerate(records(steps.head(14))):
            frame = f"  #{step['frame']:.0f}" if step["frame"] is not None else ""
            y = -0.5 - 0.56 * k
            ax.text(
                x,
                y,
                f"{step['number']}",
                ha="left",
                va="top",
                color=colors.sides[side],
                fontsize=SMALL,
                fontweight="bold",
            )
            ax.text(x + 0.35, y, f"{step['event']}{frame}", ha="left", va="top", color=colors.ink, fontsize=SMALL)
            ax.text(
                x + 0.35,
                y - 0.25,
                f"{step['time']:.6f} s  {step['state']}",
                ha="left",
                va="top",
                color=colors.quiet,
                fontsize=SMALL - 1,
            )


def _legend(ax: Axes, table: Machine, colors: Style) -> None:
    sides = list(dict.fromkeys(table.steps["side"]))
    handles: list[Artist] = [
        Line2D([], [], color=colors.sides[side], linewidth=2.6, marker=BADGES[side], markersize=9) for side in sides
    ]
    labels = [f"way of the {side}" for side in sides]
    handles.append(Line2D([], [], color=colors.rule, linewidth=0.9))
    labels.append("not taken")
    if (~table.arrows["drawn"].astype(bool)).any():
        handles.append(Line2D([], [], color=colors.ink, linewidth=1.5, linestyle=(0, (3, 2))))
        labels.append("in the text of the RFC, not in its figure")
    how = (
        "How to read it: follow the numbers. Beside an arrow stands what happened and, below it, what TCP does then; "
        "filled boxes are states that a side was in."
    )
    legend(ax, handles, labels, how, colors, below=4)
