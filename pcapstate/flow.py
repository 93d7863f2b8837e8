"""One connection and its two sides, as views on the tables of a capture. No logic of their own."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .moments import nanoseconds
from .schema import FLOWS, MISSING, SIDES, STATES, TABLES, TIMELINE, ZERO_WINDOWS
from .values import Columns, record, records, take

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .capture import Capture


class Both(NamedTuple):
    """Something of each side: ``client, server = flow.at(time)``."""

    client: Any
    server: Any


class Flow:
    """One TCP connection: one incarnation of a pair of addresses and ports.

    Facts of the table ``flows`` are attributes (``flow.opened``, ``flow.closed_by``, ``flow.rtt_client``): int, float,
    bool, str, a Timestamp for a time, None where the value is missing. ``print(flow)`` gives the exchange in RFC
    9293's notation, ``flow.story()`` says in words what happened.
    """

    def __init__(self, capture: Capture, number: int) -> None:
        self.capture = capture
        self.number = number
        self.client = Side(self, 0)
        self.server = Side(self, 1)

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """The flow's row of the table ``flows``; times are nanoseconds since 1970 UTC, None is missing."""
        return record(FLOWS, self.capture.columns("flows"), self.number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in FLOWS.names:
            raise AttributeError(f"a Flow has no attribute {name!r}")
        value = self.facts[name]
        return _timestamp(value) if FLOWS[name].dtype.startswith("datetime") else value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *FLOWS.names})

    @property
    def sides(self) -> Both:
        """The client and the server."""
        return Both(self.client, self.server)

    # --- tables ------------------------------------------------------------------------------------------------

    def columns(self, name: str) -> Columns:
        """The flow's rows of a table as numpy columns (see ``Capture.columns``)."""
        return self.capture.columns_of(name, self.number)

    def table(self, name: str) -> pd.DataFrame:
        """The flow's rows of a table as a DataFrame with a RangeIndex."""
        from .frames import frame

        return frame(TABLES[name], self.columns(name))

    @property
    def timeline(self) -> pd.DataFrame:
        """The transitions of both sides."""
        return self.table("timeline")

    @property
    def segments(self) -> pd.DataFrame:
        """The segments of both sides."""
        return self.table("segments")

    @property
    def windows(self) -> pd.DataFrame:
        """The changes of both sides' windows."""
        return self.table("windows")

    @property
    def stalls(self) -> pd.DataFrame:
        """The long gaps in both sides' sending, with their causes."""
        return self.table("stalls")

    @property
    def notes(self) -> pd.DataFrame:
        """What there is to say about this flow."""
        return self.table("notes")

    # --- questions ---------------------------------------------------------------------------------------------

    def at(self, time: Any) -> Both:
        """The state of both sides at a time, by the estimates; None before a side is known.

        ``time``: seconds since the flow's first frame as float or Timedelta (``flow.at(0.2)``), a Timestamp or
        datetime (UTC if it names no zone), text ("2026-01-02T12:00:01.5", or only "12:00:01.5" on the day the flow
        started), or nanoseconds since 1970 as int, as the tables' columns have it. Raises ValueError for what is no
        time.
        """
        when = self.nanoseconds(time)
        return Both(self.client.at(when), self.server.at(when))

    def possible_at(self, time: Any) -> Both:
        """The states that each side may have been in at a time, by the bounds: one where it is certain.

        None at all before a side picked up mid-stream was first seen: nothing is known of it then. ``time`` as in
        ``at``.
        """
        when = self.nanoseconds(time)
        return Both(self.client.possible_at(when), self.server.possible_at(when))

    def nanoseconds(self, time: Any) -> int:
        """A time as ``at`` takes it, in nanoseconds since 1970 UTC."""
        return nanoseconds(time, self.facts["start"])

    def ladder(self, *, limit: int | None = 60, raw: bool = False) -> str:
        """The exchange in RFC 9293's notation, at most about ``limit`` lines, with ``raw`` sequence numbers on wish."""
        from .exchange import of_flow
        from .ladder import write

        return write(of_flow(self, limit=limit, raw=raw))

    def story(self) -> str:
        """What happened, in a few sentences."""
        from .story import story

        return story(self)

    @property
    def plot(self) -> FlowPlot:
        """``flow.plot.ladder()``, ``.windows``, ``.sequence``, ``.states``, ``.machine``; ``flow.plot()`` for all."""
        return FlowPlot(self)

    def __str__(self) -> str:
        return self.ladder()

    def __repr__(self) -> str:
        facts = self.facts
        states = f"{facts['client_state'] or '?'}/{facts['server_state'] or '?'}"
        return (
            f"<Flow {self.number}: {self.client.endpoint} -> {self.server.endpoint}, {states}, {facts['close_reason']}>"
        )

    def _repr_html_(self) -> str:
        from .notebook import flow_html

        return flow_html(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Flow):
            return NotImplemented
        return self.capture is other.capture and self.number == other.number

    def __hash__(self) -> int:
        return hash((id(self.capture), self.number))


