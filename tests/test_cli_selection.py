"""``--flow 3,7-9``, alone and with ``--filter``."""

from __future__ import annotations

import click
import pytest
from making import a_pass, flow_row, four_way_close

from pcapstate.capture import Capture
from pcapstate.cli.selection import flow_numbers, selected_flows


@pytest.fixture
def ten():
    return Capture(a_pass({**four_way_close(), "flows": [flow_row(number) for number in range(10)]}))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3", [3]),
        ("3,7-9", [3, 7, 8, 9]),
        ("9,1,1", [1, 9]),
        ("2-2", [2]),
        (" 1 , 3 - 4 ", [1, 3, 4]),
        ("0-9", list(range(10))),
    ],
)
def test_lists_of_flows(text, numbers):
    assert flow_numbers(text, 10).tolist() == numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected numbers and ranges"),
        ("x", "expected numbers and ranges"),
        ("1,", "expected numbers and ranges"),
        ("-1", "expected numbers and ranges"),
        ("1-2-3", "expected numbers and ranges"),
        ("4-2", "the range 4-2 runs backwards"),
        ("10", "the capture has flows 0 to 9"),
        ("0-99999999999", "the capture has flows 0 to 9"),
    ],
)
def test_what_is_no_list_of_flows(text, message):
    with pytest.raises(click.UsageError, match=message):
        flow_numbers(text, 10)


def test_a_capture_without_flows():
    with pytest.raises(click.UsageError, match="the capture has no TCP connection"):
        flow_numbers("0", 0)


def test_nothing_said_nothing_chosen(ten):
    assert selected_flows(ten, None, None) is None


def test_both_options_choose_together(ten):
    assert selected_flows(ten, "1-5", None).tolist() == [1, 2, 3, 4, 5]
    assert selected_flows(ten, None, "port 40003-40007").tolist() == [3, 4, 5, 6, 7]
    assert selected_flows(ten, "1-5", "port 40003-40007").tolist() == [3, 4, 5]
    assert selected_flows(ten, "1", "port 40003-40007").tolist() == []


def test_the_connections_of_a_finding():
    flows = [flow_row(number, close_reason="abort" if number == 2 else "fin") for number in range(4)]
    capture = Capture(a_pass({**four_way_close(), "flows": flows}))
    assert selected_flows(capture, None, "finding abort").tolist() == [2]


def test_a_capture_of_one_connection_says_so():
    with pytest.raises(click.UsageError, match="the capture has only flow 0"):
        flow_numbers("3", 1)
