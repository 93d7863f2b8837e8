"""Every segment's label beside tshark's analysis of it; each difference has a reason that is looked up in the capture.

Not all are tshark's errors: it keeps another definition (a duplicate ACK needs no data outstanding), or no memory of
packets (IP ID, TSval). Where the captures at both ends tell what a segment was, that decides.
"""

from __future__ import annotations

import functools
import importlib.util
import subprocess
from collections import Counter
from dataclasses import dataclass

import pytest
from conftest import SHARED
from expectations import CORPUS, manifest, needs_tshark

import pcapstate as ps
from pcapstate.schema import SEGMENTS, SIDES
from pcapstate.values import records

pytestmark = [*needs_tshark, pytest.mark.slow]

TRUTH = SHARED / "truth" / "captures"
NOT_READ = {"dnscap/test-dns.pcap.xz": "tshark 4.0 does not know xz"}
FILES = [row["file"] for row in manifest() if row["file"] not in NOT_READ]
MIDDLES = sorted(path.name for path in TRUTH.glob("*.middle.pcap"))

# Ours, where it is a label: tshark's, of which one is enough.
LABELLED = {
    "retransmission": ("retransmission", "fast_retransmission", "spurious_retransmission"),
    "reordered": ("out_of_order",),
    "keep_alive": ("keep_alive",),
    "keep_alive_ack": ("keep_alive_ack",),
    "window_probe": ("zero_window_probe",),
    "window_probe_ack": ("zero_window_probe_ack",),
    "window_update": ("window_update",),
    "duplicate_ack": ("duplicate_ack",),
}
SEEN = ("lost_segment", "ack_lost_segment", "window_full", "zero_window")
"""What tshark says of numbers and windows alone; ours follows from the columns of ``segments``."""


@dataclass
class Frame:
    """A segment, what both say of it, and what was known of the connection before it."""

    file: str
    number: int
    label: str
    cause: str
    flags: str
    length: int
    tshark: frozenset
    ours: frozenset
    copy: bool  # an earlier segment of the side has the same numbers and the same IP ID, or is the same in every field
    outstanding: int | None  # octets of the peer that it has not acknowledged; None: the peer was not seen
    windows: int  # how many windows of the side were seen that are scaled
    reported: bool  # it has SACK blocks
    acknowledges_seen: bool  # what it acknowledges was captured, by the numbers as they stand in the segments
    fresh: bool  # no octet, SYN or FIN of the side was seen at its number or above
    midstream: bool  # the capture began after the SYNs
    only_in_syn: bool  # its first octet is the connection's first, and only a SYN has carried that before


@functools.cache
def analysis(path):
    """tshark's flags of each TCP frame, those quoted in ICMP errors left out."""
    names = sorted({name for names in LABELLED.values() for name in names} | set(SEEN))
    command = ["tshark", "-r", str(path), "-Y", "tcp", "-T", "fields", "-e", "frame.number", "-e", "icmp.type"]
    command += ["-e", "icmpv6.type", *(word for name in names for word in ("-e", f"tcp.analysis.{name}"))]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = {}
    for line in output.splitlines():
        number, icmp, icmp6, *values = line.split("\t")
        if not icmp and not icmp6:
            found[int(number)] = frozenset(name for name, value in zip(names, values, strict=True) if value)
    return found


class Walk:
    """What is known of one side while its segments go by."""

    def __init__(self):
        self.end = self.acked = self.edge = None
        self.octets = self.data_segments = self.in_syn = 0
        self.raw_end = None
        self.windows = 0
        self.marks = set()


def span(row):
    return row["length"] + ("SYN" in row["flags"]) + ("FIN" in row["flags"])


@functools.cache
def frames(path):
    """Each segment that both see, as a ``Frame``."""
    capture = ps.read(path)
    parsed = ps.parse(path)
    ip_ids = dict(zip(parsed["frame"].tolist(), parsed["ip_id"].fillna(0).tolist(), strict=True))
    theirs = analysis(path)
    opened = capture.flows["opened"].tolist()
    sides, found = {}, []
    for row in records(SEGMENTS, capture.columns("segments")):
        mine, peer = (sides.setdefault((row["flow"], side), Walk()) for side in (row["side"], other(row["side"])))
        mark = (row["seq_raw"], row["length"], row["tsval"], ip_ids[row["frame"]])
        same = mark if mark[-1] > 0 else (*mark, row["ack_raw"], row["flags"], row["window_raw"])
        if row["frame"] in theirs:
            outstanding = None if peer.end is None or mine.acked is None else peer.end - mine.acked
            found.append(
                Frame(
                    path.name, row["frame"], row["label"] or "", row["cause"] or "", row["flags"], row["length"],
                    theirs[row["frame"]], frozenset(seen(row, mine, peer)), same in mine.marks, outstanding,
                    mine.windows, row["sack"] is not None, known_octets(row, peer),
                    (row["seq"] or 0) >= mine.octets,
                    opened[row["flow"]] == "midstream",
                    row["seq"] == 1 and mine.in_syn > 0 and mine.data_segments == 0,
                )
            )  # fmt: skip
        mine.marks.add(same)
        learn(row, mine)
    return found


