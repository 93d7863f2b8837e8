"""The states that chiTCP's tests assert of both ends, beside the timelines of the captures that it wrote of itself.

chiTCP is a TCP for teaching; its tests know what state each end went through. Both ends are 127.0.0.1, and what its
tests drop never gets into the capture.
"""

from __future__ import annotations

import pytest
from expectations import capture, expected, needs_corpus

pytestmark = needs_corpus

CLOSES = "chitcp/conn_term__client_closes_first.pcap"
DROPS = {kind: f"chitcp/unreliable_conn_init__drop_{kind}.pcap" for kind in ("ack", "syn", "synack")}


def only_flow(file):
    (flow,) = capture(file)
    return flow


def rows(file, side):
    """The rows of a side's timeline, as dicts, by the state that each goes to."""
    timeline = only_flow(file).timeline
    return {row["to_state"]: row for row in timeline[timeline["side"] == side].to_dict("records")}


def asserted(side):
    """The states of one side of the close, in our words and as chiTCP's table has them."""
    word = {"client": "client(ephemeral)", "server": "server(port 7)"}[side]
    (states,) = [row["expected_states"] for row in expected("chitcp") if row["endpoint"] == word]
    return states.replace("SYN_RCVD", "SYN_RECEIVED").split(">")


@pytest.mark.parametrize("side", ["client", "server"])
def test_both_ends_of_a_close_go_through_the_asserted_states(side):
    states = [str(state) for state in getattr(only_flow(CLOSES), side).states]
    # A listener is CLOSED before its passive OPEN, which chiTCP does not assert.
    assert states[states.index(asserted(side)[0]) :] == asserted(side)
    assert states[0] == "CLOSED"


def test_every_file_with_asserted_states_is_tested():
    assert {row["file"] for row in expected("chitcp")} == {CLOSES, *DROPS.values()}


def test_the_ack_of_the_syn_ack_is_dropped():
    """Asserted: client ESTABLISHED before server; server SYN_RCVD until data arrives."""
    client, server = rows(DROPS["ack"], "client"), rows(DROPS["ack"], "server")
    assert client["ESTABLISHED"]["estimate"] < server["ESTABLISHED"]["estimate"]
    data = server["ESTABLISHED"]["frame"]
    segments = only_flow(DROPS["ack"]).segments
    assert segments.set_index("frame")["length"][data] > 0
    assert server["SYN_RECEIVED"]["frame"] < data


def test_the_syn_is_dropped():
    """Asserted: both end ESTABLISHED (SYN retransmitted). The first SYN never got into the capture."""
    flow = only_flow(DROPS["syn"])
    assert (flow.client_state, flow.server_state) == ("ESTABLISHED", "ESTABLISHED")
    assert len(flow.segments) == 3


def test_the_syn_ack_is_dropped():
    """Asserted: both end ESTABLISHED (SYN retransmitted; server stays SYN_RCVD meanwhile)."""
    flow = only_flow(DROPS["synack"])
    assert (flow.client_state, flow.server_state) == ("ESTABLISHED", "ESTABLISHED")
    server = rows(DROPS["synack"], "server")
    assert server["SYN_RECEIVED"]["frame"] == 1
    assert server["ESTABLISHED"]["dwell"] > 0.9  # seconds in SYN_RECEIVED: until the SYN came again


@pytest.mark.parametrize("octets", [4096, 4097])
def test_half_duplex_transfers_stay_open(octets):
    flow = only_flow(f"chitcp/data_transfer__half_duplex_client_sends_{octets}bytes.pcap")
    assert (flow.client_state, flow.server_state, flow.client_bytes) == ("ESTABLISHED", "ESTABLISHED", octets)
