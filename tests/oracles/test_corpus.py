"""Every capture of the corpus through ``pcapstate analyze``: never a traceback, the right exit code, in time."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from expectations import CORPUS, capture, manifest, needs_corpus

from pcapstate.cli import run

pytestmark = needs_corpus

LONGEST = 10.0
"""Seconds for any file."""

FILES = {row["file"]: row for row in manifest()}
DONE, DAMAGED, WRONG = 0, 1, 2

DAMAGED_FILES = {
    "PcapFlowLab/28_vxlan_unsupported_and_nested_matrix.pcap": "a packet ends within its TCP header",
    "PcapPlusPlus/clusterfuzz-5165927376355328": "the file ends within a packet",
    "PcapPlusPlus/clusterfuzz-5685520970809344": "the file ends within its first packet",
    "PcapPlusPlus/clusterfuzz-5755755617189888": "a packet claims 16 million octets",
    "fpcap/pcapng-example.pcapng.zst": "times far in the future",
    "gopacket/test202.pcapng": "Simple Packet Blocks, which have no time",
    "gopacket/test901.pcapng": "a section of version 2.0, which nobody knows",
    "python-pcapng/test006-fixed.ntar": "a link type that is not read",
    "python-pcapng/test006.ntar": "a link type that is not read",
    "tcpdump/802_15_4-oobr-1.pcap": "a link type that is not read",
    "tcpdump/802_15_4_beacon.pcap": "a link type that is not read",
    "tcptrace/ipfrags.dmp.gz": "fragments without their rest",
    "wireshark/examples-test.cap": "IP lengths too small for the headers",
}
"""What is analyzed as far as it goes: exit code 1, a row in notes, a line on stderr."""


@pytest.mark.parametrize("file", FILES)
def test_analyze(file, capsys):
    begun = time.perf_counter()
    code = run(["analyze", str(CORPUS / file), "--debug"])  # with --debug an error is not caught
    took = time.perf_counter() - begun
    output = capsys.readouterr()
    assert code == (DAMAGED if file in DAMAGED_FILES else DONE), output.err
    assert took < LONGEST
    assert "Traceback" not in output.err + output.out
    assert output.out
    if code == DAMAGED:
        name = file.rpartition("/")[2]
        assert any(line.startswith(f"pcapstate: {name}: ") for line in output.err.splitlines())


@pytest.mark.parametrize("file", DAMAGED_FILES)
def test_what_is_damaged_is_in_the_notes(file):
    notes = capture(file).notes
    assert len(notes[notes["kind"].notna() & notes["file"].notna()])
    assert len(capture(file).problems)


@pytest.mark.parametrize("file", FILES)
def test_packets_and_connections_are_counted_as_tshark_counts_them(file):
    row = FILES[file]
    cap = capture(file)
    frames_only_one_reads = {"wireshark/examples-test.cap": -3, "tcpdump/bigtcp-ipv6.pcap": 0}
    assert len(cap.segments) == int(row["tcp_packets"]) + frames_only_one_reads.get(file, 0)
    if file not in ("PcapPlusPlus/clusterfuzz-5685520970809344",):
        assert cap.packets == int(row["packets"])


def test_what_is_not_a_capture(tmp_path, capsys):
    text = tmp_path / "notes.txt"
    text.write_text("this is a shopping list, not a capture\n" * 20)
    assert run(["analyze", str(text)]) == WRONG
    assert run(["analyze", str(tmp_path / "missing.pcap")]) == WRONG
    assert "missing.pcap" in capsys.readouterr().err


def test_a_process_of_its_own():
    """As a user starts it: nothing of the tests is loaded."""
    file = CORPUS / "zeek" / "get.trace"
    done = subprocess.run(
        [sys.executable, "-m", "pcapstate", "analyze", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (DONE, "")
    assert "14 packets" in done.stdout
