"""replay/engine.py and replay/track.py: chunks in, tables out, whatever the chunks are."""

from __future__ import annotations

import numpy as np
import pytest
from ladders import COMPILED, INTERPRETED, chunk_of, replayed, segments_of, timeline

from pcapstate.replay import engine
from pcapstate.replay.engine import Engine, Replayed, replay
from pcapstate.schema import TABLES, Coded

CONNECTION = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT
FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK
TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED
"""


def many(count, step=1_000_000_000):
    """The connection ``count`` times, one after the other, from different ports."""
    rows = []
    for i in range(count):
        for row in segments_of(CONNECTION).rows:
            row["time"] += i * step
            row["sport" if row["sport"] == 40000 else "dport"] = 10000 + i
            row["frame"] = len(rows) + 1
            rows.append(row)
    return rows


def text(result, name):
    table = result.table(name)
    return {c: str((v.codes if isinstance(v, Coded) else np.asarray(v)).tolist()) for c, v in table.items()}


def test_every_table_has_its_columns_in_their_order():
    result = replayed(many(2))
    for name, table in TABLES.items():
        assert tuple(result.table(name)) == table.names


def test_an_empty_capture_has_empty_tables():
    result = replay([])
    assert result.flow_count == 0
    for name in TABLES:
        assert all(len(v.codes if isinstance(v, Coded) else v) == 0 for v in result.table(name).values()), name


@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_the_size_of_chunks_makes_no_difference(size, speed):
    rows = many(4)
    whole = replayed(rows)
    parts = replay(
        [chunk_of(rows[i : i + size], speed) for i in range(0, len(rows), size)], keep=("segments", "windows")
    )
    for name in TABLES:
        assert text(parts, name) == text(whole, name), name


def test_flows_that_are_over_leave_memory_and_nothing_changes(monkeypatch):
    """Slots are used again after 2MSL; the tables are those of a replay that keeps all."""
    rows = many(300)
    whole = replayed(rows)
    monkeypatch.setattr(engine, "SWEEP_EVERY", 50)
    swept = Engine(msl=1.0, keep=("segments", "windows"))
    kept = Engine(msl=1.0, keep=("segments", "windows"))
    for i in range(0, len(rows), 60):
        swept.feed(chunk_of(rows[i : i + 60]))
    assert swept.store.room <= 128
    swept.finish()
    monkeypatch.setattr(engine, "SWEEP_EVERY", 10**9)
    kept.feed(chunk_of(rows))
    kept.finish()
    for name in ("flows", "timeline", "segments"):
        assert text(Replayed(swept), name) == text(Replayed(kept), name), name
    assert whole.flow_count == 300


def test_segments_are_kept_only_on_request():
    assert len(replay([chunk_of(many(1))]).table("segments")["frame"]) == 0
    assert len(replay([chunk_of(many(1))], keep=("segments",)).table("segments")["frame"]) == 6


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_the_timeline_may_be_left_out(speed):
    """Nothing else changes by it."""
    whole, spared = (replay([chunk_of(many(3), speed)], leave_out=names) for names in ((), ("timeline",)))
    for name in TABLES:
        if name != "timeline":
            assert text(whole, name) == text(spared, name), name
    with pytest.raises(AssertionError):
        spared.table("timeline")


def test_a_timer_that_ends_within_the_capture_closes_the_side():
    rows = many(1)
    late = segments_of("SYN_SENT --> <SEQ=1><CTL=SYN> -->\n").rows[0]
    late |= {"time": rows[-1]["time"] + 61_000_000_000, "frame": 7, "sport": 5}
    states = TABLES["flows"]["client_state"].words
    assert states[replayed(rows).table("flows")["client_state"][0]] == "TIME_WAIT"
    assert states[replayed([*rows, late]).table("flows")["client_state"][0]] == "CLOSED"


def test_more_notes_than_fit_at_once():
    rows = many(1)[:3]
    for i in range(3000):
        odd = segments_of("CLOSED --> <SEQ=900000000><CTL=RST><WND=0> -->\n").rows[0]
        odd |= {"time": rows[-1]["time"] + i, "frame": 4 + i, "sport": 10000}
        rows.append(odd)
    assert len(replayed(rows).table("notes")["frame"]) == 3000
    assert len(timeline(replayed(rows))) == 4
