"""The two lifelines of a ladder: bands of states, what is not certain in them, and the states' names beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...schema import SIDES
from ..facts import Facts, FlowLike
from .spans import CUT_SHORT, flow_spans, uncertain
from .warp import Warp, duration

Floats = npt.NDArray[np.float64]

LINE = 1.0
"""What happens on one lifeline is at least this many lines apart, unless it is at the same time."""

MARGIN = 1.6
"""Room above the first moment, in lines: for states that began before."""

BELOW = 2.1
"""Room below the last moment: for states that go on, and what is written of them."""

DETAILED = 1.9
"""A name with a second line of small words below it."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What stands on both lifelines; places are in lines.

    ``bands``: ``side``, ``state``, ``top``, ``bottom``, ``known`` (its beginning is); ``doubts``: the same, to be
    hatched; ``names``: ``side``, ``state``, ``detail``, ``at`` (where the state begins) and ``y`` (where its name has
    room).
    """

    bands: pd.DataFrame
    doubts: pd.DataFrame
    names: pd.DataFrame
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Lifelines:
    """The stays of both sides (rows of `spans`, ``start`` and ``end`` moved onto the arrows that they belong to)."""

    stays: pd.DataFrame

    def moments(self, side: str) -> Floats:
        """When this side changed its state, in seconds."""
        starts = self.stays.loc[self.stays["side"] == side, "start"].to_numpy(np.float64)
        return np.asarray(starts[~np.isnan(starts)], np.float64)

    def draw(self, axis: Warp) -> Drawn:
        """Puts the stays on the axis."""
        top, bottom = -MARGIN, axis.length + BELOW
        stays = self.stays
        bands = stays[["side", "state"]].assign(
            top=_placed(axis, stays["start"], top),
            bottom=_placed(axis, stays["end"], bottom),
            known=stays["start"].notna(),
        )
        names = [_names(stays, bands, side, bottom) for side in SIDES]
        return Drawn(bands, _doubts(stays, axis, bottom), pd.concat(names, ignore_index=True), top, bottom)


def lifelines(flow: FlowLike, facts: Facts, arrows: pd.DataFrame, *, whole: bool) -> Lifelines:
    """The lifelines beside these arrows (``frame``, ``side``, ``sent``, ``received``, in seconds).

    A transition is moved onto the end of the arrow that caused it where the two agree within a tenth of the way. With
    ``whole`` false only the time of the arrows is shown, and a state that began before has no beginning.
    """
    stays = flow_spans(flow, facts.start)
    if len(stays) == 0:
        return Lifelines(stays)
    tolerance = max(2e-6, 0.1 * float(np.nansum([facts.delay_client, facts.delay_server])))
    stays["start"] = _snapped(stays, arrows, tolerance)
    same = (stays["flow"] == stays["flow"].shift(-1)) & (stays["side"] == stays["side"].shift(-1))
    stays["end"] = stays["start"].shift(-1).where(same).to_numpy(np.float64)
    if not whole:
        stays = _clipped(stays, float(arrows["sent"].min()), float(arrows["received"].max()))
    return Lifelines(stays.reset_index(drop=True))


def _snapped(stays: pd.DataFrame, arrows: pd.DataFrame, tolerance: float) -> Floats:
    by_frame = arrows[arrows["kind"] == "one"].drop_duplicates("frame").set_index("frame")
    found = by_frame.reindex(stays["frame"].to_numpy())
    own = found["side"].to_numpy(object) == stays["side"].to_numpy(object)
    moment = np.where(own, found["sent"].to_numpy(np.float64), found["received"].to_numpy(np.float64))
    start = stays["start"].to_numpy(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(moment - start) <= tolerance, moment, start)


def _clipped(stays: pd.DataFrame, since: float, until: float) -> pd.DataFrame:
    """The stays within a range; one that began before or ends after has no such end."""
    start, end = stays["start"].to_numpy(np.float64), stays["end"].to_numpy(np.float64)
    inside = ~(end < since) & ~(start > until)
    return stays[inside].assign(
        start=np.where(start < since, np.nan, start)[inside],
        end=np.where(end > until, np.nan, end)[inside],
    )


def _placed(axis: Warp, times: pd.Series[float], missing: float) -> Floats:
    places = axis.place(times.to_numpy(np.float64))
    return np.where(np.isnan(places), missing, places)


def _doubts(stays: pd.DataFrame, axis: Warp, bottom: float) -> pd.DataFrame:
    """Where a transition may have been: from its earliest to its latest time, if a reader can see the difference."""
    known = uncertain(stays)
    doubts = known[["side", "state"]].assign(
        top=axis.place(known["earliest"].to_numpy(np.float64)),
        bottom=_placed(axis, known["latest"], bottom),
    )
    visible: pd.DataFrame = doubts[doubts["bottom"] - doubts["top"] > 0.15].reset_index(drop=True)
    return visible


def _names(stays: pd.DataFrame, bands: pd.DataFrame, side: str, bottom: float) -> pd.DataFrame:
    """The names of one side's states, each at the beginning of its band or just below the name before."""
    mine = (stays["side"] == side).to_numpy(bool)
    own, band = stays[mine], bands[mine]
    at = band["top"].to_numpy(np.float64)
    following = np.append(at[1:], bottom)
    told = own[["event", "evidence", "start", "end", "ends_by"]].assign(before=own["ends_by"].shift(1, fill_value=""))
    detail = [_detail(*row) for row in told.itertuples(index=False)]
    roomy = following - at >= DETAILED
    detail = [text if fits else "" for text, fits in zip(detail, roomy, strict=True)]
    y = at.copy()
    for k in range(1, len(y)):
        y[k] = max(y[k], y[k - 1] + (DETAILED if detail[k - 1] else LINE))
    return pd.DataFrame({"side": side, "state": own["state"].to_numpy(object), "detail": detail, "at": at, "y": y})


def _detail(event: str, evidence: str, start: float, end: float, ends_by: str, before: str) -> str:
    """Small words below a state's name: what led to it, and how that is known where the side did not send it itself.

    ``before`` is what ended the state before it.
    """
    if ends_by == "2MSL":
        return f"2MSL, after {duration(end - start)}"
    if ends_by == CUT_SHORT:
        return f"cut short after {duration(end - start)}"
    if before == CUT_SHORT:
        return "the ports were used again"
    if event == "seen":
        return "capture begins here"
    return f"{event}, {evidence}" if evidence in {"presumed", "deduced", "timer"} else event