def other(side):
    return SIDES[1 - SIDES.index(side)]


def known_octets(row, peer):
    return peer.raw_end is not None and row["ack_raw"] is not None and (peer.raw_end - row["ack_raw"]) % 2**32 < 2**31


def learn(row, mine):
    if row["seq"] is not None and "RST" not in row["flags"]:
        mine.end = max(mine.end or 0, row["seq"] + span(row))
        mine.octets = mine.end if span(row) else mine.octets
        if mine.end == row["seq"] + span(row):
            mine.raw_end = (row["seq_raw"] + span(row)) % 2**32
    if row["ack"] is not None and "RST" not in row["flags"]:
        mine.acked = max(mine.acked or 0, row["ack"])
        mine.edge = row["right_edge"]
    mine.in_syn += row["length"] if "SYN" in row["flags"] else 0
    mine.data_segments += row["length"] > 0 and "SYN" not in row["flags"]
    mine.windows += "SYN" not in row["flags"] and "RST" not in row["flags"]


def seen(row, mine, peer):
    """What follows from numbers and windows alone."""
    quiet = not {"SYN", "FIN", "RST"} & set(row["flags"].split(","))
    if row["window_raw"] == 0 and quiet:
        yield "zero_window"
    if row["label"] == "out_of_window":
        return
    if row["seq"] is not None and mine.end is not None and row["seq"] > mine.end and "RST" not in row["flags"]:
        yield "lost_segment"
    if row["ack"] is not None and peer.end is not None and row["ack"] > peer.end and "RST" not in row["flags"]:
        yield "ack_lost_segment"
    if row["length"] and quiet and row["seq"] is not None and row["seq"] + row["length"] == peer.edge:
        yield "window_full"


# --- why they differ -------------------------------------------------------------------------------------------

COPY = "one transmission that was seen twice: the same IP ID, or the same in every field"
NOTHING_OUTSTANDING = "RFC 5681 2: a duplicate ACK needs data outstanding, and all that was seen is acknowledged"
NOT_CAPTURED = "the peer's segments were not captured, and no SACK block tells that any are outstanding"
KNOWN_CAUSE = "an answer to what is not acceptable: a challenge ACK, or TIME_WAIT's"
NOT_SCALED = "the window before was that of a SYN, which is never scaled: no change can be told"
NEW_BLOCKS = "RFC 6675 2: new SACK blocks make a duplicate ACK, whatever the window"
SENT_AGAIN = "sent again, not overtaken: IP ID, TSval, or signs of a loss before it; tshark asks only how soon it comes"
OVERTAKEN = "overtaken: an older acknowledgement, IP ID or TSval than that of the segment before it"
SKIPPED_IDS = "seen once, but the IP IDs that its sender used up show that a copy was lost before the capture"
PROBE = "the peer's window is zero: a window probe of Linux (SND.UNA - 1, no octets), or its answer"
WRITTEN = "one octet that was written, and not acknowledged: sent again, no keep-alive"
ANOTHER = "a SYN, a reset or numbers that belong to no octet of this connection"
FIRST = "its octets are seen for the first time, in their order: only a bare segment came before it"
SYN_ONCE_MORE = "simultaneous open: the SYN once more with an ACK (RFC 9293 3.10.7.3, fourth)"
SHORT_FRAME = (
    "the frames are shorter than their IP packets: tshark counts the octets of the frame, we those of the header"
)
CAPTURED = "what it acknowledges was captured, by the numbers as they stand: tshark follows them no more after a gap"
RESET = "a reset: its acknowledgement and its octets are none of the stream's (RFC 9293 3.5.3)"
SCALE = "begun after the SYNs: where the scale is not known, tshark looks for no full window, we infer it"
FAST_OPEN = "the server took none of the SYN's data (RFC 7413 4.2): the client sends them now, in the ordinary way"
RANDOM = "octets that were made at random"


def reason(word, by_tshark, f):
    """The reason for a difference about one word of ``LABELLED``; None: there is none."""
    if f.file == "fuzz-72.pcap":
        return RANDOM
    if word in SEEN:
        return numbers(word, by_tshark, f)
    if by_tshark:
        return tshark_alone(word, f)
    if word == "retransmission":
        if f.cause == "lost_before":
            return SKIPPED_IDS
        return SENT_AGAIN if "out_of_order" in f.tshark else WRITTEN if "keep_alive" in f.tshark else None
    if word in ("window_probe", "window_probe_ack"):
        return PROBE
    if word == "reordered":
        return OVERTAKEN
    if word == "keep_alive_ack":
        return NOT_SCALED if "window_update" in f.tshark and f.windows == 0 else None
    return NEW_BLOCKS if word == "duplicate_ack" and f.reported else None


