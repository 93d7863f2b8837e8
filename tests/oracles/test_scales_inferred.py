"""Scales inferred from real captures whose SYNs, and first segments, are left out: never another than the SYNs tell."""

from __future__ import annotations

import functools
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import SAMPLES, SHARED

from pcapstate.kernels import INTERPRETED, convert
from pcapstate.parser import Reader
from pcapstate.replay.changes import scales_of
from pcapstate.replay.engine import Engine
from pcapstate.schema import SCALE_KNOWN, Segment

CAPTURES = sorted(SAMPLES.glob("*.pcap")) + sorted((SHARED / "truth" / "captures").glob("*.pcap"))
LEFT_OUT = (0, 2, 8, 21)
"""How many segments of each connection are left out at its beginning, besides the SYNs."""

SYN = 2


def replayed(rows):
    """The rows with flow and side, and for each how the scale of its sender is known, and the shift."""
    table = convert(Segment, rows.copy(), INTERPRETED)
    engine = Engine(msl=30.0, keep=())
    last = int(rows["time"].max(initial=0))
    engine.feed(SimpleNamespace(speed=INTERPRETED, segments=table, count=len(rows), last_time=last))
    engine.finish()
    made = INTERPRETED.array(Segment, table, len(rows))
    return made, *scales_of(made["flow"], made["side"], engine.outcomes)


@functools.cache
def found(path):
    """How often a side's scale, known in the whole capture, is found how without the SYNs; and what is wrong."""
    parts = [INTERPRETED.array(Segment, chunk.segments, chunk.count) for chunk in Reader(path, speed=INTERPRETED)]
    whole = np.concatenate(parts)
    made, kinds, shifts = replayed(whole)
    nth = np.zeros(len(made), np.int64)
    for flow in np.unique(made["flow"]):
        nth[made["flow"] == flow] = np.arange((made["flow"] == flow).sum())
    counts, wrong = Counter(), []
    for left_out in LEFT_OUT:
        kept = (made["flags"] & SYN == 0) & (nth >= left_out)
        if not kept.any():
            continue
        _, late_kinds, late_shifts = replayed(whole[kept])
        sides = {}
        for place, at in enumerate(np.flatnonzero(kept)):
            sides[int(made["flow"][at]), int(made["side"][at])] = at, place
        for side, (at, place) in sides.items():
            if SCALE_KNOWN[kinds[at]] != "known":
                continue
            word, truth, shift = SCALE_KNOWN[late_kinds[place]], int(shifts[at]), int(late_shifts[place])
            counts[word] += 1
            if (word == "inferred" and shift != truth) or (word == "at_least" and shift > truth):
                wrong.append((left_out, side, word, shift, truth))
    return counts, wrong


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_nothing_that_is_said_is_wrong(path):
    assert found(path)[1] == []


def test_some_are_found():
    """In the slow reader's capture, for one: there the window falls while nothing is read."""
    counts, _ = found(SAMPLES / "slow_reader_zero_window.pcap")
    assert counts["inferred"] >= 1
