"""One connection in full: its story, how to find it in Wireshark, its pictures, its transitions, what is noted."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..flow import Flow, Side
from ..plotting.layout.words import count_words
from ..schema import NOTES, SEGMENTS, SIDES, STALLS, STATES, TIMELINE
from ..slowness import frames, reason
from ..story import octets
from ..values import records, text_objects
from .ladder import ladder
from .lanes import lanes
from .markup import Markup, element, join
from .windows import windows

MOST_NOTES = 12
MOST_STALLS = 6
MOST_FRAMES = 40
"""Frames in a Wireshark filter: more is no filter that anybody pastes."""


class Held:
    """A flow whose tables are made once: the pictures ask for them many times."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flow, name)

    @functools.cached_property
    def segments(self) -> pd.DataFrame:
        """The segments of both sides."""
        return self._flow.segments

    @functools.cached_property
    def windows(self) -> pd.DataFrame:
        """The changes of both sides' windows."""
        return self._flow.windows

    @functools.cached_property
    def timeline(self) -> pd.DataFrame:
        """The transitions of both sides."""
        return self._flow.timeline


def details(flow: Flow, files: int) -> Markup:
    """The section about a flow. ``files`` is how many files were read."""
    held: Any = Held(flow)
    title = f"Flow {flow.number}: {flow.client.endpoint} \N{RIGHTWARDS ARROW} {flow.server.endpoint}"
    return element(
        "section",
        element("h3", title, Markup(' <a class="up" href="#flows">\N{UPWARDS ARROW} all</a>')),
        element("p", flow.story()),
        _wireshark(flow, files),
        _facts(flow),
        _picture("States", lanes, held),
        _picture("Ladder", ladder, held),
        _picture("Windows", windows, held),
        _timeline(flow),
        _stalls(flow),
        _notes(flow),
        id=f"flow-{flow.number}",
        class_="flow",
    )


def _picture(name: str, draw: Callable[[Any], tuple[Markup, str]], flow: Held) -> Markup:
    """A picture with its name and what it leaves out. One that cannot be drawn says so; the others stay."""
    try:
        drawn, remark = draw(flow)
    except ValueError as error:
        drawn, remark = element("p", f"This picture could not be drawn: {error}."), ""
    said = element("span", f" {remark}", class_="quiet") if remark else Markup()
    return element("figure", element("figcaption", name, said), element("div", drawn, class_="wide"))


# --- Wireshark -------------------------------------------------------------------------------------------------


def _wireshark(flow: Flow, files: int) -> Markup:
    """Display filters to paste: the stream, the endpoints, the frames behind the transitions.

    Of several files, Wireshark has one open: frames are counted in that one, which also has streams of its own. A
    connection that goes on from file to file is found in all of them merged.
    """
    segments = flow.columns("segments")
    names = sorted({str(name) for name in text_objects(segments["file"], SEGMENTS["file"].words) if name})
    merged = np.asarray(segments["frame"])
    shown = np.asarray(segments["file_frame"]) if files > 1 and len(names) == 1 else merged
    rows = [("in Wireshark", f"tcp.stream eq {flow.facts['stream']}")] if shown is merged else []
    rows.append(("or" if rows else "in Wireshark", endpoints_filter(flow, shown)))
    number = dict(zip(merged.tolist(), shown.tolist(), strict=True))
    changed = [str(number.get(frame, frame)) for frame in transition_frames(flow)]
    if changed:
        rows.append(("what changed a state", f"frame.number in {{{', '.join(changed)}}}"))
    said = [join([element("dt", name), element("dd", element("code", text))]) for name, text in rows]
    if files > 1:
        how = ", in its own frame numbers" if len(names) == 1 else " merged in the order of time"
        where = ", ".join(names) + how
        said.append(join([element("dt", "in"), element("dd", where)]))
    return element("dl", *said, class_="filters")


def endpoints_filter(flow: Flow, frames: np.ndarray | None = None) -> str:
    """A display filter for the pair of addresses and ports, within the connection's frames (or these numbers)."""
    client, server = flow.client, flow.server
    ip = "ipv6" if ":" in client.address else "ip"
    frames = np.asarray(flow.columns("segments")["frame"]) if frames is None else frames
    within = f" and frame.number >= {frames.min()} and frame.number <= {frames.max()}" if len(frames) else ""
    return (
        f"{ip}.addr eq {client.address} and {ip}.addr eq {server.address}"
        f" and tcp.port eq {client.port} and tcp.port eq {server.port}{within}"
    )


def transition_frames(flow: Flow) -> list[int]:
    """The frames that changed a state, in rising order; the first ones where they are many."""
    frames = {row["frame"] for side in flow.sides for row in side.transitions if row["frame"] is not None}
    return sorted(frames)[:MOST_FRAMES]


# --- tables ----------------------------------------------------------------------------------------------------


