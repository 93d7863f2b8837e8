"""``stream`` and ``completeness`` beside tshark's tcp.stream and tcp.completeness, frame by frame, on the corpus."""

from __future__ import annotations

import pytest
from expectations import CORPUS, capture, frames, manifest, needs_tshark

import pcapstate as ps

pytestmark = [*needs_tshark, pytest.mark.slow]

NOT_READ = {
    "dnscap/test-dns.pcap.xz": "tshark 4.0 does not know xz",
}
OTHER_FRAMES = {
    "tcpdump/bigtcp-ipv6.pcap": (
        [], [1], "a length of 0 and no hop-by-hop option: tshark takes it for an IPv6 packet without payload",
    ),
    "wireshark/examples-test.cap": (
        [24, 38, 57], [], "the IP header says 39 octets, too few for both headers: no receiver takes that for TCP",
    ),
}  # fmt: skip
"""Frames that are TCP only for tshark, and those that are only for us, with the reason."""

ANNOUNCED = {("tcptrace/rawppp.pcap.gz", 1): "FTP's PORT command announced it, so its SYN is not its first frame"}

FILES = [row["file"] for row in manifest()]
SYN, SYN_ACK, ACK, DATA, FIN, RST = 1, 2, 4, 8, 16, 32


def streams(file):
    """Frame to stream as tshark has it, TCP quoted in ICMP left out."""
    left_out = OTHER_FRAMES.get(file, ([], [], ""))[0]
    return {frame.number: frame.stream for frame in frames(file) if not frame.quoted and frame.number not in left_out}


def our_streams(file):
    cap = capture(file)
    stream = dict(zip(cap.flows["flow"], cap.flows["stream"], strict=True))
    left_out = OTHER_FRAMES.get(file, ([], [], ""))[1]
    rows = zip(cap.segments["frame"], cap.segments["flow"], strict=True)
    return {frame: stream[flow] for frame, flow in rows if frame not in left_out}


def quotes_tcp(file):
    return any(frame.quoted for frame in frames(file))


@pytest.mark.parametrize("file", FILES)
def test_streams_are_tsharks(file):
    if file in NOT_READ:
        pytest.skip(NOT_READ[file])
    theirs, ours = streams(file), our_streams(file)
    if quotes_tcp(file):
        # tshark gives numbers to quoted connections too: the others are the same, and in the same order.
        numbers = {number: i for i, number in enumerate(dict.fromkeys(theirs.values()))}
        theirs = {frame: numbers[stream] for frame, stream in theirs.items()}
    assert ours == theirs


@pytest.mark.parametrize("file", OTHER_FRAMES)
def test_frames_that_only_one_takes_for_tcp(file):
    theirs, ours, why = OTHER_FRAMES[file]
    mine = set(capture(file).segments["frame"])
    tsharks = {frame.number for frame in frames(file) if not frame.quoted}
    assert (sorted(tsharks - mine), sorted(mine - tsharks)) == (theirs, ours), why


def test_the_corpus_quotes_tcp_somewhere():
    assert [file for file in FILES if quotes_tcp(file)] == ["nDPI/6in4tunnel.pcap"]


# --- completeness ----------------------------------------------------------------------------------------------


def bits(segment):
    """What one segment adds, as Wireshark's User's Guide names it and tshark shows it."""
    flags = set(segment["flags"].split(","))
    found = RST if "RST" in flags else 0
    if "SYN" in flags:
        found |= SYN_ACK if "ACK" in flags else SYN
    elif "ACK" in flags and segment["length"] == 0:
        found |= ACK
    if segment["length"] and flags & {"ACK", "SYN"}:
        found |= DATA
    return found | (FIN if {"FIN", "ACK"} <= flags else 0)


def together(segments):
    found = 0
    for segment in segments:
        found |= bits(segment)
    return found


@pytest.mark.parametrize("file", FILES)
def test_completeness_is_that_of_the_segments(file):
    cap = capture(file)
    for flow, segments in cap.segments.groupby("flow"):
        assert cap.flows["completeness"][flow] == together(segments.to_dict("records"))


@pytest.mark.parametrize("file", [file for file in FILES if file not in NOT_READ])
def test_completeness_is_tsharks(file):
    """What the first frame of a conversation adds, tshark shows from the second on."""
    if quotes_tcp(file):
        pytest.skip("tshark mixes quoted segments in")
    theirs = {frame.stream: frame.completeness for frame in frames(file)}
    cap = capture(file)
    for stream, completeness, flow in zip(
        cap.flows["stream"], cap.flows["completeness"], cap.flows["flow"], strict=True
    ):
        segments = cap.segments[cap.segments["flow"] == flow]
        if stream not in theirs:
            assert list(segments["frame"]) == OTHER_FRAMES[file][1]
        elif (file, stream) in ANNOUNCED:
            assert theirs[stream] == completeness - SYN, ANNOUNCED[file, stream]
        elif len(segments) == 1:
            assert theirs[stream] in (completeness, 0)
        else:
            assert theirs[stream] == completeness


def test_every_file_is_there():
    assert len(FILES) >= 150
    assert all((CORPUS / file).is_file() for file in FILES)
    assert isinstance(capture(FILES[0]), ps.Capture)
