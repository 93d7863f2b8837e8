"""The lanes of states as tables, in folded and in plain time."""

from __future__ import annotations

import numpy as np
import plot_data
import pytest
from plot_data import flow, move, segment

from pcapstate.plotting.layout.states import LETTERS, MARGIN, states_layout

FOLDED = states_layout(plot_data.whole())
PLAIN = states_layout(plot_data.whole(), fold=False)


def columns(table, *names):
    return [tuple(row) for row in table[list(names)].round(3).itertuples(index=False)]


def test_every_state_has_room_for_its_name():
    assert FOLDED.bands["name"].tolist() == FOLDED.bands["state"].tolist()
    assert FOLDED.bands["side"].tolist() == ["client"] * 7 + ["server"] * 6
    letter = (FOLDED.right - FOLDED.left) / LETTERS
    wide = FOLDED.bands["right"] - FOLDED.bands["left"]
    assert (wide >= letter * FOLDED.bands["name"].str.len()).all()
    assert len(FOLDED.crowds) == 0


def test_bands_of_a_side_follow_one_another_without_a_gap():
    for _, own in FOLDED.bands.groupby("side"):
        np.testing.assert_allclose(own["left"].to_numpy()[1:], own["right"].to_numpy()[:-1])
        assert own["left"].iloc[0] == FOLDED.left == -MARGIN
        assert own["right"].iloc[-1] == FOLDED.right


def test_names_stand_clear_of_the_cuts():
    for name, place, left, right in FOLDED.bands[["name", "name_x", "left", "right"]].itertuples(index=False):
        assert left < place < right
        for cut in FOLDED.folds["cut"]:
            assert abs(cut - place) > len(name) / 2


def test_folds_say_how_long_they_are():
    assert FOLDED.folds["text"].tolist() == ["990 ms", "190 ms", "60 s"]
    assert ((FOLDED.folds["cut"] > FOLDED.folds["left"]) & (FOLDED.folds["cut"] < FOLDED.folds["right"])).all()


def test_events_with_their_frames():
    assert FOLDED.events["text"].tolist() == [
        "snd SYN #1",
        "rcv SYN,ACK #2",
        "snd FIN #8",
        "rcv ACK of FIN #9",
        "rcv FIN #10",
        "2MSL",
        "rcv SYN #1",
        "rcv ACK of SYN #3",
        "rcv FIN #8",
        "snd FIN #10",
        "rcv ACK of FIN #11",
    ]


def test_doubts_between_their_bounds():
    found = {(side, state): (left, right) for side, state, left, right in FOLDED.doubts.itertuples(index=False)}
    left, right = found["client", "ESTABLISHED"]
    assert (left, right) == pytest.approx((10.2, 14.55))
    assert found["server", "CLOSED"][1] == FOLDED.right


def test_ticks_are_times():
    assert columns(FOLDED.ticks, "x", "text")[:3] == [(0.0, "-0.003"), (6.0, "0.007"), (12.0, "0.017")]


def test_plain_time_is_in_seconds_up_to_where_the_last_frame_arrives():
    assert (PLAIN.left, PLAIN.right) == pytest.approx((-0.0187, 1.2658), abs=1e-4)
    assert "CLOSED" in PLAIN.bands.loc[PLAIN.bands["side"] == "server", "state"].tolist()
    established = PLAIN.bands[PLAIN.bands["state"] == "ESTABLISHED"]
    np.testing.assert_allclose(established["left"], [0.017, 0.027])
    np.testing.assert_allclose(established["right"], [1.017, 1.027])
    assert len(PLAIN.folds) == len(PLAIN.ticks) == 0


def test_a_time_wait_that_ends_later_says_when():
    wait = PLAIN.bands[PLAIN.bands["state"] == "TIME_WAIT"].iloc[0]
    assert wait["open"]
    assert wait["ends"] == "2MSL until 61.24 s"
    assert "CLOSED" not in PLAIN.bands.loc[PLAIN.bands["side"] == "client", "state"].tolist()[1:]


def test_states_without_room_are_named_together():
    assert PLAIN.crowds["text"].tolist() == [
        "CLOSED → SYN_SENT",
        "FIN_WAIT_1",
        "TIME_WAIT (2MSL until 61.24 s)",
        "LISTEN → SYN_RECEIVED",
        "LAST_ACK → CLOSED",
    ]


