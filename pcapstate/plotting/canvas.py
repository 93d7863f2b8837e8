"""The paper: a figure with axes dressed in a style, a title, and a legend that says how to read the picture.

matplotlib's object interface only. A figure of ours belongs to nobody's pyplot state, and no setting is changed. Axes
of ours show their figure in a notebook (``_repr_png_``), since without pyplot nothing else would.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter, MaxNLocator
from matplotlib.transforms import offset_copy

from .facts import Facts
from .style import LARGE, NORMAL, SMALL, Style

DPI = 120

WRAP = 145
"""Letters in a line of a subtitle."""


TITLE = 80
"""Letters of a title that fit across a picture."""

LETTER, BOLD = 0.56, 0.68
"""Width of a letter, ordinary and bold, as a part of its size."""


class Picture(Figure):
    """A figure that shows itself in a notebook without pyplot."""

    def _repr_png_(self) -> bytes:
        octets = io.BytesIO()
        self.savefig(octets, format="png", dpi=DPI)
        return octets.getvalue()


class PictureAxes(Axes):
    """Axes that show their figure in a notebook without pyplot."""

    def _repr_png_(self) -> bytes | None:
        figure = self.get_figure(root=True)
        return figure._repr_png_() if isinstance(figure, Picture) else None


def backing(style: Style) -> dict[str, Any]:
    """For words that cross lines: a box of paper behind them. (A halo would be drawn letter by letter: a huge SVG.)"""
    return {"facecolor": style.paper, "edgecolor": "none", "boxstyle": "square,pad=0.04"}


def picture(width: float, height: float, style: Style) -> Picture:
    """An empty figure of this size in inches."""
    figure = Picture(figsize=(width, height), dpi=DPI, facecolor=style.paper, layout="constrained")
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(h_pad=0.09, w_pad=0.12, hspace=0.02)
    return figure


def canvas(ax: Axes | None, width: float, height: float, style: Style) -> Axes:
    """The axes to draw on: the given ones, or those of a new figure of this size in inches; dressed."""
    chosen = ax if ax is not None else picture(width, height, style).add_subplot(axes_class=PictureAxes)
    dress(chosen, style)
    return chosen


def given(ax: Axes) -> bool:
    """Whether axes are the caller's, of any size, in a figure that is not ours."""
    return not isinstance(ax.get_figure(root=True), Picture)


def inches(ax: Axes) -> tuple[float, float]:
    """Width and height of axes on paper."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    box = ax.get_window_extent()
    return box.width / figure.dpi, box.height / figure.dpi


def shrink(ax: Axes, factor: float) -> None:
    """Makes all words on axes smaller: for a picture that was laid out for more room than it has."""
    for text in (*ax.texts, ax.xaxis.label, ax.yaxis.label):
        text.set_fontsize(float(text.get_fontsize()) * factor)
    for axis in (ax.xaxis, ax.yaxis):
        for tick in axis.get_ticklabels():
            tick.set_fontsize(float(tick.get_fontsize()) * factor)


def _room(ax: Axes, below: bool) -> float:
    """Points of free paper above or below axes of the caller's; without end where it is laid out for what is there."""
    figure = ax.get_figure(root=True)
    if figure is None or not given(ax) or figure.get_layout_engine() is not None:
        return float("inf")
    box, whole = ax.get_window_extent(), figure.bbox
    edges = [whole.y0 if below else whole.y1]
    for other in figure.axes:
        theirs = other.get_window_extent()
        if other is not ax and theirs.x0 < box.x1 and theirs.x1 > box.x0:
            edges += [theirs.y1] if below and theirs.y1 <= box.y0 else []
            edges += [theirs.y0] if not below and theirs.y0 >= box.y1 else []
    gap = box.y0 - max(edges) if below else min(edges) - box.y1
    return float(gap) * 72 / figure.dpi


def dress(ax: Axes, style: Style) -> None:
    """Gives axes the style: colours, thin rules, small letters, no box around."""
    ax.set_facecolor(style.paper)
    for place, spine in ax.spines.items():
        spine.set_visible(place in {"left", "bottom"})
        spine.set_color(style.rule)
    ax.tick_params(which="both", colors=style.quiet, labelsize=SMALL, length=3, color=style.rule)
    ax.xaxis.label.set(color=style.quiet, fontsize=NORMAL)
    ax.yaxis.label.set(color=style.quiet, fontsize=NORMAL)


def halves(ax: Axes, heights: Sequence[float], style: Style) -> list[Axes]:
    """Parts the place of axes into rows of these relative heights that share the time axis; the first is ``ax``."""
    count = len(heights)
    if count == 1:
        return [ax]
    figure, spot = ax.figure, ax.get_subplotspec()
    if spot is not None:
        grid = spot.subgridspec(count, 1, height_ratios=list(heights), hspace=0.08)
        ax.set_subplotspec(grid[0])
        lower = [figure.add_subplot(grid[k], sharex=ax, axes_class=PictureAxes) for k in range(1, count)]
    else:
        lower = _stacked(ax, heights)
    for each in lower:
        dress(each, style)
    for each in [ax, *lower][:-1]:
        each.tick_params(labelbottom=False)
    return [ax, *lower]


