"""replay/copies.py: octets below the highest that was seen of a side, in ladders.

Without marks to tell copies apart the IP IDs of ``ladders`` run: each packet of a side has the next one.
"""

from __future__ import annotations

import pytest
from ladders import back, both_speeds, labels_of, replayed, rows_of, sent

from pcapstate.replay import transmissions
from pcapstate.schema import LABELS, MISSING

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=9000>               --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=60000> <-- SYN_RECEIVED  +0.020
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000>     --> ESTABLISHED   +0.020
"""
NO_MARKS = {"ip_id": 0}
"""IP ID 0 and no timestamps: nothing tells two transmissions apart but time."""


def labels(text, changes=None, **every):
    """(label, cause) of what comes after the handshake."""
    return labels_of(rows_of(OPEN + text, changes, **every))[3:]


def names(text, changes=None, **every):
    return [label for label, _ in labels(text, changes, **every)]


def proofs(text, changes=None, **every):
    table = both_speeds(rows_of(OPEN + text, changes, **every)).table("segments")
    return [None if proof == MISSING else int(proof) for proof in table["proof"]][3:]


def three(wait=0.001):
    return sent(100, 1000) + sent(1100, 1000, wait) + sent(2100, 1000, wait)


# --- sent again, and why ---------------------------------------------------------------------------------------


def test_a_timeout():
    """RFC 6298: the earliest octets that are not acknowledged, after a silence."""
    text = sent(100, 1000) + sent(100, 1000, 0.300) + back(1100, 0.020)
    assert labels(text) == [("", "lost_after"), ("retransmission", "timeout"), ("", "")]
    assert proofs(text)[1] == 4


def test_what_follows_a_timeout_is_the_same_repair():
    """Go-back-N: one after the other, as acknowledgements come."""
    text = three() + sent(100, 1000, 0.300) + back(1100, 0.040) + sent(1100, 1000, 0.020) + sent(2100, 1000)
    assert [cause for _, cause in labels(text)[3:]] == ["timeout", "", "timeout", "timeout"]


def test_three_duplicate_acks():
    """RFC 5681 3.2: the third is the sign; it is the proof."""
    text = three() + sent(3100, 1000) + back(100, 0.020) + back(100) * 3 + sent(100, 1000, 0.020)
    assert labels(text)[-1] == ("retransmission", "fast")
    assert proofs(text)[-1] == 11


def test_a_sack_block_is_a_sign_too():
    text = three() + back(100, 0.020) + sent(100, 1000, 0.020)
    blocks = {6: {"sacks": 1, "sack_left0": 1100, "sack_right0": 3100}}
    assert labels(text, blocks)[-1] == ("retransmission", "fast")
    assert labels(text)[-1] == ("retransmission", "unknown")


def test_a_tail_probe():
    """RFC 8985 7: the last segment again, sooner than a timeout, with no sign of a loss."""
    assert labels(three() + sent(2100, 1000, 0.090))[-1] == ("retransmission", "tail_probe")


def test_it_was_acknowledged_long_ago():
    text = sent(100, 1000) + back(1100, 0.020) + sent(100, 1000, 0.900)
    assert labels(text)[-1] == ("retransmission", "spurious")
    assert proofs(text)[-1] == 5


def test_its_acknowledgement_was_on_the_way():
    """It passed within the round trip to the sender, who cannot have had it."""
    assert labels(sent(100, 1000) + back(1100, 0.290) + sent(100, 1000, 0.010))[-1] == ("retransmission", "crossing")


def test_a_fin_again():
    text = sent(100, 0, flags="FIN,ACK") + sent(100, 0, 0.300, flags="FIN,ACK")
    assert labels(text)[-1] == ("retransmission", "fin")
    text = sent(100, 0, flags="FIN,ACK") + back(101, 0.020) + sent(100, 0, 0.900, flags="FIN,ACK")
    assert labels(text)[-1] == ("retransmission", "fin")


def test_a_syn_again_and_the_syn_ack():
    text = """
