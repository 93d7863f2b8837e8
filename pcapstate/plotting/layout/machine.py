"""Figure 5 of RFC 9293 as a table of boxes and arrows, with the way of a side through it.

Which state follows which is read from `tcp.machine.EDGES` and nowhere else; here stands only where each box and each
label is put on the page, much as the RFC puts them. CLOSED stands there twice, above and below, as in the RFC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...schema import SIDES
from ...tcp.machine import EDGES, Edge
from ..facts import Facts, FlowLike, facts, records, sides_of
from .spans import spans

END = "CLOSED below"
"""The name of the second box of CLOSED."""

BOXES = {
    "CLOSED": (5.0, 0.0),
    "LISTEN": (5.0, -2.0),
    "SYN_RECEIVED": (1.3, -4.0),
    "SYN_SENT": (8.7, -4.0),
    "ESTABLISHED": (5.0, -6.0),
    "FIN_WAIT_1": (1.3, -7.6),
    "CLOSE_WAIT": (8.7, -7.6),
    "FIN_WAIT_2": (1.3, -9.8),
    "CLOSING": (5.0, -9.0),
    "LAST_ACK": (8.7, -9.8),
    "TIME_WAIT": (5.0, -11.2),
    END: (8.7, -11.9),
}
"""Middle of each state's box, x to the right, y upward."""

_BELOW = frozenset({"ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"})
"""States from which an arrow to CLOSED goes to the lower box."""

_ROUTES = {
    # How an arrow bends, how far along it its label stands, and how far the label is moved from there (x, y), and its
    # alignment.
    ("CLOSED", "passive OPEN"): (0.22, 0.5, -0.12, 0.0, "right"),
    ("LISTEN", "close"): (0.22, 0.5, 0.12, 0.0, "left"),
    ("CLOSED", "snd SYN"): (-0.30, 0.5, 0.15, 0.15, "left"),
    ("SYN_SENT", "close"): (0.12, 0.42, -0.12, -0.10, "right"),
    ("LISTEN", "rcv SYN"): (0.12, 0.42, -0.15, 0.22, "right"),
    ("LISTEN", "snd SYN"): (0.0, 0.42, 0.0, -0.30, "right"),
    ("SYN_RECEIVED", "rcv RST"): (0.14, 0.50, 0.10, -0.28, "left"),
    ("SYN_SENT", "rcv SYN"): (0.0, 0.5, 0.0, 0.26, "center"),
    ("SYN_SENT", "rcv SYN,ACK"): (0.0, 0.5, 0.18, -0.1, "left"),
    ("SYN_RECEIVED", "rcv ACK of SYN"): (0.0, 0.5, 0.12, 0.15, "left"),
    ("SYN_RECEIVED", "snd FIN"): (0.0, 0.5, -0.12, 0.0, "right"),
    ("ESTABLISHED", "snd FIN"): (0.0, 0.5, -0.35, 0.25, "right"),
    ("ESTABLISHED", "rcv FIN"): (0.0, 0.5, 0.35, 0.25, "left"),
    ("FIN_WAIT_1", "rcv ACK of FIN"): (0.0, 0.5, -0.26, 0.0, "right"),
    ("FIN_WAIT_1", "rcv FIN"): (0.0, 0.5, 0.35, 0.25, "left"),
    ("FIN_WAIT_2", "rcv FIN"): (0.0, 0.5, -0.2, -0.25, "right"),
    ("CLOSE_WAIT", "snd FIN"): (0.0, 0.5, 0.28, 0.0, "left"),
    ("CLOSING", "rcv ACK of FIN"): (0.0, 0.45, 0.55, 0.0, "left"),
    ("LAST_ACK", "rcv ACK of FIN"): (0.0, 0.5, 0.28, 0.0, "left"),
    ("TIME_WAIT", "2MSL"): (0.0, 0.5, -0.25, -0.5, "center"),
    ("SYN_RECEIVED", "rcv FIN"): (0.0, 0.75, 0.1, 0.2, "left"),
    ("CLOSE_WAIT", "rcv RST"): (-0.75, 0.5, 0.1, 0.0, "left"),
    ("CLOSE_WAIT", "snd RST"): (-0.75, 0.5, 0.1, 0.0, "left"),
    ("ESTABLISHED", "rcv RST"): (0.0, 0.42, 0.15, 0.1, "left"),
    ("ESTABLISHED", "snd RST"): (0.13, 0.24, -0.14, 0.0, "right"),
    ("LAST_ACK", "rcv RST"): (-0.5, 0.5, 0.1, 0.0, "left"),
    ("LAST_ACK", "snd RST"): (-0.5, 0.5, 0.1, 0.0, "left"),
    ("FIN_WAIT_2", "rcv RST"): (0.32, 0.5, 0.0, -0.25, "center"),
    ("FIN_WAIT_2", "snd RST"): (0.32, 0.5, 0.0, -0.25, "center"),
    ("TIME_WAIT", "rcv RST"): (0.35, 0.5, 0.0, -0.25, "center"),
    ("TIME_WAIT", "snd RST"): (0.35, 0.5, 0.0, -0.25, "center"),
    ("SYN_SENT", "rcv RST"): (1.0, 0.32, 0.15, -0.1, "left"),
    ("SYN_SENT", "snd RST"): (1.0, 0.32, 0.15, -0.1, "left"),
    ("SYN_SENT", "timeout"): (1.0, 0.32, 0.15, -0.1, "left"),
    ("SYN_RECEIVED", "rcv RST, active"): (-0.35, 0.5, -0.1, 0.1, "right"),
    ("SYN_RECEIVED", "snd RST"): (-0.35, 0.5, -0.1, 0.1, "right"),
}
ASIDE = 0.24
"""How far the badges of two sides stand off the arrow that both went."""