class Side:
    """One endpoint of a connection.

    Facts of the table ``flows`` that carry the side's name are attributes: ``side.mss``, ``side.isn``, ``side.bytes``,
    ``side.window_scale``, ``side.retransmissions``.
    """

    def __init__(self, flow: Flow, index: int) -> None:
        self.flow = flow
        self.index = index
        self.name = SIDES[index]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or f"{self.name}_{name}" not in FLOWS.names:
            raise AttributeError(f"a Side has no attribute {name!r}")
        return self.flow.facts[f"{self.name}_{name}"]

    def __dir__(self) -> list[str]:
        prefix = f"{self.name}_"
        return sorted({*super().__dir__(), *(n.removeprefix(prefix) for n in FLOWS.names if n.startswith(prefix))})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Side):
            return NotImplemented
        return self.flow == other.flow and self.index == other.index

    def __hash__(self) -> int:
        return hash((self.flow, self.index))

    @property
    def peer(self) -> Side:
        """The other side."""
        return self.flow.server if self.index == 0 else self.flow.client

    @property
    def endpoint(self) -> str:
        """Address and port as one text, an IPv6 address in brackets."""
        return endpoint(self.address, self.port)

    @functools.cached_property
    def transitions(self) -> list[dict[str, Any]]:
        """The side's rows of the timeline, in their order; times are nanoseconds since 1970 UTC, None is missing."""
        return records(TIMELINE, self._columns("timeline"))

    @property
    def states(self) -> tuple[str, ...]:
        """Every state that the side was in, in order; the last ones may lie past the end of the capture.

        A timer that ran out when nobody captured any more is a state too: ``states[-1]`` is CLOSED after TIME_WAIT,
        ``final_state`` is TIME_WAIT.
        A passive opener's begin with CLOSED and LISTEN, which leave no trace on the wire; those of a side picked up
        mid-stream begin with the state that it was found in.
        """
        before: list[str] = []
        for row in self.transitions[:1]:
            before = [row["from_state"]] if row["from_state"] else []
            if before == ["LISTEN"]:
                before = ["CLOSED", "LISTEN"]
        return (*before, *(row["to_state"] for row in self.transitions))

    @property
    def final_state(self) -> str | None:
        """The state at the last frame of the capture, None where it is not known.

        It is the column ``client_state`` or ``server_state`` of ``flows``. ``states[-1]`` may be a later one.
        """
        return self.flow.facts[f"{self.name}_state"] or None

    def at(self, time: Any) -> str | None:
        """The state at a time, by the estimates; None before the side is known. ``time`` as in ``Flow.at``."""
        when = self.flow.nanoseconds(time)
        state = self.transitions[0]["from_state"] if self.transitions else self.final_state
        for row in self.transitions:
            if _first_known(row["estimate"], row["time"]) > when:
                break
            state = row["to_state"]
        return state or None

    def possible_at(self, time: Any) -> tuple[str, ...]:
        """The states possible at a time: each whose bounds hold it. ``time`` as in ``Flow.at``."""
        when = self.flow.nanoseconds(time)
        rows = self.transitions
        state = rows[0]["from_state"] if rows else self.final_state
        possible: list[str] = []
        entered, ends = MISSING, _latest(rows)
        for place in range(len(rows) + 1):
            left_by = ends[place] if place < len(rows) else None
            if state and entered <= when and (left_by is None or left_by > when) and state not in possible:
                possible.append(state)
            if place < len(rows):
                # A transition comes after the one before it: so do its bounds.
                entered = max(entered, _begins(rows[place]))
                state = rows[place]["to_state"]
        return tuple(sorted(possible, key=STATES.index))

    def _columns(self, name: str) -> Columns:
        columns = self.flow.columns(name)
        side = columns["side"]
        assert isinstance(side, np.ndarray)
        return take(columns, side == self.index)

    def table(self, name: str) -> pd.DataFrame:
        """The side's rows of a table, as a DataFrame."""
        from .frames import frame

        return frame(TABLES[name], self._columns(name))

    @property
    def timeline(self) -> pd.DataFrame:
        """The side's transitions."""
        return self.table("timeline")

    @property
    def segments(self) -> pd.DataFrame:
        """The segments that the side sent."""
        return self.table("segments")

    @property
    def windows(self) -> pd.DataFrame:
        """The changes of the window that the side advertised."""
        return self.table("windows")

    @property
    def zero_window_intervals(self) -> pd.DataFrame:
        """When the side's window was zero, from which frame to which, and how often the peer probed it."""
        from .frames import frame
        from .intervals import zero_windows

        return frame(ZERO_WINDOWS, zero_windows(self._columns("windows"), self.flow.columns("segments")))

    @property
    def stalls(self) -> pd.DataFrame:
        """The long gaps in the side's sending, with their causes."""
        return self.table("stalls")

    def __repr__(self) -> str:
        return f"<Side {self.name} {self.endpoint}: {' '.join(self.states) or 'no state seen'}>"

    def _repr_html_(self) -> str:
        from .notebook import side_html

        return side_html(self)


