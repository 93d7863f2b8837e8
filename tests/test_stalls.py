"""replay/stalls.py: the table of long gaps."""

from __future__ import annotations

import numpy as np

from pcapstate.replay.limits import NETWORK, TAIL, TIMEOUT_STALL, UNENDED, Stall
from pcapstate.replay.stalls import KEPT, narrow, stalls_table
from pcapstate.schema import LIMITS, STALL_DETAILS, STALLS


def log(*rows):
    made = np.zeros(len(rows), Stall.dtype)
    for row, values in zip(made, rows, strict=True):
        for name, value in values.items():
            row[name] = value
    return made


FIRST = {"flow": 3, "side": 1, "start": 1_000, "start_frame": 5, "end": 2_000_001_000, "end_frame": 9,
         "cause": TIMEOUT_STALL, "detail": TAIL}  # fmt: skip


def test_no_stalls_make_an_empty_table():
    table = stalls_table([])
    assert tuple(table) == STALLS.names
    assert all(len(values) == 0 for values in table.values())


def test_a_stall_has_its_times_frames_and_words():
    table = stalls_table([narrow(log(FIRST))])
    assert {name: values.tolist() for name, values in table.items()} == {
        "flow": [3],
        "side": [1],
        "start": [1_000],
        "end": [2_000_001_000],
        "duration": [2.0],
        "cause": [LIMITS.index("timeout_stall")],
        "detail": [STALL_DETAILS.index("tail")],
        "start_frame": [5],
        "end_frame": [9],
    }


def test_they_stand_in_the_order_in_which_they_began():
    late = {**FIRST, "start": 5_000, "cause": NETWORK, "detail": UNENDED}
    table = stalls_table([narrow(log(late)), narrow(log({**FIRST, "flow": 4, "start_frame": 6}, FIRST))])
    assert table["start"].tolist() == [1_000, 1_000, 5_000]
    assert table["flow"].tolist() == [3, 4, 3]


def test_what_is_kept_is_narrow():
    assert KEPT.itemsize <= 32
