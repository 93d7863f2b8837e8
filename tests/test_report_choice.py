"""Which connections are told in full, and which are in the table."""

from __future__ import annotations

import numpy as np
from making import columns_from, flow_row

from pcapstate.findings import Finding
from pcapstate.report import choice


def flows(*reasons):
    return columns_from("flows", [flow_row(k, close_reason=reason) for k, reason in enumerate(reasons)])


def finding(*numbers):
    return Finding("refused", "some", np.array(numbers, np.int64))


def test_a_small_capture_is_told_whole():
    assert choice.told(flows("fin", "refused", "fin"), [finding(1)], 50) == [0, 1, 2]


def test_every_finding_has_its_turn():
    table = flows(*["fin"] * 100)
    found = [finding(*range(50, 90)), finding(95), finding(97, 98)]
    assert choice.told(table, found, 3) == [50, 95, 97]
    assert choice.told(table, found, 5) == [50, 51, 95, 97, 98]


def test_failures_come_before_what_went_well():
    table = flows("fin", "fin", "still_open", "reset", "half_closed", "timeout")
    assert choice.told(table, [], 3) == [0, 3, 5]


def test_a_reason_that_is_not_known_is_no_failure():
    assert choice.told(flows(None, "fin", "reset"), [], 1) == [2]


def test_nobody_is_told_twice():
    assert choice.told(flows("refused", "refused", "fin"), [finding(0, 1), finding(1)], 10) == [0, 1, 2]


def test_nothing_to_tell():
    assert choice.told(flows(), [], 50) == []
    assert choice.told(flows("fin"), [], 0) == []


def test_the_table_has_them_all():
    assert choice.listed(flows(*["fin"] * 7), []).tolist() == list(range(7))


def test_the_table_of_too_many_keeps_findings_failures_then_the_first():
    table = flows("fin", "fin", "fin", "reset", "fin", "fin")
    assert choice.listed(table, [finding(5)], 3).tolist() == [0, 3, 5]
    assert choice.listed(table, [finding(5, 4, 2, 1)], 2).tolist() == [4, 5]
