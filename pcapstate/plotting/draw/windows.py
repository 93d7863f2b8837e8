"""Windows over time, on paper."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..canvas import canvas, entitle, halves, legend, nothing, octets, shade, shaded
from ..facts import FlowLike
from ..layout.windows import Panel, Windows, windows_layout
from ..style import SMALL, Style, style
from ..thin import COLUMNS

ZERO = "////"
"""The hatching of a zero window."""


def windows(
    flow: FlowLike,
    *,
    ax: Axes | None = None,
    side: str | None = None,
    columns: int = COLUMNS,
    theme: str | Style = "light",
) -> Axes:
    """Draws both sides' advertised windows over time, and how much of each the peer uses.

    Two rows share the place of ``ax`` (or a figure of its own): the client's window above, the server's below; ``side``
    draws one alone. ``columns`` is how many columns of pixels a long flow is thinned to; ``theme`` is ``light`` or
    ``dark``. Returns the (upper) Axes; the lower is the figure's last.
    """
    colors = style(theme)
    table = windows_layout(flow, side=side, columns=columns)
    axes = canvas(ax, 10.0, 2.8 + 1.9 * sum(panel_heights(table)), colors)
    rows = halves(axes, panel_heights(table), colors)
    panels(rows, table, colors)
    rows[0].set_xlim(*table.facts.view)
    entitle(axes, table.facts, "Windows over time", colors, more=table.thinned)
    rows[-1].set_xlabel(f"seconds since the first frame ({table.facts.clock})")
    legend_of(rows[-1], table, colors)
    return axes


def panel_heights(table: Windows) -> list[float]:
    """Relative heights of the rows: the window of who receives more is higher."""
    most = max(panel.carries for panel in table.panels)

    def height(panel: Panel) -> float:
        if panel.empty:
            return 0.4
        if panel.carries == 0 or panel.carries < most / 20:
            return 0.55
        return 1.6 if panel.carries >= most / 2 else 0.9

    return [height(panel) for panel in table.panels]


def panels(rows: list[Axes], table: Windows, colors: Style) -> None:
    """The rows alone, without title and legend."""
    for row, panel in zip(rows, table.panels, strict=True):
        _panel(row, panel, table, colors)


def _panel(ax: Axes, panel: Panel, table: Windows, colors: Style) -> None:
    _spans(ax, panel, colors)
    _lines(ax, panel, bool(table.thinned), colors)
    _marks(ax, panel, colors)
    _notes(ax, panel, colors)
    octets(ax, f"{panel.side}\N{RIGHT SINGLE QUOTATION MARK}s window\n(octets)", colors)
    ax.set_ylim(0, panel.peak * 1.12)
    if panel.empty:
        nothing(ax, f"the capture holds no window that the {panel.side} advertised", colors)


def _spans(ax: Axes, panel: Panel, colors: Style) -> None:
    """Stretches of time with nothing usable."""
    shade(ax, panel.full, colors.full, None, colors)
    shade(ax, panel.zero, colors.zero, ZERO, colors)


def _marks(ax: Axes, panel: Panel, colors: Style) -> None:
    """Window probes at the foot, window updates on the line."""
    how: dict[str, Any] = {"linestyle": "", "markersize": 5, "zorder": 5}
    foot = [0.03] * len(panel.probes)
    ax.plot(panel.probes, foot, transform=ax.get_xaxis_transform(), marker="v", color=colors.sack, **how)
    ax.plot(panel.updates["time"], panel.updates["octets"], marker="^", color=colors.edge, **how)


def _notes(ax: Axes, panel: Panel, colors: Style) -> None:
    """Words: beside the longest zero windows, how many there are, and how sure the scale is."""
    across = ax.get_xaxis_transform()
    stalls: dict[str, Any] = {"color": colors.zero, "fontsize": SMALL, "zorder": 6}
    for time, text in panel.notes.itertuples(index=False):
        ax.text(time, 0.55, text, transform=across, ha="center", va="center", fontweight="bold", **stalls)
    ax.text(0.995, 1.0, panel.stalls, transform=ax.transAxes, ha="right", va="bottom", **stalls)
    ax.text(0.0, 1.0, panel.scale, transform=ax.transAxes, ha="left", va="bottom", **stalls)


def _lines(ax: Axes, panel: Panel, thinned: bool, colors: Style) -> None:
    """Window and octets in flight; of a long flow what they were between in each column of pixels."""
    granted, flight = panel.granted, panel.in_flight

    def area(table: pd.DataFrame, low: pd.Series[float] | float, color: str, strength: float, zorder: float) -> None:
        shade = to_rgba(color, strength)
        ax.fill_between(table["time"], low, table["octets"], step="post", facecolor=shade, linewidth=0, zorder=zorder)

    if not panel.raw:
        area(granted, 0.0, colors.acknowledged, 0.16, 1)
    if thinned:
        area(granted, granted["low"], colors.ink, 0.22, 3)
        area(flight, flight["low"], colors.data, 0.25, 2)
        flight = flight.assign(octets=flight["low"])
    area(flight, 0.0, colors.data, 0.55, 2)
    ax.plot(
        granted["time"],
        granted["octets"],
        drawstyle="steps-post",
        marker="o" if len(granted) == 1 else "",
        markersize=4,
        color=colors.ink,
        linewidth=0.9 if thinned else 1.1,
        linestyle="--" if panel.raw else "-",
        zorder=4,
    )


def legend_of(ax: Axes, table: Windows, colors: Style, *, below: float = 34) -> None:
    """The legend of the windows, under the last row."""

    def some(name: str) -> bool:
        return any(len(getattr(panel, name)) for panel in table.panels)

    scaled = any(not panel.raw and not panel.empty for panel in table.panels)
    marks: list[tuple[bool, Artist, str]] = [
        (scaled, Line2D([], [], color=colors.ink, linewidth=1.1), "window advertised"),
        (
            any((panel.in_flight["octets"] > 0).any() for panel in table.panels),
            Patch(facecolor=to_rgba(colors.data, 0.55)),
            "in flight: sent by the peer, not acknowledged",
        ),
        (
            bool(table.thinned),
            Patch(facecolor=to_rgba(colors.ink, 0.22)),
            "lowest to highest, where they change quickly",
        ),
        (scaled, Patch(facecolor=to_rgba(colors.acknowledged, 0.16)), "usable: what the peer may still send"),
        (some("full"), shaded(colors.full, None, colors), "window full: nothing usable"),
        (
            some("zero"),
            shaded(colors.zero, ZERO, colors),
            "zero window",
        ),
        (
            some("probes"),
            Line2D([], [], color=colors.sack, linestyle="", marker="v", markersize=5),
            "window probe by the peer",
        ),
        (some("updates"), Line2D([], [], color=colors.edge, linestyle="", marker="^", markersize=5), "window update"),
        (
            any(panel.raw and not panel.empty for panel in table.panels),
            Line2D([], [], color=colors.ink, linestyle="--"),
            "window field, unscaled",
        ),
    ]
    how = (
        "How to read it: the line is how much a side lets its peer send; blue is what the peer has under way. "
        "Where blue reaches the line, the receiver holds the sender back."
    )
    legend(
        ax,
        [mark for wanted, mark, _ in marks if wanted],
        [label for wanted, _, label in marks if wanted],
        how,
        colors,
        columns=3,
        below=below,
    )
