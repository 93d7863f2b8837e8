"""What other tools say of the corpus, beside what pcapstate says, and the differences that are known and explained."""

from __future__ import annotations

import csv
import functools

import pytest
from conftest import SHARED

import pcapstate as ps

CORPUS = SHARED / "corpus"
needs_corpus = [
    pytest.mark.shared,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no captures at {CORPUS}"),
]


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
