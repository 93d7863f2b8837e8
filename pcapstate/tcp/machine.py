"""The TCP state machine of RFC 9293, figure 5, as data.

The table below is the only place that knows which state follows which. It is read into ``NEXT``, an array that the
replay looks states up in; the picture of the machine, the documentation and the tests are made from the same lines.

Each line is an edge. A call of the user is known by the segment that it sends: ``snd SYN`` is the active OPEN,
``snd FIN`` the CLOSE. Lines that figure 5 does not draw say which words of the RFC they stand for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..schema import STATES

_FIGURE_5 = """
from          event            to            as RFC 9293 has it
------------  ---------------  ------------  ----------------------------------------------------------
CLOSED        passive OPEN     LISTEN        passive OPEN / create TCB
CLOSED        snd SYN          SYN_SENT      active OPEN / create TCB, snd SYN
LISTEN        rcv SYN          SYN_RECEIVED  rcv SYN / snd SYN,ACK
LISTEN        snd SYN          SYN_SENT      SEND / snd SYN
SYN_SENT      rcv SYN          SYN_RECEIVED  rcv SYN / snd SYN,ACK
SYN_SENT      rcv SYN,ACK      ESTABLISHED   rcv SYN,ACK / snd ACK
SYN_RECEIVED  rcv ACK of SYN   ESTABLISHED   rcv ACK of SYN
SYN_RECEIVED  snd FIN          FIN_WAIT_1    CLOSE / snd FIN
SYN_RECEIVED  rcv RST          LISTEN        rcv RST (note 1: only after a passive OPEN)
ESTABLISHED   snd FIN          FIN_WAIT_1    CLOSE / snd FIN
ESTABLISHED   rcv FIN          CLOSE_WAIT    rcv FIN / snd ACK
FIN_WAIT_1    rcv ACK of FIN   FIN_WAIT_2    rcv ACK of FIN
FIN_WAIT_1    rcv FIN          CLOSING       rcv FIN / snd ACK
FIN_WAIT_2    rcv FIN          TIME_WAIT     rcv FIN / snd ACK
CLOSE_WAIT    snd FIN          LAST_ACK      CLOSE / snd FIN
CLOSING       rcv ACK of FIN   TIME_WAIT     rcv ACK of FIN
LAST_ACK      rcv ACK of FIN   CLOSED        rcv ACK of FIN
TIME_WAIT     2MSL             CLOSED        Timeout=2MSL / delete TCB
SYN_RECEIVED  rcv FIN          CLOSE_WAIT    3.10.7.4, eighth: enter the CLOSE-WAIT state
LISTEN        close            CLOSED        CLOSE / delete TCB
SYN_SENT      close            CLOSED        CLOSE / delete TCB
SYN_SENT      rcv RST          CLOSED        3.10.7.3, second: drop the segment, enter CLOSED state
SYN_RECEIVED  rcv RST, active  CLOSED        3.10.7.4, second: active OPEN, enter the CLOSED state
ESTABLISHED   rcv RST          CLOSED        3.10.7.4, second: enter the CLOSED state
FIN_WAIT_1    rcv RST          CLOSED        3.10.7.4, second: enter the CLOSED state
FIN_WAIT_2    rcv RST          CLOSED        3.10.7.4, second: enter the CLOSED state
CLOSE_WAIT    rcv RST          CLOSED        3.10.7.4, second: enter the CLOSED state
CLOSING       rcv RST          CLOSED        3.10.7.4, second: enter the CLOSED state
LAST_ACK      rcv RST          CLOSED        3.10.7.4, second: enter the CLOSED state
TIME_WAIT     rcv RST          CLOSED        3.10.7.4, second: enter the CLOSED state
SYN_SENT      snd RST          CLOSED        3.10.5: ABORT call, delete the TCB
SYN_RECEIVED  snd RST          CLOSED        3.10.5: ABORT call, send a reset
ESTABLISHED   snd RST          CLOSED        3.10.5: ABORT call, send a reset
FIN_WAIT_1    snd RST          CLOSED        3.10.5: ABORT call, send a reset
FIN_WAIT_2    snd RST          CLOSED        3.10.5: ABORT call, send a reset
CLOSE_WAIT    snd RST          CLOSED        3.10.5: ABORT call, send a reset
CLOSING       snd RST          CLOSED        3.10.5: ABORT call, delete the TCB
LAST_ACK      snd RST          CLOSED        3.10.5: ABORT call, delete the TCB
TIME_WAIT     snd RST          CLOSED        3.10.5: ABORT call, delete the TCB
SYN_SENT      timeout          CLOSED        3.10.8: user timeout, delete the TCB
SYN_RECEIVED  timeout          CLOSED        3.10.8: user timeout, delete the TCB
ESTABLISHED   timeout          CLOSED        3.10.8: user timeout, delete the TCB
FIN_WAIT_1    timeout          CLOSED        3.10.8: user timeout, delete the TCB
FIN_WAIT_2    timeout          CLOSED        3.10.8: user timeout, delete the TCB
CLOSE_WAIT    timeout          CLOSED        3.10.8: user timeout, delete the TCB
CLOSING       timeout          CLOSED        3.10.8: user timeout, delete the TCB
LAST_ACK      timeout          CLOSED        3.10.8: user timeout, delete the TCB
"""
"""Figure 5 draws the lines whose last column does not begin with a section number."""

EVENTS = (
    "passive OPEN",
    "snd SYN",
    "rcv SYN",
    "rcv SYN,ACK",
    "rcv ACK of SYN",
    "snd FIN",
    "rcv FIN",
    "rcv ACK of FIN",
    "2MSL",
    "close",
    "rcv RST",
    "rcv RST, active",
    "snd RST",
    "timeout",
)

(
    CLOSED,
    LISTEN,
    SYN_SENT,
    SYN_RECEIVED,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
) = range(len(STATES))

(
    PASSIVE_OPEN,
    SND_SYN,
    RCV_SYN,
    RCV_SYN_ACK,
    RCV_ACK_OF_SYN,
    SND_FIN,
    RCV_FIN,
    RCV_ACK_OF_FIN,
    TWO_MSL,
    CLOSE,
    RCV_RST,
    RCV_RST_ACTIVE,
    SND_RST,
    TIMEOUT,
) = range(len(EVENTS))

NO_STATE = 255
"""In ``NEXT``: the event has no effect in that state."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One line of the table. ``drawn`` tells whether figure 5 draws it; ``label`` is what stands beside the arrow."""

    source: str
    event: str
    target: str
    label: str
    drawn: bool


