"""Notes on listeners: each rule with what calls for it, and with what nearly does."""

from __future__ import annotations

import pytest
from conftest import SAMPLES, SHARED
from hand_made import CLIENT, SERVER, START, handshake, plain, replayed, segment

import pcapstate as ps
from pcapstate.kernels import COMPILED
from pcapstate.replay.listeners import MANY_HALF_OPEN, SCAN
from pcapstate.schema import MISSING

LATER = segment("C", "S", 100, at=60_000, port=50_000, server_port=9)
"""A segment to another port a minute later: the capture goes on."""


def sentences(segments):
    """The texts of the notes on listeners."""
    notes = replayed(segments).table("notes")
    return [text for kind, text in zip(plain(notes["kind"]), plain(notes["text"]), strict=True) if kind == "listener"]


def syn(port, at=None, **more):
    return segment("C", "S", 100, at=at, port=port, **more)


def syn_ack(port, at=None, **more):
    return segment("S", "SA", 300, 101, at=at, port=port, **more)


def ack(port, at=None, **more):
    return segment("C", "A", 101, 301, at=at, port=port, **more)


def refusal(port, at, **more):
    return [syn(port, at, **more), segment("S", "RA", 0, 101, at=at + 1, port=port, window=0, **more)]


def server_closes(port, at):
    """A connection whose server goes to TIME_WAIT."""
    return [
        *handshake(port=port, at=at),
        segment("S", "FA", 301, 101, port=port),
        segment("C", "FA", 101, 302, port=port),
        segment("S", "A", 302, 102, port=port),
    ]


def test_ordinary_connections_call_for_nothing():
    assert sentences([*handshake(), *handshake(port=40_001), *server_closes(40_002, 100), LATER]) == []


def test_the_form_of_a_note():
    notes = replayed([*server_closes(40_000, 0), *refusal(40_001, 100), *handshake(port=40_002, at=300)]).table("notes")
    assert plain(notes["kind"]) == ["listener"]
    assert notes["flow"].tolist() == [MISSING]
    assert notes["frame"].tolist() == [9]
    assert notes["time"].tolist() == [START + 300_000_000]
    assert notes["side"].tolist() == [0]
    assert plain(notes["file"]) == [None]


# --- SO_REUSEADDR ----------------------------------------------------------------------------------------------


def test_a_port_that_refuses_and_accepts_within_time_wait():
    (text,) = sentences([*server_closes(40_000, 0), *refusal(40_001, 100), *handshake(port=40_002, at=300)])
    assert text == (
        "10.0.0.2:80 refused in frame 7 and accepted in frame 9, while 1 connection of it was in TIME_WAIT: its server "
        "was started again with SO_REUSEADDR, without which bind() fails."
    )


def test_connections_in_time_wait_are_counted():
    closes = [*server_closes(40_000, 0), *server_closes(40_009, 20)]
    (text,) = sentences([*closes, *refusal(40_001, 100), *handshake(port=40_002, at=300)])
    assert "2 connections of it were in TIME_WAIT" in text


def test_every_restart_is_told():
    begin = server_closes(40_000, 0)
    restarts = [
        *refusal(40_001, 100),
        *handshake(port=40_002, at=300),
        *refusal(40_003, 500),
        *handshake(port=40_004, at=700),
    ]
    assert len(sentences([*begin, *restarts])) == 2


def test_refusals_before_one_restart_are_one_note():
    begin = server_closes(40_000, 0)
    restart = [*refusal(40_001, 100), *refusal(40_002, 200), *handshake(port=40_003, at=300)]
    (text,) = sentences([*begin, *restart])
    assert "refused in frame 9 and accepted in frame 11" in text


