"""Where words stand on their arrows."""

from __future__ import annotations

import pandas as pd
import pytest

from pcapstate.plotting.layout.labels import LETTER, TAIL, place_labels


def placed(*arrows):
    """Arrows as (from_x, from_y, to_y, letters or words)."""
    rows = []
    for from_x, from_y, to_y, words, *mark in arrows:
        text = words if isinstance(words, str) else "x" * words
        rows.append(
            {"from_x": from_x, "from_y": from_y, "to_x": 1 - from_x, "to_y": to_y, "text": text, "mark": "".join(mark)}
        )
    return place_labels(pd.DataFrame(rows))


def test_words_stand_in_the_middle():
    assert placed((0.0, 0, 2, 20))["label_x"].tolist() == [0.5]


def test_arrows_one_after_the_other_do_not_disturb():
    found = placed((0.0, 0, 2, 20), (1.0, 3, 5, 20), (0.0, 6, 8, 20))
    assert found["label_x"].tolist() == [0.5, 0.5, 0.5]
    assert found["crowded"].tolist() == [0, 0, 0]


def test_crossing_arrows_are_named_near_their_senders():
    found = placed((0.0, 0, 2.5, 25), (1.0, 0, 2.5, 25))
    assert found["label_x"][0] < 0.5 < found["label_x"][1]
    assert found["crowded"].max() < 0.01
    assert found["below"].tolist() == ["", ""]


def test_long_words_on_crossing_arrows_are_parted():
    words = "SYN,ACK  seq=0  ack=0+1  win=64240  mss=1460  wscale=10"
    found = placed((0.0, 0, 2.5, words), (1.0, 0, 2.5, words))
    assert found["text"].tolist() == ["SYN,ACK  seq=0  ack=0+1"] * 2
    assert found["below"].tolist() == ["win=64240  mss=1460  wscale=10"] * 2


def test_words_do_not_cover_the_frame_number_at_the_tail():
    found = placed((0.0, 0, 2.5, 30), (1.0, 0, 2.5, 30))
    for middle in found["label_x"]:
        assert middle - 15 * LETTER >= TAIL - 1e-9
        assert middle + 15 * LETTER <= 1 - TAIL + 1e-9


def test_words_longer_than_the_way_stay_in_the_middle():
    assert placed((0.0, 0, 2, 200))["label_x"].tolist() == [0.5]


def test_the_words_of_a_lost_segment_may_run_on():
    lost = pd.DataFrame([{"from_x": 0.0, "from_y": 0.0, "to_x": 0.4, "to_y": 1.0, "text": "x" * 60, "mark": ""}])
    assert place_labels(lost)["label_x"].tolist() == [0.5]


def test_marks_need_room_too():
    short = placed((0.0, 0, 2.5, 25), (1.0, 0, 2.5, 25))
    marked = placed((0.0, 0, 2.5, 25, "retransmission (timeout)"), (1.0, 0, 2.5, 25))
    assert marked["crowded"].sum() >= short["crowded"].sum()


def test_no_arrows():
    columns = ["from_x", "from_y", "to_x", "to_y", "text", "mark"]
    found = place_labels(pd.DataFrame({name: pd.Series(dtype=float) for name in columns}))
    assert list(found.columns) == [*columns, "below", "label_x", "crowded"]
    assert len(found) == 0


@pytest.mark.parametrize("gap", [0.0, 0.5, 1.0, 1.5])
def test_neighbours_in_one_direction_are_no_worse_than_their_arrows(gap):
    found = placed((0.0, 0, 2, 40), (0.0, gap, 2 + gap, 40))
    assert (found["crowded"].max() == 0) == (gap >= 0.85)