def _facts(flow: Flow) -> Markup:
    """What each side offered and did, in a small table."""
    heads = ("", "sent", "packets", "sent again", "lost before / after", "MSS", "window scale", "SACK", "timestamps",
             "window", "window 0", "round trip to it", "limited by")  # fmt: skip
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in heads)))
    rows = [element("tr", *(element("td", cell) for cell in _side_facts(flow, side))) for side in flow.sides]
    return element("div", element("table", head, element("tbody", *rows), class_="facts"), class_="wide")


def _side_facts(flow: Flow, side: Side) -> list[str]:
    round_trip = flow.facts[f"rtt_{side.name}"]
    least, most = side.window_min, side.window_max
    told = "0" if not side.zero_windows else count_words(side.zero_windows, "segment")
    zero = told + (f", {side.zero_window_time:.3f} s" if side.zero_window_time else "")
    return [
        side.name,
        octets(side.bytes),
        f"{side.packets:,}",
        f"{side.retransmissions:,}",
        f"{side.lost_before:,} / {side.lost_after:,}",
        _or_dash(side.mss),
        _or_dash(side.window_scale),
        _yes(side.sack),
        _yes(side.timestamps),
        "\N{EN DASH}" if most is None else f"{octets(least)} to {octets(most)}",
        zero,
        "\N{EN DASH}" if round_trip is None else f"{round_trip * 1e3:.3f} ms",
        (side.limited_by or "\N{EN DASH}").replace("_", " "),
    ]


def _or_dash(value: int | None) -> str:
    return "\N{EN DASH}" if value is None else str(value)


def _yes(value: bool | None) -> str:
    return "\N{EN DASH}" if value is None else "yes" if value else "no"


TIMELINE_HEADS = ("time", "frame", "side", "from", "event", "to", "evidence", "not before", "by", "proof", "note")


def _timeline(flow: Flow) -> Markup:
    start = flow.facts["start"]
    rows = sorted(records(TIMELINE, flow.columns("timeline")), key=lambda row: row["estimate"])
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in TIMELINE_HEADS)))
    body = element("tbody", *(_transition(row, start) for row in rows))
    caption = element("figcaption", "Timeline ", element("span", "seconds since the first frame", class_="quiet"))
    return element("figure", caption, element("div", element("table", head, body, class_="timeline"), class_="wide"))


def _transition(row: dict[str, Any], start: int) -> Markup:
    cells = [
        ("n", _seconds(row["estimate"], start)),
        ("n", _or_empty(row["frame"])),
        ("", row["side"]),
        (_state_class(row["from_state"]), row["from_state"] or ""),
        ("", row["event"] or ""),
        (_state_class(row["to_state"]), row["to_state"] or ""),
        (f"ev-{row['evidence']}", row["evidence"] or ""),
        ("n", _seconds(row["earliest"], start)),
        ("n", _seconds(row["latest"], start)),
        ("n", _or_empty(row["proof"])),
        ("", row["note"] or ""),
    ]
    return element("tr", *(element("td", text, class_=class_ or None) for class_, text in cells))


def _seconds(time: int | None, start: int) -> str:
    return "" if time is None else f"{(time - start) / 1e9:.6f}"


def _or_empty(value: int | None) -> str:
    return "" if value is None else str(value)


def _state_class(state: str | None) -> str:
    return f"st s{STATES.index(state)}" if state in STATES else ""


def _stalls(flow: Flow) -> Markup:
    """The longest gaps in both sides' sending, the longest first."""
    rows = sorted(records(STALLS, flow.columns("stalls")), key=lambda row: -row["duration"])
    if not rows:
        return Markup()
    items = [stall_item(row) for row in rows[:MOST_STALLS]]
    if len(rows) > MOST_STALLS:
        items.append(element("li", f"and {len(rows) - MOST_STALLS:,} shorter in the table stalls", class_="quiet"))
    caption = element("figcaption", "Stalls ", element("span", "gaps in sending, the longest first", class_="quiet"))
    return element("figure", caption, element("ul", *items, class_="notes"))


def stall_item(row: dict[str, Any]) -> Markup:
    """A row of the table ``stalls`` as an item of a list."""
    peer = SIDES[1 - SIDES.index(row["side"])]
    return element(
        "li", element("b", f"{row['duration']:.3f} s"), f": {row['side']}, {reason(row, peer)} ({frames(row)})"
    )


def _notes(flow: Flow) -> Markup:
    rows = records(NOTES, flow.columns("notes"))
    if not rows:
        return Markup()
    items = [note_item(row) for row in rows[:MOST_NOTES]]
    if len(rows) > MOST_NOTES:
        items.append(element("li", f"and {len(rows) - MOST_NOTES:,} more in the table notes", class_="quiet"))
    caption = element("figcaption", "Notes ", element("span", "what was odd, or refuted", class_="quiet"))
    return element("figure", caption, element("ul", *items, class_="notes"))


def note_item(row: dict[str, Any]) -> Markup:
    """A row of the table ``notes`` as an item of a list."""
    where = [f"frame {row['frame']}" if row["frame"] is not None else "", row["side"] or ""]
    place = ", ".join(word for word in where if word)
    return element("li", element("b", row["kind"] or "note"), f" ({place})" if place else "", f": {row['text'] or ''}")
