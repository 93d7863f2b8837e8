"""Zeek's own baselines of conn.log beside ours: conn_state, history, payload and packets of each connection.

Zeek ends a connection by its timers (an unanswered SYN after 5 s) and begins another with the next packet; here
nothing closes a connection by idleness. So Zeek's rows for one 4-tuple are joined before they are compared.
"""

from __future__ import annotations

import ipaddress

import pytest
from expectations import capture, expected, explained, flows_between, needs_corpus

pytestmark = needs_corpus

SKIPPED = "Zeek takes it for a GridFTP data channel and skips the rest of it, as its script for bulk data asks"
KNOWN = {
    ("zeek/globus-url-copy.pcap", "35391", "conn_state"): ("S1", "SF", SKIPPED),
    ("zeek/globus-url-copy.pcap", "35391", "history"): ("ShADad", "ShADadfF", SKIPPED),
    ("zeek/globus-url-copy.pcap", "35391", "orig_bytes"): ("2109", "2135", SKIPPED),
    ("zeek/globus-url-copy.pcap", "35391", "resp_bytes"): ("3196", "3213", SKIPPED),
    ("zeek/globus-url-copy.pcap", "35391", "orig_pkts"): ("7", "9", SKIPPED),
    ("zeek/globus-url-copy.pcap", "35391", "resp_pkts"): ("6", "9", SKIPPED),
    ("zeek/gtp2_different_udp_port.pcap", "51803", "history"): (
        "ShADadXf", "ShADadf",
        "X says that Zeek stopped its analysis at a limit of its own; nothing is limited here",
    ),
    ("zeek/pppoe-over-qinq.pcap", "20394", "history"): (
        "ShADdtaTTtFf", "ShADdtaTTFft",
        "frames 19 to 81 of the server claim 46 octets in the IP header where PPPoE carries 40: Zeek takes the six of "
        "padding for payload, and the one of frame 47 for payload sent again",
    ),
}  # fmt: skip

OURS = {
    "conn_state": "conn_state", "history": "history", "orig_bytes": "client_bytes", "resp_bytes": "server_bytes",
    "orig_pkts": "client_packets", "resp_pkts": "server_packets",
}  # fmt: skip
SUMS = ("orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts")


def address(text):
    return str(ipaddress.ip_address(text))


def by_connection():
    """Zeek's rows, those of one 4-tuple joined: {(file, originator's port): row}."""
    joined = {}
    for row in expected("zeek"):
        key = row["file"], row["orig_h"], row["orig_p"], row["resp_h"]
        before = joined.get(key)
        joined[key] = row if before is None else together(before, row)
    return list(joined.values())


def together(one, other):
    """Two rows of Zeek's as the one that they would be without its timers."""
    late = [letter for letter in other["history"] if letter not in one["history"]]
    sums = {name: str(int(one[name]) + int(other[name])) for name in SUMS}
    return {**one, **sums, "history": one["history"] + "".join(late), "conn_state": other["conn_state"]}


def ours(row):
    """Our row for one of Zeek's. Where its baseline gives no ports, the capture has only one connection."""
    if not row["orig_p"]:
        (flow,) = capture(row["file"]).flows.to_dict("records")
        return flow
    ends = (address(row["orig_h"]), row["orig_p"]), (address(row["resp_h"]), row["resp_p"])
    (flow,) = flows_between(row["file"], *ends)
    return flow


def differences(rows):
    found = {}
    for row in rows:
        flow = ours(row)
        for theirs, mine in OURS.items():
            if row[theirs] not in ("", "-", str(flow[mine])):
                found[row["file"], row["orig_p"], theirs] = row[theirs], str(flow[mine])
    return found


def test_every_difference_is_explained():
    explained(differences(by_connection()), KNOWN)


@pytest.mark.parametrize("row", by_connection(), ids=lambda row: f"{row['file'].removeprefix('zeek/')}-{row['orig_p']}")
def test_who_originated(row):
    if row["orig_p"]:
        flow = ours(row)
        assert (flow["client_address"], str(flow["client_port"])) == (address(row["orig_h"]), row["orig_p"])


def test_octets_missed_are_those_that_are_not_counted():
    """Zeek counts payload by sequence numbers, missing octets too; none are missing where ours agrees."""
    missed = [row for row in expected("zeek") if row["missed_bytes"] not in ("", "-", "0")]
    assert missed == []


def test_a_connection_that_a_timer_cut_in_two_is_one_here():
    cut = [row for row in expected("zeek") if row["conn_state"] == "S0"]
    assert len(cut) == 5
    for row in cut:
        assert ours(row)["conn_state"] == "SH"
