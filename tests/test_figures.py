"""Every figure of tests/figures, replayed: both sides' states are those that the ladder shows, at both speeds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ladders import COMPILED, check, chunk_of, replayed, segments_of

from pcapstate.replay.engine import replay
from pcapstate.schema import Coded

FOLDER = Path(__file__).parent / "figures"


def figures():
    for path in sorted(FOLDER.glob("*.txt")):
        for name, text in re.findall(r"^== (\w+)\n(.*?)(?=^== |\Z)", path.read_text(), re.M | re.S):
            yield pytest.param(text, id=f"{path.stem}-{name}")


ALL = list(figures())


@pytest.mark.parametrize("text", ALL)
def test_states_are_as_drawn(text):
    check(text)


@pytest.mark.parametrize("text", ALL)
def test_any_initial_sequence_number_will_do(text):
    """RFC 9293 3.4: all arithmetic is modulo 2**32. Here data of both sides crosses zero."""
    made = segments_of(text)
    rows = [_shifted(row, shift, back) for row, shift, back in _shifts(made.rows)]
    assert _facts(replayed(rows)) == _facts(replayed(made.rows))


def _shifted(row, shift, back):
    """A row whose numbers are shifted, those of the peer by ``back``."""
    by = dict.fromkeys([name for name in row if name.startswith(("sack_left", "sack_right"))], back)
    return {**row, **{name: (row[name] + much) % 2**32 for name, much in {"seq": shift, "ack": back, **by}.items()}}


def _shifts(rows):
    by_side = {40000: 2**32 - 101, 80: 2**32 - 301}
    for row in rows:
        zero = row["flags"] & 4 and row["seq"] == 0
        yield row, 0 if zero else by_side[row["sport"]], by_side[row["dport"]] if row["flags"] & 16 else 0


def _facts(result):
    table = result.table("timeline")
    facts = {name: values.codes if isinstance(values, Coded) else values for name, values in table.items()}
    return {name: str(values.tolist()) for name, values in facts.items()}


def test_both_speeds_agree():
    """And so does a capture that goes over from one to the other in the middle of every connection."""
    for param in ALL:
        rows = segments_of(param.values[0]).rows
        slow = replayed(rows)
        fast = replayed(rows, speed=COMPILED)
        half = len(rows) // 2
        if half:
            mixed = replay([chunk_of(rows[:half]), chunk_of(rows[half:], COMPILED)], keep=("segments",))
        for other in (fast, mixed):
            for name in ("timeline", "flows", "segments", "notes"):
                for column, values in slow.table(name).items():
                    got = other.table(name)[column]
                    if isinstance(values, Coded):
                        assert [*map(str, values.codes)] == [*map(str, got.codes)]
                    elif values.dtype == object:
                        assert values.tolist() == got.tolist()
                    else:
                        assert np.array_equal(values, got, equal_nan=values.dtype.kind == "f"), (param.id, name, column)
