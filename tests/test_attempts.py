"""What is kept of each attempt to connect, read off small exchanges."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import CLIENT, START, chunk, handshake, segment

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.replay.attempts import HALF_OPEN, REFUSED, UNANSWERED, attempts
from pcapstate.replay.engine import Engine
from pcapstate.schema import MISSING, OPENED


def attempted(segments, speed=INTERPRETED, size=1000):
    """The attempts of a replay, handed over in chunks of ``size``."""
    engine = Engine(msl=30.0, keep=())
    now = START
    for at in range(0, len(segments), size):
        made = chunk(speed, segments[at : at + size], at + 1, now)
        now = made.last_time
        engine.feed(made)
    engine.finish()
    return attempts(engine.outcomes, engine.last_time)


def milliseconds(times):
    return [None if time == MISSING else round((time - START) / 1e6, 3) for time in times.tolist()]


CLOSE = [segment("S", "FA", 301, 101), segment("C", "FA", 101, 302), segment("S", "A", 302, 102)]
REFUSAL = [segment("C", "S", 100, port=40_001), segment("S", "RA", 0, 101, port=40_001, window=0)]


def test_listeners_and_callers_are_numbered():
    other = segment("C", "S", 100, client=CLIENT + 9, server_port=443)
    a = attempted([*handshake(), *handshake(port=40_001), other])
    assert a.listener.tolist() == [0, 0, 1]
    assert a.caller.tolist() == [0, 0, 1]
    assert (a.listeners, a.callers) == (2, 2)
    assert a.port.tolist() == [80, 80, 443]
    assert a.client[:, 3].tolist() == [CLIENT, CLIENT, CLIENT + 9]


def test_syns_and_their_answers_are_counted():
    again = [segment("C", "S", 100, at=at) for at in (0, 1000, 3000)]
    a = attempted([*again, segment("S", "SA", 300, 101, at=3001), segment("S", "SA", 300, 101, at=4001)])
    assert (a.syns.tolist(), a.syn_acks.tolist(), a.packets.tolist()) == ([3], [2], [5])
    assert a.opened.tolist() == [HALF_OPEN]


def test_an_ack_that_is_ignored():
    a = attempted([*handshake(at=0), segment("S", "SA", 300, 101, at=1000), segment("C", "A", 101, 301, at=1001)])
    assert a.acks_ignored.tolist() == [1]


def test_how_each_was_opened():
    a = attempted([*handshake(), *REFUSAL, segment("C", "S", 100, port=40_002)])
    assert a.opened.tolist() == [OPENED.index("three_way"), REFUSED, UNANSWERED]
    assert a.frame.tolist() == [1, 4, 6]


def test_the_time_in_syn_received():
    a = attempted([*handshake(at=0), *REFUSAL])
    assert milliseconds(a.received) == [0.5, None]  # a round trip of 1 ms from the capture point
    assert milliseconds(a.left) == [2.5, 4]


def test_a_server_that_never_leaves_syn_received_is_there_until_its_last_frame():
    a = attempted(
        [segment("C", "S", 100, at=0), segment("S", "SA", 300, 101, at=1), segment("S", "SA", 300, 101, at=1001)]
    )
    assert milliseconds(a.left) == [1001]


def test_the_time_in_time_wait():
    a = attempted([*handshake(at=0), *CLOSE])
    entered, left = milliseconds(a.waited)[0], milliseconds(a.waited_until)[0]
    assert 3 <= entered <= 5
    assert left == pytest.approx(entered + 60_000, abs=2)


def test_a_server_that_closes_second_has_no_time_wait():
    second = [segment("C", "FA", 101, 301), segment("S", "FA", 301, 102), segment("C", "A", 102, 302)]
    assert milliseconds(attempted([*handshake(), *second]).waited) == [None]


def test_octets_of_both_sides():
    a = attempted([*handshake(), segment("C", "PA", 101, 301, 50), segment("S", "PA", 301, 151, 70)])
    assert a.octets.tolist() == [120]


def test_what_is_found_in_mid_stream_is_left_out():
    a = attempted([segment("C", "A", 101, 301), *handshake(port=40_001)])
    assert a.frame.tolist() == [2]
    assert milliseconds(a.asked) == [2]


def test_a_capture_without_attempts():
    a = attempted([segment("C", "A", 101, 301)])
    assert (len(a.port), a.listeners, a.callers) == (0, 0, 0)


def test_both_speeds_and_any_chunks_give_the_same():
    segments = [*handshake(at=0), *CLOSE, *REFUSAL, *handshake(port=40_003)]
    one, two = attempted(segments), attempted(segments, COMPILED, size=2)
    for name in one.__slots__:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
