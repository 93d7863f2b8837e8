"""Ladders in RFC 9293's notation as tests: written to segments, replayed, and compared with the states they show.

A figure is a text: prose (what is tested, which rule), then the exchange, then what else is to be found (``facts``).
``-->`` at both ends: the segment arrives. ``...`` at the far end: it passed the capture point and was lost after it,
or a later line, with ``...`` at the near end, shows that it arrives.
``+0.200`` is the time since the line before; without it a millisecond passes. Sequence numbers are as they stand on
the wire. The number in front, where there is one, is the frame's.

Comments that change the capture: ``(not captured)``, an event that the capture does not hold; ``(copy)``, the
sender's last segment once more, made by the network or the capture; ``(forged)``, somebody else's in the sender's name.
IP IDs run, each side's own; ``<ID=0>`` sets one.

The states are the truth that the replay must find: each side's sequence of states; what a timer ends only where the
figure draws the timer, ``(2 MSL)``. ``(next connection)`` at a side: from here on its states are those of the
4-tuple's next connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from facts import compare, split

from pcapstate.kernels import COMPILED, INTERPRETED, convert
from pcapstate.ladder import read
from pcapstate.replay.engine import replay
from pcapstate.schema import CAUSES, EVIDENCE, LABELS, MISSING, SIDES, STATES, TABLES, Coded, Segment

START = 1_767_323_045_000_000_000
STEP = 1_000_000
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16}
TAGS = {"MSS": "mss", "WS": "window_scale", "SACKOK": "sack_permitted", "TSval": "tsval", "TSecr": "tsecr"}
TAGS |= {"FO": "fast_open", "ID": "ip_id", "TTL": "ttl"}
NEXT = "(next connection)"
FORGED = 30_000
"""IP IDs of forged segments begin here: their sender does not know where the other's are."""
ABSENT = ("mss", "window_scale", "tsval", "tsecr", "fast_open", "checksum")


@dataclass
class Made:
    """Segments in the order of capture, as values of ``schema.Segment``, and the states that the ladder shows.

    ``connections``: for each side, the states of each connection of the 4-tuple; ``timed``: which of them end with
    a timer that the ladder draws. ``facts``: what the figure states beyond.
    """

    rows: list[dict] = field(default_factory=list)
    connections: dict[str, list[list[str]]] = field(default_factory=lambda: {side: [[]] for side in SIDES})
    timed: set[tuple[str, int]] = field(default_factory=set)
    facts: list[tuple] = field(default_factory=list)

    def show(self, side, cell):
        """A cell of the ladder: a state, or an event that says how the states go on."""
        mine = self.connections[side]
        if cell == NEXT:
            mine.append([])
        elif cell == "(2 MSL)":
            self.timed.add((side, len(mine) - 1))
        elif cell in STATES and cell != (mine[-1] or [""])[-1]:
            mine[-1].append(cell)


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
    ladder, facts = split(text)
    made = Made(facts=facts)
    now = START
    numbers = {"client": 100, "server": 5000}
    for line in read(ladder).lines:
        arrival = line.arrives and not line.departs and line.comment != "not captured"
        now += (0 if arrival else STEP) if line.wait is None else line.wait
        made.show("client", line.client)
        made.show("server", line.server)
        if line.segment is None or arrival:
            continue
        numbers[line.sender] += line.comment not in ("copy", "forged")
        if line.comment == "not captured":
            continue
        ip_id = FORGED + len(made.rows) if line.comment == "forged" else numbers[line.sender]
        row = {"time": now, "ip_id": ip_id, **_row(line), **changes}
        row["captured"] = row["length"]
        row["frame"] = row["file_frame"] = len(made.rows) + 1
        assert line.number in (None, row["frame"]), f"line {line.number} is frame {row['frame']}"
        made.rows.append(row)
    return made


