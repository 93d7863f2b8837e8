"""replay/changes.py: the table of windows, and what is scaled only when the whole connection is known."""

from __future__ import annotations

import numpy as np
import pytest

from pcapstate.replay.changes import scale_late, scales_of, windows_table
from pcapstate.replay.outcome import Outcome, Outcomes, SideOutcome
from pcapstate.replay.segments import KEPT
from pcapstate.replay.windows import AT_LEAST, INFERRED, KNOWN, NOT_KNOWN, Change
from pcapstate.schema import MISSING, WINDOW_STATES


def settled(*scales, numbers=None):
    """Flows of which the client's scale is known like this: (kind, shift); the server's is known to be 0."""
    made = Outcomes()
    for number, (kind, shift) in zip(numbers or range(len(scales)), scales, strict=True):
        flows, sides = np.zeros(1, Outcome.dtype), np.zeros(2, SideOutcome.dtype)
        flows["flow"] = number
        sides["scale_known"] = kind, KNOWN
        sides["scale"] = shift, 0
        made.add(flows, sides)
    return made


def log(*rows):
    made = np.zeros(len(rows), Change.dtype)
    for row, values in zip(made, rows, strict=True):
        for name, value in values.items():
            row[name] = value
    return [made]


def cells(table, name):
    return [None if value == MISSING else value for value in table[name].tolist()]


ROW = {"frame": 7, "time": 70, "field": 10, "ack": 1001, "next": 1041, "acked": 1001}


@pytest.mark.parametrize(
    ("kind", "shift", "window", "edge", "usable", "state"),
    [
        (KNOWN, 2, 40, 1041, 0, "full"),
        (KNOWN, 3, 80, 1081, 40, "open"),
        (INFERRED, 3, 80, 1081, 40, "open"),
        (AT_LEAST, 2, 40, None, None, "open"),
        (NOT_KNOWN, -1, None, None, None, "open"),
    ],
)
def test_a_window_by_what_is_known_of_its_scale(kind, shift, window, edge, usable, state):
    table = windows_table(log(ROW), settled((kind, shift)))
    assert cells(table, "window") == [window]
    assert cells(table, "right_edge") == [edge]
    assert cells(table, "usable") == [usable]
    assert cells(table, "in_flight") == [40]
    assert WINDOW_STATES[table["state"][0]] == state
    assert table["scale_known"].tolist() == [kind]


def test_the_window_of_a_syn_is_known_and_not_scaled():
    table = windows_table(log({**ROW, "syn": 1}), settled((NOT_KNOWN, -1)))
    assert (cells(table, "window"), cells(table, "right_edge")) == ([10], [1011])
    assert table["scale_known"].tolist() == [KNOWN]
    assert WINDOW_STATES[table["state"][0]] == "full"


def test_zero_is_zero_whatever_the_scale():
    table = windows_table(log({**ROW, "field": 0}), settled((NOT_KNOWN, -1)))
    assert (cells(table, "window"), cells(table, "right_edge"), cells(table, "usable")) == ([0], [1001], [0])
    assert WINDOW_STATES[table["state"][0]] == "zero"


def test_each_row_has_the_scale_of_its_flow_and_side():
    """Flows are settled in another order than that of their numbers."""
    flows = settled((KNOWN, 3), (KNOWN, 5), (KNOWN, 1), numbers=(2, 0, 1))
    rows = log({**ROW, "flow": 0}, {**ROW, "flow": 1}, {**ROW, "flow": 2}, {**ROW, "flow": 2, "side": 1})
    assert cells(windows_table(rows, flows), "window") == [320, 20, 80, 10]


def test_an_empty_log():
    table = windows_table([], Outcomes())
    assert all(len(values) == 0 for values in table.values())
    assert [part.tolist() for part in scales_of(np.zeros(2, np.int64), np.zeros(2), Outcomes())] == [
        [NOT_KNOWN] * 2,
        [-1] * 2,
    ]


# --- segments --------------------------------------------------------------------------------------------------


def kept(**values):
    row = {"window": 10, "window_octets": -1, "right_edge": -1, "ack_relative": 101, "ack_known": 1, "flags": 16}
    made = np.zeros(1, KEPT)
    for name, value in (row | values).items():
        made[name] = value
    return made


@pytest.mark.parametrize(
    ("scale", "values", "window", "edge"),
    [
        ((INFERRED, 3), {}, 80, 181),
        ((INFERRED, 3), {"ack_known": 0}, 80, -1),
        ((INFERRED, 3), {"flags": 2, "window_octets": 10, "right_edge": 111}, 10, 111),
        ((INFERRED, 3), {"flags": 4}, -1, -1),
        ((KNOWN, 3), {}, -1, -1),
        ((NOT_KNOWN, -1), {}, -1, -1),
        ((NOT_KNOWN, -1), {"window": 0, "window_octets": 0, "right_edge": 101}, 0, 101),
        # What had been inferred was given up again.
        ((NOT_KNOWN, -1), {"window_octets": 40, "right_edge": 141}, -1, -1),
        ((AT_LEAST, 2), {"window_octets": 40, "right_edge": 141}, -1, -1),
    ],
)
def test_segments_get_what_was_learned_later(scale, values, window, edge):
    rows = kept(**values)
    scale_late(rows, settled(scale))
    assert (rows["window_octets"][0], rows["right_edge"][0]) == (window, edge)


def test_no_segments():
    rows = np.zeros(0, KEPT)
    scale_late(rows, settled((KNOWN, 0)))
    assert len(rows) == 0