class FlowPlot:
    """The pictures of a flow: each method takes the options of ``pcapstate.plotting``'s function of that name."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def __call__(self, **options: Any) -> Figure:
        """Ladder or states, windows and sequence on one time axis."""
        from . import plotting

        if options.pop("ax", None) is not None:
            raise ValueError("an overview is a figure of its own: ax goes with .ladder, .windows, .sequence, .states")
        return plotting.overview(self._flow, **options)

    def ladder(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """The timing diagram."""
        return self._draw("ladder", ax, options)

    def windows(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Advertised windows and octets in flight over time."""
        return self._draw("windows", ax, options)

    def sequence(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Sequence numbers, acknowledgements and the right edge over time."""
        return self._draw("sequence", ax, options)

    def states(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Both sides' states over time."""
        return self._draw("states", ax, options)

    def machine(self, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Figure 5 of RFC 9293, the path of each side lit up."""
        return self._draw("machine", ax, options)

    def _draw(self, kind: str, ax: Axes | None, options: dict[str, Any]) -> Axes:
        from . import plotting

        axes: Axes = getattr(plotting, kind)(self._flow, ax=ax, **options)
        return axes

    def __iter__(self) -> Iterator[str]:
        return iter(("ladder", "windows", "sequence", "states", "machine"))


def endpoint(address: str, port: int) -> str:
    """Address and port as one text, an IPv6 address in brackets (RFC 3986 3.2.2)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _first_known(*values: int | None) -> int:
    return next((value for value in values if value is not None), MISSING)


def _begins(row: dict[str, Any]) -> int:
    """Before when a transition cannot have happened. Of a side picked up mid-stream nothing is known before that."""
    if row["event"] == "seen":
        return _first_known(row["estimate"], row["time"])
    return _first_known(row["earliest"])


def _latest(rows: list[dict[str, Any]]) -> list[int | None]:
    """Until when each transition had happened: by its own bound, or by that of one after it."""
    bounds: list[int | None] = []
    bound: int | None = None
    for row in reversed(rows):
        latest = row["latest"]
        bound = latest if bound is None else bound if latest is None else min(bound, latest)
        bounds.append(bound)
    return bounds[::-1]


def _timestamp(nanoseconds: int | None) -> Any:
    import pandas as pd

    return pd.NaT if nanoseconds is None else pd.Timestamp(nanoseconds, tz="UTC")