@pytest.mark.parametrize(
    "exchange",
    [
        [*server_closes(40_000, 0), *refusal(40_001, 100)],
        [*server_closes(40_000, 0), *handshake(port=40_002, at=300)],
        [*refusal(40_001, 100), *handshake(port=40_002, at=300)],
        [*handshake(port=40_002, at=0), *server_closes(40_000, 100), *refusal(40_001, 300)],
        [*refusal(40_001, 0), *server_closes(40_000, 100), *handshake(port=40_002, at=300)],
        [*server_closes(40_000, 0), *refusal(40_001, 100), *handshake(port=40_002, at=70_000)],
        [*server_closes(40_000, 0), *refusal(40_001, 100, server_port=81), *handshake(port=40_002, at=300)],
    ],
    ids=[
        "stays closed",
        "never refused",
        "no TIME_WAIT",
        "accepted before",
        "TIME_WAIT later",
        "2MSL over",
        "other port",
    ],
)
def test_no_restart_within_time_wait(exchange):
    assert [text for text in sentences(exchange) if "SO_REUSEADDR" in text] == []


# --- SYNs without an answer, ACKs without effect ---------------------------------------------------------------


def test_a_listener_that_answers_some_and_not_others():
    silent = [syn(40_001, 100), syn(40_001, 1100), syn(40_002, 1200)]
    (text,) = sentences([*handshake(), *silent, LATER])
    assert text == (
        "10.0.0.2:80 left 3 SYNs of 2 connections without an answer while it answered 1 other: its accept queue was "
        "full, or segments were lost."
    )


def test_a_server_that_answers_nobody_is_not_a_listener():
    assert sentences([syn(40_001, 100), syn(40_001, 1100), LATER]) == []


def test_a_syn_at_the_end_of_the_capture_may_still_be_answered():
    assert sentences([*handshake(), syn(40_001, 100), syn(50_000, 1000, server_port=9)]) == []
    assert len(sentences([*handshake(), syn(40_001, 100), syn(50_000, 1200, server_port=9)])) == 1


def test_acks_that_are_ignored_again_and_again():
    again = [syn_ack(40_000, 1000), ack(40_000, 1001), syn_ack(40_000, 3000), ack(40_000, 3001)]
    (text,) = sentences([*handshake(at=0), *again])
    assert text == (
        "10.0.0.2:80 sent its SYN,ACK again and again in 1 connection although the ACK of it had passed: its accept "
        "queue was full."
    )


def test_one_ack_may_be_lost():
    assert sentences([*handshake(at=0), syn_ack(40_000, 1000), ack(40_000, 1001)]) == []


# --- SYN cookies -----------------------------------------------------------------------------------------------


def test_a_syn_ack_that_is_not_repeated():
    (text,) = sentences([syn(40_000), syn_ack(40_000), syn(40_001), syn_ack(40_001), LATER])
    assert text == (
        "10.0.0.2:80 did not repeat 2 SYN,ACKs that nothing answered: SYN cookies, or a SYN proxy in front of it."
    )


@pytest.mark.parametrize(
    "exchange",
    [
        [*handshake(), LATER],
        [syn(40_000, 0), syn_ack(40_000, 1), syn_ack(40_000, 1001), LATER],
        [syn(40_000, 0), syn_ack(40_000, 1), segment("C", "R", 101), LATER],
        [syn(40_000, 0), syn_ack(40_000, 1), segment("C", "S", 100, at=3000, port=50_000, server_port=9)],
    ],
    ids=["answered", "repeated", "reset", "capture too short"],
)
def test_no_cookies(exchange):
    assert sentences(exchange) == []


# --- backlog and scans -----------------------------------------------------------------------------------------


def half_open(count, **more):
    """Connections in SYN_RECEIVED at once, completed later one by one, with payload."""
    ports = range(40_000, 40_000 + count)
    asked = [part for port in ports for part in (syn(port, **more), syn_ack(port, **more))]
    done = [part for port in ports for part in (ack(port, **more), segment("C", "PA", 101, 301, 9, port=port, **more))]
    return asked + done


def test_many_connections_in_syn_received():
    (text,) = sentences(half_open(MANY_HALF_OPEN))
    assert text == "10.0.0.2:80 had 8 connections in SYN_RECEIVED at one moment, the most: its backlog is no smaller."
    assert sentences(half_open(MANY_HALF_OPEN - 1)) == []


