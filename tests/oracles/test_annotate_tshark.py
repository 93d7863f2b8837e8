"""Captures with comments as Wireshark reads them: the capture's packets, the tables' transitions."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter

import pytest
from conftest import SAMPLES
from containers_made import (
    MAGIC_NS,
    enhanced,
    interface,
    option,
    pcap,
    record,
    resolution,
    section,
    snoop,
    snoop_record,
)
from expectations import CORPUS, manifest, needs_corpus

import pcapstate as ps

pytestmark = [pytest.mark.tshark, pytest.mark.skipif(not shutil.which("tshark"), reason="no tshark")]

FIELDS = ("frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.encap_type")
EACH = 6
"""Files of each kind of container."""


def tshark(path, *options):
    command = ["tshark", "-n", "-r", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def fields(path, *names, where=()):
    wanted = [word for name in names for word in ("-e", name)]
    lines = tshark(path, *where, "-T", "fields", "-E", "aggregator=|", *wanted).splitlines()
    return [line.split("\t") for line in lines]


def same_packets(path, target):
    """Numbers, times, lengths, link types, and every octet."""
    assert fields(target, *FIELDS) == fields(path, *FIELDS)
    assert tshark(target, "-x") == tshark(path, "-x")


def same_comments(capture, target):
    """Each row of the timeline that has a frame is a comment on it, and no other row is one there."""
    transitions = capture.timeline.dropna(subset=["frame"])
    expected = Counter((row.frame, str(row.flow), row.side, row.to_state) for row in transitions.itertuples())
    found = Counter()
    for number, comments in fields(target, "frame.number", "frame.comment", where=("-Y", "frame.comment")):
        for comment in comments.split("|"):
            before = comment.partition(" (")[0].split()
            if before[:2] == ["pcapstate:", "flow"] and before[3] in ("client", "server") and "a timer" not in comment:
                found[int(number), before[2], before[3], before[-1]] += 1
    assert found == expected


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.pcap")), ids=lambda path: path.stem)
def test_samples(path, tmp_path):
    capture = ps.read(path)
    capture.annotate(tmp_path / "y.pcapng")
    same_packets(path, tmp_path / "y.pcapng")
    same_comments(capture, tmp_path / "y.pcapng")


def test_a_filter_finds_all_comments_of_a_connection(tmp_path):
    ps.read(SAMPLES / "listener_restart_reuseaddr.pcap").annotate(tmp_path / "y.pcapng")
    found = fields(tmp_path / "y.pcapng", "frame.number", where=("-Y", 'frame.comment contains "pcapstate: flow 1 "'))
    assert found == [["12"], ["13"]]
    came = fields(tmp_path / "y.pcapng", "frame.number", where=("-Y", 'frame.comment contains "-> TIME_WAIT"'))
    assert came == [["10"], ["23"]]


DATA = [bytes([number]) * (60 + number) for number in range(3)]
OLD = option(2, b"\1\0\0\0") + option(1, b"an old comment") + bytes(4)
MADE = {
    "pcap_us": pcap(*(record(each, wire=1000) for each in DATA)),
    "pcap_us_big": pcap(*(record(each, fraction=6, order=">") for each in DATA), order=">"),
    "pcap_ns": pcap(*(record(each, fraction=999_999_999) for each in DATA), magic=MAGIC_NS),
    "pcap_raw_ip": pcap(*(record(b"\x45" + each) for each in DATA), link=101),
    "snoop": snoop(*(snoop_record(each, 1000, 7, wire=2000) for each in DATA)),
    "pcapng": section() + interface(options=resolution(9)) + b"".join(enhanced(each, options=OLD) for each in DATA),
    "pcapng_big": section(">") + interface(order=">") + b"".join(enhanced(each, order=">") for each in DATA),
    "pcapng_sections": (section() + interface(101) + enhanced(b"\x45" + DATA[1])) * 2
    + section(">") + interface(order=">") + interface(113, order=">") + enhanced(DATA[2], at=1, order=">"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MADE)
def test_each_container(kind, tmp_path):
    (tmp_path / "x").write_bytes(MADE[kind])
    ps.read(tmp_path / "x").annotate(tmp_path / "y.pcapng")
    same_packets(tmp_path / "x", tmp_path / "y.pcapng")
    comments = fields(tmp_path / "y.pcapng", "frame.comment")
    assert comments == fields(tmp_path / "x", "frame.comment")


@pytest.mark.skipif(not shutil.which("mergecap"), reason="no mergecap")
@pytest.mark.parametrize("kinds", [("pcap_us", "pcap_us_big"), ("pcapng", "pcap_ns"), ("pcapng_big", "pcapng")])
def test_several_files_are_as_mergecap_merges_them(kinds, tmp_path):
    paths = [tmp_path / kind for kind in kinds]
    for path in paths:
        path.write_bytes(MADE[path.name])
    subprocess.run(["mergecap", "-w", str(tmp_path / "merged"), *map(str, paths)], check=True, capture_output=True)
    ps.read(paths).annotate(tmp_path / "y.pcapng")
    same_packets(tmp_path / "merged", tmp_path / "y.pcapng")
    assert fields(tmp_path / "y.pcapng", "frame.comment") == fields(tmp_path / "merged", "frame.comment")


ODD_TIMES = ("PF_RING/hoobr_nfs_printfh.pcap",)
"""Fractions of more than a second: tshark shows them as they stand, in the copy they are carried over."""


def some_of_each_container():
    """A few small captures of each container that the corpus has."""
    found = {}
    for row in manifest():
        path = CORPUS / row["file"]
        # tshark 4.0 does not know xz.
        if path.suffix != ".xz" and row["file"] not in ODD_TIMES and path.stat().st_size < 60_000:
            found.setdefault(row["container"], []).append(row["file"])
    return [pytest.param(file, marks=needs_corpus) for files in found.values() for file in files[:EACH]]


@pytest.mark.slow
@pytest.mark.parametrize("file", some_of_each_container())
def test_corpus(file, tmp_path):
    capture = ps.read(CORPUS / file)
    capture.annotate(tmp_path / "y.pcapng")
    if not capture.problems:
        same_packets(CORPUS / file, tmp_path / "y.pcapng")
    same_comments(capture, tmp_path / "y.pcapng")
