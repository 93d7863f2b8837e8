"""Who has not closed: sides in CLOSE_WAIT at the end of the capture, for how long, and whether that is a leak.

In CLOSE_WAIT the peer has closed and TCP waits for its own program to do so. A half-close in progress looks the same:
then the side still sends. So a program leaks the connection that has neither closed nor sent anything for a while.
The one rule for the findings, the notes, the story and the connection in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .schema import FLOWS, MISSING, NOTES, SIDES, STALLS, TIMELINE
from .values import Columns, coded, count, take, text_objects

if TYPE_CHECKING:
    from .flow import Side

PATIENCE = 10.0
"""Seconds without a word from which on a program in CLOSE_WAIT has forgotten to close: no answer takes so long."""


def close_waits(flows: Columns, timeline: Columns, until: int) -> np.ndarray:
    """Seconds for which each side has been in CLOSE_WAIT at least, when the capture ends (``until``, in nanoseconds).

    Shape (n, 2): a row for each of ``flows``, the client's and the server's; NaN for a side in another state.
    """
    entered = np.full((count(flows), 2), MISSING, np.int64)
    state = coded(timeline["to_state"], TIMELINE["to_state"].words)
    found = np.flatnonzero(state.codes == _code(state.words, "CLOSE_WAIT"))
    rows, sides, here = _places(flows, timeline, found)
    when = _array(timeline, "latest")[found]
    when = np.where(when == MISSING, _array(timeline, "estimate")[found], when)
    entered[rows, sides] = when[here]
    seconds = np.maximum(until - entered, 0) / 1e9
    return np.where(_in_close_wait(flows) & (entered != MISSING), seconds, np.nan)


def leaks(flows: Columns, timeline: Columns, stalls: Columns, until: int) -> np.ndarray:
    """Which sides have neither closed nor sent anything for ``PATIENCE``; shape (n, 2)."""
    sent = np.stack([_array(flows, "end")] * 2, axis=1)
    detail = coded(stalls["detail"], STALLS["detail"].words)
    found = np.flatnonzero(detail.codes == _code(detail.words, "unended"))
    rows, sides, here = _places(flows, stalls, found)
    sent[rows, sides] = np.minimum(sent[rows, sides], _array(stalls, "start")[found][here])
    waited = close_waits(flows, timeline, until)
    forgotten: np.ndarray = (waited >= PATIENCE) & (until - sent >= PATIENCE * 1e9)
    return forgotten


def told_how_long(notes: Columns, flows: Columns, timeline: Columns, stalls: Columns, until: int) -> Columns:
    """The table ``notes``, in which those on CLOSE_WAIT also say for how long, and whether the program leaks it."""
    kind = coded(notes["kind"])
    found = np.flatnonzero(kind.codes == _code(kind.words, "close_wait"))
    if not len(found):
        return notes
    rows, sides, here = _places(flows, notes, found)
    waited, forgotten = close_waits(flows, timeline, until), leaks(flows, timeline, stalls, until)
    texts = text_objects(notes["text"]).copy()
    for note, row, side in zip(found[here].tolist(), rows.tolist(), sides.tolist(), strict=True):
        if waited[row, side] >= 0:
            end = ": the program on this side has not closed" if forgotten[row, side] else ""
            texts[note] = f"{texts[note].removesuffix('.')}, for at least {lasting(waited[row, side])}{end}."
    return {**notes, "text": texts}


def close_wait(side: Side) -> tuple[float, bool] | None:
    """For how many seconds a side has been in CLOSE_WAIT at least, and whether it leaks; None: it is not in it."""
    if side.final_state != "CLOSE_WAIT":
        return None
    flow = side.flow
    known = flow.capture.columns("flows")
    row = take({name: known[name] for name in _NEEDED}, np.array([flow.number]))
    timeline, until = flow.columns("timeline"), flow.capture.times[1]
    waited = close_waits(row, timeline, until)[0, side.index]
    return float(waited), bool(leaks(row, timeline, flow.columns("stalls"), until)[0, side.index])


_NEEDED = ("flow", "end", "client_state", "server_state")


def lasting(seconds: float) -> str:
    """A length of time for people: 0.052 s, 12.3 s, 58 min, 3.2 h, 2.1 days."""
    if seconds < 100:
        return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86_400:.1f} days"


def _in_close_wait(flows: Columns) -> np.ndarray:
    masks = []
    for side in SIDES:
        state = coded(flows[f"{side}_state"], FLOWS[f"{side}_state"].words)
        masks.append(state.codes == _code(state.words, "CLOSE_WAIT"))
    return np.stack(masks, axis=1)


def _places(flows: Columns, table: Columns, found: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of some rows of a table: which row of ``flows`` and which side each is about, and which of them are of those."""
    side = coded(table["side"], (NOTES if "kind" in table else TIMELINE)["side"].words)
    of_word = np.array([SIDES.index(word) if word in SIDES else -1 for word in side.words] + [-1])
    sides = of_word[side.codes[found]]
    numbers, wanted = _array(flows, "flow"), _array(table, "flow")[found]
    rows = np.minimum(np.searchsorted(numbers, wanted), max(len(numbers) - 1, 0))
    here = (numbers[rows] == wanted) & (sides >= 0) if len(numbers) else np.zeros(len(found), bool)
    return rows[here], sides[here], here


def _code(words: object, word: str) -> int:
    known = list(words)  # type: ignore[call-overload]
    return known.index(word) if word in known else -2


def _array(columns: Columns, name: str) -> np.ndarray:
    values = columns[name]
    assert isinstance(values, np.ndarray)
    return values