def test_the_moment_of_the_most():
    notes = replayed(half_open(MANY_HALF_OPEN)).table("notes")
    assert notes["frame"].tolist() == [2 * MANY_HALF_OPEN - 1]  # the SYN of the last one


def test_a_scan_of_ports():
    closed = [part for port in range(1, SCAN) for part in refusal(40_000 + port, 10 * port, server_port=port)]
    (text,) = sentences([*closed, *handshake(server_port=80, port=40_900, at=100)])
    assert text == (
        "10.0.0.1 tried 5 ports of 10.0.0.2: 1 accepted, 4 refused, 0 did not answer. It looks like a scan."
    )


def test_a_scan_of_hosts():
    hosts = [segment("C", "S", 100, port=40_000, server_port=445, dst3=SERVER + i) for i in range(SCAN + 1)]
    (text,) = sentences(hosts)
    assert text == (
        "10.0.0.1 tried port 445 of 6 hosts: 0 accepted, 0 refused, 6 did not answer. It looks like a scan."
    )


def test_a_scan_of_ports_and_hosts():
    both = [
        segment("C", "S", 100, port=40_000, server_port=port, dst3=SERVER + host)
        for host in range(3)
        for port in (22, 23)
    ]
    (text,) = sentences(both)
    assert "tried 6 targets, 2 ports and 3 hosts: " in text


def test_few_targets_are_no_scan():
    assert sentences([syn(40_000 + port, server_port=port) for port in range(1, SCAN)]) == []


def test_one_target_asked_often_is_no_scan():
    assert sentences([syn(40_000 + number) for number in range(3 * SCAN)]) == []


def test_a_client_that_mostly_succeeds_is_no_scanner():
    good: list = []
    for port in range(1, 10):
        good += [*handshake(server_port=port), segment("C", "PA", 101, 301, 5, server_port=port)]
    bad = [syn(40_000, server_port=100 + port) for port in range(SCAN)]
    assert sentences([*good, *bad]) == []


def test_callers_are_told_apart():
    each = [syn(40_000, server_port=port, client=CLIENT + port) for port in range(1, 2 * SCAN)]
    assert sentences(each) == []


def test_addresses_of_ipv6_stand_in_brackets():
    six = {"version": 6, "src0": 0x20010DB8, "dst0": 0x20010DB8, "src2": 0, "dst2": 0}
    silent = [segment("C", "S", 100, port=40_001, at=100, **six), segment("C", "S", 100, port=40_001, at=1100, **six)]
    (text,) = sentences([*handshake(**six), *silent])
    assert text.startswith("[2001:db8::a00:2]:80 left 2 SYNs of 1 connection ")


def test_both_speeds_give_the_same_notes():
    exchange = [
        *half_open(12),
        *server_closes(41_000, 100),
        *refusal(41_001, 200),
        *handshake(port=41_002, at=400),
        LATER,
    ]
    one, two = (replayed(exchange, *speed).table("notes") for speed in ([], [COMPILED, 7]))
    assert plain(one["text"]) == plain(two["text"])
    assert plain(one["kind"]).count("listener") == 2


def test_no_flows_no_notes():
    assert plain(replayed([]).table("notes")["text"]) == []


# --- real captures ---------------------------------------------------------------------------------------------


def texts_of(path):
    notes = ps.read(path).notes
    return notes[notes["kind"] == "listener"]["text"].tolist()


def test_the_sample_of_a_restarted_listener():
    (text,) = texts_of(SAMPLES / "listener_restart_reuseaddr.pcap")
    assert "SO_REUSEADDR" in text


@pytest.mark.shared
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("truth/captures/backlog_overflow.middle.pcap", "left 11 SYNs of 3 connections without an answer"),
        ("corpus/bro-simple-scan/445_scan.pcap", "tried port 445 of 9 hosts"),
        ("corpus/bro-simple-scan/port_scan.pcap", "tried 10 ports of 192.168.2.22"),
    ],
)
def test_captures_of_others(shared, path, words):
    (text,) = texts_of(SHARED / path)
    assert words in text
