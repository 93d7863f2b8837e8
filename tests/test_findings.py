"""What an engineer wants to know first."""

from __future__ import annotations

import numpy as np
import pytest
from making import columns_from, flow_row

from pcapstate.findings import connections, findings


def found(*facts):
    """The findings about flows with these facts; the first flow is an ordinary one."""
    rows = [flow_row(0), *(flow_row(number + 1, **fact) for number, fact in enumerate(facts))]
    return findings(columns_from("flows", rows))


def test_an_ordinary_capture_has_none():
    assert found({}, {}) == []
    assert findings(columns_from("flows", [])) == []


def test_refused_connections_name_the_server():
    (finding,) = found({"close_reason": "refused"}, {"close_reason": "refused", "server_port": 81})
    assert finding.kind == "refused"
    assert finding.text == "2 connections refused by 10.0.0.2:80, 10.0.0.2:81"
    assert finding.flows.tolist() == [1, 2]


def test_unanswered_connections():
    (finding,) = found({"opened": "unanswered", "server_address": "2001:db8::2"})
    assert finding.text == "1 connection never answered by [2001:db8::2]:80"


@pytest.mark.parametrize("side", ["client", "server"])
def test_who_reset_it(side):
    (finding,) = found({"close_reason": "abort", "closed_by": side})
    assert finding.text == f"1 connection aborted by the {side}, with 10.0.0.2:80"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("abort_unread", "closed with data unread"),
        ("no_socket", "had no such connection any more"),
        ("data_after_close", "data came after it had closed"),
        ("bad_handshake", "in the handshake"),
        ("keep_alive_failure", "no answer to its keep-alives"),
        ("reset", "reset by the server"),
        ("timeout", "after a timeout"),
    ],
)
def test_every_kind_of_reset_has_words(reason, words):
    (finding,) = found({"close_reason": reason, "closed_by": "server"})
    assert words in finding.text
    assert finding.kind == reason


def test_a_reset_by_nobody_we_know():
    (finding,) = found({"close_reason": "middlebox", "closed_by": "none"})
    assert finding.text.startswith("1 connection reset, it seems, by something between the two")


def test_resets_come_with_the_most_frequent_first():
    kinds = [
        f.kind for f in found({"close_reason": "abort"}, {"close_reason": "no_socket"}, {"close_reason": "no_socket"})
    ]
    assert kinds == ["no_socket", "abort"]


def test_programs_that_do_not_close():
    (finding,) = found({"server_state": "CLOSE_WAIT", "close_reason": "half_closed"})
    assert finding.text == "1 connection in CLOSE_WAIT: the server's program has not closed, with 10.0.0.2:80"


def test_handshakes_that_were_not_completed():
    (finding,) = found({"opened": "half_open", "close_reason": "still_open"})
    assert finding.kind == "half_open"
    assert finding.text == "1 connection left half-open: the SYN,ACK was never acknowledged, with 10.0.0.2:80"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("zero_window", "on which the server waited while the client's window was zero"),
        ("timeout_stall", "on which the server stood still until a retransmission timeout"),
        ("delayed_ack", "on which the server waited for the client's delayed acknowledgements"),
        ("receive_window", "on which the client's receive window held up the server"),
    ],
)
def test_what_a_side_waited_for(limit, words):
    """Below 0.2 s in all it is ordinary; what is told is the longest of several, in seconds."""
    share = f"server_limited_{limit}"
    assert found({share: 0.6, "duration": 0.3}) == []
    (finding,) = found({share: 0.6, "duration": 0.5})
    assert (finding.kind, finding.text) == (limit, f"1 connection {words}, 0.3 s")
    (finding,) = found({share: 0.6, "duration": 0.5}, {share: 0.9, "duration": 10.0})
    assert finding.text == f"2 connections {words}, at most 9.0 s"


def test_a_window_that_is_full_at_times_is_ordinary():
    assert found({"server_limited_receive_window": 0.4, "duration": 10.0}) == []


def stalls_of(*rows):
    whole = {"flow": 1, "side": "server", "duration": 2.54, "cause": "application", "detail": "slow_answer"}
    return columns_from("stalls", [{**whole, **row} for row in rows])


def test_servers_that_are_slow_to_answer():
    flows = columns_from("flows", [flow_row(number) for number in range(3)])
    (finding,) = findings(flows, stalls_of({}))
    assert finding.kind == "slow_answer"
    assert finding.text == "1 connection on which the server was silent after the client had sent something, 2.5 s"
    (finding,) = findings(flows, stalls_of({}, {"flow": 2, "duration": 1.0}))
    assert finding.flows.tolist() == [1, 2]
    assert finding.text.endswith("at most 2.5 s")


@pytest.mark.parametrize(
    "other", [{"duration": 0.9}, {"side": "client"}, {"cause": "network"}, {"detail": "idle"}, {"flow": 7}]
)
def test_what_is_not_a_slow_answer(other):
    assert findings(columns_from("flows", [flow_row(1)]), stalls_of(other)) == []


def test_many_retransmissions():
    assert found({"client_retransmissions": 1, "client_packets": 10}) == []
    assert found({"client_retransmissions": 10, "client_packets": 1000}) == []
    (finding,) = found({"client_retransmissions": 11, "client_packets": 1000})
    assert finding.text == "1 connection on which the client sent more than 1 % again, 11 segments in all"


def test_a_syn_that_is_repeated_is_told_once():
    assert [f.kind for f in found({"opened": "unanswered", "client_retransmissions": 5, "client_packets": 6})] == [
        "unanswered"
    ]


def test_the_gravest_come_first():
    facts = (
        {"client_retransmissions": 5},
        {"server_state": "CLOSE_WAIT"},
        {"close_reason": "abort"},
        {"close_reason": "refused"},
    )
    assert [finding.kind for finding in found(*facts)] == ["refused", "abort", "close_wait", "retransmissions"]


def test_many_servers_are_counted():
    (finding,) = found(*({"close_reason": "refused", "server_port": port} for port in (81, 82, 82, 83, 84, 85)))
    assert finding.text == "6 connections refused by 10.0.0.2:82, 10.0.0.2:81, 10.0.0.2:83 and 2 more"


def test_counts_in_words():
    assert connections(np.array([True, False])) == "1 connection"
    assert connections(np.ones(1200, bool)) == "1,200 connections"
