"""Zeek's letters and states and Wireshark's bits: letter by letter, and from whole connections."""

from __future__ import annotations

import pytest
from hand_made import column, handshake, replayed, segment
from hypothesis import given
from hypothesis import strategies as st

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.replay.history import LETTERS, MOST_LETTERS, conn_state, milestone, tell, text, write
from pcapstate.replay.rows import Flow


def history(segments):
    return column(segments, "flows", "history")


def state(segments):
    return column(segments, "flows", "conn_state")


def bits(segments):
    return column(segments, "flows", "completeness")


REQUEST = [segment("C", "PA", 101, 301, 50), segment("S", "A", 301, 151), segment("S", "PA", 301, 151, 500)]
CLOSE = [
    segment("C", "FA", 151, 801),
    segment("S", "FA", 801, 152),
    segment("C", "A", 152, 802),
]


# --- whole connections -----------------------------------------------------------------------------------------


def test_a_connection_from_handshake_to_close():
    whole = handshake() + REQUEST + CLOSE
    assert history(whole) == ["ShADadFf"]
    assert state(whole) == ["SF"]
    assert bits(whole) == [1 + 2 + 4 + 8 + 16]


def test_an_unanswered_syn():
    assert history([segment("C", "S", 100)]) == ["S"]
    assert state([segment("C", "S", 100)]) == ["S0"]
    assert bits([segment("C", "S", 100)]) == [1]


def test_a_refused_connection():
    refused = [segment("C", "S", 100), segment("S", "RA", 0, 101, window=0)]
    assert (history(refused), state(refused)) == (["Sr"], ["REJ"])
    assert bits(refused) == [1 + 4 + 32]  # Wireshark takes a reset with ACK for an acknowledgement too


def test_a_connection_that_stays_open():
    assert (history(handshake()), state(handshake()), bits(handshake())) == (["ShA"], ["S1"], [7])


def test_a_reset_by_either_side():
    assert state([*handshake(), *REQUEST, segment("C", "RA", 151, 801)]) == ["RSTO"]
    assert state([*handshake(), *REQUEST, segment("S", "RA", 801, 151)]) == ["RSTR"]


def test_a_reset_after_both_fins_changes_nothing():
    late = [*handshake(), *REQUEST, *CLOSE, segment("S", "R", 802)]
    assert (history(late), state(late)) == (["ShADadFfr"], ["SF"])


def test_a_capture_that_begins_with_the_syn_ack_is_turned_round():
    late = [segment("S", "SA", 300, 101), segment("C", "A", 101, 301), *REQUEST, *CLOSE]
    assert (history(late), state(late)) == (["^hADadFf"], ["SF"])


def test_a_capture_of_one_direction():
    one = [s for s in handshake() + REQUEST + CLOSE if s["sport"] == 40_000]
    assert (history(one), state(one)) == (["SADF"], ["SH"])
    other = [s for s in handshake() + REQUEST + CLOSE if s["sport"] == 80]
    assert (history(other), state(other)) == (["^hadf"], ["SHR"])


def test_a_capture_from_the_middle():
    assert (history(REQUEST), state(REQUEST)) == (["Dad"], ["OTH"])


def test_sides_are_told_apart_by_the_case_of_letters_when_the_server_is_seen_first():
    assert history([segment("S", "PA", 301, 151, 500), segment("C", "A", 151, 801)]) == ["^dA"]


def test_two_connections_have_their_own_histories():
    two = handshake() + handshake(port=40_001) + [segment("C", "RA", 101, 301, port=40_001)]
    assert history(two) == ["ShA", "ShAR"]
    assert state(two) == ["S1", "RSTO"]


# --- letters that come again -----------------------------------------------------------------------------------


def test_a_syn_sent_again_is_told_once():
    assert history([segment("C", "S", 100, at=0), segment("C", "S", 100, at=1000)]) == ["S"]


def test_a_fin_with_another_number_is_told_again():
    again = [*handshake(), segment("C", "FA", 101, 301), segment("C", "FA", 101, 301)]
    assert history(again) == ["ShAF"]
    assert history([*again, segment("C", "FA", 101, 301, 10)]) == ["ShAFF"]


def test_a_reset_with_another_number_is_told_again():
    resets = [*handshake(), segment("S", "R", 301), segment("S", "R", 301), segment("S", "R", 302)]
    assert history(resets) == ["ShArr"]


def test_payload_sent_again_is_told_at_powers_of_ten():
    data = segment("C", "PA", 101, 301, 50)
    assert history([*handshake(), data]) == ["ShAD"]
    assert history([*handshake(), data, data]) == ["ShADT"]
    assert history([*handshake(), *[data] * 10]) == ["ShADT"]
    assert history([*handshake(), *[data] * 11]) == ["ShADTT"]


def test_payload_sent_again_with_new_octets_behind_it_is_not_told():
    assert history([*handshake(), segment("C", "PA", 101, 301, 50), segment("C", "PA", 101, 301, 80)]) == ["ShAD"]


def test_a_bare_acknowledgement_is_not_sent_again():
    ack = segment("C", "A", 101, 301)
    assert history([*handshake(), ack, ack]) == ["ShA"]


def test_zero_windows_are_told_until_the_peer_has_nothing_to_send():
    full = segment("C", "A", 101, 301, window=0)
    assert history([*handshake(), full]) == ["ShAW"]
    assert history([*handshake(), *[full] * 10]) == ["ShAWW"]
    assert history([*handshake(), segment("S", "FA", 301, 101), segment("C", "A", 101, 302, window=0)]) == ["ShAf"]


def test_a_reset_has_no_window():
    assert history([*handshake(), segment("S", "R", 301, window=0)]) == ["ShAr"]


