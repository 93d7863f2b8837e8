"""What an engineer wants to know first."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import SAMPLES
from making import a_pass, columns_from, flow_row, millis, step

import pcapstate as ps
from pcapstate.capture import Capture
from pcapstate.findings import KINDS, connections, findings, of_capture
from pcapstate.schema import LIMITS
from pcapstate.values import take


def found(*facts, timeline=(), stalls=(), notes=(), until=80):
    """The findings about flows with these facts; the first flow is an ordinary one. ``until`` in milliseconds."""
    rows = {
        "flows": [flow_row(0), *(flow_row(number + 1, **fact) for number, fact in enumerate(facts))],
        "timeline": timeline,
        "stalls": stalls,
        "notes": notes,
    }
    return findings(*(columns_from(name, list(of)) for name, of in rows.items()), until=millis(until))


def test_an_ordinary_capture_has_none():
    assert found({}, {}) == []
    assert of_capture(Capture(a_pass({}))) == []


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


def close_wait(flow=1, side="server", at=60, **more):
    """A row of the timeline: the peer's FIN has come."""
    return step(side, 5, at, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT", flow=flow, **more)


LEFT = {"server_state": "CLOSE_WAIT", "close_reason": "half_closed"}


def test_programs_that_do_not_close():
    (finding,) = found(LEFT, timeline=[close_wait()], until=60_061)
    assert finding.kind == "close_wait"
    assert finding.text == (
        "1 connection in CLOSE_WAIT, for at least 60.0 s: the server's program has not closed, with 10.0.0.2:80"
    )


def test_the_longest_of_several_is_told():
    (finding,) = found(LEFT, LEFT, timeline=[close_wait(1), close_wait(2, at=70)], until=3_600_061)
    assert finding.text.startswith("2 connections in CLOSE_WAIT, the longest for at least 60 min: the server's")


def test_a_half_close_in_progress_is_no_leak():
    assert found(LEFT, timeline=[close_wait()], until=112) == []
    assert found({**LEFT, "end": millis(60_000)}, timeline=[close_wait()], until=60_061) == []


LISTENER = {"kind": "listener", "time": millis(5), "text": "10.0.0.2:80 did this: that."}


def test_what_is_noted_of_listeners():
    """The connection named is the one whose first segment the note is about."""
    (finding,) = found({"start": millis(5)}, notes=[LISTENER, {**LISTENER, "kind": "refuted"}])
    assert (finding.kind, finding.text) == ("listener", "10.0.0.2:80 did this: that")
    assert finding.flows.tolist() == [1]
    assert found({"start": millis(6)}, notes=[LISTENER]) == []


def test_many_notes_about_listeners_are_counted():
    facts = [{"start": millis(5 + number)} for number in range(9)]
    made = found(*facts, notes=[{**LISTENER, "time": fact["start"]} for fact in facts])
    assert [finding.kind for finding in made] == ["listener"] * 7
    assert made[-1].text == "3 more notes about listeners, in the table notes"
    assert made[-1].flows.tolist() == [7, 8, 9]


def test_a_4_tuple_that_is_used_again_in_time_wait():
    ends = step("client", None, 60_000, "TIME_WAIT", "2MSL", "CLOSED", "timer", flow=1, dwell=59.9)
    again = {"client_port": 40_001, "start": millis(30_000)}
    (finding,) = found({}, again, timeline=[ends])
    assert finding.kind == "reused_in_time_wait"
    assert finding.flows.tolist() == [1]
    assert finding.text == (
        "1 connection in TIME_WAIT when the same addresses and ports were used again, with 10.0.0.2:80"
    )


@pytest.mark.parametrize(
    ("name", "kind", "flows"),
    [
        ("listener_restart_reuseaddr", "listener", [2]),
        ("port_reuse_in_time_wait", "reused_in_time_wait", [0]),
    ],
)
def test_what_real_captures_show(name, kind, flows):
    capture = ps.read(SAMPLES / f"{name}.pcap")
    for chosen in (None, take(capture.columns("flows"), np.array(flows))):
        made = {finding.kind: finding for finding in of_capture(capture, chosen)}
        assert made[kind].flows.tolist() == flows


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
    return [{**whole, **row} for row in rows]


def test_servers_that_are_slow_to_answer():
    (finding,) = found({}, {}, stalls=stalls_of({}))
    assert finding.kind == "slow_answer"
    assert finding.text == "1 connection on which the server was silent after the client had sent something, 2.5 s"
    (finding,) = found({}, {}, stalls=stalls_of({}, {"flow": 2, "duration": 1.0}))
    assert finding.flows.tolist() == [1, 2]
    assert finding.text.endswith("at most 2.5 s")


@pytest.mark.parametrize(
    "other", [{"duration": 0.9}, {"side": "client"}, {"cause": "network"}, {"detail": "idle"}, {"flow": 7}]
)
def test_what_is_not_a_slow_answer(other):
    assert found({}, stalls=stalls_of(other)) == []


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
        LEFT,
        {"close_reason": "abort"},
        {"close_reason": "refused"},
    )
    made = found(*facts, timeline=[close_wait(2)], until=60_000)
    assert [finding.kind for finding in made] == ["refused", "abort", "close_wait", "retransmissions"]


def test_many_servers_are_counted():
    (finding,) = found(*({"close_reason": "refused", "server_port": port} for port in (81, 82, 82, 83, 84, 85)))
    assert finding.text == "6 connections refused by 10.0.0.2:82, 10.0.0.2:81, 10.0.0.2:83 and 2 more"


def test_every_kind_is_known():
    """``--filter 'finding KIND'`` takes no other word."""
    resets = [
        *("abort", "abort_unread", "reset", "no_socket", "data_after_close", "bad_handshake", "keep_alive_failure"),
        *("middlebox", "timeout"),
    ]
    facts = [{"close_reason": word} for word in (*resets, "refused")]
    facts += [{"opened": word} for word in ("unanswered", "half_open")]
    facts += [{f"server_limited_{limit}": 0.9, "duration": 5.0} for limit in LIMITS]
    facts += [{"server_retransmissions": 9}, LEFT, {"client_port": 40_000, "start": millis(5)}]
    made = found(
        *facts,
        timeline=[
            close_wait(len(facts) - 1),
            step("client", None, 60_000, "TIME_WAIT", "2MSL", "CLOSED", "timer", flow=0, dwell=60.0),
        ],
        stalls=stalls_of({}),
        notes=[LISTENER],
        until=20_000,
    )
    assert {finding.kind for finding in made} == set(KINDS)


def test_counts_in_words():
    assert connections(np.array([True, False])) == "1 connection"
    assert connections(np.ones(1200, bool)) == "1,200 connections"


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
def test_the_short_way_finds_what_the_whole_tables_do(path):
    capture = ps.read(path)
    tables = [capture.columns(name) for name in ("flows", "timeline", "stalls", "notes")]
    told = [[(f.kind, f.text, f.flows.tolist()) for f in found]
            for found in (of_capture(capture), findings(*tables, until=capture.times[1]))]  # fmt: skip
    assert told[0] == told[1]