def read(text: str) -> tuple[Edge, ...]:
    """The edges of a table written as above: columns are found by the rule under the heading.

    Raises ValueError for a state or an event that is not the RFC's, and for two edges from one state by one event.
    """
    _, rule, *lines = text.strip("\n").splitlines()
    widths = [len(dash) for dash in rule.split("  ")]
    starts = [sum(widths[:i]) + 2 * i for i in range(len(widths))]
    edges: list[Edge] = []
    for line in lines:
        source, event, target, label = (
            line[start : start + width].strip() for start, width in zip(starts, [*widths[:-1], 1000], strict=True)
        )
        if source not in STATES or target not in STATES or event not in EVENTS:
            raise ValueError(f"not a state or an event of RFC 9293: {line.strip()}")
        if any((edge.source, edge.event) == (source, event) for edge in edges):
            raise ValueError(f"two edges from {source} by {event}")
        edges.append(Edge(source, event, target, label, drawn=not label.startswith("3.10")))
    return tuple(edges)


def compile_table(edges: tuple[Edge, ...]) -> np.ndarray:
    """``NEXT[state, event]``: the state after, shape (11, 14), uint8, ``NO_STATE`` where the event has no effect."""
    table = np.full((len(STATES), len(EVENTS)), NO_STATE, np.uint8)
    for edge in edges:
        table[STATES.index(edge.source), EVENTS.index(edge.event)] = STATES.index(edge.target)
    table.flags.writeable = False
    return table


EDGES = read(_FIGURE_5)
NEXT = compile_table(EDGES)
