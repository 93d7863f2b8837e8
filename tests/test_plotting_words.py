"""The words beside an arrow."""

from __future__ import annotations

import plot_data
import pytest
from plot_data import segment

from pcapstate.plotting.facts import records
from pcapstate.plotting.layout.words import count_words, mark_words, octets, segment_words


def row(*arguments, **more):
    """A segment as the layout hands it on."""
    return records(plot_data.table("segments", [segment(*arguments, **more)]))[0]


def test_a_syn_with_what_it_offers():
    syn = row(0.0, "client", "SYN", 0, window=64240, mss=1460, window_scale=7)
    assert segment_words(syn) == "SYN  seq=0  win=64240  mss=1460  wscale=7"


def test_acknowledgement_of_a_syn_is_its_number_plus_one():
    answer = row(0.0, "server", "SYN,ACK", 0, 1, window=65160, mss=1460)
    assert segment_words(answer, covers=True) == "SYN,ACK  seq=0  ack=0+1  win=65160  mss=1460"
    assert segment_words(answer) == "SYN,ACK  seq=0  ack=1  win=65160  mss=1460"


def test_raw_numbers():
    answer = row(0.0, "server", "SYN,ACK", 0, 1, window=65160)
    words = segment_words(answer, numbers="raw", covers=True)
    assert words == "SYN,ACK  seq=4000000000  ack=1000000000+1  win=65160"


def test_a_raw_sum_does_not_run_under_zero():
    answer = row(0.0, "server", "ACK", 0, 1) | {"ack_raw": 0}
    assert "ack=4294967295+1" in segment_words(answer, numbers="raw", covers=True)


def test_data_with_sack():
    data = row(0.0, "client", "PSH,ACK", 1, 501, length=100, window=1000, sack="2001-3001,4001-5001")
    assert segment_words(data) == "PSH,ACK  seq=1  ack=501  len=100  win=1000  sack=2001-3001,4001-5001"


def test_of_many_sack_blocks_the_first_two():
    data = row(0.0, "client", "ACK", 1, 501, sack="1-2,3-4,5-6")
    assert segment_words(data).endswith("sack=1-2,3-4…")


def test_a_window_of_unknown_scale_stands_as_it_is():
    assert segment_words(row(0.0, "client", "ACK", 1, 1, window=None)).endswith("win=502 (unscaled)")


def test_without_relative_numbers_raw_ones():
    data = row(0.0, "client", "ACK", 1, 1) | {"seq": None, "ack": None}
    assert segment_words(data).startswith("ACK  seq=1000000001  ack=4000000001")
    assert "seq=?" in segment_words(data | {"seq_raw": None})


def test_a_number_before_the_first_is_given_as_it_stands():
    reset = row(0.0, "server", "RST,ACK", -1, 1, window=0, seq_raw=0)
    assert segment_words(reset, covers=True) == "RST,ACK  seq=0  ack=0+1"


def test_a_segment_without_flags():
    assert segment_words(row(0.0, "client", "", 1)).startswith("no flags  seq=1")


def test_no_other_kind_of_numbers():
    with pytest.raises(ValueError, match="numbers is 'hex'; it may be relative or raw"):
        segment_words(row(0.0, "client", "ACK", 1), numbers="hex")


@pytest.mark.parametrize(
    ("label", "cause", "words"),
    [
        ("", "", ""),
        ("retransmission", "fast", "retransmission (fast)"),
        ("retransmission", "tail_probe", "retransmission (tail loss probe)"),
        ("retransmission", "unknown", "retransmission"),
        ("duplicate", "network", "duplicate (by the network)"),
        ("time_wait_ack", "", "ACK out of TIME_WAIT"),
        ("window_probe", "", "window probe"),
        ("", "lost_after", "lost after the capture point"),
        ("", "lost_in_capture", "acknowledges what the capture missed"),
        ("", "no_effect", "no effect: lost, or ignored"),
        ("", "timeout", ""),
    ],
)
def test_what_was_odd(label, cause, words):
    assert mark_words(label, cause) == words


def test_counts():
    assert count_words(1, "segment") == "1 segment"
    assert count_words(1204, "segment") == "1,204 segments"
    assert count_words(2, "box", "boxes") == "2 boxes"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 octet"),
        (9999, "9,999 octets"),
        (14480, "14.5 kB"),
        (1_450_000, "1.45 MB"),
        (2.5e9, "2.5 GB"),
        (5e12, "5,000 GB"),
    ],
)
def test_octets(count, words):
    assert octets(count) == words
