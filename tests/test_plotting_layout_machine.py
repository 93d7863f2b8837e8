"""Figure 5 as a table: every box, every arrow of the transition table, and the way of each side."""

from __future__ import annotations

import math

import plot_data
import pytest
from plot_data import flow, move, segment

from pcapstate.plotting.layout.machine import ASIDE, BOXES, END, along, box_of, machine_layout
from pcapstate.schema import STATES
from pcapstate.tcp.machine import EDGES

MACHINE = machine_layout(plot_data.whole())


def test_every_state_has_a_box_and_closed_has_two():
    assert sorted({*MACHINE.boxes["state"]}) == sorted(STATES)
    assert MACHINE.boxes["box"].tolist() == list(BOXES)
    assert (MACHINE.boxes["state"] == "CLOSED").sum() == 2


def test_the_arrows_are_those_of_figure_5():
    drawn = {(edge.source, edge.event) for edge in EDGES if edge.drawn}
    assert set(zip(MACHINE.arrows["source"], MACHINE.arrows["event"], strict=True)) == drawn
    assert MACHINE.arrows["drawn"].all()


def test_arrows_run_from_box_to_box():
    for arrow in MACHINE.arrows.itertuples():
        assert (arrow.from_x, arrow.from_y) == BOXES[arrow.source]
        assert (arrow.to_x, arrow.to_y) == BOXES[arrow.target]


def test_labels_are_the_rfcs_in_two_lines():
    labels = MACHINE.arrows.set_index(["source", "event"])["label"]
    assert labels["CLOSED", "snd SYN"] == "active OPEN\ncreate TCB, snd SYN"
    assert labels["FIN_WAIT_1", "rcv ACK of FIN"] == "rcv ACK of FIN"


def test_closed_is_above_for_openings_and_below_for_closings():
    assert box_of("SYN_SENT", "CLOSED") == "CLOSED"
    assert box_of("TIME_WAIT", "CLOSED") == END
    assert box_of("LAST_ACK", "CLOSED") == END
    assert box_of("CLOSED", "SYN_SENT") == "SYN_SENT"


def test_the_way_of_each_side_is_numbered():
    client = MACHINE.steps[MACHINE.steps["side"] == "client"]
    assert client["number"].tolist() == [1, 2, 3, 4, 5, 6]
    assert client["target"].tolist() == ["SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT", END]
    assert client["source"].tolist() == ["CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
    server = MACHINE.steps[MACHINE.steps["side"] == "server"]
    assert server["target"].tolist() == ["SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", END]
    assert server["frame"].tolist() == [1, 3, 8, 10, 11]


def test_boxes_know_who_was_there():
    boxes = MACHINE.boxes.set_index("box")
    assert boxes.loc["ESTABLISHED", ["client", "server"]].all()
    assert not boxes.loc["CLOSING", ["client", "server"]].any()
    assert boxes.loc["LISTEN", "server"]
    assert not boxes.loc["LISTEN", "client"]
    assert boxes.loc[END, "client"]


def test_one_side_alone():
    alone = machine_layout(plot_data.whole(), side="server")
    assert set(alone.steps["side"]) == {"server"}
    assert not alone.boxes["client"].any()


def test_a_reset_adds_its_arrow():
    table = machine_layout(plot_data.refused())
    added = table.arrows[~table.arrows["drawn"].astype(bool)]
    assert list(zip(added["source"], added["event"], added["target"], strict=True)) == [
        ("SYN_SENT", "rcv RST", "CLOSED")
    ]
    assert added["label"].tolist() == ["rcv RST"]
    assert table.steps["x"].notna().all()


def test_a_start_in_mid_stream_has_no_arrow():
    table = machine_layout(plot_data.lossy())
    assert table.steps["event"].tolist() == ["seen", "seen"]
    assert table.steps["x"].isna().all()
    assert table.boxes.set_index("box").loc["ESTABLISHED", ["client", "server"]].all()


def test_badges_stand_on_their_arrows():
    arrows = MACHINE.arrows.set_index(["source", "event"])
    for step in MACHINE.steps.itertuples():
        arrow = arrows.loc[(step.source, step.event)]
        route = (arrow["from_x"], arrow["from_y"], arrow["to_x"], arrow["to_y"], arrow["bend"])
        near = min(math.dist((step.x, step.y), along(*route, part / 100)) for part in range(101))
        assert near < 0.05


def test_two_sides_on_one_arrow_stand_beside_it():
    segments = [segment(0.0, "client", "FIN,ACK", 1, 1), segment(0.0, "server", "FIN,ACK", 1, 1)]
    moves = [move(side, 0.0, "ESTABLISHED", "snd FIN", "FIN_WAIT_1", frame=1) for side in ("client", "server")]
    steps = machine_layout(flow(segments, moves)).steps
    places = list(zip(steps["x"], steps["y"], strict=True))
    assert math.dist(*places) == pytest.approx(2 * ASIDE)


def test_a_way_taken_twice_is_numbered_twice():
    moves = []
    for k in range(2):
        moves.append(move("server", 2 * k, "LISTEN", "rcv SYN", "SYN_RECEIVED", frame=1))
        moves.append(move("server", 2 * k + 1, "SYN_RECEIVED", "rcv RST", "LISTEN", frame=1))
    steps = machine_layout(flow([segment(0.0, "client", "SYN", 0)], moves)).steps
    assert steps["number"].tolist() == [1, 2, 3, 4]
    assert (steps["x"][0], steps["y"][0]) != (steps["x"][2], steps["y"][2])


def test_along_a_straight_and_a_bent_arrow():
    assert along(0, 0, 4, 0, 0.0, 0.25) == (1.0, 0.0)
    assert along(0, 0, 4, 0, 0.5, 0.5) == (2.0, -1.0)
    assert along(0, 0, 4, 0, 0.5, 0.0) == (0, 0)
    assert along(0, 0, 4, 0, 0.5, 1.0) == (4, 0)


def test_boxes_do_not_overlap():
    places = list(BOXES.values())
    for k, (x, y) in enumerate(places):
        for u, v in places[:k]:
            assert abs(x - u) > 2.1 or abs(y - v) > 0.65


def test_a_reset_in_syn_sent_goes_back_another_way_than_the_syn_came():
    arrows = machine_layout(plot_data.refused()).arrows.set_index(["source", "event"])
    there, back = arrows.loc[("CLOSED", "snd SYN")], arrows.loc[("SYN_SENT", "rcv RST")]
    ways = [along(*(row[k] for k in ("from_x", "from_y", "to_x", "to_y", "bend")), 0.5) for row in (there, back)]
    assert abs(ways[0][0] - ways[1][0]) > 1
