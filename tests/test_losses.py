"""replay/losses.py: what acknowledgements tell of earlier transmissions, in ladders."""

from __future__ import annotations

import pytest
from ladders import COMPILED, INTERPRETED, back, both_speeds, labels_of, replayed, rows_of, sent

from pcapstate.replay import transmissions
from pcapstate.replay.losses import RELABELS_A_SEGMENT
from pcapstate.schema import MISSING

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=9000>                --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=60000> <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000>      --> ESTABLISHED   +0.020
"""
TWICE = sent(100, 1000) + sent(100, 1000, 0.300)


def labels(text, changes=None, **every):
    return labels_of(rows_of(OPEN + text, changes, **every))[3:]


def counts(text, changes=None, **every):
    """(lost before, lost after) of the client."""
    flows = both_speeds(rows_of(OPEN + text, changes, **every)).table("flows")
    return int(flows["client_lost_before"][0]), int(flows["client_lost_after"][0])


def proofs(text, changes=None):
    table = both_speeds(rows_of(OPEN + text, changes)).table("segments")
    return [None if proof == MISSING else int(proof) for proof in table["proof"]][3:]


def stamped(rows, marks):
    """Timestamps on every segment: (TSval, TSecr) by place."""
    for place, row in enumerate(rows):
        row["tsval"], row["tsecr"] = marks[place]
    return rows


# --- where it was lost -----------------------------------------------------------------------------------------


def test_what_was_seen_and_had_to_be_sent_again_was_lost_after_the_capture_point():
    text = TWICE + back(1100, 0.020)
    assert labels(text)[0] == ("", "lost_after")
    assert proofs(text)[0] == 5
    assert counts(text) == (0, 1)


def test_what_is_seen_for_the_first_time_when_it_is_sent_again_was_lost_before_it():
    """The label of the segment that skipped it tells so."""
    text = sent(100, 1000) + sent(2100, 1000) + back(1100, 0.020) + sent(1100, 1000, 0.300) + back(3100, 0.020)
    assert labels(text)[1] == ("", "lost_before")
    assert proofs(text)[1] == 7
    assert counts(text) == (1, 0)


def test_what_is_acknowledged_and_never_seen_is_missing_in_the_capture_only():
    text = sent(100, 1000) + sent(2100, 1000) + back(3100, 0.020)
    assert labels(text)[1] == ("", "lost_in_capture")
    assert proofs(text)[1] == 6
    assert counts(text) == (0, 0)


def test_beyond_the_highest_octet_too():
    assert counts(sent(100, 1000) + back(5000, 0.020) + sent(5000, 10)) == (0, 0)
    assert labels(sent(100, 1000) + back(5000, 0.020) + sent(5000, 10))[-1] == ("", "")


def test_two_copies_too_many_are_two_losses():
    text = TWICE + sent(100, 1000, 0.600) + back(1100, 0.020)
    assert counts(text) == (0, 2)


# --- needless transmissions ------------------------------------------------------------------------------------


def test_an_answer_that_comes_too_soon_is_to_the_first_copy():
    """A round trip to the server takes 20 ms; the acknowledgement comes 5 ms after the second copy."""
    text = TWICE + back(1100, 0.005)
    assert labels(text)[:2] == [("", ""), ("retransmission", "spurious")]
    assert proofs(text)[1] == 6
    assert counts(text) == (0, 0)


@pytest.mark.parametrize(("tsecr", "cause"), [(10, "spurious"), (310, "timeout")])
def test_eifel(tsecr, cause):
    """RFC 3522: the acknowledgement echoes the TSval of the copy that arrived first."""
    rows = rows_of(OPEN + TWICE + back(1100, 0.020), ip_id=0)
    stamped(rows, [(1, 0), (501, 1), (5, 501), (10, 501), (310, 501), (830, tsecr)])
    assert labels_of(rows)[4] == ("retransmission", cause)


@pytest.mark.parametrize(("tsecr", "cause"), [(10, "spurious"), (9, "spurious"), (412, "tail_probe")])
def test_eifel_above_the_left_edge(tsecr, cause):
    """That of several segments echoes the first (RFC 7323 4.3): an older echo tells from the third on."""
    three = "".join(sent(100 + 1000 * i, 1000, 0.0001) for i in range(3))
    rows = rows_of(OPEN + three + sent(2100, 1000, 0.400) + back(3100, 0.020), ip_id=0)
    stamped(rows, [(1, 0), (501, 1), (5, 501), (9, 501), (9, 501), (10, 501), (412, 501), (930, tsecr)])
    assert labels_of(rows)[6] == ("retransmission", cause)


SACKED = {"sacks": 1, "sack_left0": 100, "sack_right0": 1100}


def test_dsack():
    """RFC 2883: a first block below the acknowledgement names octets that arrived twice."""
    text = TWICE + back(1100, 0.020) + back(1100, 0.001)
    assert labels(text)[:2] == [("", "lost_after"), ("retransmission", "timeout")]
    assert labels(text, {6: SACKED})[:2] == [("", ""), ("retransmission", "spurious")]
    assert proofs(text, {6: SACKED})[1] == 7
    assert counts(text, {6: SACKED}) == (0, 0)


def test_dsack_within_a_block():
    """RFC 2883 4: above the acknowledgement it lies within the second block."""
    text = sent(100, 1000) + sent(1100, 1000) + sent(1100, 1000, 0.300) + back(100, 0.030)
    blocks = {"sacks": 2, "sack_left0": 1100, "sack_right0": 2100, "sack_left1": 1100, "sack_right1": 2100}
    assert labels(text, {6: blocks})[2][1] == "spurious"


def test_dsack_of_a_part_names_nothing():
    """It may be about another cut of the octets: a row that it does not cover stays as it was."""
    text = TWICE + back(1100, 0.020) + back(1100, 0.001)
    assert labels(text, {6: {**SACKED, "sack_right0": 600}})[1] == ("retransmission", "timeout")


# --- signs of a loss -------------------------------------------------------------------------------------------

FOUR = "".join(sent(100 + 1000 * i, 1000) for i in range(4))


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_the_highest_of_all_blocks_counts(blocks):
    """What lies below the highest octet that was reported is missing."""
    sack = {"sacks": blocks}
    for i in range(blocks):
        sack |= {f"sack_left{i}": 2100 + 100 * i, f"sack_right{i}": 2150 + 100 * i}
    text = FOUR + back(1100, 0.020) + sent(1100, 1000, 0.025)
    assert labels(text, {7: sack})[-1] == ("retransmission", "fast")


def test_the_first_sign_stays_the_proof_of_its_time():
    """Later ones are newer proofs; with the next acknowledgement it all begins anew."""
    text = (
        FOUR + back(100, 0.020) + back(100) * 3 + sent(100, 1000, 0.020) + back(1100, 0.040) + sent(1100, 1000, 0.021)
    )
    assert [cause for _, cause in labels(text)[-3:]] == ["fast", "", "fast"]


def test_a_repair_is_over_at_the_recovery_point():
    """RFC 6675: when all that was sent before it is acknowledged. What is sent twice then is another matter."""
    text = FOUR + sent(100, 1000, 0.300) + back(4100, 0.040) + sent(4100, 1000) + sent(4100, 1000, 0.100)
    assert labels(text)[-1] == ("retransmission", "tail_probe")
    text = FOUR + sent(100, 1000, 0.300) + back(2100, 0.040) + sent(3100, 1000, 0.100)
    assert labels(text)[-1] == ("retransmission", "timeout")


# --- limits ----------------------------------------------------------------------------------------------------


def test_one_acknowledgement_names_so_many_and_no_more():
    count = 2 * RELABELS_A_SEGMENT
    text = "".join(sent(100 + 10 * i, 10, 0.0001) for i in range(count)) * 2 + back(100 + 10 * count, 0.300)
    rows = rows_of(OPEN.replace("60000", "65000") + text)
    causes = [cause for _, cause in labels_of(rows)]
    assert causes.count("lost_after") == RELABELS_A_SEGMENT // 2
    assert replayed(rows).table("flows")["client_lost_after"][0] == count


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_rows_that_were_given_up_are_passed_over(speed, monkeypatch):
    """The acknowledgement goes on from the lowest row that is left."""
    monkeypatch.setattr(transmissions, "MOST_SENT", 1)
    count = 1100
    text = "".join(sent(100 + 10 * i, 10, 0.0001) for i in range(count))
    rows = rows_of(OPEN + text + sent(100 + 10 * count - 10, 10, 0.300) + back(100 + 10 * count, 0.030))
    result = replayed(rows, speed=speed)
    assert result.table("flows")["client_lost_after"][0] == 1
