"""What slowed a connection, in words."""

from __future__ import annotations

import pytest
from making import a_pass, flow_row, four_way_close

from pcapstate.capture import Capture
from pcapstate.schema import LIMITS, STALL_DETAILS
from pcapstate.slowness import LIMITED, MORE, STALLED, listed, reason, slowness

STALL = {"flow": 0, "side": "client", "start": 0, "end": 0, "duration": 0.5, "cause": "zero_window", "detail": "",
         "start_frame": 4, "end_frame": 9}  # fmt: skip


def told(*stalls, **facts):
    rows = {**four_way_close(), "flows": [flow_row(**facts)], "stalls": [{**STALL, **stall} for stall in stalls]}
    return slowness(Capture(a_pass(rows)).flow(0))


def test_the_largest_shares_come_first_and_small_ones_are_left_out():
    facts = {
        "client_limited_network": 0.3,
        "client_limited_zero_window": 0.6,
        "client_limited_application": 0.06,
        "client_limited_handshake": 0.04,
    }
    assert told(**facts) == [
        "The client was limited by the server's zero window for 60 % of the time, "
        "by the network or its congestion control for 30 % and by the programs, which sent nothing for 6 %."
    ]


def test_a_side_that_sent_nothing_is_not_told_of():
    assert told(client_bytes=0, client_limited_application=1.0) == []
    assert told(server_bytes=5, server_limited_application=1.0) == [
        "The server was limited by the programs, which sent nothing for 100 % of the time."
    ]


def test_its_longest_stalls_have_their_frames():
    (text,) = told({}, client_limited_zero_window=0.9)
    assert text.endswith(" It stalled for 0.500 s on a zero window of the server (frames 4 to 9).")
    (text,) = told({}, {"duration": 0.1}, {"duration": 0.7}, {"duration": 0.2}, client_limited_zero_window=0.9)
    assert "It stalled 4 times, longest for 0.700 s on" in text
    assert "0.100 s" not in text


@pytest.mark.parametrize("ordinary", [{"detail": "waits_for_peer"}, {"detail": "idle"}, {"side": "server"}])
def test_what_is_not_told_as_a_stall_of_the_client(ordinary):
    (text,) = told({"cause": "application", **ordinary}, client_limited_application=0.9)
    assert "stalled" not in text


def test_every_cause_and_detail_has_words():
    assert set(LIMITED) == set(STALLED) == set(LIMITS)
    assert set(MORE) == set(STALL_DETAILS)
    for cause in LIMITS:
        for detail in STALL_DETAILS:
            words = reason({"cause": cause, "detail": detail}, "server")
            assert words
            assert "{" not in words


def test_lists_in_words():
    assert [listed(list("abc")[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
