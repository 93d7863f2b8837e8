"""What Arkime's and nDPI's own tests count per connection, beside ours: packets, payload, flags, zero windows.

Both keep counts by 4-tuple and cut by their own timers (Arkime writes a session out in parts), so rows of one 4-tuple
are summed, and so are ours.
"""

from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
from expectations import capture, client, expected, explained, flows_between, needs_corpus

pytestmark = needs_corpus

KNOWN = {
    ("arkime/y2038-bgp.pcap", "src_databytes"): (
        0, 19,
        "28 years lie between frames 2 and 3, so Arkime begins another session with frame 3, and does not count the 19 "
        "octets of frame 4, whose time is 28 years back",
    ),
}  # fmt: skip

FLAGS = {"psh": "PSH", "fin": "FIN", "rst": "RST", "urg": "URG"}


def ends(row, *names):
    """The two (address, port) of a row."""
    return [(str(ipaddress.ip_address(row[name])), row[f"{name}_port"]) for name in names]


def summed(tool, names):
    """The rows of a tool, those of one pair of ends in one capture summed: {(file, end, end): counts}."""
    sums = {}
    for row in expected(tool):
        counts = sums.setdefault((row["file"], *ends(row, *names)), Counter())
        # A count of 0 is kept too: it is asserted.
        counts.update({name: int(value) for name, value in row.items() if value.isdigit() and "_port" not in name})
    return sums


def ours(file, one, other, suffixes):
    """Our counts by direction: ``suffixes`` maps a column's ending to the name from ``one`` and from ``other``."""
    counts = Counter()
    for flow in flows_between(file, one, other):
        sides = ("client", "server") if client(flow) == one else ("server", "client")
        for suffix, names in suffixes.items():
            counts.update({name: int(flow[f"{side}_{suffix}"]) for side, name in zip(sides, names, strict=True)})
    return counts


def flags(file, one, other):
    """Segments by their flags, as Arkime counts them: on a SYN nothing else, ``ack`` where nothing else is set."""
    numbers = [flow["flow"] for flow in flows_between(file, one, other)]
    segments = capture(file).segments
    counts = Counter()
    for words in segments[segments["flow"].isin(numbers)]["flags"]:
        names = set(words.split(","))
        if "SYN" in names:
            counts["synack" if "ACK" in names else "syn"] += 1
            continue
        counts["ack"] += names == {"ACK"}
        counts.update(short for short, name in FLAGS.items() if name in names)
    return counts


ARKIME = summed("arkime", ("src", "dst"))
NDPI = summed("ndpi", ("a", "b"))


@pytest.mark.parametrize("key", ARKIME, ids=lambda key: f"{key[0].removeprefix('arkime/')}-{key[1][1]}")
def test_arkime(key):
    counted = ours(
        *key,
        {
            "packets": ("src_pkts", "dst_pkts"),
            "bytes": ("src_databytes", "dst_databytes"),
            "zero_windows": ("src_zero_win", "dst_zero_win"),
        },
    )
    counted.update({name: flags(*key)[name] for name in ("syn", "synack", "ack", *FLAGS)})
    theirs = ARKIME[key]
    differences = {(key[0], name): (theirs[name], ours) for name, ours in counted.items() if theirs[name] != ours}
    explained(differences, {known: why for known, why in KNOWN.items() if known[0] == key[0]})


@pytest.mark.parametrize("key", NDPI, ids=lambda key: f"{key[0].removeprefix('nDPI/')}-{key[1][1]}-{key[2][1]}")
def test_ndpi(key):
    counted = ours(*key, {"packets": ("pkts_ab", "pkts_ba")})
    assert {name: NDPI[key][name] for name in counted} == dict(counted)


def test_there_is_something_to_compare():
    assert (len(ARKIME), len(NDPI)) == (17, 20)
