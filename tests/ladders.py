"""Ladders in RFC 9293's notation as tests: written to segments, replayed, and compared with the states they show.

A figure is a text: prose (what is tested, which rule), then the exchange. ``-->`` at both ends: the segment arrives.
``...`` at the far end: it passed the capture point and was lost after it. A line with ``XXX`` at the capture (in a
comment ``(not captured)``) is an event that the capture does not hold. ``+0.200`` is the time since the line before;
without it a millisecond passes. Sequence numbers are as they stand on the wire.

The states are the truth that the replay must find: each side's sequence of states, without the timers' ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from pcapstate.kernels import COMPILED, INTERPRETED, convert
from pcapstate.ladder import read
from pcapstate.replay.engine import replay
from pcapstate.schema import CAUSES, EVIDENCE, LABELS, MISSING, SIDES, STATES, TABLES, Coded, Segment

START = 1_767_323_045_000_000_000
STEP = 1_000_000
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16}
ABSENT = ("mss", "window_scale", "tsval", "tsecr", "fast_open", "checksum")


@dataclass
class Made:
    """Segments in the order of capture, as values of ``schema.Segment``, and the states that the ladder shows."""

    rows: list[dict] = field(default_factory=list)
    states: dict[str, list[str]] = field(default_factory=lambda: {side: [] for side in SIDES})


def segment(**values):
    """A row of ``schema.Segment``, interpreted: absent options, no numbers, and what is given."""
    row = Segment.object()
    for name in ABSENT:
        setattr(row, name, -1)
    row.version = 4
    row.src2 = row.dst2 = 0xFFFF
    row.ttl = 64
    row.window = 1000
    for name, value in values.items():
        setattr(row, name, value)
    return row


def segments_of(text, **changes):
    """The segments of a ladder; ``changes`` set fields of every segment (options, say)."""
    exchange = read(text)
    made = Made()
    now = START
    numbers = {"client": 100, "server": 5000}
    for line in exchange.lines:
        now += STEP if line.wait is None else line.wait
        for side, state in (("client", line.client), ("server", line.server)):
            if state in STATES and state != (made.states[side] or [""])[-1]:
                made.states[side].append(state)
        if line.segment is None:
            continue
        client = line.sender == "client"
        numbers[line.sender] += 1
        if line.comment == "not captured":
            continue
        copy = line.comment == "copy"
        shown = line.segment
        row = {
            "time": now,
            "src3": 0x0A000001 if client else 0x0A000002,
            "dst3": 0x0A000002 if client else 0x0A000001,
            "sport": 40000 if client else 80,
            "dport": 80 if client else 40000,
            "seq": shown.seq or 0,
            "ack": shown.ack or 0,
            "flags": sum(FLAGS[name] for name in shown.flags.split(",")),
            "length": shown.length or 0,
            "window": 1000 if shown.window is None else shown.window,
            "ip_id": numbers[line.sender] - copy,
            **changes,
        }
        row["captured"] = row["length"]
        row["frame"] = row["file_frame"] = len(made.rows) + 1
        made.rows.append(row)
    return made


def chunk_of(rows, speed=INTERPRETED):
    """A chunk for the engine."""
    table = convert(Segment, [segment(**row) for row in rows], speed)
    return SimpleNamespace(speed=speed, segments=table, count=len(rows), last_time=max(r["time"] for r in rows))


def replayed(rows, *, speed=INTERPRETED, msl=30.0):
    """The replay of rows in one chunk."""
    return replay([chunk_of(rows, speed)], msl=msl, keep=("segments", "windows"))


def columns_text(result, name):
    """A table as text, column by column: two of them can be compared."""
    table = result.table(name)
    return {column: str((v.codes if isinstance(v, Coded) else v).tolist()) for column, v in table.items()}


def both_speeds(rows, **options):
    """The replay of rows, after a look that compiled kernels give the same tables."""
    slow, fast = replayed(rows, **options), replayed(rows, speed=COMPILED, **options)
    for name in TABLES:
        assert columns_text(slow, name) == columns_text(fast, name), name
    return slow


def labels_of(rows, **options):
    """(label, cause) of each segment, as words; both speeds must agree."""
    table = both_speeds(rows, **options).table("segments")
    return [(LABELS[label], CAUSES[cause]) for label, cause in zip(table["label"], table["cause"], strict=True)]


def timeline(result):
    """The timeline as a list of dicts, words instead of codes, None where a value is missing."""
    table = result.table("timeline")
    words = {
        "side": SIDES,
        "from_state": ("", *STATES),
        "to_state": STATES,
        "evidence": EVIDENCE,
    }
    out = []
    for i in range(len(table["flow"])):
        row = {}
        for name, values in table.items():
            if isinstance(values, Coded):
                row[name] = values.words[values.codes[i]] if values.codes[i] >= 0 else None
            elif name in words:
                row[name] = words[name][values[i]]
            else:
                value = values[i].item()
                row[name] = None if value == MISSING else value
        out.append(row)
    return out


def states(rows, side, flow=0):
    """The sequence of a side's states, from the first row's `from`, without what a timer ends."""
    mine = [r for r in rows if r["side"] == side and r["flow"] == flow and r["evidence"] != "timer"]
    if not mine:
        return []
    return [s for s in [mine[0]["from_state"]] if s] + [r["to_state"] for r in mine]


def row_of(rows, side, state, flow=0):
    """The row in which the side enters a state."""
    found = [r for r in rows if r["side"] == side and r["to_state"] == state and r["flow"] == flow]
    assert len(found) == 1, (side, state, found)
    return found[0]


def check(text, **changes):
    """Replays a ladder, at both speeds of the engine's kernels where asked, and compares the states of both sides."""
    made = segments_of(text, **changes)
    result = replayed(made.rows)
    rows = timeline(result)
    for side in SIDES:
        assert states(rows, side) == made.states[side], f"{side} of:\n{text}"
    return rows, result


__all__ = [
    "COMPILED",
    "INTERPRETED",
    "both_speeds",
    "check",
    "chunk_of",
    "columns_text",
    "labels_of",
    "replayed",
    "row_of",
    "segment",
    "segments_of",
    "states",
    "timeline",
]
