"""A capture written as pcapng, with what its endpoints did as comments on its packets: Wireshark shows them.

Each transition of either side is a comment on the frame that caused it, and each connection's last frame tells how it
ended. A timer has no frame: its transition stands on the connection's last frame too. A comment begins with
``pcapstate: flow N``, so that ``frame.comment contains "pcapstate: flow 3 "`` finds all of a connection. On wish come
labels of segments, stalls and zero windows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .export import CHUNK, replaced
from .intervals import zero_windows
from .schema import FLOWS, MISSING, SEGMENTS, SIDES, STALLS, TIMELINE, ZERO_WINDOWS, Table
from .slowness import frames as between
from .slowness import reason
from .values import Columns, record, take, text_objects

if TYPE_CHECKING:
    from .capture import Capture


def annotate(
    capture: Capture,
    target: str | Path | IO[bytes],
    *,
    flows: Collection[int] | None = None,
    labels: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Copies all packets of a capture into a pcapng file, with comments; returns how many comments.

    ``flows``: only these connections get comments (all: None). ``labels``: labels of segments, stalls and zero windows
    too. ``progress``: called now and then with the octets copied so far.

    The capture is read again for that: raises CaptureError where that cannot be done, and ValueError where ``target``
    is one of its files. A file that is damaged is copied up to there.
    """
    from .parser.copying import copy
    from .parser.reader import Reader
    from .parser.sources import CaptureError

    given = capture.given()
    if isinstance(target, str | Path):
        check_target(capture.files, target)
        with replaced(target) as stream:
            return annotate(capture, stream, flows=flows, labels=labels, progress=progress)
    remarks = Remarks(capture, None if flows is None else np.array(sorted(flows), np.int64), labels=labels)
    reader = Reader(given, progress=progress)
    copy(reader, remarks.until, target.write)
    if reader.frames != capture.packets:
        raise CaptureError(f"{capture.name} has changed since it was read: read it again")
    return len(remarks)


def check_target(files: Collection[str], target: str | Path) -> None:
    """Raises ValueError where the file to write is one of those that are read."""
    for file in files:
        if os.path.exists(target) and os.path.exists(file) and os.path.samefile(file, target):
            raise ValueError(f"{target} is the capture itself: it is never written to")


class Remarks:
    """All comments of a capture in the order of their frames; their texts are made when they are asked for."""

    def __init__(self, capture: Capture, flows: np.ndarray | None, *, labels: bool) -> None:
        kinds = [*_transitions(capture), *_verdicts(capture)]
        if labels:
            kinds = [*kinds[:1], *_labels(capture), *kinds[1:]]
        if flows is not None:
            kinds = [kind.of_flows(flows) for kind in kinds]
        self._kinds = kinds
        frames = np.concatenate([kind.frames for kind in kinds])
        kind = np.repeat(np.arange(len(kinds)), [len(kind.frames) for kind in kinds])
        # Stable: what a kind says of a frame keeps its order.
        self._order = np.lexsort((kind, frames))
        self._frames, self._kind = frames[self._order], kind[self._order]
        self._row = self._order - np.cumsum([0, *(len(kind.frames) for kind in kinds[:-1])])[self._kind]
        self._next = 0
        self._made: list[str] = []
        self._first = 0

    def __len__(self) -> int:
        return len(self._frames)

    def until(self, frame: int) -> tuple[list[int], list[str]]:
        """Frames in their order and a text for each: those up to ``frame`` that were not given before."""
        start, end = self._next, int(np.searchsorted(self._frames, frame, side="right"))
        self._next = max(start, end)
        texts: list[str] = []
        while start < end:
            if start >= self._first + len(self._made):
                self._first = start
                self._made = self._texts(slice(start, start + CHUNK))
            stop = min(end, self._first + len(self._made))
            texts += self._made[start - self._first : stop - self._first]
            start = stop
        return self._frames[self._next - len(texts) : self._next].tolist(), texts

    def _texts(self, part: slice) -> list[str]:
        kind, row = self._kind[part], self._row[part]
        texts = np.empty(len(row), object)
        for number in np.unique(kind).tolist():
            chosen = kind == number
            texts[chosen] = list(self._kinds[number].texts(row[chosen]))
        made: list[str] = texts.tolist()
        return made


class Kind:
    """One kind of comments: those that the rows of a table mean, each on a frame."""

    def __init__(self, columns: Columns, frames: Any, words: Callable[[Columns], Iterator[str]]) -> None:
        """``words`` makes the texts of rows; ``frames`` are where they stand."""
        self.frames = np.asarray(frames)
        self._columns = columns
        self._words = words

    def of_flows(self, flows: np.ndarray) -> Kind:
        """Those of some connections."""
        chosen = np.isin(np.asarray(self._columns["flow"]), flows)
        return Kind(take(self._columns, chosen), self.frames[chosen], self._words)

    def texts(self, rows: np.ndarray) -> Iterator[str]:
        """The comments of some rows."""
        return self._words(take(self._columns, rows))


# --- what they say ---------------------------------------------------------------------------------------------


