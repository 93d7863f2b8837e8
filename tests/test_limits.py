"""replay/limits.py and the split of time in replay/performance.py: what a sender waited for, in ladders.

The capture is in the middle: 20 ms to each side and back. Every ladder opens with a handshake of 40 ms. ``spent`` gives
the client's time by cause in milliseconds; all of it together is the connection's.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from ladders import back, both_speeds, replayed, segments_of, sent
from scenarios import scenarios
from simulated_path import chunk, run, segment_rows

from pcapstate.replay.engine import replay
from pcapstate.schema import LIMITS, SIDES, STALL_DETAILS

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=9000>                      --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND={window}>    <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000>            --> ESTABLISHED   +0.020
"""


def replay_of(text, window=60000, opening=OPEN, **changes):
    return both_speeds(segments_of(opening.format(window=window) + text, **changes).rows)


def spent(text, side="client", **options):
    """Milliseconds by cause."""
    flows = replay_of(text, **options).table("flows")
    shares = {limit: float(flows[f"{side}_limited_{limit}"][0]) for limit in LIMITS}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    whole = float(flows["duration"][0]) * 1000
    return {limit: round(share * whole, 1) for limit, share in shares.items() if round(share * whole, 1)}


def stalls(text, **options):
    """(side, cause, detail, start_frame, end_frame) of each stall, with its milliseconds."""
    table = replay_of(text, **options).table("stalls")
    return [
        (
            SIDES[table["side"][i]], LIMITS[table["cause"][i]], STALL_DETAILS[table["detail"][i]],
            int(table["start_frame"][i]), int(table["end_frame"][i]), round(float(table["duration"][i]) * 1000),
        )
        for i in range(len(table["flow"]))
    ]  # fmt: skip


# --- each cause ------------------------------------------------------------------------------------------------


def test_a_program_that_has_nothing_to_send():
    text = sent(100, 10, 0.010, flags="PSH,ACK") + back(110, 0.020) + sent(110, 10, 0.500, flags="PSH,ACK")
    assert spent(text) == {"handshake": 40, "application": 530}
    assert stalls(text) == [("client", "application", "idle", 4, 6, 520)]


def test_a_window_that_would_allow_more():
    """Full segments, on the heels of the acknowledgement of those before: congestion control, or the path."""
    text = sent(100, 1460, 0) + sent(1560, 1460, 0) + back(3020, 0.020)
    text += sent(3020, 1460, 0.020) + sent(4480, 1460, 0)
    assert spent(text) == {"handshake": 40, "network": 40}
    assert stalls(text) == []


def test_paced_segments_wait_for_the_network_too():
    """They come on no acknowledgement's heels, but more was waiting: full segments, and something is under way."""
    text = (
        sent(100, 1460, 0) + sent(1560, 1460, 0.005) + sent(3020, 1460, 0.005, flags="PSH,ACK") + sent(4480, 9, 0.005)
    )
    assert spent(text) == {"handshake": 40, "network": 15}


def test_the_end_of_a_message_waits_for_the_program():
    text = sent(100, 1460, 0) + sent(1560, 700, 0, flags="PSH,ACK") + sent(2260, 700, 0.007, flags="PSH,ACK")
    assert spent(text) == {"handshake": 40, "application": 7}


def test_segments_of_offload_are_full_too():
    text = (
        sent(100, 2920, 0, flags="PSH,ACK")
        + sent(3020, 2920, 0.010, flags="PSH,ACK")
        + sent(5940, 2000, 0.010, flags="PSH,ACK")
    )
    text += sent(7940, 1460, 0.010)
    assert spent(text) == {"handshake": 40, "network": 20, "application": 10}


def test_the_window_of_the_receiver():
    text = (
        sent(100, 1460, 0) + back(1560, 0.020, window=1460) + sent(1560, 1460, 0.020) + back(3020, 0.020, window=1460)
    )
    text += sent(3020, 1460, 0.020)
    assert spent(text, window=1460) == {"handshake": 40, "receive_window": 80}


def test_room_that_is_not_used_at_once_was_not_what_was_missing():
    """The window was full for 40 ms; for the rest there was nothing to send."""
    text = sent(100, 1460, 0) + back(1560, 0.020, window=1460) + sent(1560, 10, 0.220, flags="PSH,ACK")
    assert spent(text, window=1460) == {"handshake": 40, "receive_window": 40, "application": 200}


def test_near_the_receiver_the_newest_window_is_not_the_one_that_the_sender_knew():
    """40 ms to the client, none to the server: each acknowledgement opens the window 40 ms before it is used."""
    opening = OPEN.replace("+0.020", "+0.000", 1).replace("+0.020", "+0.040", 1)
    text = ""
    for i in range(4):
        seq = 100 + 2920 * i
        text += sent(seq, 1460, 0.0396 if i else 0) + sent(seq + 1460, 1460, 0.0002)
        text += back(seq + 1460, 0, window=2920) + back(seq + 2920, 0.0002, window=2920)
    assert spent(text, window=2920, opening=opening)["receive_window"] > 118