def _stacked(ax: Axes, heights: Sequence[float]) -> list[Axes]:
    """The same for axes that were put at a place by hand."""
    box, total, top = ax.get_position(), sum(heights), ax.get_position().y1
    places = []
    for height in heights:
        size = box.height * height / total
        places.append((box.x0, top - size * 0.94, box.width, size * 0.94))
        top -= size
    ax.set_position(places[0])
    return [ax.figure.add_axes(place, sharex=ax, axes_class=PictureAxes) for place in places[1:]]


def octets(ax: Axes, what: str, style: Style) -> None:
    """Dresses an axis of octets: whole numbers with thousands as k, M, G, faint lines across."""
    ax.yaxis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    ax.yaxis.set_major_formatter(EngFormatter(sep="\N{THIN SPACE}"))
    ax.set_ylabel(what)
    ax.grid(axis="y", color=style.rule, linewidth=0.4)
    ax.set_axisbelow(True)


def nothing(ax: Axes, why: str, style: Style) -> None:
    """Axes with nothing to draw say why."""
    ax.set_yticks([])
    ax.set_ylabel("")
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", color=style.quiet, fontsize=SMALL)


def shade(ax: Axes, spans: pd.DataFrame, color: str, hatch: str | None, style: Style) -> None:
    """Shades stretches of time (``start``, ``end``) from bottom to top, as one collection: there may be thousands."""
    ax.broken_barh(
        list(zip(spans["start"], spans["end"] - spans["start"], strict=True)),
        (0, 1),
        transform=ax.get_xaxis_transform(),
        zorder=0,
        **_shading(color, hatch, style),
    )


def shaded(color: str, hatch: str | None, style: Style) -> Patch:
    """How such a stretch looks in the legend."""
    return Patch(**_shading(color, hatch, style))


def _shading(color: str, hatch: str | None, style: Style) -> dict[str, Any]:
    face, edge = to_rgba(color, style.shade), to_rgba(color, style.shade + 0.14)
    return {"facecolor": face, "edgecolor": edge, "linewidth": 0.0, "hatch": hatch}


def entitle(ax: Axes, facts: Facts, what: str, style: Style, *, more: str = "") -> None:
    """The title: which flow, between whom; below it, smaller, what the picture shows and how the flow went."""
    first = "  \N{MIDDLE DOT}  ".join(part for part in (what, more) if part)
    heading(ax, facts.title, "\n".join(part for part in (first, fill(facts.verdict, WRAP)) if part), style)


def heading(ax: Axes, title: str, subtitle: str, style: Style) -> None:
    """A title at the upper left, and a line of smaller words below it. A long title (IPv6) has smaller letters.

    On axes of the caller's, of the subtitle only as much as there is room for.
    """
    if given(ax):
        wide = inches(ax)[0] * 72
        fits = wide / (LETTER * NORMAL)
        size = min(LARGE, wide / (BOLD * max(len(title), 1)))
        room = (_room(ax, below=False) - 9 - 1.4 * size) / (1.35 * NORMAL)
        told = subtitle.splitlines() if room == float("inf") else subtitle.splitlines()[: max(int(room), 0)]
        subtitle = "\n".join(fill(line, int(fits)) for line in told if room == float("inf") or len(line) <= fits)
    else:
        size = LARGE * min(1.0, TITLE / max(len(title), 1))
    lines = subtitle.count("\n") + 1 if subtitle else 0
    ax.set_title(title, loc="left", color=style.ink, fontsize=size, fontweight="bold", pad=9 + 1.35 * NORMAL * lines)
    above = offset_copy(ax.transAxes, fig=ax.get_figure(root=True), y=7, units="points")
    ax.text(0, 1, subtitle, transform=above, ha="left", va="bottom", color=style.quiet, fontsize=NORMAL)


def legend(
    ax: Axes,
    handles: Sequence[Artist | tuple[Artist, ...]],
    labels: Sequence[str],
    how: str,
    style: Style,
    *,
    below: float = 34,
    columns: int = 4,
    **more: Any,
) -> None:
    """The legend, under the axes: the marks, and a sentence that says how to read the picture.

    Axes of the caller's have one where there is room for it, as wide as they are.
    """
    if given(ax):
        wide = inches(ax)[0] * 72 / (LETTER * SMALL)
        how = fill(how, int(wide))
        columns = max(min(columns, int(wide / (max(map(len, labels), default=0) + 6))), 1)
        if _room(ax, below=True) < below + 1.35 * SMALL * (how.count("\n") + 1 - -len(labels) // columns):
            return
    place = offset_copy(ax.transAxes, fig=ax.get_figure(root=True), y=-below, units="points")
    made = ax.legend(
        handles=list(handles) or [Line2D([], [], linestyle="")],
        labels=list(labels) or [""],
        title=how,
        title_fontsize=SMALL,
        alignment="left",
        fontsize=SMALL,
        ncols=columns,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=place,
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.0,
        handlelength=2.2,
        columnspacing=1.6,
        labelcolor=style.ink,
        **more,
    )
    title: Text = made.get_title()
    title.set_color(style.quiet)
