"""Windows and round trips beside the Linux kernel's own record of them, and beside the path's known delays.

``tcp_probe`` fires when a segment has arrived, before it is processed: its ``snd_wnd`` is the window in force before
that segment, as the host knows it. In a capture made at that host, that is the last row of the peer's windows before.
"""

from __future__ import annotations

import csv
import functools

import numpy as np
import pytest
from conftest import SHARED

import pcapstate as ps

TRUTH = SHARED / "truth"
HOSTS = {"10.77.0.1": "client", "10.77.0.2": "server"}
POINTS = ("client", "middle", "server")
DELAYS = {
    # one way, ms: client to middle, middle to server
    "simultaneous_close": (9, 21),
    "simultaneous_open": (9, 21),
    "backlog_overflow": (6, 14),
    "tiny_receive_buffer_bulk": (6, 14),
}
USUAL = (3, 7)
AT_THE_HOST = 0.5
"""ms: a round trip to the very host at which the capture was made takes less."""

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not TRUTH.is_dir(), reason=f"no captures at {TRUTH}")]
SETS = sorted(path.name.removesuffix(".probe.csv") for path in (TRUTH / "congestion").glob("*.probe.csv"))
NAMES = sorted(path.name.removesuffix(".middle.pcap") for path in (TRUTH / "captures").glob("*.middle.pcap"))


@functools.cache
def capture(name, point):
    return ps.read(TRUTH / "captures" / f"{name}.{point}.pcap")


# --- windows ---------------------------------------------------------------------------------------------------


def probes(name):
    """(time in ns, fields) of each probe."""
    with (TRUTH / "congestion" / f"{name}.probe.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["event"] == "tcp_probe":
                yield int(row["time_ns"]), dict(word.split("=", 1) for word in row["detail"].split() if "=" in word)


@functools.cache
def receivers(name, point, sport, dport):
    """The peer of the host: times, frames and lengths of its segments, and frames and windows of its changes."""
    for flow in capture(name, point):
        for side in flow.sides:
            if (side.port, side.peer.port) == (sport, dport):
                peer = side.peer
                segments, windows = peer.segments, peer.windows
                times = segments["time"].astype("int64").to_numpy()
                return times, segments["frame"].to_numpy(), segments["length"].to_numpy(), windows
    raise AssertionError("no such connection")


def compared(name):
    """(point, frame, octets in the segment and in the probe, our window, the kernel's) of each probe."""
    for time, probe in probes(name):
        host, sport = probe["src"].rsplit(":", 1)
        times, frames, lengths, windows = receivers(name, HOSTS[host], int(sport), int(probe["dest"].rsplit(":", 1)[1]))
        place = int(np.searchsorted(times, time, side="right")) - 1
        before = int(np.searchsorted(windows["frame"].to_numpy(), frames[place])) - 1
        ours = int(windows["window"].iloc[before])
        yield HOSTS[host], int(frames[place]), int(lengths[place]), int(probe["data_len"]), ours, int(probe["snd_wnd"])


@pytest.mark.parametrize("name", SETS)
def test_the_window_in_force_is_the_kernels(name):
    found = list(compared(name))
    assert all(length == told for _, _, length, told, _, _ in found), "a probe is beside the wrong segment"
    assert [row for row in found if row[4] != row[5]] == []


def test_there_are_probes_enough():
    counts = {name: sum(1 for _ in probes(name)) for name in SETS}
    assert sum(counts.values()) == 2815, counts


# --- round trips -----------------------------------------------------------------------------------------------


def path(name, point, host):
    """The round trip from a capture point to a host, ms; 0 at the host itself."""
    first, second = DELAYS.get(name, USUAL)
    away = {"client": 0, "middle": first, "server": first + second}
    return 2 * abs(away[point] - away[host])


def host_of(address):
    return "client" if address.endswith((".1", ":1")) else "server"


def marks(row):
    return tuple(str(row[name]) for name in ("seq_raw", "ack_raw", "flags", "length", "tsval", "tsecr", "sack"))


@functools.cache
def trips():
    """(name, point, flow, host, the path's round trip, ours in ms, NaN: none) of each side in each capture."""
    return [
        (name, point, flow.number, host_of(side.address), path(name, point, host_of(side.address)), trip)
        for name in NAMES
        for point in POINTS
        for flow in capture(name, point)
        for side in flow.sides
        for trip in [1e3 * (getattr(flow, f"rtt_{side.name}") or np.nan)]
    ]


def near(path_trip, ours):
    return abs(ours - path_trip) <= 0.1 * path_trip if path_trip else ours < AT_THE_HOST


def shortest(name, point, number, host):
    """The shortest turn at a host that the captures at both ends prove, in ms, infinite if there is none.

    It is seen from ``point``: from the passing of a segment that the host had to the passing of the next that it sent.
    """
    here, there = capture(name, point), capture(name, host)
    flow = here.flow(number)
    ports = {flow.client_port, flow.server_port}
    same = [f.number for f in here if {f.client_port, f.server_port} == ports]
    other = [f for f in there if {f.client_port, f.server_port} == ports][same.index(number)]
    passed = {}
    for row in flow.segments.to_dict("records"):
        passed.setdefault(marks(row), []).append(row["time"].value)
    best, last = np.inf, None
    for row in other.segments.to_dict("records"):
        times = passed.get(marks(row), [])
        if not times:
            continue
        time = times.pop(0)
        if host_of(getattr(other, f"{row['side']}_address")) == host:
            best = best if last is None else min(best, (time - last) / 1e6)
        else:
            last = time
    return best


def test_the_smallest_round_trip_is_the_paths():
    """Within a tenth of it, or no turn in that capture was as short; and never shorter than the path."""
    wrong = []
    for name, point, number, host, told, ours in trips():
        if not near(told, ours) and near(told, shortest(name, point, number, host)):
            wrong.append((name, point, number, host, told, ours))
        if ours < 0.99 * told:
            wrong.append((name, point, number, host, told, ours, "shorter than the path"))
    resets = [("fin_wait_2_orphan_timeout", "server", 0, "client")]
    assert [row for row in wrong if row[:4] not in resets] == []
    assert len(wrong) == len(resets), "only a reset was quicker, and what sends one may be another than the host"


def test_most_captures_tell_the_paths_round_trip():
    """What remains are connections that nobody answered, and those in which each of few turns took longer."""
    counts = {True: 0, False: 0}
    none = 0
    for *_, told, ours in trips():
        if np.isnan(ours):
            none += 1
        else:
            counts[bool(near(told, ours))] += 1
    assert (counts[True], counts[False], none) == (202, 23, 21)