def _transitions(capture: Capture) -> list[Kind]:
    """Every transition; those without a frame are a kind of their own, on the last frame of their connection."""
    names = ("flow", "side", "frame", "from_state", "event", "to_state", "evidence", "proof", "dwell", "note")
    made = capture.columns("timeline")
    rows = {name: made[name] for name in names}
    frames, flow = np.asarray(rows["frame"]), np.asarray(rows["flow"])
    timer = frames == MISSING
    last = np.asarray(capture.columns("flows")["last_frame"])
    return [
        Kind(take(rows, ~timer), frames[~timer], _transition_texts),
        Kind(take(rows, timer), last[flow[timer]], _timer_texts),
    ]


def _words(table: Table, columns: Columns, *names: str) -> list[list[Any]]:
    return [text_objects(columns[name], table[name].words).tolist() for name in names]


def _numbers(columns: Columns, *names: str) -> list[list[Any]]:
    return [np.asarray(columns[name]).tolist() for name in names]


def _transition_texts(rows: Columns) -> Iterator[str]:
    flows, proofs = _numbers(rows, "flow", "proof")
    names = ("side", "from_state", "event", "to_state", "evidence", "note")
    for flow, proof, side, before, event, after, evidence, note in zip(
        flows, proofs, *_words(TIMELINE, rows, *names), strict=True
    ):
        change = f"{before} -> {after}" if before else f"found in {after}"
        # What a side sends itself is certain, and the frame is its own proof.
        why = "" if evidence == "sent" else f"; {evidence}" if proof == MISSING else f"; {evidence} by frame {proof}"
        yield f"pcapstate: flow {flow} {side} {change} ({event}{why})" + (f". {note}" if note else "")


def _timer_texts(rows: Columns) -> Iterator[str]:
    flows, dwells = _numbers(rows, "flow", "dwell")
    names = ("side", "from_state", "event", "to_state", "note")
    for flow, dwell, side, before, event, after, note in zip(
        flows, dwells, *_words(TIMELINE, rows, *names), strict=True
    ):
        later = f", {dwell:.3f} s after it came to {before}" if dwell == dwell else ""  # noqa: PLR0124 -- NaN
        change = f"{before} -> {after} ({event}; a timer{later})"
        yield f"pcapstate: flow {flow} {side} {change}" + (f". {note}" if note else "")


def _verdicts(capture: Capture) -> list[Kind]:
    made = capture.columns("flows")
    rows = {name: made[name] for name in ("flow", "closed_by", "close_reason", "note", "last_frame")}
    return [Kind(rows, rows["last_frame"], _verdict_texts)]


def _verdict_texts(rows: Columns) -> Iterator[str]:
    (flows,) = _numbers(rows, "flow")
    for flow, closed_by, why, note in zip(
        flows, *_words(FLOWS, rows, "closed_by", "close_reason", "note"), strict=True
    ):
        who = f" by {closed_by}" if closed_by in (*SIDES, "both") else ""
        verdict = f"closed{who} ({why})" if who else why or "not known how it ended"
        yield f"pcapstate: flow {flow} {verdict}" + (f". {note}" if note else "")


def _labels(capture: Capture) -> list[Kind]:
    """What segments were, stalls where they end, and zero windows where they begin and end."""
    segments, windows, stalls = (capture.columns(name) for name in ("segments", "windows", "stalls"))
    rows = {name: segments[name] for name in ("flow", "side", "frame", "label", "cause", "proof")}
    labelled = take(rows, np.asarray(rows["label"]) > 0)
    zero = zero_windows(windows, segments)
    opened = take(zero, np.asarray(zero["end_frame"]) != MISSING)
    return [
        Kind(labelled, labelled["frame"], _label_texts),
        Kind(stalls, stalls["end_frame"], _stall_texts),
        Kind(zero, zero["start_frame"], _closed_texts),
        Kind(opened, opened["end_frame"], _opened_texts),
    ]


def _label_texts(rows: Columns) -> Iterator[str]:
    flows, proofs = _numbers(rows, "flow", "proof")
    for flow, proof, side, label, cause in zip(
        flows, proofs, *_words(SEGMENTS, rows, "side", "label", "cause"), strict=True
    ):
        why = "; ".join([*([cause] if cause else []), *([f"shown by frame {proof}"] if proof != MISSING else [])])
        yield f"pcapstate: flow {flow} {side} {label}" + (f" ({why})" if why else "")


def _stall_texts(rows: Columns) -> Iterator[str]:
    for row in _records(STALLS, rows):
        peer = SIDES[1 - SIDES.index(row["side"])]
        said = f"stalled for {row['duration']:.3f} s on {reason(row, peer)} ({between(row)})"
        yield f"pcapstate: flow {row['flow']} {row['side']} {said}"


def _closed_texts(rows: Columns) -> Iterator[str]:
    for row in _records(ZERO_WINDOWS, rows):
        end = row["end_frame"]
        until = f"until frame {end}" if end is not None else "to the end"
        yield f"pcapstate: flow {row['flow']} {row['side']} zero window, {until}"


def _opened_texts(rows: Columns) -> Iterator[str]:
    for row in _records(ZERO_WINDOWS, rows):
        times = row["probes"]
        probes = f", probed {'once' if times == 1 else f'{times} times'}" if times else ""
        told = f"window open again, after {(row['end'] - row['start']) / 1e9:.3f} s{probes}"
        yield f"pcapstate: flow {row['flow']} {row['side']} {told}"


def _records(table: Table, rows: Columns) -> Iterator[dict[str, Any]]:
    return (record(table, rows, row) for row in range(len(np.asarray(rows["flow"]))))