SYN_SENT      --> <SEQ=99><CTL=SYN>               --> SYN_RECEIVED
SYN_SENT      --> <SEQ=99><CTL=SYN>               --> SYN_RECEIVED  +1.000
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK> <-- SYN_RECEIVED  +0.020
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK> <-- SYN_RECEIVED  +1.000
"""
    assert labels_of(rows_of(text)) == [
        ("", "lost_after"), ("retransmission", "syn"), ("", ""), ("retransmission", "syn_ack")
    ]  # fmt: skip


def test_a_syn_ack_for_each_syn_is_not_a_copy():
    """Linux gives it the IP ID 0: nothing but the copy of the SYN tells that it was sent anew."""
    text = """
SYN_SENT      --> <SEQ=99><CTL=SYN>               --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK> <-- SYN_RECEIVED  +0.001
SYN_SENT      --> <SEQ=99><CTL=SYN>               --> SYN_RECEIVED  +0.001
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK> <-- SYN_RECEIVED  +0.001
"""
    rows = rows_of(text, {1: {"ip_id": 0}, 3: {"ip_id": 0}})
    assert labels_of(rows)[-1] == ("retransmission", "syn_ack")
    rows[3]["time"] = rows[1]["time"] + 100_000
    assert labels_of([rows[0], rows[1], rows[3]])[-1] == ("duplicate", "network")


def test_simultaneous_open_sends_the_syn_once_more():
    """RFC 9293 3.10.7.3, fourth: SYN,ACK with the number of the SYN. It is no retransmission."""
    text = """
SYN_SENT      --> <SEQ=99><CTL=SYN>               --> SYN_RECEIVED
SYN_SENT      <-- <SEQ=299><CTL=SYN>              <-- SYN_SENT
SYN_RECEIVED  --> <SEQ=99><ACK=300><CTL=SYN,ACK>  --> SYN_RECEIVED
SYN_RECEIVED  <-- <SEQ=299><ACK=100><CTL=SYN,ACK> <-- SYN_RECEIVED
"""
    assert [label for label, _ in labels_of(rows_of(text))] == [""] * 4


def test_a_segment_that_is_cut_anew():
    """Repacketized: the second half of one and the first of the next, then the rest with new octets."""
    text = sent(100, 1000) + sent(1100, 1000) + sent(600, 1000, 0.300) + sent(1600, 1000) + back(2600, 0.020)
    assert names(text) == ["", "", "retransmission", "retransmission", ""]


def test_old_octets_and_new_ones_in_one_segment():
    assert names(sent(100, 1000) + sent(100, 2000, 0.300) + sent(2100, 10)) == ["", "retransmission", ""]


def test_across_the_end_of_the_sequence_space():
    """The numbers wrap within the octets that are sent again (RFC 9293 3.4)."""
    rows = rows_of(OPEN + three() + sent(1100, 1000, 0.300) + back(3100, 0.020))
    for row in rows:
        name = "seq" if row["sport"] == 40000 else "ack"
        row[name] = (row[name] + 2**32 - 1600) % 2**32
    assert [label for label, _ in labels_of(rows)][3:] == ["", "", "", "retransmission", ""]


def test_one_of_many_segments_that_were_captured_as_one():
    """Segmentation offload: the host's capture has 14,480 octets, and later a part of them again."""
    assert names(sent(100, 14480) + sent(1548, 1448, 0.300) + back(14580, 0.020)) == ["", "retransmission", ""]


# --- overtaken -------------------------------------------------------------------------------------------------


def swapped(**marks):
    """The second of three comes last; ``marks`` are fields of those at the places 3, 4, 5."""
    return {3 + i: {name: values[i] for name, values in marks.items()} for i in range(3)}


OVERTAKEN = sent(100, 1000) + sent(2100, 1000) + sent(1100, 1000, 0.0001)


def test_the_ip_id_tells_that_it_was_sent_first():
    assert names(OVERTAKEN, swapped(ip_id=(103, 105, 104))) == ["", "", "reordered"]
    assert proofs(OVERTAKEN, swapped(ip_id=(103, 105, 104)))[-1] == 5


def test_the_ip_id_tells_that_it_was_sent_later():
    """Its first copy was lost before the capture point: what is seen is the second."""
    assert labels(OVERTAKEN, swapped(ip_id=(103, 105, 106)))[-1][0] == "retransmission"