def test_a_zero_window():
    """From when the sender heard of it to when it heard of its end. Before that the window was merely full."""
    text = sent(100, 1460, 0) + back(1560, 0.020, window=0) + back(1560, 0.300, window=1460) + sent(1560, 1460, 0.020)
    assert spent(text, window=1460) == {"handshake": 40, "receive_window": 40, "zero_window": 300}
    assert stalls(text, window=1460) == [("client", "zero_window", "", 4, 7, 340)]


def test_a_zero_window_that_nobody_minded():
    text = sent(100, 1460, 0) + back(1560, 0.020, window=0) + back(1560, 0.300, window=1460) + sent(1560, 1460, 0.900)
    assert spent(text, window=1460) == {"handshake": 40, "application": 1220}


def test_probes_show_that_there_was_something_to_send():
    text = sent(100, 1460, 0) + back(1560, 0.020, window=0) + sent(1559, 0, 0.300) + back(1560, 0.020, window=0)
    text += back(1560, 0.300, window=1460) + sent(1560, 1460, 0.900)
    assert spent(text, window=1460)["zero_window"] > 1400


def test_a_zero_window_at_the_end():
    text = sent(100, 1460, 0) + back(1560, 0.020, window=0) + back(1560, 0.500, window=0)
    assert spent(text, window=1460)["zero_window"] == 500
    assert stalls(text, window=1460) == [("client", "zero_window", "unended", 4, 6, 520)]


def test_a_timeout():
    text = sent(100, 10, 0, flags="PSH,ACK") + sent(100, 10, 0.300, flags="PSH,ACK") + back(110, 0.020)
    assert spent(text)["timeout_stall"] == 300
    assert stalls(text) == [("client", "timeout_stall", "tail", 4, 5, 300)]


def test_a_second_timeout_for_the_same_octets():
    text = "".join(sent(100, 10, wait, flags="PSH,ACK") for wait in (0, 0.300, 0.600)) + back(110, 0.020)
    assert [row[1:3] for row in stalls(text)] == [("timeout_stall", "tail"), ("timeout_stall", "sent_again_before")]


def test_a_timeout_although_enough_followed():
    """Four more segments would have drawn three duplicate ACKs."""
    text = "".join(sent(100 + 1460 * i, 1460, 0) for i in range(5)) + sent(100, 1460, 0.300) + back(7400, 0.020)
    assert stalls(text) == [("client", "timeout_stall", "", 8, 9, 300)]


def test_a_repair_lasts_until_what_was_sent_before_it_is_acknowledged():
    """RFC 6675: until the recovery point. What comes after it is new."""
    text = "".join(sent(100 + 1460 * i, 1460, 0) for i in range(5)) + back(100, 0.020)
    text += back(100, 0.001) * 3 + sent(100, 1460, 0.018) + back(7400, 0.020) + sent(7400, 1460, 0.120)
    assert spent(text) == {"handshake": 40, "recovery": 81, "application": 100}


def test_new_octets_during_a_repair_belong_to_it():
    text = "".join(sent(100 + 1460 * i, 1460, 0) for i in range(5)) + back(100, 0.020)
    text += back(100, 0) * 3 + sent(100, 1460, 0.020) + sent(7400, 1460, 0.010)
    assert spent(text) == {"handshake": 40, "recovery": 50}


def test_a_delayed_acknowledgement_that_nagle_waits_for():
    """RFC 9293 3.7.4: a small segment is held while another is under way; the peer holds its ACK for 40 ms."""
    text = sent(100, 10, 0, flags="PSH,ACK") + back(110, 0.060) + sent(110, 10, 0.020, flags="PSH,ACK")
    assert spent(text) == {"handshake": 40, "delayed_ack": 80}


def test_nagle_without_a_delay_waits_for_the_network():
    text = sent(100, 10, 0, flags="PSH,ACK") + back(110, 0.020) + sent(110, 10, 0.020, flags="PSH,ACK")
    assert spent(text) == {"handshake": 40, "network": 40}


def test_an_answer_with_the_acknowledgement_is_a_turn_of_the_conversation():
    text = sent(100, 10, 0, flags="PSH,ACK") + back(110, 0.060, length=50, flags="PSH,ACK")
    text += sent(110, 10, 0.020, flags="PSH,ACK", ack=350)
    assert spent(text) == {"handshake": 40, "application": 80}