def test_crowded_names_do_not_run_into_one_another_or_out_of_the_picture():
    letter = (PLAIN.right - PLAIN.left) / LETTERS
    for _, own in PLAIN.crowds.groupby("side"):
        ends = own["x"] + own["text"].str.len() * 0.8 * letter
        assert (own["x"].to_numpy()[1:] > ends.to_numpy()[:-1]).all()
        assert ends.iloc[-1] <= PLAIN.right + 1e-9


def test_up_to_a_given_time():
    table = states_layout(plot_data.whole(), fold=False, until=0.5)
    assert table.right == pytest.approx(0.5075)
    assert table.bands["right"].max() <= table.right
    assert "FIN_WAIT_1" not in set(table.bands["state"])


def test_a_side_that_never_changed():
    table = states_layout(plot_data.refused())
    server = table.bands[table.bands["side"] == "server"]
    assert columns(server, "state", "left", "right") == [("CLOSED", table.left, round(table.right, 3))]


def test_one_frame_without_a_transition():
    table = states_layout(flow([segment(0.0, "client", "ACK", 1, 1)], []))
    assert len(table.bands) == 0
    assert table.right > table.left
    assert table.unknown == {"client": "state not known", "server": "no segment of this side in the capture"}


def test_many_transitions_still_have_their_order():
    moves = []
    for k in range(12):
        before, after = ("ESTABLISHED", "CLOSE_WAIT") if k % 2 == 0 else ("CLOSE_WAIT", "ESTABLISHED")
        moves.append(move("client", k * 1e-3, before, "rcv FIN", after, frame=1))
    table = states_layout(flow([segment(0.0, "client", "ACK", 1, 1)], moves))
    assert table.bands["left"].is_monotonic_increasing
    assert len(table.bands) == 13


def test_a_single_state_has_room_for_its_name_however_short_its_axis():
    moves = [move("client", 0.0, "CLOSED", "snd SYN", "SYN_SENT", frame=1)]
    table = states_layout(flow([segment(0.0, "client", "SYN", 0)], moves))
    assert table.bands["name"].tolist() == ["CLOSED", "SYN_SENT"]
    assert table.events["text"].tolist() == ["snd SYN #1"]
    assert table.unknown == {"server": "no segment of this side in the capture"}


def test_a_single_frame_in_plain_time_has_an_axis_that_can_be_read():
    moves = [move("client", 0.0, "CLOSED", "snd SYN", "SYN_SENT", frame=1)]
    table = states_layout(flow([segment(0.0, "client", "SYN", 0)], moves), fold=False)
    assert (table.left, table.right) == (-0.0005, 0.0005)


def test_words_of_crowded_states_do_not_begin_outside_the_picture():
    moves = [
        move("server", 0.0, "ESTABLISHED", "snd FIN", "FIN_WAIT_1", frame=1),
        move("server", 0.0, "FIN_WAIT_1", "rcv ACK of FIN", "FIN_WAIT_2", frame=1),
        move("server", 0.0, "FIN_WAIT_2", "rcv FIN", "TIME_WAIT", frame=1),
    ]
    table = states_layout(flow([segment(0.0, "server", "FIN,ACK", 1, 1)], moves), fold=False)
    assert (table.crowds["x"] >= table.left).all()


def test_a_state_that_lasts_is_drawn_to_the_end_of_the_capture():
    flow = plot_data.slow_reader()
    flow.capture = plot_data.SimpleNamespace(times=(plot_data.START.value, plot_data.at(3600).value))
    found = states_layout(flow)
    assert found.folds["text"].tolist()[-1].endswith(" to the end of the capture")
    assert found.ticks["text"].tolist()[-1] == "3600.000"
    assert found.bands.groupby("side")["right"].max().tolist() == [found.right] * 2


def test_narrow_paper_names_fewer_states_and_hides_none():
    wide, narrow = states_layout(plot_data.whole()), states_layout(plot_data.whole(), letters=60)
    assert wide.bands["state"].tolist() == narrow.bands["state"].tolist()
    assert (narrow.bands["name"] == "").sum() >= (wide.bands["name"] == "").sum()
    named = {*narrow.bands["name"], *(name for text in narrow.crowds["text"] for name in text.split(" → "))}
    assert set(narrow.bands["state"]) <= {name.split(" (")[0] for name in named}
