"""replay/verdicts.py and replay/sentences.py: how it was opened, who closed, why, in words with frames."""

from __future__ import annotations

import numpy as np
import pytest
from ladders import replayed, segments_of

from pcapstate.replay.sentences import PROOFS, sentences
from pcapstate.replay.verdicts import POINTS
from pcapstate.schema import CLOSE_CALLS, CLOSE_REASONS, CLOSED_BY, OPENED

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN>                         --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK>           <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK>               --> ESTABLISHED
"""
CLIENT_FIN = "FIN_WAIT_1    --> <SEQ=100><ACK=300><CTL=FIN,ACK>           --> CLOSE_WAIT\n"
SERVER_FIN = "TIME_WAIT     <-- <SEQ=300><ACK=101><CTL=FIN,ACK>           <-- LAST_ACK\n"


def verdict(text):
    flows = replayed(segments_of(text).rows).table("flows")
    words = (OPENED, CLOSED_BY, CLOSE_REASONS)
    names = ("opened", "closed_by", "close_reason")
    return tuple(w[flows[n][0]] for w, n in zip(words, names, strict=True)), flows["note"][0]


@pytest.mark.parametrize(
    ("text", "expected", "said"),
    [
        (OPEN, ("three_way", "none", "still_open"), "Not closed within the capture."),
        (OPEN + CLIENT_FIN, ("three_way", "client", "half_closed"), "(FIN in frame 4), which nobody"),
        (
            OPEN + CLIENT_FIN + "FIN_WAIT_2    <-- <SEQ=300><ACK=101><CTL=ACK>               <-- CLOSE_WAIT\n",
            ("three_way", "client", "half_closed"),
            "acknowledged in frame 5); the server has not closed: it is in CLOSE_WAIT.",
        ),
        (OPEN + CLIENT_FIN + SERVER_FIN, ("three_way", "client", "fin"), "the server after it (frame 5), whose FIN"),
        (
            OPEN + CLIENT_FIN + "CLOSING       <-- <SEQ=300><ACK=100><CTL=FIN,ACK>           <-- CLOSING\n",
            ("three_way", "both", "fin"),
            "Both closed at once: their FINs crossed (frames 4 and 5).",
        ),
        ("SYN_SENT --> <SEQ=99><CTL=SYN> -->\n", ("unanswered", "none", "unanswered"), "to the SYN (frame 1)."),
        (
            "SYN_SENT --> <SEQ=99><CTL=SYN> -->\nSYN_SENT --> <SEQ=99><CTL=SYN> -->  +1.000\n",
            ("unanswered", "none", "unanswered"),
            "nothing came back to the SYN (frame 1, sent twice).",
        ),
        (
            "SYN_SENT --> <SEQ=99><CTL=SYN> -->\nCLOSED <-- <SEQ=0><ACK=100><CTL=RST,ACK><WND=0> <--\n",
            ("refused", "server", "refused"),
            "with a reset (frame 2): nobody listens there.",
        ),
        (
            "SYN_SENT --> <SEQ=99><CTL=SYN> -->\nSYN_SENT ... <SEQ=299><ACK=100><CTL=SYN,ACK> <-- SYN_RECEIVED\n",
            ("half_open", "none", "still_open"),
            "Half-open: the SYN,ACK (frame 2) was never acknowledged.",
        ),
        (
            "SYN_SENT --> <SEQ=99><CTL=SYN> -->\nSYN_SENT <-- <SEQ=299><ACK=7><CTL=SYN,ACK> <-- LISTEN\n",
            ("half_open", "none", "bad_handshake"),
            "Not opened: the SYN,ACK (frame 2) acknowledges what the client did not send.",
        ),
        ("ESTABLISHED --> <SEQ=99><ACK=7><CTL=ACK> --> ESTABLISHED\n", ("midstream", "none", "still_open"), "a guess"),
        (
            OPEN
            + "ESTABLISHED   --> <SEQ=100><ACK=300><CTL=PSH,ACK><DATA=5>   --> CLOSED\n"
            + "CLOSED        <-- <SEQ=300><CTL=RST><WND=0>                 <-- CLOSED\n",
            ("three_way", "server", "no_socket"),
            "had no such connection any more: the reset (frame 5) answers frame 4.",
        ),
    ],
)  # fmt: skip
def test_verdicts(text, expected, said):
    found, note = verdict(text)
    assert found == expected
    assert said in note


@pytest.mark.parametrize(
    ("to_server", "to_client", "point"),
    [("0.000100", "0.030", "at the server"), ("0.030", "0.000100", "at the client"), ("0.030", "0.010", "between")],
)
def test_capture_point(to_server, to_client, point):
    text = OPEN.replace("<-- SYN_RECEIVED", f"<-- SYN_RECEIVED  +{to_server}").replace(
        "--> ESTABLISHED", f"--> ESTABLISHED  +{to_client}"
    )
    flows = replayed(segments_of(text).rows).table("flows")
    assert flows["capture_point"].words[flows["capture_point"].codes[0]] == point
    assert point in POINTS


def test_without_an_answer_the_capture_point_is_unknown():
    flows = replayed(segments_of("SYN_SENT --> <SEQ=99><CTL=SYN> -->\n").rows).table("flows")
    assert flows["capture_point"].codes.tolist() == [-1]


@pytest.mark.parametrize("reason", CLOSE_REASONS)
@pytest.mark.parametrize("opened", OPENED)
def test_every_verdict_has_a_sentence(opened, reason):
    """Whatever the codes, what comes out is one or two whole sentences without empty places."""
    columns = {
        "opened": np.array([OPENED.index(opened)]),
        "closed_by": np.array([0]),
        "close_reason": np.array([CLOSE_REASONS.index(reason)]),
        "client_close_call": np.array([CLOSE_CALLS.index("close")]),
        "server_close_call": np.array([CLOSE_CALLS.index("shutdown_write")]),
        **{f"_proof_{name}": np.array([7]) for name in PROOFS},
        "_proof_reset_by": np.array([1]),
    }
    (text,) = sentences(columns)
    assert text.endswith(".")
    assert "{" not in text
    assert "  " not in text


@pytest.mark.parametrize(
    ("captured", "said"),
    [
        ((1, 1, 1), "(frames 1, 2, 3)."),
        ((0, 1, 1), "(SYN,ACK in frame 1, ACK in frame 2; SYN not captured)."),
        ((1, 0, 1), "(SYN in frame 1, ACK in frame 2; SYN,ACK not captured)."),
        ((0, 1, 0), "(SYN,ACK in frame 1; SYN and ACK not captured)."),
    ],
)
def test_a_sentence_names_no_frame_that_was_not_captured(captured, said):
    lines = [
        line if there else line + "  (not captured)"
        for line, there in zip(OPEN.strip().splitlines(), captured, strict=True)
    ]
    data = "ESTABLISHED   <-- <SEQ=300><ACK=100><CTL=PSH,ACK><DATA=5>   <-- ESTABLISHED\n"
    (_, _, _), note = verdict("\n".join(lines) + "\n" + data)
    assert note == f"Opened by a three-way handshake {said} Not closed within the capture."


def test_a_last_fin_without_an_acknowledgement_is_said():
    text = OPEN + CLIENT_FIN + SERVER_FIN
    assert verdict(text)[1].endswith("the server after it (frame 5), whose FIN was not seen acknowledged.")
    acked = text + "TIME_WAIT     --> <SEQ=101><ACK=301><CTL=ACK>               --> CLOSED\n"
    assert verdict(acked)[1].endswith("the server after it (frame 5).")


def test_who_gave_up_before_the_answer_came():
    text = OPEN.partition("ESTABLISHED   -->")[0] + "CLOSED --> <SEQ=100><CTL=RST><WND=0> --> LISTEN\n"
    assert verdict(text) == (
        ("aborted", "client", "abort"),
        "Not opened: the client had given up when the SYN,ACK came (frame 2), and answers it with a reset (frame 3).",
    )