def _row(line):
    """The fields that a line gives: addresses, numbers, flags, options."""
    client = line.sender == "client"
    shown = line.segment
    row = {
        "src3": 0x0A000001 if client else 0x0A000002,
        "dst3": 0x0A000002 if client else 0x0A000001,
        "sport": 40000 if client else 80,
        "dport": 80 if client else 40000,
        "seq": shown.seq or 0,
        "ack": shown.ack or 0,
        "flags": sum(FLAGS[name] for name in shown.flags.split(",")),
        "length": shown.length or 0,
        "window": 1000 if shown.window is None else shown.window,
    }
    for name, value in shown.more:
        if name == "SACK":
            blocks = [tuple(map(int, block.split("-"))) for block in value.split(",")]
            row["sacks"] = len(blocks)
            for i, (left, right) in enumerate(blocks):
                row[f"sack_left{i}"], row[f"sack_right{i}"] = left, right
        else:
            row[TAGS[name]] = int(value or 1)
    return row


def chunk_of(rows, speed=INTERPRETED):
    """A chunk for the engine."""
    table = convert(Segment, [segment(**row) for row in rows], speed)
    return SimpleNamespace(speed=speed, segments=table, count=len(rows), last_time=max(r["time"] for r in rows))


def replayed(rows, *, speed=INTERPRETED, msl=30.0):
    """The replay of rows in one chunk."""
    return replay([chunk_of(rows, speed)], msl=msl, keep=("segments", "windows"))


def sent(seq, length=0, wait=0.001, *, flags="ACK", ack=300, window=9000):
    """A line of the client's in ESTABLISHED: ``length`` octets from ``seq``, ``wait`` seconds after the line before."""
    data = f"<DATA={length}>" if length else ""
    acked = f"<ACK={ack}>" if "ACK" in flags else ""
    return f"ESTABLISHED --> <SEQ={seq}>{acked}<CTL={flags}><WND={window}>{data} --> ESTABLISHED  +{wait:.4f}\n"


def back(ack, wait=0.001, *, window=60000, seq=300, length=0, flags="ACK"):
    """A line of the server's in ESTABLISHED, who acknowledges up to ``ack``."""
    data = f"<DATA={length}>" if length else ""
    return f"ESTABLISHED <-- <SEQ={seq}><ACK={ack}><CTL={flags}><WND={window}>{data} <-- ESTABLISHED  +{wait:.4f}\n"


def rows_of(text, changes=None, **every):
    """The segments of a ladder as rows; ``changes``: fields of some, by their places from 0."""
    rows = segments_of(text, **every).rows
    for place, values in (changes or {}).items():
        rows[place] |= values
    return rows


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


def states(rows, side, flow=0, timers=False):
    """The sequence of a side's states, from the first row's `from`; what a timer ends only with ``timers``."""
    mine = [r for r in rows if r["side"] == side and r["flow"] == flow and (timers or r["evidence"] != "timer")]
    if not mine:
        return []
    return [s for s in [mine[0]["from_state"]] if s] + [r["to_state"] for r in mine]


def row_of(rows, side, state, flow=0):
    """The row in which the side enters a state."""
    found = [r for r in rows if r["side"] == side and r["to_state"] == state and r["flow"] == flow]
    assert len(found) == 1, (side, state, found)
    return found[0]


def check(text, **changes):
    """Replays a ladder and compares the states of both sides, and what else the figure states."""
    made = segments_of(text, **changes)
    result = replayed(made.rows)
    rows = timeline(result)
    for side in SIDES:
        for flow, expected in enumerate(made.connections[side]):
            found = states(rows, side, flow, (side, flow) in made.timed)
            assert found == expected, f"{side} of connection {flow}:\n{text}"
    compare(made.facts, rows, result)
    return rows, result


__all__ = [
    "COMPILED",
    "INTERPRETED",
    "back",
    "both_speeds",
    "check",
    "chunk_of",
    "columns_text",
    "labels_of",
    "replayed",
    "row_of",
    "rows_of",
    "segment",
    "segments_of",
    "sent",
    "states",
    "timeline",
]
