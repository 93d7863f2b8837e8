"""What limited a sender, beside what the scenario made it wait for, and what its kernel knew (tcp_probe)."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest
from conftest import SAMPLES, SHARED
from expectations import CORPUS, manifest, needs_corpus

import pcapstate as ps
from pcapstate.schema import LIMITS, SIDES

TRUTH = SHARED / "truth"
POINTS = ("client", "middle", "server")
needs_truth = [pytest.mark.shared, pytest.mark.skipif(not TRUTH.is_dir(), reason=f"no captures at {TRUTH}")]


def shares(path, side="client"):
    """The time of the first connection's side by cause, in percent."""
    facts = ps.read(path).flow(0).facts
    return Counter({limit: 100 * (facts[f"{side}_limited_{limit}"] or 0) for limit in LIMITS})


def captured(name, point):
    return TRUTH / "captures" / f"{name}.{point}.pcap"


def check_sums(path):
    """Every side that was seen has shares, and they are the whole of its time."""
    flows = ps.read(path).columns("flows")
    for side in SIDES:
        parts = np.stack([flows[f"{side}_limited_{limit}"] for limit in LIMITS])
        told = ~np.isnan(parts[0])
        assert (parts[:, told] >= 0).all(), path
        assert np.allclose(parts[:, told].sum(axis=0), 1, atol=1e-5), path
        assert (told | (flows[f"{side}_packets"] == 0) | (flows["duration"] <= 0)).all(), path


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
def test_the_shares_of_the_samples_are_the_whole(path):
    check_sums(path)


@pytest.mark.parametrize("file", [pytest.param(row["file"], marks=needs_corpus) for row in manifest()])
def test_the_shares_of_the_corpus_are_the_whole(file):
    try:
        check_sums(CORPUS / file)
    except ps.CaptureError:
        pytest.skip("not a capture that can be read")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=needs_truth) for path in sorted((TRUTH / "captures").glob("*.pcap"))],
    ids=lambda path: path.stem,
)
def test_the_shares_of_the_truth_are_the_whole(path):
    check_sums(path)


@pytest.mark.shared
@pytest.mark.skipif(not TRUTH.is_dir(), reason=f"no captures at {TRUTH}")
@pytest.mark.parametrize("point", POINTS)
class TestScenarios:
    """The same sender at three capture points: it was limited by the same, wherever one looks."""

    @pytest.mark.parametrize("name", ["zero_window_slow_reader", "tiny_receive_buffer_bulk"])
    def test_a_receiver_that_is_slow_or_small(self, name, point):
        found = shares(captured(name, point))
        assert found["zero_window"] + found["receive_window"] >= 80
        assert (found["zero_window"] > 50) == (name == "zero_window_slow_reader")

    def test_a_path_that_loses(self, point):
        found = shares(captured("bulk_bad_path", point))
        assert found["recovery"] + found["timeout_stall"] >= 30
        assert found["recovery"] + found["timeout_stall"] + found["network"] >= 70
        assert found["receive_window"] + found["zero_window"] <= 10

    def test_a_connection_that_is_only_kept_alive(self, point):
        for side in SIDES:
            assert shares(captured("keepalive", point), side)["application"] >= 90

    def test_a_peer_that_vanishes(self, point):
        if point != "server":  # which is the one that vanished
            assert shares(captured("peer_vanishes", point))["timeout_stall"] >= 80


# --- the kernel's own numbers ----------------------------------------------------------------------------------

SEGMENT = 1448


def kernel_waits(name, address):
    """Shares of the time for which the sender's kernel had used up its peer's window, or its congestion window.

    tcp_probe fires when a segment arrives: what is under way then has been so since the one before.
    """
    spent, before = Counter(), None
    with (TRUTH / "congestion" / f"{name}.probe.csv").open() as lines:
        for row in csv.DictReader(lines):
            words = dict(word.split("=", 1) for word in row["detail"].split())
            if row["event"] != "tcp_probe" or words["src"] != address:
                continue
            now, window = int(row["time_ns"]), int(words["snd_wnd"])
            under_way = (int(words["snd_nxt"], 16) - int(words["snd_una"], 16)) % 2**32
            full = under_way + SEGMENT > window
            blocked = "window" if full else "cwnd" if under_way + SEGMENT > int(words["snd_cwnd"]) * SEGMENT else "none"
            if before is not None:
                spent[blocked] += now - before
            before = now
    whole = sum(spent.values())
    return {word: 100 * spent[word] / whole for word in ("window", "cwnd", "none")}


@pytest.mark.shared
@pytest.mark.skipif(not TRUTH.is_dir(), reason=f"no captures at {TRUTH}")
@pytest.mark.parametrize(
    "name", ["bulk_bad_path", "client_closes_first", "tiny_receive_buffer_bulk", "zero_window_slow_reader"]
)
@pytest.mark.parametrize("point", POINTS)
def test_windows_limit_as_often_as_the_kernel_says(name, point):
    """Between handshake and closing, which the kernel's events do not cover.

    Ours is less: what fills the window while a loss is repaired is recovery, and the last segment before the program
    closes is its own.
    """
    flow = ps.read(captured(name, point)).flow(0)
    kernel = kernel_waits(name, flow.client.endpoint)
    found = shares(captured(name, point))
    data = 100 - found["handshake"] - found["teardown"]
    ours = 100 * (found["zero_window"] + found["receive_window"]) / data
    assert kernel["window"] - 12 <= ours <= kernel["window"] + 5
    if kernel["cwnd"] > 50:
        assert 100 * (found["network"] + found["recovery"] + found["timeout_stall"]) / data >= kernel["cwnd"]
