"""tcptrace's long reports on its own captures: windows, zero windows, probes, what was sent again or out of order.

Each difference has a reason that is checked by arithmetic on the segments, or is named by its row.
"""

from __future__ import annotations

import functools
from collections import Counter

import numpy as np
import pytest
from expectations import capture, client, expected, explained, flows_between, needs_corpus

pytestmark = needs_corpus

COUNTS = {
    # tcptrace's: ours
    "total_packets": "packets",
    "ooo_pkts": "reordered",
    "zero_win": "zero_windows",
    "rexmt_pkts": "retransmissions",
}
NONE_SENT = "the side sent nothing after its SYN: tcptrace says what the SYN had, or 0"
UNSCALED = "the SYNs were not captured: tcptrace takes the field as it stands, we say that the scale is not known"
SYN_COUNTED = "tcptrace counts the window of the SYN, which is never scaled (RFC 7323 2.2): ours begin after it"
NOT_ZERO = "tcptrace leaves zero windows out of the smallest, though it counts them"

SENT_AGAIN = {
    ("tcptrace/hardware_dups.dmp.gz", 0, "ba"): (
        485,
        0,
        "copies that the network card made, with the same IP ID: labelled duplicate, 486 with one bare ACK",
    ),
    ("tcptrace/all.snoop.gz", 11, "ab"): (16, 0, "copies with the same IP ID and all else: labelled duplicate"),
    ("tcptrace/psc.fddi.dmp.gz", 0, "ab"): (
        32,
        33,
        "the FIN, 24 ms after the last ACK, skips one IP ID: it was sent before and lost before the capture point",
    ),
}


@functools.cache
def pairs():
    """(file, our flow, direction, tcptrace's row, our row of flows, our side) for each direction of each connection."""
    found, used = [], Counter()
    for row in expected("tcptrace"):
        ends = [tuple(row[end].rsplit(":", 1)) for end in "ab"]
        flow = flows_between(row["file"], *ends)[used[row["file"], *ends]]
        used[row["file"], *ends] += 1
        sides = ("client", "server") if client(flow) == ends[0] else ("server", "client")
        for direction, side in zip(("ab", "ba"), sides, strict=True):
            found.append((row["file"], flow["flow"], direction, row, flow, side))
    return found


@functools.cache
def windows_of(file, flow, side):
    """The window fields and whether they are a SYN's, of the segments of a side."""
    rows = capture(file).flow(flow).segments
    rows = rows[(rows["side"] == side) & ~rows["flags"].astype(str).str.contains("RST")]
    return rows["window_raw"].to_numpy(), rows["flags"].astype(str).str.contains("SYN").to_numpy()


def reason(file, flow, side, field, theirs):
    """Why tcptrace's smallest or largest window is another than ours; None: nothing explains it."""
    fields, syn = windows_of(file, flow, side)
    pick = np.min if field == "window_min" else np.max
    known = capture(file).flow(flow).facts
    if (~syn).sum() == 0:
        return NONE_SENT if theirs == (pick(fields) if len(fields) else 0) else None
    seen = fields[~syn]
    if known[f"{side}_{field}"] is None:
        return UNSCALED if theirs == pick(seen[seen > 0] if field == "window_min" else seen) else None
    if field == "window_min" and pick(seen) == 0 and theirs == seen[seen > 0].min():
        return NOT_ZERO
    return SYN_COUNTED if theirs == pick([known[f"{side}_{field}"], *fields[syn]]) else None


@functools.cache
def window_differences():
    """((file, flow, direction, field), reason) of each window that differs."""
    found = []
    for file, flow, direction, row, _, side in pairs():
        for theirs, field in (("min_win", "window_min"), ("max_win", "window_max")):
            told = int(row[f"{theirs}_{direction}"])
            if told != capture(file).flow(flow).facts[f"{side}_{field}"]:
                found.append(((file, flow, direction, field), reason(file, flow, side, field, told)))
    return found


def test_every_difference_between_windows_has_its_reason():
    assert [key for key, why in window_differences() if why is None] == []


def test_how_many_windows_differ_and_why():
    assert len(pairs()) == 126
    assert Counter(why for _, why in window_differences()) == {
        UNSCALED: 176,
        NONE_SENT: 16,
        NOT_ZERO: 2,
        SYN_COUNTED: 2,
    }


@pytest.mark.parametrize("theirs", ["total_packets", "ooo_pkts", "zero_win"])
def test_counts_are_the_same(theirs):
    found = {
        (file, flow, direction): (int(row[f"{theirs}_{direction}"]), ours[f"{side}_{COUNTS[theirs]}"])
        for file, flow, direction, row, ours, side in pairs()
    }
    assert {key: pair for key, pair in found.items() if pair[0] != pair[1]} == {}


def test_what_was_sent_again():
    found = {
        (file, flow, direction): (int(row[f"rexmt_pkts_{direction}"]), ours[f"{side}_retransmissions"])
        for file, flow, direction, row, ours, side in pairs()
    }
    explained({key: pair for key, pair in found.items() if pair[0] != pair[1]}, SENT_AGAIN)


def test_what_tcptrace_takes_for_sent_again_are_duplicates():
    flows = capture("tcptrace/all.snoop.gz").flows, capture("tcptrace/hardware_dups.dmp.gz").flows
    assert flows[0].loc[11, ["client_duplicates", "server_duplicates"]].sum() == 16
    assert flows[1].loc[0, ["client_duplicates", "server_duplicates"]].sum() == 486


def test_window_probes():
    for file, flow, direction, row, _, side in pairs():
        segments = capture(file).flow(flow).segments
        probes = ((segments["side"] == side) & (segments["label"] == "window_probe")).sum()
        assert probes == int(row[f"zwnd_probe_{direction}"])
