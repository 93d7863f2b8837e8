"""The time-sequence picture on paper."""

from __future__ import annotations

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..canvas import backing, canvas, entitle, halves, legend, nothing, octets, shade, shaded
from ..facts import FlowLike
from ..layout.sequence import KINDS, Direction, Sequence, sequence_layout
from ..style import SMALL, Style, style
from ..thin import COLUMNS
from .windows import ZERO


def sequence(
    flow: FlowLike,
    *,
    ax: Axes | None = None,
    side: str | None = None,
    columns: int = COLUMNS,
    theme: str | Style = "light",
) -> Axes:
    """Draws what each side sends: segments as bars of sequence numbers, acknowledgements and right edge as lines.

    Two rows share the place of ``ax`` (or a figure of its own), the client's octets above; ``side`` draws what one
    side sends. A direction without data is left out where the other has some. ``columns`` is how many columns of
    pixels a long flow is thinned to; ``theme`` is ``light`` or ``dark``. Returns the (upper) Axes; the lower is the
    figure's last.
    """
    colors = style(theme)
    table = sequence_layout(flow, side=side, columns=columns)
    axes = canvas(ax, 10.0, 2.4 + 2.6 * len(table.directions), colors)
    rows = halves(axes, direction_heights(table), colors)
    directions(rows, table, colors)
    rows[0].set_xlim(*table.facts.view)
    entitle(axes, table.facts, "Sequence numbers over time", colors, more=table.thinned)
    rows[-1].set_xlabel(f"seconds since the first frame ({table.facts.clock})")
    legend_of(rows[-1], table, colors)
    return axes


def direction_heights(table: Sequence) -> list[float]:
    """Relative heights of the rows: a direction with hardly any octets is lower."""
    most = max(each.octets for each in table.directions)
    return [0.4 if each.empty else 1.6 if each.octets >= max(most / 20, 1) else 0.8 for each in table.directions]


def directions(rows: list[Axes], table: Sequence, colors: Style) -> None:
    """The rows alone, without title and legend."""
    for row, each in zip(rows, table.directions, strict=True):
        _direction(row, each, bool(table.thinned), table.facts.view, colors)


def _direction(ax: Axes, table: Direction, thinned: bool, view: tuple[float, float], colors: Style) -> None:
    draw = "default" if thinned else "steps-post"
    ax.plot(table.edge["time"], table.edge["seq"], drawstyle=draw, color=colors.edge, linewidth=1.0, zorder=2)
    ax.plot(
        table.acknowledged["time"],
        table.acknowledged["seq"],
        drawstyle=draw,
        color=colors.acknowledged,
        linewidth=1.2,
        zorder=3,
    )
    for kind in KINDS:
        bars = table.bars[table.bars["kind"] == kind]
        ax.vlines(
            bars["time"],
            bars["low"],
            bars["high"],
            color=_color(kind, colors),
            linewidth=_width(kind),
            zorder=5 if kind == "retransmission" else 4,
        )
    again = table.bars[table.bars["kind"] == "retransmission"]
    ax.plot(
        again["time"],
        [0.02] * len(again),
        transform=ax.get_xaxis_transform(),
        linestyle="",
        marker="|",
        markersize=7,
        color=colors.retransmission,
        zorder=5,
    )
    ax.vlines(table.sack["time"], table.sack["low"], table.sack["high"], color=colors.sack, linewidth=1.0, zorder=3.5)
    shade(ax, table.zero, colors.zero, ZERO, colors)
    low, high = table.bounds
    _marks(ax, table.marks[table.marks["seq"].between(low, high)].head(40), view, colors)
    if table.edge_above is not None:
        _above(ax, table.edge_above, colors)
    octets(ax, f"{table.side}\N{RIGHT SINGLE QUOTATION MARK}s sequence\nnumbers (octets)", colors)
    if table.empty:
        nothing(ax, f"nothing of the {table.side} that takes a sequence number", colors)
    ax.set_ylim(low - 0.07 * (high - low), high + 0.09 * (high - low))


def _above(ax: Axes, edge: float, colors: Style) -> None:
    """Says where the right edge is that lies above the picture."""
    ax.annotate(
        f"\N{UPWARDS ARROW} right edge: up to {edge:,.0f}",
        (1, 1),
        xycoords="axes fraction",
        xytext=(-4, -3),
        textcoords="offset points",
        ha="right",
        va="top",
        color=colors.edge,
        fontsize=SMALL - 0.5,
        bbox=backing(colors),
        zorder=6,
    )


def _marks(ax: Axes, marks: pd.DataFrame, view: tuple[float, float], colors: Style) -> None:
    """SYN, FIN, RST: a dot, and the word above it; at the ends of the axis the word stands inside."""
    ax.plot(marks["time"], marks["seq"], linestyle="", marker="D", markersize=3, color=colors.ink, zorder=6)
    for time, seq, text in marks.itertuples(index=False):
        part = (time - view[0]) / (view[1] - view[0])
        ax.annotate(
            text,
            (time, seq),
            xytext=(0, 4),
            textcoords="offset points",
            ha="left" if part < 0.03 else "right" if part > 0.97 else "center",
            va="bottom",
            color=colors.ink,
            fontsize=SMALL - 0.5,
            bbox=backing(colors),
            zorder=6,
        )


def _color(kind: str, colors: Style) -> str:
    return {"data": colors.data, "retransmission": colors.retransmission, "other": colors.ink}[kind]


def _width(kind: str) -> float:
    return 2.2 if kind == "retransmission" else 1.6


def legend_of(ax: Axes, table: Sequence, colors: Style, *, below: float = 34) -> None:
    """The legend of the sequence numbers, under the last row."""
    kinds = {kind for each in table.directions for kind in each.bars["kind"]}
    names = {
        "data": "data",
        "retransmission": "retransmission (and a tick below)",
        "other": "reordered, duplicate or probe",
    }
    marks: list[tuple[Artist, str]] = [
        (
            Line2D(
                [], [], color=_color(kind, colors), linestyle="", marker="|", markersize=9, markeredgewidth=_width(kind)
            ),
            names[kind],
        )
        for kind in KINDS
        if kind in kinds
    ]

    def some(name: str) -> bool:
        return any(len(getattr(each, name)) for each in table.directions)

    if some("marks"):
        dot = Line2D([], [], color=colors.ink, linestyle="", marker="D", markersize=3)
        marks.append((dot, "SYN, FIN (they take a number each) or RST"))
    if some("acknowledged"):
        marks.append((Line2D([], [], color=colors.acknowledged, linewidth=1.2), "acknowledged by the peer"))
    if any(each.edge_seen for each in table.directions):
        marks.append((Line2D([], [], color=colors.edge, linewidth=1.0), "right edge: the peer lets it send up to here"))
    if some("zero"):
        marks.append((shaded(colors.zero, ZERO, colors), "zero window: it lets it send nothing"))
    if some("sack"):
        marks.append(
            (Line2D([], [], color=colors.sack, linestyle="", marker="|", markersize=9), "SACK: arrived out of order")
        )
    how = (
        "How to read it: a bar is a segment, from its first octet to its last. Between the two lines lies what the "
        "sender may have under way:\nbars at the upper line mean a full window."
    )
    legend(ax, [mark for mark, _ in marks], [label for _, label in marks], how, colors, columns=3, below=below)
