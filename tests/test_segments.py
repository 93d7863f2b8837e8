"""replay/segments.py: the tables with rows for packets."""

from __future__ import annotations

import numpy as np
import pytest
from ladders import COMPILED, INTERPRETED, chunk_of, replayed, segments_of

from pcapstate.replay.segments import KEPT, flag_words, narrow
from pcapstate.schema import MISSING, SEGMENTS, WINDOWS

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=10>  --> ESTABLISHED
"""


def test_flags_are_named_syn_first_then_as_the_bits_stand():
    words = flag_words()
    assert words[0] == ""
    assert words[0x012] == "SYN,ACK"
    assert words[0x019] == "FIN,PSH,ACK"
    assert words[0x0C2] == "SYN,ECE,CWR"
    assert len(words) == 512


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_what_is_kept_is_narrow_and_the_same_at_both_speeds(speed):
    chunk = chunk_of(segments_of(OPEN).rows, speed)
    kept = narrow(speed, chunk.segments, chunk.count)
    assert kept.dtype == KEPT
    assert kept["seq"].tolist() == [99, 299, 100, 100]
    assert kept["mss"].tolist() == [-1] * 4


def test_a_segment_is_kept_in_less_than_160_octets():
    assert KEPT.itemsize <= 160


def test_columns_and_what_is_missing():
    made = segments_of(OPEN)
    made.rows[0].update(mss=1460, window_scale=7)
    table = replayed(made.rows).table("segments")
    assert tuple(table) == SEGMENTS.names
    assert table["mss"].tolist() == [1460, MISSING, MISSING, MISSING]
    assert table["ack_raw"].tolist() == [MISSING, 100, 300, 300]
    assert [table["flags"].words[code] for code in table["flags"].codes] == ["SYN", "SYN,ACK", "ACK", "PSH,ACK"]
    assert table["tsval"].tolist() == [MISSING] * 4


def test_sack_blocks_are_relative_to_the_peer():
    made = segments_of(OPEN + "ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=ACK>   <-- ESTABLISHED\n")
    made.rows[-1].update(sacks=2, sack_left0=105, sack_right0=110, sack_left1=120, sack_right1=130)
    table = replayed(made.rows).table("segments")
    words = [table["sack"].words[code] if code >= 0 else None for code in table["sack"].codes]
    assert words == [None] * 4 + ["6-11,21-31"]


def test_sequence_numbers_that_wrapped_stay_relative():
    made = segments_of(OPEN)
    for row in made.rows:
        shift = 2**32 - 105 if row["sport"] == 40000 else 0
        row["seq"] = (row["seq"] + shift) % 2**32
        if row["sport"] == 80:
            row["ack"] = (row["ack"] + 2**32 - 105) % 2**32
    table = replayed(made.rows).table("segments")
    assert table["seq"].tolist() == [0, 0, 1, 1]
    assert table["seq_raw"].tolist()[0] == 2**32 - 6


def test_a_row_of_windows_for_every_change():
    made = segments_of(
        OPEN
        + """
ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK><WND=1000>     <-- ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK><WND=0>        <-- ESTABLISHED
ESTABLISHED   <-- <SEQ=300><ACK=110><CTL=ACK><WND=500>      <-- ESTABLISHED
"""
    )
    table = replayed(made.rows).table("windows")
    assert tuple(table) == WINDOWS.names
    server = table["side"] == 1
    assert table["window"][server].tolist()[-2:] == [0, 500]
    states = [WINDOWS["state"].words[code] for code in table["state"][server]]
    assert states[-2:] == ["zero", "open"]
    assert (np.diff(table["frame"]) > 0).all()
