"""The Linux kernel's own state changes, beside captures of the same connections, judge the timelines.

Three capture points see each connection: at the client, on the path, at the server. The scorer that lies beside the
captures does the counting; what it asks for is here.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import pcapstate as ps


@pytest.fixture(scope="module")
def verdict(shared, tmp_path_factory):
    truth = shared / "truth"
    results = tmp_path_factory.mktemp("truth")
    for capture in sorted((truth / "captures").glob("*.pcap")):
        folder = results / capture.stem
        folder.mkdir()
        ps.read(str(capture)).timeline.to_csv(folder / "timeline.csv", index=False)
    run = subprocess.run(
        [sys.executable, str(truth / "score.py"), str(truth / "captures"), str(results)],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip().splitlines()


def figure(verdict, pattern):
    return float(re.search(pattern, verdict[-1])[1])


def test_every_endpoint_is_exact_or_excused(verdict):
    exact, of = (int(n) for n in re.search(r"exact (\d+)/(\d+)", verdict[-1]).groups())
    excused = int(figure(verdict, r"excused (\d+)"))
    assert of > 0
    assert exact + excused == of, "\n".join(verdict)
    assert excused <= 0.02 * of


def test_the_true_times_lie_within_the_bounds(verdict):
    assert figure(verdict, r"in bounds \d+/\d+ = ([\d.]+)%") >= 99.5


def test_bounds_are_few_open_and_narrow(verdict):
    assert figure(verdict, r"open \d+/\d+ = ([\d.]+)%") <= 10
    assert figure(verdict, r"median width ([\d.]+) ms") < 60
    assert figure(verdict, r"median error ([\d.]+) ms") < 1


def test_nothing_certain_is_wrong(verdict):
    assert figure(verdict, r"certain and wrong (\d+)") == 0
