"""What Suricata's own tests expect of flow records, beside ours: packets, flags of each direction, the state."""

from __future__ import annotations

import functools
import ipaddress
import operator

import pytest
from expectations import capture, expected, explained, flows_between, needs_corpus

from pcapstate.schema import FLAG_NAMES

pytestmark = needs_corpus

STATES = {
    "closed": ("CLOSED", "TIME_WAIT"),
    "established": ("ESTABLISHED",),
    "last_ack": ("LAST_ACK",),
}
"""Suricata has one state for a flow, in effect the server's, and leaves TIME_WAIT at the last ACK."""

KNOWN = {
    ("suricata-verify/bug-2646-01-input.pcap", "49584", "tcp_state"): (
        "last_ack", "CLOSING",
        "both FINs crossed: the server's acknowledges 917 and echoes an old timestamp, so the client's had not come",
    ),
}  # fmt: skip


def ours(row):
    """Our flow for one of Suricata's; some of its checks name no addresses, then there is only one."""
    if not row["src_ip"]:
        (flow,) = capture(row["file"]).flows.to_dict("records")
        return flow
    ends = [(str(ipaddress.ip_address(row[f"{end}_ip"])), row[f"{end}_port"]) for end in ("src", "dest")]
    (flow,) = flows_between(row["file"], *ends)
    return flow


def flags(row, *sides):
    """All flags that sides of a flow sent, as the octet in the header."""
    segments = capture(row["file"]).segments
    mine = segments[(segments["flow"] == ours(row)["flow"]) & segments["side"].isin(sides)]
    return functools.reduce(operator.or_, (_octet(words) for words in mine["flags"].unique()), 0)


def _octet(words):
    return sum(1 << FLAG_NAMES.index(name) for name in words.split(",") if name)


def differences(rows):
    found = {}
    for row in rows:
        flow = ours(row)
        pairs = {
            "pkts_toserver": str(flow["client_packets"]),
            "pkts_toclient": str(flow["server_packets"]),
            "tcp_flags": f"{flags(row, 'client', 'server'):02x}",
            "tcp_flags_ts": f"{flags(row, 'client'):02x}",
            "tcp_flags_tc": f"{flags(row, 'server'):02x}",
        }
        for theirs, mine in pairs.items():
            if row[theirs] not in ("", mine):
                found[row["file"], row["src_port"], theirs] = row[theirs], mine
        if row["tcp_state"] and flow["server_state"] not in STATES[row["tcp_state"]]:
            found[row["file"], row["src_port"], "tcp_state"] = row["tcp_state"], flow["server_state"]
    return found


def test_every_difference_is_explained():
    explained(differences(expected("suricata")), KNOWN)


@pytest.mark.parametrize("row", [row for row in expected("suricata") if row["src_ip"]], ids=lambda row: row["src_port"])
def test_who_is_the_client(row):
    flow = ours(row)
    assert str(flow["client_port"]) == row["src_port"]


def test_a_flow_that_suricata_calls_closed_has_ended_on_both_sides():
    for row in expected("suricata"):
        if row["tcp_state"] == "closed":
            flow = ours(row)
            assert {flow["client_state"], flow["server_state"]} <= {"CLOSED", "TIME_WAIT"}