@pytest.mark.parametrize(("tsval", "label"), [(6, "reordered"), (8, "retransmission")])
def test_the_timestamp_tells(tsval, label):
    """RFC 7323 3: TSval never goes back."""
    marks = {place: {"tsval": 5, "tsecr": 1} for place in range(6)} | {4: {"tsval": 7}, 5: {"tsval": tsval}}
    rows = rows_of(OPEN + OVERTAKEN, **NO_MARKS)
    for place, values in marks.items():
        rows[place] |= {"tsval": 5, "tsecr": 1, **values}
    rows[0]["tsecr"] = 0
    assert labels_of(rows)[-1][0] == label


@pytest.mark.parametrize(("wait", "label"), [(0.010, "reordered"), (0.050, "retransmission")])
def test_where_nothing_marks_them_the_round_trip_tells(wait, label):
    """Signs of a loss pass, but sooner than 40 ms after the octets that skipped it none can have come of it."""
    text = sent(100, 1000) + sent(2100, 1000) + back(1100, 0) * 4 + sent(1100, 1000, wait)
    assert names(text, **NO_MARKS)[-1] == label


@pytest.mark.parametrize(("wait", "label"), [(0.001, "reordered"), (0.050, "retransmission")])
def test_where_no_round_trip_is_known_a_few_milliseconds_do(wait, label):
    text = sent(100, 1000) + sent(2100, 1000) + back(1100, 0) * 4 + sent(1100, 1000, wait)
    assert [name for name, _ in labels_of(rows_of(text, **NO_MARKS))][-1] == label


@pytest.mark.parametrize(("wait", "label"), [(0.150, "reordered"), (0.300, "retransmission")])
def test_without_any_sign_of_a_loss_only_a_timeout_sends_again(wait, label):
    text = sent(100, 1000) + sent(2100, 1000) + back(1100, 0.020) + sent(1100, 1000, wait)
    assert names(text, **NO_MARKS)[-1] == label


def test_only_a_bare_segment_overtook_it():
    """An ACK with a later number came first: the octets themselves are in their order."""
    text = sent(100, 1000) + sent(2100) + sent(1100, 1000)
    assert names(text, {4: {"ip_id": 105}, 5: {"ip_id": 104}})[-1] == ""


def test_an_older_mark_below_newer_ones_that_are_older_still():
    """IDs say: sent before what is seen of these octets, but after the octets above them. So it was the second copy."""
    text = sent(100, 1000) + sent(1100, 1000) + sent(100, 1000, 0.010)
    assert names(text, {3: {"ip_id": 112}, 4: {"ip_id": 109}, 5: {"ip_id": 110}})[-1] == "retransmission"


def test_the_second_transmission_came_first():
    """IP IDs: what was taken for the first transmission is the later one; the earlier comes after it."""
    text = sent(100, 1000) + sent(1100, 1000) + sent(100, 1000, 0.010)
    marks = {3: {"ip_id": 110}, 4: {"ip_id": 111}, 5: {"ip_id": 109}}
    assert labels(text, marks) == [("retransmission", "spurious"), ("", ""), ("reordered", "")]


@pytest.mark.parametrize(("first", "label"), [(103, "reordered"), (105, "retransmission")])
def test_octets_of_which_some_had_been_sent_again_come_late(first, label):
    """IP IDs: sent before their repair, and before the segment that opened the hole; or after that one."""
    text = sent(2100, 1000) + sent(100, 1000, 0.300) + sent(100, 2000)
    assert names(text, {3: {"ip_id": 104}, 4: {"ip_id": 107}, 5: {"ip_id": first}}) == ["", "retransmission", label]


# --- copies of one transmission --------------------------------------------------------------------------------


def copied(wait=0.001, **values):
    text = sent(100, 1000) + sent(1100, 1000) + sent(100, 1000, wait)
    return labels(text, {5: values})[-1]


def test_the_same_ip_id_is_a_copy_made_on_the_way():
    assert copied(ip_id=103) == ("duplicate", "network")
    assert copied(wait=0.500, ip_id=103) == ("duplicate", "network")
    assert copied(wait=0.500) == ("retransmission", "timeout")


def test_a_copy_of_the_retransmission():
    text = sent(100, 1000) + sent(100, 1000, 0.300) + sent(100, 1000)
    assert labels(text, {5: {"ip_id": 104}})[-1] == ("duplicate", "network")


