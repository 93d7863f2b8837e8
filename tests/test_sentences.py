"""replay/sentences.py: one sentence for each connection, whatever way many of them are made at once."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import SAMPLES, SHARED
from ladders import replayed, segments_of

from pcapstate import pipeline
from pcapstate.replay.sentences import CODES, FRAMES, PROOFS, _sentence, sentences

CAPTURES = sorted([*SAMPLES.glob("*.pcap"), *(SHARED / "truth" / "captures").glob("*.pcap")])


def one_by_one(flows):
    """The sentences, each made from its own numbers."""
    out = []
    for row in range(len(flows["opened"])):
        proof = {name: int(flows[f"_proof_{name}"][row]) for name in PROOFS}
        out.append(_sentence([int(flows[name][row]) for name in CODES], proof))
    return out


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_patterns_give_what_one_sentence_after_another_gives(path):
    flows = pipeline.run(str(path)).columns("flows")
    assert sentences(flows).tolist() == one_by_one(flows)


def test_connections_of_one_pattern_name_their_own_frames():
    flows = pipeline.run(str(SAMPLES / "handshake_and_close.pcap")).columns("flows")
    many = {name: np.repeat(flows[name], 3) for name in (*CODES, *(f"_proof_{name}" for name in PROOFS))}
    many["_proof_syn"] = np.array([1, 100, 7])
    many["_proof_server_again"] = np.array([0, 2, 0])
    made = sentences(many)
    assert made.tolist() == one_by_one(many)
    assert [f"(frames {syn}," in text for syn, text in zip((1, 100, 7), made, strict=True)] == [True] * 3
    assert ["2 FINs were sent again" in text for text in made] == [False, True, False]


ONE_SIDED = """
SYN_SENT     --> <SEQ=99><CTL=SYN>                       --> SYN_RECEIVED
ESTABLISHED  <-- <SEQ=299><ACK=100><CTL=SYN,ACK>         <-- SYN_RECEIVED  (not captured)
ESTABLISHED  --> <SEQ=100><ACK=300><CTL=ACK>             --> ESTABLISHED
CLOSE_WAIT   <-- <SEQ=300><ACK=100><CTL=FIN,ACK>         <-- FIN_WAIT_1    (not captured)
CLOSE_WAIT   --> <SEQ=100><ACK=301><CTL=ACK>             --> FIN_WAIT_2
LAST_ACK     --> <SEQ=100><ACK=301><CTL=FIN,ACK>         --> TIME_WAIT
"""


def test_a_fin_that_was_not_captured_has_no_frame_of_its_own():
    """One direction is missing: the acknowledgement in frame 3 shows that there was a FIN."""
    (text,) = sentences(replayed(segments_of(ONE_SIDED).rows).table("flows")).tolist()
    assert "The server closed first (FIN not captured, shown by frame 3), the client after it (frame 4)" in text


def test_frames_that_are_named_are_proofs():
    assert set(FRAMES) <= set(PROOFS)


def test_no_connection_has_no_sentence():
    empty = {name: np.zeros(0, np.int64) for name in (*CODES, *(f"_proof_{name}" for name in PROOFS))}
    assert sentences(empty).tolist() == []
