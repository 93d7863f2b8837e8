"""Both sides' states as two lanes over time.

Two kinds of time: folded, for a picture of its own, where every state has room for its name and silences are folded
(places are in letters); and plain seconds, for a time axis that is shared with other pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...schema import SIDES
from ..facts import Facts, FlowLike, facts
from .spans import TO_THE_END, flow_spans, tail, uncertain, unknown
from .warp import Apart, Warp, clock, duration, warp

Floats = npt.NDArray[np.float64]

LETTERS = 150
"""How many letters (the names' size) fit across a page."""

ROUND_TRIP = 12.0
"""Letters for the way there and back, where time is to scale."""

MARGIN = 8.0
"""Letters before the first transition and after the last."""

CUT = 0.12
"""A fold is cut near its end, this part of it before, so that names have room."""

SMALL_LETTER = 0.88
"""Width of a letter of the small words, in letters."""


@dataclass(frozen=True, slots=True)
class States:
    """What a picture of two lanes draws.

    ``bands``: ``side``, ``state``, ``left``, ``right``, ``name`` (empty where it has no room), ``name_x``, ``open``
    (goes on past the right end), ``ends`` (when its 2MSL ends, past the right end). ``doubts``: ``side``, ``state``,
    ``left``, ``right``. ``events``: ``side``, ``x``, ``text`` (empty where it has no room), ``frame``. ``crowds``:
    ``side``, ``x``, ``text``: names of neighbouring states that have no room in their bands. ``folds``: ``left``,
    ``right``, ``cut``, ``text``. ``ticks``: ``x``, ``text`` (folded time only).
    """

    facts: Facts
    bands: pd.DataFrame
    doubts: pd.DataFrame
    events: pd.DataFrame
    crowds: pd.DataFrame
    folds: pd.DataFrame
    ticks: pd.DataFrame
    left: float
    right: float
    folded: bool
    unknown: dict[str, str]
    """What to say of a side whose states are not known."""


def states_layout(flow: FlowLike, *, fold: bool = True, until: float | None = None, letters: float = LETTERS) -> States:
    """The lanes of a flow, on paper of so many ``letters`` (of the names' size) across.

    With ``fold`` false places are seconds since the first frame, and the lanes end ``until`` there (the arrival of the
    last frame).
    """
    known = facts(flow)
    stays = flow_spans(flow, known.start)
    axis = _axis(stays, known, letters) if fold else None
    if axis is not None:
        left, right = -MARGIN, axis.length + MARGIN
        letter = (right - left) / letters
    else:
        reach = _reach(stays, known) if until is None else until
        room = 0.015 * reach or 0.0005
        left, right = -room, reach + room
        letter = (right - left) / letters
    folds = _folds(axis, tail(stays, known))
    bands = _bands(stays, axis, left, right)
    bands = _named(bands, folds, letter)
    return States(
        facts=known,
        unknown=unknown(flow, stays),
        bands=bands,
        doubts=_doubts(stays, axis, left, right),
        events=_events(stays, bands, left, right, letter),
        crowds=_crowds(bands, left, right, letter),
        folds=folds,
        ticks=_ticks(stays, axis, known, letter),
        left=left,
        right=right,
        folded=fold,
    )


def _reach(stays: pd.DataFrame, known: Facts) -> float:
    """The last frame, or when what it carries arrives: it may end the connection there. No timer lasts so long."""
    arrived = stays.loc[stays["evidence"] != "timer", "start"].to_numpy(np.float64)
    way = float(np.nansum([known.delay_client, known.delay_server]))
    return float(max([known.duration, *arrived[arrived <= known.duration + way]]))


def _axis(stays: pd.DataFrame, known: Facts, letters: float) -> Warp:
    """Folded time with room for every name; a name that a fold cuts gets more room until it has enough."""
    more = np.zeros(len(stays))
    for _ in range(6):
        axis = _axis_with(stays, known, more)
        left, right = -MARGIN, axis.length + MARGIN
        letter = (right - left) / letters
        bands = _named(_bands(stays, axis, left, right), _folds(axis, None), letter)
        cramped = bands.loc[(bands["name"] == "") & (bands["left"] < bands["right"]), "row"].to_numpy(np.int64)
        if len(cramped) == 0:
            break
        more[cramped] += 6 * letter
    return axis


def _axis_with(stays: pd.DataFrame, known: Facts, more: Floats) -> Warp:
    start = stays["start"].to_numpy(np.float64)
    which = np.flatnonzero(~np.isnan(start))
    end = tail(stays, known)
    ends = [] if end is None else [end]
    moments = np.concatenate([[0.0, known.duration], start[which], ends])
    room = [_room(*row) for row in stays[["state", "event", "frame"]].itertuples(index=False)]
    apart = [Apart(0, 1, MARGIN), *(Apart(1, len(moments) - 1, MARGIN) for _ in ends)]
    for side in SIDES:
        mine = np.flatnonzero(stays["side"].to_numpy(object)[which] == side)
        mine = mine[np.argsort(moments[2 + mine], kind="stable")]
        for this, following in pairwise(mine):
            row = int(which[this])
            apart.append(Apart(2 + int(this), 2 + int(following), float(room[row] + more[row])))
    way = 2 * float(np.nansum([known.delay_client, known.delay_server]))
    steps = np.diff(np.unique(moments))
    scale = ROUND_TRIP / way if way > 1e-6 else ROUND_TRIP / float(np.median(steps)) if len(steps) else 1.0
    return warp(moments, scale=scale, apart=apart, fold_over=2.5 * ROUND_TRIP, folded=ROUND_TRIP)


def _room(state: str, event: str, frame: float) -> float:
    """Letters that a state's name and, above it, its event need."""
    return max(len(state) + 2.5, SMALL_LETTER * (len(_event_words(event, frame)) + 2))


def _put(axis: Warp | None, times: pd.Series[float]) -> Floats:
    seconds = np.asarray(times, np.float64)
    return seconds if axis is None else axis.place(seconds)


def _bands(stays: pd.DataFrame, axis: Warp | None, left: float, right: float) -> pd.DataFrame:
    begin, end = _put(axis, stays["start"]), _put(axis, stays["end"])
    begin = np.where(np.isnan(begin), left, begin)
    stop = np.where(np.isnan(end), right, end)
    seen = (begin < right) & (stop > left)
    bands = pd.DataFrame(
        {
            "side": stays["side"],
            "state": stays["state"],
            "left": np.clip(begin, left, right),
            "right": np.clip(stop, left, right),
            "open": (stop > right) | np.isnan(end),
            "ends": np.where(
                (stop > right) & (stays["ends_by"] == "2MSL"), [f"2MSL until {x:.4g} s" for x in stays["end"]], ""
            ),
            "row": np.arange(len(stays)),
        }
    )
    shown: pd.DataFrame = bands.loc[seen | (begin == stop)].reset_index(drop=True)
    return shown


def _named(bands: pd.DataFrame, folds: pd.DataFrame, letter: float) -> pd.DataFrame:
    """Adds ``name`` and ``name_x``: in the middle of the widest part of a band that no fold cuts, if it has room."""
    cuts = folds["cut"].to_numpy(np.float64)
    names, places = [], []
    for state, left, right in bands[["state", "left", "right"]].itertuples(index=False):
        inside = cuts[(cuts > left) & (cuts < right)]
        begins, ends = np.append(left, inside + letter), np.append(inside - letter, right)
        widest = int(np.argmax(ends - begins))
        fits = ends[widest] - begins[widest] >= letter * (len(state) + 1)
        names.append(state if fits else "")
        places.append((begins[widest] + ends[widest]) / 2)
    return bands.assign(name=names, name_x=np.array(places, np.float64))


def _doubts(stays: pd.DataFrame, axis: Warp | None, left: float, right: float) -> pd.DataFrame:
    known = uncertain(stays)
    begin, end = (
        np.clip(np.nan_to_num(_put(axis, known[name]), nan=right), left, right) for name in ("earliest", "latest")
    )
    table = pd.DataFrame({"side": known["side"], "state": known["state"], "left": begin, "right": end})
    return table[end - begin > (right - left) / 1000].reset_index(drop=True)


def _events(stays: pd.DataFrame, bands: pd.DataFrame, left: float, right: float, letter: float) -> pd.DataFrame:
    """A tick for each transition; its words where they do not run into the next tick's."""
    rows = []
    for side in SIDES:
        own = bands[(bands["side"] == side) & (bands["left"] > left) & (bands["left"] < right)]
        x = own["left"].to_numpy(np.float64)
        following = np.append(x[1:], right)
        for k, row in enumerate(own["row"]):
            text = _event_words(stays["event"].iloc[row], stays["frame"].iloc[row])
            fits = following[k] - x[k] >= SMALL_LETTER * letter * (len(text) + 1)
            rows.append((side, x[k], text if fits else "", stays["frame"].iloc[row]))
    return pd.DataFrame(rows, columns=["side", "x", "text", "frame"])


def _event_words(event: str, frame: float) -> str:
    return event if np.isnan(frame) else f"{event} #{frame:.0f}"


def _crowds(bands: pd.DataFrame, left: float, right: float, letter: float) -> pd.DataFrame:
    """Neighbouring states without room for their names, named together above the lane where they begin."""
    rows = []
    for side in SIDES:
        own = bands[bands["side"] == side]
        crowd: list[str] = []
        begin = 0.0
        for name, state, ends, x in [
            *own[["name", "state", "ends", "left"]].itertuples(index=False),
            ("-", "", "", 0.0),
        ]:
            if name == "" and not crowd:
                begin = x
            if name == "" and state:
                crowd.append(f"{state} ({ends})" if ends else state)
            elif crowd:
                rows.append((side, begin, " \N{RIGHTWARDS ARROW} ".join(crowd)))
                crowd = []
    return pd.DataFrame(_moved(rows, left, right, letter), columns=["side", "x", "text"])


def _moved(
    rows: list[tuple[str, float, str]], left: float, right: float, letter: float
) -> list[tuple[str, float, str]]:
    """The words moved to the left where they would run into the next or out of the picture; ``x`` is their left end."""
    kept: list[tuple[str, float, str]] = []
    for side, x, text in reversed(rows):
        end = kept[-1][1] - 1.5 * letter if kept and kept[-1][0] == side else right
        kept.append((side, max(min(x, end - SMALL_LETTER * letter * len(text)), left), text))
    return kept[::-1]


def _folds(axis: Warp | None, end: float | None) -> pd.DataFrame:
    rows = []
    if axis is not None:
        for k in axis.folds:
            left, right = float(axis.at[k]), float(axis.at[k + 1])
            text = duration(axis.times[k + 1] - axis.times[k]) + (TO_THE_END if axis.times[k + 1] == end else "")
            rows.append((left, right, right - CUT * (right - left), text))
    return pd.DataFrame(rows, columns=["left", "right", "cut", "text"]).astype(
        {"left": float, "right": float, "cut": float}
    )


def _ticks(stays: pd.DataFrame, axis: Warp | None, known: Facts, letter: float) -> pd.DataFrame:
    """Times below a folded axis, as many as there is room for."""
    rows: list[tuple[float, str]] = []
    if axis is not None:
        way = float(np.nansum([known.delay_client, known.delay_server]))
        for time, x in zip(axis.times, axis.at, strict=True):
            text = clock(time, way, known.duration)
            if not rows or x - rows[-1][0] >= letter * (len(text) + 1.5):
                rows.append((float(x), text))
    return pd.DataFrame(rows, columns=["x", "text"])