def numbers(word, by_tshark, f):
    if f.file == "6syns.dmp.gz":
        return SHORT_FRAME
    if word == "window_full":
        return SCALE if f.midstream and not by_tshark else None
    if "SYN" in f.flags:
        return ANOTHER
    if word == "ack_lost_segment" and by_tshark and f.acknowledges_seen:
        return CAPTURED
    return RESET if "RST" in f.flags or "rst" in f.file else None


def tshark_alone(word, f):
    if f.label == "duplicate":
        return COPY if f.copy else None
    if word == "duplicate_ack":
        if f.label in ("challenge_ack", "time_wait_ack"):
            return KNOWN_CAUSE
        if f.label == "reordered":
            return OVERTAKEN
        if f.outstanding is None:
            return NOT_CAPTURED
        return NOTHING_OUTSTANDING if f.outstanding <= 0 else None
    if word == "window_update":
        return NOT_SCALED if f.windows == 0 else NEW_BLOCKS if f.label == "duplicate_ack" and f.reported else None
    if word == "reordered":
        return SENT_AGAIN if f.label == "retransmission" else ANOTHER if f.label == "out_of_window" else None
    if word in ("keep_alive", "keep_alive_ack"):
        if f.label == "reordered":
            return OVERTAKEN
        if f.label in ("window_probe", "window_probe_ack"):
            return PROBE
        return WRITTEN if f.label == "retransmission" else None
    if word == "retransmission":
        if f.label == "out_of_window":
            return ANOTHER
        if f.label == "reordered":
            return OVERTAKEN
        if f.only_in_syn:
            return FAST_OPEN
        return SYN_ONCE_MORE if f.flags == "SYN,ACK" else FIRST if f.fresh else None
    return None


@functools.cache
def compared(paths):
    """(agreements by word, differences by (word, by whom, reason), and those frames)."""
    both, differ, where = Counter(), Counter(), {}
    for f in (f for path in paths for f in frames(path)):
        for word, flags in (LABELLED | {name: (name,) for name in SEEN}).items():
            by_tshark, by_us = bool(f.tshark & set(flags)), word == f.label or word in f.ours
            if by_tshark and by_us:
                both[word] += 1
            elif by_tshark != by_us:
                key = (word, "tshark" if by_tshark else "pcapstate", reason(word, by_tshark, f))
                differ[key] += 1
                where.setdefault(key, []).append(f)
    return both, differ, where


CORPUS_PATHS = tuple(CORPUS / file for file in FILES)
TRUTH_PATHS = tuple(TRUTH / name for name in MIDDLES)

SETS = {"corpus": CORPUS_PATHS, "truth": TRUTH_PATHS}

AGREED = {
    "corpus": {
        "retransmission": 122, "reordered": 1, "window_update": 115, "duplicate_ack": 915, "lost_segment": 16,
        "ack_lost_segment": 8, "window_full": 2, "zero_window": 16,
    },
    "truth": {
        "retransmission": 41, "reordered": 19, "keep_alive": 4, "keep_alive_ack": 3, "window_update": 11,
        "duplicate_ack": 110, "lost_segment": 32, "window_full": 101, "zero_window": 11,
    },
}  # fmt: skip
"""How often both say it. What only one says is the business of ``reason``."""

SHARE = {"corpus": 0.969, "truth": 0.78}
"""Of the frames on which both say the same, in every word; in the truth most of the others have new SACK blocks."""


@pytest.mark.parametrize("name", SETS)
def test_every_difference_has_its_reason(name):
    _, _, where = compared(SETS[name])
    none = {key: [(f.file, f.number) for f in found] for key, found in where.items() if key[-1] is None}
    assert none == {}


@pytest.mark.parametrize("name", SETS)
def test_how_often_they_agree(name):
    both, _, _ = compared(SETS[name])
    assert {word: min(both[word], count) for word, count in AGREED[name].items()} == AGREED[name]


@pytest.mark.parametrize("name", SETS)
def test_the_frames_on_which_they_agree(name):
    _, _, where = compared(SETS[name])
    total = sum(len(frames(path)) for path in SETS[name])
    differ = {(f.file, f.number) for found in where.values() for f in found}
    assert 1 - len(differ) / total >= SHARE[name]


def test_zero_windows_are_the_same_everywhere():
    for paths in SETS.values():
        assert not [key for key in compared(paths)[1] if key[0] == "zero_window"]


@pytest.fixture(scope="module")
def segtruth():
    spec = importlib.util.spec_from_file_location("segtruth", SHARED / "truth" / "segtruth.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", MIDDLES)
def test_where_the_truth_is_known_it_is_not_tsharks(name, segtruth):
    """From the captures at both ends: in each difference about what a segment was, it was what we call it."""
    want = segtruth.truth(str(TRUTH / name).removesuffix(".middle.pcap"))
    for (word, by_whom, _), found in compared((TRUTH / name,))[2].items():
        if word in segtruth.LABELS:
            for f in (f for f in found if f.number in want):  # it knows nothing of bare acknowledgements
                assert (want.get(f.number) == word) == (by_whom == "pcapstate"), (word, f)
