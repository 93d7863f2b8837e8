"""One page about a flow: states, windows and sequence numbers on one time axis."""

from __future__ import annotations

from matplotlib.figure import Figure

from ..canvas import PictureAxes, dress, entitle, picture
from ..facts import FlowLike
from ..layout.sequence import sequence_layout
from ..layout.states import states_layout
from ..layout.windows import windows_layout
from ..style import Style, style
from .sequence import direction_heights, directions
from .sequence import legend_of as sequence_legend
from .states import lanes
from .windows import legend_of as windows_legend
from .windows import panel_heights, panels

COLUMNS = 700
"""Fewer than in a picture of its own: there are three here."""


def overview(flow: FlowLike, *, columns: int = COLUMNS, theme: str | Style = "light") -> Figure:
    """Draws both sides' states, windows and sequence numbers of a flow above one another, on one shared time axis.

    ``columns`` is how many columns of pixels a long flow is thinned to; ``theme`` is ``light`` or ``dark``. Returns the
    Figure.
    """
    colors = style(theme)
    states = states_layout(flow, fold=False)
    windows = windows_layout(flow, columns=columns)
    sequence = sequence_layout(flow, columns=columns)
    heights = [
        1.5,
        *(_height(panel.empty, h) for panel, h in zip(windows.panels, panel_heights(windows), strict=True)),
        *(_height(each.empty, h) for each, h in zip(sequence.directions, direction_heights(sequence), strict=True)),
    ]
    figure = picture(10.0, sum(heights) + 2.6, colors)
    rows = list(
        figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, subplot_kw={"axes_class": PictureAxes})
    )
    for row in rows:
        dress(row, colors)
        row.tick_params(labelbottom=row is rows[-1])
    split = 1 + len(windows.panels)
    lanes(rows[0], states, colors)
    rows[0].set_xlabel("")
    panels(rows[1:split], windows, colors)
    directions(rows[split:], sequence, colors)
    rows[-1].set_xlabel(f"seconds since the first frame ({states.facts.clock})")
    rows[0].set_xlim(states.left, states.right)
    entitle(rows[0], states.facts, "States, windows, sequence numbers", colors, more=windows.thinned)
    windows_legend(rows[split - 1], windows, colors, below=6)
    sequence_legend(rows[-1], sequence, colors)
    return figure


def _height(empty: bool, relative: float) -> float:
    """Inches of a row: room for the name of its axis, unless there is nothing to draw."""
    return 0.5 if empty else max(1.1, 1.05 * relative)