_ROUTE = (0.18, 0.5, 0.1, 0.0, "left")

ARROW_COLUMNS = (
    "source",
    "event",
    "target",
    "label",
    "drawn",
    "from_x",
    "from_y",
    "to_x",
    "to_y",
    "bend",
    "label_x",
    "label_y",
    "align",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a picture of the machine draws.

    ``boxes``: ``box``, ``state``, ``x``, ``y``, ``client``, ``server`` (visited by). ``arrows``: ``ARROW_COLUMNS``.
    ``steps``: ``side``, ``number`` (from 1), ``time`` (s), ``event``, ``frame``, ``source``, ``target`` (boxes),
    ``state``, ``evidence``, ``x``, ``y`` (of its badge; NaN where the machine has no such arrow).
    """

    facts: Facts
    boxes: pd.DataFrame
    arrows: pd.DataFrame
    steps: pd.DataFrame
    sides: tuple[str, ...] = SIDES
    """Whose ways are shown."""


def machine_layout(flow: FlowLike, *, side: str | None = None) -> Machine:
    """The machine with the ways of both sides through it, or of one."""
    known = facts(flow)
    sides = sides_of(side)
    steps = pd.concat([_steps(flow, known, each) for each in sides], ignore_index=True)
    walked = set(zip(steps["from_state"], steps["event"], strict=True))
    edges = [edge for edge in EDGES if edge.drawn or (edge.source, edge.event) in walked]
    arrows = pd.DataFrame([_arrow(edge) for edge in edges], columns=ARROW_COLUMNS)
    return Machine(known, _boxes(steps), arrows, _badges(steps, arrows), sides)


def box_of(source: str, target: str) -> str:
    """The box that an arrow from one state to another ends at."""
    return END if target == "CLOSED" and source in _BELOW else target


def _steps(flow: FlowLike, known: Facts, side: str) -> pd.DataFrame:
    stays = spans(flow.timeline, known.start)
    own = stays[stays["side"] == side].reset_index(drop=True)
    before = own["state"].shift(1, fill_value="")
    moved = (own["event"] != "").to_numpy(bool)
    return pd.DataFrame(
        {
            "side": side,
            "number": np.arange(1, int(moved.sum()) + 1),
            "time": own["start"][moved].to_numpy(np.float64),
            "event": own["event"][moved].to_numpy(object),
            "frame": own["frame"][moved].to_numpy(np.float64),
            "from_state": before[moved].to_numpy(object),
            "state": own["state"][moved].to_numpy(object),
            "evidence": own["evidence"][moved].to_numpy(object),
        }
    ).assign(
        source=lambda t: t["from_state"],
        target=lambda t: [box_of(a, b) for a, b in zip(t["from_state"], t["state"], strict=True)],
    )


def _arrow(edge: Edge) -> tuple[object, ...]:
    """An edge of the table with its place on the page."""
    target = box_of(edge.source, edge.target)
    (from_x, from_y), (to_x, to_y) = BOXES[edge.source], BOXES[target]
    bend, part, move_x, move_y, align = _ROUTES.get((edge.source, edge.event), _ROUTE)
    x, y = along(from_x, from_y, to_x, to_y, bend, part)
    label = edge.label.replace(" / ", "\n") if edge.drawn else edge.event
    label = label.replace(" (note 1: only after a passive OPEN)", "\n(note 1)")
    return (
        edge.source,
        edge.event,
        target,
        label,
        edge.drawn,
        from_x,
        from_y,
        to_x,
        to_y,
        bend,
        x + move_x,
        y + move_y,
        align,
    )


def along(from_x: float, from_y: float, to_x: float, to_y: float, bend: float, part: float) -> tuple[float, float]:
    """The point at a part (0 to 1) of an arrow that bends: matplotlib's arc3, a quadratic Bezier curve."""
    control_x = (from_x + to_x) / 2 + bend * (to_y - from_y)
    control_y = (from_y + to_y) / 2 - bend * (to_x - from_x)
    a, b, c = (1 - part) ** 2, 2 * part * (1 - part), part**2
    return a * from_x + b * control_x + c * to_x, a * from_y + b * control_y + c * to_y


def _boxes(steps: pd.DataFrame) -> pd.DataFrame:
    visits = {side: set(own["target"]) | set(own["source"]) for side, own in steps.groupby("side")}
    return pd.DataFrame(
        [
            {
                "box": box,
                "state": "CLOSED" if box == END else box,
                "x": x,
                "y": y,
                **{side: box in visits.get(side, set()) for side in SIDES},
            }
            for box, (x, y) in BOXES.items()
        ]
    )


def _badges(steps: pd.DataFrame, arrows: pd.DataFrame) -> pd.DataFrame:
    """Where the number of each step stands: on its arrow, beside the other side's, after an earlier one of its own."""
    routes = {(row["source"], row["event"]): row for row in records(arrows)}
    shared = steps.groupby(["source", "event"])["side"].nunique()
    turns = steps.groupby(["side", "source", "event"]).cumcount()
    places = []
    for side, source, event, turn in zip(steps["side"], steps["source"], steps["event"], turns, strict=True):
        row = routes.get((source, event))
        if row is None:
            places.append((np.nan, np.nan))
            continue
        from_x, from_y, to_x, to_y = (row[name] for name in ("from_x", "from_y", "to_x", "to_y"))
        length = float(np.hypot(to_x - from_x, to_y - from_y))
        x, y = along(
            from_x, from_y, to_x, to_y, row["bend"], min(0.34 + 0.15 * (length < 2.5) + 0.62 * turn / length, 0.8)
        )
        # Two badges on one arrow stand left and right of it.
        aside = (0.0 if shared[source, event] < 2 else ASIDE if side == "client" else -ASIDE) / length
        places.append((x + aside * (to_y - from_y), y - aside * (to_x - from_x)))
    return steps.assign(x=[x for x, _ in places], y=[y for _, y in places])
