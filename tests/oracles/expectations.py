"""What other tools say of the corpus, beside what pcapstate says, and the differences that are known and explained."""

from __future__ import annotations

import csv
import functools
import shutil
import subprocess
from typing import NamedTuple

import pytest
from conftest import SHARED

import pcapstate as ps

CORPUS = SHARED / "corpus"
needs_corpus = [
    pytest.mark.shared,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no captures at {CORPUS}"),
]

needs_tshark = [*needs_corpus, pytest.mark.tshark, pytest.mark.skipif(not shutil.which("tshark"), reason="no tshark")]


def expected(tool):
    """The rows of ``expected/<tool>.tsv``, a dict each; none where there is no corpus."""
    return _table(CORPUS / "expected" / f"{tool}.tsv")


def manifest():
    """The rows of the manifest: a dict for each capture of the corpus."""
    return _table(CORPUS / "manifest.tsv")


def _table(path):
    if not path.is_file():
        return []
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


@functools.cache
def capture(file):
    """A capture of the corpus, read once."""
    return ps.read(CORPUS / file)


class Frame(NamedTuple):
    """A frame with TCP as tshark sees it. ``quoted``: it is TCP quoted in an ICMP error."""

    number: int
    stream: int
    completeness: int
    quoted: bool


@functools.cache
def frames(file):
    """The TCP frames of a capture of the corpus as tshark sees them, after a pass over the whole file."""
    fields = ("frame.number", "tcp.stream", "tcp.completeness", "icmp.type", "icmpv6.type")
    command = ["tshark", "-2", "-r", str(CORPUS / file), "-Y", "tcp", "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = []
    for line in output.splitlines():
        number, stream, completeness, icmp, icmp6 = line.split("\t")
        if "," not in stream:
            found.append(Frame(int(number), int(stream), int(completeness), bool(icmp or icmp6)))
    return found


def flows_between(file, one, other):
    """The flows of a capture between two (address, port), in their order, as dicts; which is the client is open."""
    rows = capture(file).flows.to_dict("records")
    return [row for row in rows if {client(row), server(row)} == {one, other}]


def client(row):
    return row["client_address"], str(row["client_port"])


def server(row):
    return row["server_address"], str(row["server_port"])


def explained(found, known):
    """Compares differences with those that are known.

    ``found`` maps what differs to (what the tool says, what pcapstate says), ``known`` to (the same two, why): a new
    difference fails, and so does one that has gone, or has become another.
    """
    new = {key: pair for key, pair in found.items() if key not in known}
    gone = [key for key in known if key not in found]
    other = {key: pair for key, pair in found.items() if key in known and tuple(known[key][:2]) != pair}
    assert not new, f"differences that nothing explains (theirs, ours): {new}"
    assert not gone, f"no longer different: {gone}"
    assert not other, f"different in another way (theirs, ours): {other}"
    assert all(len(known[key][2]) > 20 for key in known), "a difference needs its reason"
