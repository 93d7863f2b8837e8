"""Makes the samples of this folder anew: captures, the kernels' own record of states, and README.md.

    sudo python sample_pcaps/make_samples.py [NAME ...]

Two network namespaces are the hosts, a process between them is the path. Needs root, iproute2, tcpdump, tracefs, dpkt.
Two of the samples last a minute, because TIME_WAIT does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab import Lab
from readme import check_counts, write_readme
from samples import SAMPLES, Sample

HERE = Path(__file__).parent
TRIES = 5


def make(sample: Sample, folder: Path) -> None:
    """Play the sample until the capture holds what it must show: on a busy machine a segment may come too late."""
    for _ in range(TRIES):
        with Lab(folder, sample.name, {sample.point: f"{sample.name}.pcap"}) as lab:
            sample.play(lab)
        wrong = check_counts(sample, folder)
        print(sample.name, wrong or "ok", flush=True)
        if not wrong:
            return
    raise SystemExit(f"{sample.name}: no good capture in {TRIES} tries")


def main(names: list[str]) -> None:
    for sample in SAMPLES:
        if not names or sample.name in names:
            make(sample, HERE)
    write_readme(HERE)


if __name__ == "__main__":
    main(sys.argv[1:])