def test_octets_that_are_acknowledged_but_were_never_seen_are_a_gap_of_their_sender():
    assert history([*handshake(), segment("S", "A", 301, 201)]) == ["ShAaG"]
    assert history([*handshake(), segment("C", "A", 101, 501)]) == ["ShAg"]


def test_a_hole_is_a_gap_when_it_is_acknowledged():
    hole = [*handshake(), segment("C", "PA", 151, 301, 50)]
    assert history(hole) == ["ShAD"]
    assert history([*hole, segment("S", "A", 301, 101)]) == ["ShADa"]
    assert history([*hole, segment("S", "A", 301, 201)]) == ["ShADaG"]


def test_no_gap_without_the_handshake_or_from_one_side_only():
    assert history([segment("C", "A", 101, 301), segment("C", "A", 101, 901)]) == ["A"]
    assert history([segment("S", "SA", 300, 101), segment("S", "A", 301, 151)]) == ["^ha"]


def test_flags_that_contradict_each_other():
    assert history([*handshake(), segment("C", "FRA", 101, 301)]) == ["ShAI"]
    assert history([segment("C", "SF", 100)]) == ["Q"]
    assert bits([segment("C", "SF", 100)]) == [1]
    assert bits([*handshake(), segment("C", "FRA", 101, 301)]) == [7 + 16 + 32]


def test_what_has_no_ack_adds_no_bit():
    assert bits([*handshake(), segment("C", "F", 101)]) == [7]
    assert bits([*handshake(), segment("C", "P", 101, 0, 10)]) == [7]
    assert bits([segment("C", "S", 100, 0, 10)]) == [1 + 8]


def test_a_history_without_end_is_cut():
    resets = [*handshake(), *[segment("S", "R", 301 + i) for i in range(100)]]
    assert history(resets) == ["ShA" + "r" * (MOST_LETTERS - 3)]


def test_chunks_of_any_size_give_the_same():
    whole = handshake() + REQUEST + CLOSE
    assert replayed(whole, size=1).table("flows")["history"].words == ["ShADadFf"]
    assert replayed(whole, COMPILED, size=2).table("flows")["history"].words == ["ShADadFf"]


# --- the parts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "octets", "expected"),
    [
        ("", False, "OTH"),
        ("S", False, "S0"),
        ("SAD", True, "S0"),
        ("Sa", False, "S0"),
        ("Sd", True, "OTH"),
        ("Sah", False, "S1"),
        ("Ssh", False, "S1"),
        ("SADF", True, "SH"),
        ("DAF", True, "SH"),
        ("DaT", True, "OTH"),
        ("ShADadF", True, "S2"),
        ("ShADadf", True, "S3"),
        ("^haf", False, "SHR"),
        ("^hAf", False, "S3"),
        ("^hr", False, "RSTRH"),
        ("^h", False, "OTH"),
        ("SR", False, "RSTOS0"),
        ("SAR", False, "OTH"),
        ("DR", True, "OTH"),
        ("Sr", False, "REJ"),
        ("ShRr", False, "REJ"),
        ("ShDRr", True, "RSTR"),
        ("ShADaR", True, "RSTO"),
        ("ShADadfFr", True, "SF"),
        ("ShADadFRf", True, "SF"),
        ("ShADafr", True, "RSTR"),
        ("ShADadRf", True, "RSTO"),
        ("DS", True, "S0"),
    ],
)
def test_the_state_follows_from_the_history(letters, octets, expected):
    assert conn_state(letters, octets) == expected


@given(st.text(alphabet=LETTERS + LETTERS.upper(), max_size=MOST_LETTERS), st.booleans())
def test_every_history_has_a_state(letters, octets):
    known = ["S0", "S1", "S2", "S3", "SF", "SH", "SHR", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "OTH"]
    assert conn_state(letters, octets) in known


@given(st.lists(st.tuples(st.integers(0, len(LETTERS) - 1), st.integers(0, 1)), max_size=MOST_LETTERS))
def test_what_is_written_can_be_read(letters):
    flow = Flow.object()
    for letter, side in letters:
        write(flow, letter, side)
    expected = "".join(LETTERS[letter] if side else LETTERS[letter].upper() for letter, side in letters)
    assert text(flow.history0, flow.history1, flow.history2, flow.history_count) == expected
    assert max(flow.history0, flow.history1, flow.history2) < 2**60  # within 63 bits


ANY_SEGMENT = st.builds(
    segment,
    st.sampled_from("CS"),
    st.lists(st.sampled_from("SAFRP"), max_size=3, unique=True).map("".join),
    st.sampled_from([0, 99, 100, 101, 151, 301, 2**31, 2**32 - 1]),
    st.sampled_from([0, 101, 151, 301, 302, 2**32 - 1]),
    st.sampled_from([0, 0, 1, 50]),
    window=st.sampled_from([0, 1000]),
)


@given(st.lists(ANY_SEGMENT, max_size=25))
def test_both_speeds_tell_the_same_of_anything(segments):
    for letters, completeness in zip(history(segments), bits(segments), strict=True):
        once_only = [letter for letter in letters if letter in "adiqADIQ^"]
        assert len(once_only) == len(set(once_only))
        assert letters.find("^") <= 0
        assert 0 <= completeness < 64


def test_milestones_are_powers_of_ten():
    assert [count for count in range(1001) if milestone(count)] == [1, 10, 100, 1000]
    compiled = COMPILED.of(milestone)
    assert [compiled(count) for count in (1, 9, 10, 99_999, 100_000)] == [1, 0, 1, 0, 1]


def test_the_kernel_is_one_source():
    assert INTERPRETED.of(tell) is tell
