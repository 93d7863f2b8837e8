"""What each segment really was, worked out from captures at both ends, judges the labels of the capture between."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import pcapstate as ps

LABELS = ("retransmission", "reordered", "duplicate", "keep_alive", "window_probe")


@pytest.fixture(scope="module")
def counts(shared, tmp_path_factory):
    """{label: (there, found, wrongly named)} over all sets."""
    truth = shared / "truth"
    results = tmp_path_factory.mktemp("labels")
    bases = []
    for capture in sorted((truth / "captures").glob("*.middle.pcap")):
        folder = results / capture.stem
        folder.mkdir()
        ps.read(str(capture)).segments[["frame", "label"]].to_csv(folder / "segments.csv", index=False)
        bases.append(str(capture).removesuffix(".middle.pcap"))
    run = subprocess.run(
        [sys.executable, str(truth / "segtruth.py"), *bases, "--results", str(results)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = re.findall(r"^(\w+)\s+(\d+) there,\s+(\d+) found,\s+(\d+) wrongly", run.stdout, re.M)
    return {label: tuple(map(int, figures)) for label, *figures in rows}


def test_every_label_is_judged(counts):
    assert tuple(counts) == LABELS
    assert sum(there for there, _, _ in counts.values()) == 85


def test_at_most_one_is_missed_and_at_most_one_wrongly_named(counts):
    assert sum(there - found for there, found, _ in counts.values()) <= 1
    assert sum(wrong for _, _, wrong in counts.values()) <= 1