def test_sooner_than_any_sign_of_a_loss_it_is_a_copy():
    """Nothing marks them: half the round trip decides."""
    text = sent(100, 1000) + back(1100, 0.020) + sent(1100, 1000, 0.020)
    assert names(text + sent(1100, 1000, 0.010), **NO_MARKS)[-1] == "duplicate"
    assert names(text + sent(1100, 1000, 0.300), **NO_MARKS)[-1] == "retransmission"


def test_a_retransmission_that_fills_a_hole_as_well_is_none():
    text = sent(100, 1000) + sent(2100, 1000) + sent(100, 2000, 0.300)
    assert names(text, {5: {"ip_id": 103}})[-1] == "retransmission"


# --- one octet -------------------------------------------------------------------------------------------------


def test_an_octet_below_while_the_window_is_zero_probes_it():
    text = sent(100, 1000) + back(1100, 0.020, window=0) + sent(1099, 1, 0.300)
    assert names(text)[-1] == "window_probe"


def test_an_octet_of_garbage_asks_whether_the_peer_is_there():
    """RFC 9293 3.8.4, old stacks. With PSH, or soon, it is what was written: sent again."""
    text = sent(100, 1000) + back(1100, 0.020)
    assert names(text + sent(1099, 1, 5.0))[-1] == "keep_alive"
    assert names(text + sent(1099, 1, 5.0, flags="PSH,ACK"))[-1] == "retransmission"
    assert names(sent(100, 1, flags="PSH,ACK") + sent(100, 1, 0.300, flags="PSH,ACK"))[-1] == "retransmission"


# --- lost before the capture point -----------------------------------------------------------------------------


def test_packets_that_the_ip_ids_show_to_be_missing():
    """The last write was two segments long: neither was seen. IDs run on, and nothing else can have used them up."""
    text = sent(100, 1000) + back(1100, 0.020) + sent(1100, 1000, 0.300) + sent(2100, 1000, 0.001, flags="PSH,ACK")
    marks = {0: {"ip_id": 100}, 2: {"ip_id": 101}, 3: {"ip_id": 102}, 5: {"ip_id": 105}, 6: {"ip_id": 106}}
    assert labels(text, marks)[2:] == [("retransmission", "lost_before")] * 2


def test_the_rest_of_a_write_whose_first_part_was_seen():
    """The first part is sent again after a timeout; its ID shows that the second had been sent, and lost, before."""
    text = sent(100, 1000) + sent(100, 1000, 0.300) + sent(1100, 1000, 0.040, flags="PSH,ACK")
    marks = {0: {"ip_id": 100}, 2: {"ip_id": 101}, 3: {"ip_id": 102}, 4: {"ip_id": 104}, 5: {"ip_id": 105}}
    assert labels(text, marks)[-1] == ("retransmission", "lost_before")


def test_what_filled_a_hole_was_lost_before_if_it_was_sent_again():
    text = sent(100, 1000) + sent(2100, 1000) + back(1100, 0.020) + sent(1100, 1000, 0.300)
    flows = both_speeds(rows_of(OPEN + text)).table("flows")
    assert flows["client_lost_before"][0] == 1
    assert labels(text)[1] == ("", "lost_before")


# --- what is not known any more --------------------------------------------------------------------------------


def test_octets_that_were_given_up_are_not_guessed(monkeypatch):
    """The ring holds few rows: whether these filled a hole, or were seen before, is a note."""
    monkeypatch.setattr(transmissions, "MOST_SENT", 1)
    seen = sent(100, 10) + "".join(sent(110 + 10 * i, 10, 0.0001) for i in range(1100)) + sent(100, 10, 0.300)
    assert int(replayed(rows_of(OPEN + seen)).table("segments")["label"][-1]) == LABELS.index("retransmission")
    text = sent(100, 10) + sent(1000, 10) + "".join(sent(1010 + 10 * i, 10, 0.0001) for i in range(1100))
    result = replayed(rows_of(OPEN + text + sent(110, 10, 0.300)))
    assert "pool_full" in result.table("notes")["kind"].tolist()
    assert int(result.table("segments")["label"][-1]) == 0