def test_closing():
    text = sent(100, 10, 0, flags="FIN,PSH,ACK") + back(111, 0.020) + back(111, 0.500, flags="FIN,ACK")
    text += sent(111, 0, 0.020, ack=301)
    assert spent(text) == {"handshake": 40, "teardown": 540}


def test_octets_that_are_lost_with_the_fin_are_no_closing():
    text = sent(100, 10, 0, flags="FIN,PSH,ACK") + sent(100, 10, 0.300, flags="FIN,PSH,ACK") + back(111, 0.020)
    assert spent(text) == {"handshake": 40, "timeout_stall": 300, "teardown": 20}


def test_a_handshake_that_takes_long():
    opening = OPEN.replace("SYN_SENT", "SYN_SENT  --> <SEQ=99><CTL=SYN> -->\nSYN_SENT", 1).replace(
        "--> SYN_RECEIVED\n", "--> SYN_RECEIVED  +1.000\n", 1
    )
    assert spent(sent(100, 10, 0), opening=opening) == {"handshake": 1040}


def test_a_connection_that_was_open_before_the_capture():
    text = sent(100, 10, 0, flags="PSH,ACK") + back(110, 0.020) + sent(110, 10, 0.500, flags="PSH,ACK")
    assert spent(text, opening="") == {"application": 520}


# --- what the two programs did ---------------------------------------------------------------------------------

ASKED = sent(100, 10, 0, flags="PSH,ACK")
ANSWERED = back(110, 0.500, length=50, flags="PSH,ACK")


def test_who_was_slow_is_told_of_programs():
    """The server takes half a second to answer. The client's gap before the next question is the server's then."""
    text = ASKED + ANSWERED + sent(110, 10, 0.020, flags="PSH,ACK", ack=350)
    assert stalls(text) == [
        ("server", "application", "slow_answer", 3, 5, 500),
        ("client", "application", "waits_for_peer", 4, 6, 520),
    ]


def test_a_client_that_thinks():
    text = ASKED + ANSWERED + sent(110, 10, 2.0, flags="PSH,ACK", ack=350)
    assert stalls(text)[-1] == ("client", "application", "slow_answer", 4, 6, 2500)


def test_short_gaps_are_no_stalls():
    """TAPO: beyond two round trips, or what the retransmission timeout would be; and 30 ms."""
    text = ASKED + back(110, 0.020) + sent(110, 10, 0.055, flags="PSH,ACK")
    assert stalls(text) == []
    text = ASKED + back(110, 0.020) + sent(110, 10, 0.065, flags="PSH,ACK")
    assert [row[-1] for row in stalls(text)] == [85]


# --- the end of a capture --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "window", "cause"),
    [
        (sent(100, 1460, 0) + sent(1560, 1460, 0) + back(1560, 0.500), 60000, "network"),
        (sent(100, 1460, 0) + sent(1560, 1460, 0) + back(1560, 0.500, window=1460), 2920, "receive_window"),
        (
            sent(100, 10, 0, flags="PSH,ACK") + sent(100, 10, 0.3, flags="PSH,ACK") + back(100, 0.5),
            60000,
            "timeout_stall",
        ),
        (sent(100, 10, 0, flags="PSH,ACK") + back(110, 0.500), 60000, "application"),
    ],
)
def test_what_was_waited_for_when_the_capture_ended(text, window, cause):
    assert spent(text, window=window)[cause] >= 500
    last = stalls(text, window=window)[-1:]
    assert last == [] if cause == "application" else last[0][1:3] == (cause, "unended")


def test_a_side_that_was_not_seen_has_no_shares():
    flows = replayed(segments_of(sent(100, 10, 0, flags="PSH,ACK") + sent(110, 10, 1, flags="PSH,ACK")).rows).table(
        "flows"
    )
    assert np.isnan(flows["server_limited_network"][0])
    assert flows["server_limited_by"].codes[0] == -1
    assert flows["client_limited_by"].words[flows["client_limited_by"].codes[0]] == "application 100 %"


@seed(11)
@settings(
    max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(scenarios())
def test_the_shares_of_any_history_are_the_whole(scenario):
    rows = segment_rows(run(scenario).seen)
    if not rows:
        return
    result = replay([chunk(rows)])
    flows = result.table("flows")
    for k, side in enumerate(SIDES):
        shares = np.stack([flows[f"{side}_limited_{limit}"] for limit in LIMITS])
        told = ~np.isnan(shares[0])
        assert (shares[:, told] >= 0).all()
        assert np.allclose(shares[:, told].sum(axis=0), 1, atol=1e-5)
        assert (told | (flows[f"{side}_packets"] == 0) | (flows["duration"] == 0)).all()
        durations = result.table("stalls")["duration"][result.table("stalls")["side"] == k]
        assert (durations > 0.03).all()
