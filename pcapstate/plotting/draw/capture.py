"""All flows of a capture, on paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...schema import STATES
from ..canvas import canvas, heading, legend
from ..facts import CaptureLike
from ..layout.capture import LANES, LINES, Lanes, capture_layout
from ..layout.words import count_words
from ..style import SMALL, Style, style


def capture(
    capture: CaptureLike,
    *,
    ax: Axes | None = None,
    lanes: int = LANES,
    lines: int = LINES,
    theme: str | Style = "light",
) -> Axes:
    """Draws all flows of a capture as lanes over time, coloured by state: the client's upper half, the server's lower.

    Up to ``lanes`` flows have their names and verdicts beside them; of more than ``lines`` flows only some are drawn,
    first those that failed, were never closed or had a zero window, and the picture says so. ``theme`` is ``light`` or
    ``dark``. Draws into ``ax``, or into a figure of its own. Returns the Axes. Raises ValueError for a capture without
    a flow.
    """
    colors = style(theme)
    table = capture_layout(capture, lanes=lanes, lines=lines)
    high = max(0.17 * table.shown, 0.5) if table.named else 6.0
    axes = canvas(ax, 11.0, high + 1.9, colors)
    axes.set_ylim(table.shown - 0.5, -0.5)
    axes.set_xlim(-0.01 * table.duration, 1.01 * table.duration)
    _bands(axes, table, colors)
    _failures(axes, table, colors)
    _leaks(axes, table, colors)
    _names(axes, table, colors)
    clock = pd.Timestamp(table.start, unit="ns").strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    axes.set_xlabel(f"seconds since the first frame ({clock})")
    failed = f"{table.failures:,} failed" if table.failures else "none failed"
    left = f", {table.leaks:,} never closed (left in CLOSE_WAIT)" if table.leaks else ""
    parts = ["States of all flows", table.thinned]
    heading(
        axes,
        f"{count_words(table.count, 'flow')}, {failed}{left}",
        "  \N{MIDDLE DOT}  ".join(part for part in parts if part),
        colors,
    )
    _legend(axes, table, colors)
    return axes


def _bands(ax: Axes, table: Lanes, colors: Style) -> None:
    """One collection per state: of thousands of bands matplotlib draws thousands at once."""
    thick = 0.42 if table.named else 0.5
    least = table.duration / 1500
    for state, own in table.bands.groupby("state", sort=False):
        left = own["left"].to_numpy(np.float64)
        right = np.maximum(own["right"].to_numpy(np.float64), left + least)
        client = (own["side"] == "client").to_numpy(bool)
        lane = own["lane"].to_numpy(np.float64)
        top, bottom = np.where(client, lane - thick, lane), np.where(client, lane, lane + thick)
        corners = np.stack(
            [np.stack(each, axis=1) for each in ((left, top), (right, top), (right, bottom), (left, bottom))], axis=1
        )
        ax.add_collection(
            PolyCollection(list(corners), facecolors=colors.states[str(state)], edgecolors="none", linewidths=0)
        )


def _failures(ax: Axes, table: Lanes, colors: Style) -> None:
    failed = table.lanes[table.lanes["failed"]]
    size = 5.0 if table.named else 2.5
    ax.plot(
        failed["end"],
        failed["lane"],
        linestyle="",
        marker="x",
        markersize=size,
        markeredgewidth=size / 4,
        color=colors.retransmission,
        zorder=5,
        clip_on=False,
    )


def _leaks(ax: Axes, table: Lanes, colors: Style) -> None:
    """A mark at the end of the capture: to there the program has not closed."""
    leaked = table.lanes[table.lanes["leaked"]]
    size = 5.0 if table.named else 2.5
    ends = np.full(len(leaked), table.duration)
    color = colors.states["CLOSE_WAIT"]
    ax.plot(ends, leaked["lane"], linestyle="", marker="<", markersize=size, color=color, zorder=5, clip_on=False)


def _names(ax: Axes, table: Lanes, colors: Style) -> None:
    if not table.named:
        ax.set_yticks([])
        ax.set_ylabel("flows, in the order of their first frames")
        return
    ax.set_yticks(table.lanes["lane"].to_numpy(), labels=list(table.lanes["name"]))
    ax.tick_params(axis="y", length=0, labelcolor=colors.ink)
    for lane, verdict, failed, leaked in table.lanes[["lane", "verdict", "failed", "leaked"]].itertuples(index=False):
        ax.text(
            1.008,
            lane,
            verdict,
            transform=ax.get_yaxis_transform(),
            ha="left",
            va="center",
            color=colors.retransmission if failed else colors.ink if leaked else colors.quiet,
            fontsize=SMALL,
            fontweight="bold" if failed or leaked else "normal",
        )


def _legend(ax: Axes, table: Lanes, colors: Style) -> None:
    found = set(table.bands["state"])
    states = [state for state in STATES if state in found]
    handles: list[Artist] = [Patch(facecolor=colors.states[state]) for state in states]
    labels = list(states)
    if table.failures:
        handles.append(Line2D([], [], color=colors.retransmission, linestyle="", marker="x", markersize=5))
        labels.append("failed, at its last frame")
    if table.leaks:
        handles.append(Line2D([], [], color=colors.states["CLOSE_WAIT"], linestyle="", marker="<", markersize=5))
        labels.append("never closed by its program")
    how = (
        "How to read it: a lane is one flow, in the order of their first frames; "
        "its upper half is the state of the client, its lower half that of the server."
    )
    legend(ax, handles, labels, how, colors, columns=6)
