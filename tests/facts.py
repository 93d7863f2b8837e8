"""What a figure states beyond the states: lines after its exchange, read and compared with what was replayed.

    server ESTABLISHED confirmed, in 3, by 5, between 3 and 5
    client CLOSED timer, 60 s after 8
    note refuted in 4: The ACK in frame 3 did not take effect
    label 4 retransmission syn_ack
    flow opened=three_way close_reason=still_open
    says Opened by a three-way handshake (frames 1, 2, 5).

A state's line gives its evidence, and as much of these as matters: the frame that it is dated by (``in``), the frame
that proves it (``by``), and the frames whose capture times bound it (``between``, ``after``, ``before``; or
``unbounded``).
``2nd server`` is the server of the 4-tuple's second connection, and so with ``flow`` and ``says``.

Who names one thing of a kind names all: where a figure has a line with ``note``, there are no other notes than those
(``no notes``: none at all); so with ``label``, and with ``says``, whose lines together are the verdict of the flow.
"""

from __future__ import annotations

import re

from pcapstate.schema import CAUSES, EVIDENCE, FLOWS, LABELS, MISSING, SIDES, STATES, Coded

KINDS = ("client", "server", "note", "label", "flow", "says", "no")
_LINE = re.compile(rf"^(?:(\d)(?:st|nd|rd|th) )?({'|'.join(KINDS)}) (.*)$")
_CLAUSES = {
    r"in (\d+)": "in",
    r"by (\d+)": "by",
    r"between (\d+) and (\d+)": "between",
    r"after (\d+)": "after",
    r"before (\d+)": "before",
    r"unbounded": "unbounded",
    r"(\d+) s after (\d+)": "timer",
}


def split(text):
    """The ladder, and the lines of facts after it, each as (connection, kind, rest)."""
    lines = text.splitlines()
    ladder = [number for number, line in enumerate(lines) if "<CTL=" in line]
    last = ladder[-1] if ladder else -1
    start = next((n for n in range(last + 1, len(lines)) if _LINE.match(lines[n].strip())), len(lines))
    facts = []
    for line in lines[start:]:
        if not line.strip():
            continue
        match = _LINE.match(line.strip())
        if match is None:
            raise ValueError(f"not understood after the exchange: {line.strip()}")
        facts.append((int(match[1] or 1) - 1, match[2], match[3].strip()))
    return "\n".join(lines[:start]), facts


def compare(facts, rows, result, text=""):
    """Asserts all of them. ``rows``: the timeline as ``ladders.timeline`` gives it."""
    segments = result.table("segments")
    times = dict(zip(segments["frame"].tolist(), segments["time"].tolist(), strict=True))
    for flow, kind, rest in facts:
        if kind in SIDES:
            _state(flow, kind, rest, rows, times)
        elif kind == "flow":
            _flow(flow, rest, result)
    _notes(facts, result)
    _labels(facts, segments)
    _says(facts, result)


def _state(flow, side, rest, rows, times):
    head, *clauses = (part.strip() for part in rest.split(","))
    state, evidence = head.split()
    assert state in STATES, rest
    assert evidence in EVIDENCE, rest
    mine = [r for r in rows if (r["flow"], r["side"], r["to_state"]) == (flow, side, state)]
    mine = [r for r in mine if (r["evidence"] == "timer") == (evidence == "timer")]
    assert len(mine) == 1, f"{len(mine)} rows of: {side} {rest}"
    row = mine[0]
    shown = told(row, times)
    assert row["evidence"] == evidence, f"{side} {rest}, and not {shown}"
    for clause in clauses:
        match, kind = next(
            (m, kind) for pattern, kind in _CLAUSES.items() if (m := re.fullmatch(pattern, clause)) is not None
        )
        frames = [int(number) for number in match.groups()]
        if kind == "timer":
            elapsed = row["estimate"] - times[frames[1]]
            assert abs(elapsed - frames[0] * 1_000_000_000) < 500_000_000, f"{side} {rest}, and not {elapsed / 1e9} s"
        elif kind in ("in", "by"):
            assert row["frame" if kind == "in" else "proof"] == frames[0], f"{side} {rest}, and not {shown}"
        else:
            low = times[frames[0]] if kind in ("between", "after") else None
            high = times[frames[-1]] if kind in ("between", "before") else None
            assert (row["earliest"], row["latest"]) == (low, high), f"{side} {rest}, and not {shown}"


def told(row, times):
    """A row of the timeline as a line of facts."""
    frame_at = {time: frame for frame, time in reversed(times.items())}
    low, high = (frame_at.get(row[name], row[name]) for name in ("earliest", "latest"))
    bounds = {
        (False, False): f"between {low} and {high}",
        (False, True): f"after {low}",
        (True, False): f"before {high}",
        (True, True): "unbounded",
    }[low is None, high is None]
    parts = [f"{row['side']} {row['to_state']} {row['evidence']}"]
    parts += [f"in {row['frame']}"] if row["frame"] else []
    parts += [f"by {row['proof']}"] if row["proof"] and row["proof"] != row["frame"] else []
    return ", ".join([*parts, bounds])


def value_of(column, values, row):
    """A cell of ``flows`` as a text."""
    if isinstance(values, Coded):
        return values.words[values.codes[row]] if values.codes[row] >= 0 else "none"
    value = values[row]
    if FLOWS[column].words:
        return FLOWS[column].words[value] if value >= 0 else "none"
    return "none" if value == MISSING else str(value)


def _flow(flow, rest, result):
    table = result.table("flows")
    wanted = dict(pair.split("=", 1) for pair in rest.split())
    assert {name: value_of(name, table[name], flow) for name in wanted} == wanted


def _notes(facts, result):
    wanted = sorted(rest.split(": ", 1) for _, kind, rest in facts if kind == "note")
    if not wanted and not any(kind == "no" and rest == "notes" for _, kind, rest in facts):
        return
    table = result.table("notes")
    found = sorted(
        [f"{kind} in {frame}", text]
        for kind, frame, text in zip(table["kind"], table["frame"].tolist(), table["text"], strict=True)
    )
    assert [head for head, _ in found] == [head for head, _ in wanted], found
    for (_, text), (_, begins) in zip(found, wanted, strict=True):
        assert text.startswith(begins)


def labels(segments):
    """``{frame: "label cause"}`` of the segments that have one."""
    pairs = zip(segments["frame"].tolist(), segments["label"].tolist(), segments["cause"].tolist(), strict=True)
    return {frame: f"{LABELS[label]} {CAUSES[cause]}".strip() for frame, label, cause in pairs if label or cause}


def _labels(facts, segments):
    wanted = dict(rest.split(" ", 1) for _, kind, rest in facts if kind == "label")
    if wanted or any(kind == "no" and rest == "labels" for _, kind, rest in facts):
        assert labels(segments) == {int(frame): words for frame, words in wanted.items()}


def _says(facts, result):
    sentences = {}
    for flow, kind, rest in facts:
        if kind == "says":
            sentences.setdefault(flow, []).append(rest)
    for flow, said in sentences.items():
        assert result.table("flows")["note"][flow] == " ".join(said)
