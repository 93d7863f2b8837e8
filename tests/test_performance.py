"""replay/performance.py: settled connections to the columns that say how well they did."""

from __future__ import annotations

import numpy as np
import pytest
from ladders import both_speeds, rows_of, segments_of

from pcapstate.replay.codes import FAST, TIMEOUT
from pcapstate.replay.limits import APPLICATION, NETWORK, RECEIVE_WINDOW, RECOVERY, TIMEOUT_STALL
from pcapstate.replay.outcome import SideOutcome
from pcapstate.replay.performance import end_cause, limited_by, shares, tell_scale
from pcapstate.replay.rows import Side
from pcapstate.replay.senders import Sender
from pcapstate.replay.windows import AT_LEAST, INFERRED, KNOWN, NOT_KNOWN
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


def row(kind, **values):
    made = kind.object()
    for name, number in values.items():
        setattr(made, name, number)
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


@pytest.mark.parametrize(
    ("scale", "bounds", "kind", "shift"),
    [
        (7, {}, KNOWN, 7),
        (-1, {"scale_most": 14}, NOT_KNOWN, -1),
        (-1, {"scale_least": 4, "scale_most": 14}, AT_LEAST, 4),
        (-1, {"scale_least": 4, "scale_most": 3}, NOT_KNOWN, -1),
        (5, {"inferred": 9}, INFERRED, 5),
    ],
)
def test_how_a_scale_is_known(scale, bounds, kind, shift):
    told = row(SideOutcome)
    tell_scale(row(Side, scale=scale), row(Sender, **bounds), told)
    assert (told.scale_known, told.scale) == (kind, shift)


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


def test_every_cause_has_its_sum():
    """In the kernels; but for the handshake and the teardown, which are known in the end."""
    sums = {f"of_{limit}" for limit in LIMITS}
    assert sums - set(Sender.fields) == {"of_handshake", "of_teardown"}
    assert sums <= set(SideOutcome.fields)


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"acked": 9}, APPLICATION),
        ({"acked": 9, "recovery": FAST}, APPLICATION),
        ({"left": 5000}, NETWORK),
        ({"left": 1459}, RECEIVE_WINDOW),
        ({"left": 1459, "wrote_all": 1}, APPLICATION),
        ({"wrote_all": 1, "recovery": FAST}, RECOVERY),
        ({"recovery": TIMEOUT}, TIMEOUT_STALL),
    ],
)
def test_what_a_side_waits_for_when_the_last_segment_came(facts, cause):
    assert end_cause(row(Sender, **{"next": 9, "acked": 8, **facts})) == cause


def test_shares_of_the_time_and_the_largest_with_its_percentage():
    spent = np.zeros((len(LIMITS), 4), np.int64)
    spent[NETWORK] = 30, 7, 0, 5
    spent[TIMEOUT_STALL] = 70, 0, 0, 0
    parts = shares(list(spent), np.array([1, 1, 1, 0]))
    assert parts[0, NETWORK] == 0.3
    assert np.isnan(parts[2:]).all()
    told = limited_by(parts)
    words = [told.words[code] if code >= 0 else None for code in told.codes]
    assert words == ["timeout_stall 70 %", "network 100 %", None, None]


def test_a_stall_at_the_end_lasts_to_the_last_segment():
    probes = "ESTABLISHED <-- <SEQ=299><ACK=100><CTL=ACK> <-- ESTABLISHED  +0.300\n"
    stalls = both_speeds(rows_of(OPEN + DATA.replace("PSH,ACK", "ACK") + probes)).table("stalls")
    assert [LIMITS[cause] for cause in stalls["cause"]] == ["receive_window"]
    assert stalls["duration"].tolist() == pytest.approx([0.3])


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
