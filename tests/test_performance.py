"""replay/performance.py: settled connections to the columns that say how well they did."""

from __future__ import annotations

import numpy as np
import pytest
from ladders import both_speeds, rows_of, segments_of

from pcapstate.replay import performance
from pcapstate.replay.limits import NETWORK, TIMEOUT_STALL
from pcapstate.replay.rows import Side
from pcapstate.replay.senders import Sender
from pcapstate.schema import LIMITS, MISSING

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=500>                --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=600>  <-- SYN_RECEIVED  +0.030
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=10>       --> ESTABLISHED   +0.020
"""
DATA = "ESTABLISHED --> <SEQ=100><ACK=300><CTL=PSH,ACK><WND=70><DATA=9> --> ESTABLISHED\n"
ACKED = "ESTABLISHED <-- <SEQ=300><ACK=109><CTL=ACK><WND=40> <-- ESTABLISHED  +0.032\n"


def flows_of(text, changes=None, **every):
    return both_speeds(rows_of(text, changes, **every)).table("flows")


def value(flows, name):
    number = flows[name][0]
    return None if number == MISSING or number != number else number  # noqa: PLR0124


def rows(kind, *facts):
    made = np.zeros(len(facts), kind.dtype)
    for row, values in zip(made, facts, strict=True):
        for name, number in values.items():
            row[name] = number
    return made


# --- round trips and windows -----------------------------------------------------------------------------------


def test_the_round_trip_of_the_handshake_is_from_end_to_end():
    assert value(flows_of(OPEN), "rtt_handshake") == pytest.approx(0.050)


@pytest.mark.parametrize(
    "text",
    [
        "SYN_SENT --> <SEQ=99><CTL=SYN> -->\n" + OPEN,  # which SYN was answered is not known
        "\n".join(OPEN.splitlines()[2:]),  # it was not captured
        DATA + ACKED,
    ],
)
def test_a_handshake_that_tells_no_round_trip(text):
    assert value(flows_of(text), "rtt_handshake") is None


def test_round_trips_to_each_side():
    flows = flows_of(OPEN + DATA + ACKED)
    assert value(flows, "rtt_client_median") == pytest.approx(0.020)
    assert value(flows, "rtt_server_median") == pytest.approx(0.030)
    assert value(flows, "rtt_server_smoothed") == pytest.approx(0.03025)


def test_medians_of_few_samples_and_of_many():
    marks = {f"mark{i}": 10 * (i + 1) for i in range(5)}
    senders = rows(Sender, {}, *({**marks, "samples": count} for count in (1, 2, 3, 4, 5, 900)))
    assert performance.medians(senders).tolist() == [-1, 10, 10, 20, 20, 30, 30]


def test_windows_after_the_syn():
    flows = flows_of(OPEN + DATA)
    assert [value(flows, f"client_window_{end}") for end in ("min", "max")] == [10, 70]
    scaled = flows_of(OPEN + DATA, {0: {"window_scale": 3}, 1: {"window_scale": 2}})
    assert [value(scaled, f"client_window_{end}") for end in ("min", "max")] == [80, 560]


def test_windows_whose_scale_is_not_known():
    flows = flows_of(DATA + ACKED)
    assert [value(flows, f"client_window_{end}") for end in ("min", "max")] == [None, None]


def test_the_time_of_a_zero_window_lasts_to_the_end_if_nothing_ends_it():
    closed = ACKED.replace("WND=40", "WND=0")
    flows = flows_of(OPEN + DATA + closed + closed.replace("0.032", "0.500"))
    assert value(flows, "server_zero_window_time") == pytest.approx(0.5)


def test_how_a_scale_is_known():
    sides = rows(Side, {"scale": 7}, {"scale": -1}, {"scale": -1}, {"scale": 5}, {"scale": -1})
    bounds = {"scale_least": 4, "scale_most": 14}
    senders = rows(Sender, {}, {"scale_most": 14}, bounds, {"inferred": 9}, {"scale_least": 4, "scale_most": 3})
    kind, shift = performance.scales(sides, senders)
    known, not_known = performance.KNOWN, performance.NOT_KNOWN
    assert kind.tolist() == [known, not_known, performance.AT_LEAST, performance.INFERRED, not_known]
    assert shift.tolist() == [7, -1, 4, 5, -1]


def test_the_receive_buffer_is_no_smaller_than_the_largest_window():
    """That of the SYN counts, too; and without a scale the field is the least that it can be."""
    flows = flows_of(OPEN + DATA + ACKED)
    assert [value(flows, f"{side}_receive_buffer") for side in ("client", "server")] == [500, 600]
    scaled = flows_of(OPEN + DATA, {0: {"window_scale": 3}, 1: {"window_scale": 2}})
    assert value(scaled, "client_receive_buffer") == 560
    assert value(flows_of(DATA + ACKED), "client_receive_buffer") == 70
    assert value(flows_of(DATA), "server_receive_buffer") is None


def test_the_answer_to_a_syn_that_is_refused_is_a_round_trip():
    syn = "SYN_SENT --> <SEQ=99><CTL=SYN> --> CLOSED\n"
    refused = syn + "CLOSED <-- <SEQ=0><ACK=100><CTL=RST,ACK><WND=0> <-- CLOSED  +0.040\n"
    flows = flows_of(refused)
    assert value(flows, "rtt_server") == pytest.approx(0.040)
    assert value(flows, "rtt_server_median") == pytest.approx(0.040)
    assert value(flows, "rtt_client") is None
    twice = flows_of(syn + refused)
    assert value(twice, "rtt_server") is None  # which of them it answers is not known


# --- what limited it -------------------------------------------------------------------------------------------


def test_every_cause_has_its_sum_in_the_kernels():
    assert {f"of_{limit}" for limit in LIMITS} - set(performance.IN_KERNEL.values()) == {"of_handshake", "of_teardown"}
    assert set(performance.IN_KERNEL.values()) <= set(Sender.fields)


def test_the_largest_cause_is_told_with_its_percentage():
    shares = np.zeros((4, len(LIMITS)))
    shares[0, NETWORK], shares[0, TIMEOUT_STALL] = 0.3, 0.7
    shares[1, NETWORK] = 1.0
    shares[2] = np.nan
    shares[3, NETWORK] = 1.0
    told = performance.limited_by(shares, np.array([True, True, True, False]))
    words = [told.words[code] if code >= 0 else None for code in told.codes]
    assert words == ["timeout_stall 70 %", "network 100 %", None, None]


def test_a_connection_of_one_segment_has_no_time_to_share():
    flows = both_speeds(segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\n").rows).table("flows")
    assert value(flows, "client_limited_handshake") is None
    assert flows["client_limited_by"].codes[0] == -1


def test_a_clock_that_goes_back_makes_no_negative_shares():
    """The parts are then more than the whole: they are shares of their sum."""
    made = rows_of(OPEN + DATA + ACKED + DATA.replace("=100", "=109") + DATA.replace("=100", "=118"))
    made[5]["time"] = made[0]["time"]
    flows = both_speeds(made).table("flows")
    shares = [float(flows[f"client_limited_{limit}"][0]) for limit in LIMITS]
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1)
