"""4-tuples that were used again."""

from __future__ import annotations

import pytest
from making import columns_from, flow_row, millis, step

from pcapstate.reuse import next_use, next_uses, used_in_time_wait


def flows(*rows):
    return columns_from("flows", [flow_row(number, **row) for number, row in enumerate(rows)])


def at(start, port=1, **more):
    return {"client_port": port, "start": millis(start), **more}


def all_next(columns):
    """By both ways: of all together, and of each alone."""
    together = next_uses(columns).tolist()
    assert [next_use(columns, row) for row in range(len(together))] == together
    return together


def test_the_next_connection_between_the_same_ends():
    assert all_next(flows(at(0), at(5, 2), at(10), at(20))) == [2, -1, 3, -1]


@pytest.mark.parametrize("other", [{"client_address": "10.0.0.9"}, {"server_address": "10.0.0.9"}, {"server_port": 81}])
def test_all_four_parts_count(other):
    assert all_next(flows(at(0), at(5, **other))) == [-1, -1]


def test_none_or_one():
    assert all_next(flows()) == []
    assert all_next(flows(at(0))) == [-1]


def in_time_wait(*again, dwell=60.0, until=60_080, flow=0, state="TIME_WAIT"):
    rows = [step("client", None, until, state, "2MSL", "CLOSED", "timer", flow=flow, dwell=dwell)]
    return used_in_time_wait(flows(at(0), *again), columns_from("timeline", rows)).tolist()


def test_used_again_within_time_wait():
    assert in_time_wait(at(30_000)) == [True, False]
    assert in_time_wait(at(60_080)) == [True, False]  # it was cut short by this very SYN
    assert in_time_wait(at(60_081)) == [False, False]
    assert in_time_wait(at(79), dwell=60.0) == [False, False]
    assert in_time_wait(at(30_000, 2)) == [False, False]
    assert in_time_wait(at(30_000), state="LAST_ACK") == [False, False]
    assert in_time_wait(at(30_000), flow=7) == [False, False]
    assert in_time_wait() == [False]
