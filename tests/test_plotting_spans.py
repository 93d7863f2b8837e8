"""From transitions to stays: who was in which state from when to when."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plot_data
from conftest import SAMPLES
from plot_data import START, move, table

import pcapstate
from pcapstate.plotting.layout.ladder import ladder_layout
from pcapstate.plotting.layout.spans import COLUMNS, CUT_SHORT, covered, flow_spans, spans, uncertain, unknown

ZERO = START.value


def stays(*moves):
    return spans(table("timeline", list(moves)), ZERO)


def brief(found):
    """Side, state, start, end of each stay, rounded to microseconds."""
    return [
        (side, state, round(start, 6), round(end, 6))
        for side, state, start, end in found[["side", "state", "start", "end"]].itertuples(index=False)
    ]


def same(found, expected):
    assert len(found) == len(expected)
    for own, wanted in zip(brief(found), expected, strict=True):
        assert own[:2] == wanted[:2]
        np.testing.assert_allclose(own[2:], wanted[2:])


def test_a_whole_connection():
    found = spans(plot_data.whole().timeline, ZERO)
    nan = np.nan
    same(
        found,
        [
            ("client", "CLOSED", nan, 0.0),
            ("client", "SYN_SENT", 0.0, 0.020),
            ("client", "ESTABLISHED", 0.020, 1.020),
            ("client", "FIN_WAIT_1", 1.020, 1.0401),
            ("client", "FIN_WAIT_2", 1.0401, 1.240),
            ("client", "TIME_WAIT", 1.240, 61.240),
            ("client", "CLOSED", 61.240, nan),
            ("server", "LISTEN", nan, 0.010),
            ("server", "SYN_RECEIVED", 0.010, 0.030),
            ("server", "ESTABLISHED", 0.030, 1.030),
            ("server", "CLOSE_WAIT", 1.030, 1.230),
            ("server", "LAST_ACK", 1.230, 1.2501),
            ("server", "CLOSED", 1.2501, nan),
        ],
    )
    assert tuple(found.columns) == COLUMNS
    assert found["event"].tolist()[:3] == ["", "snd SYN", "rcv SYN,ACK"]
    assert found["ends_by"].tolist()[5] == "2MSL"
    assert found["frame"].tolist()[1] == 1


def test_a_side_found_in_mid_stream_has_no_state_before():
    found = stays(move("client", 0.5, "", "seen", "ESTABLISHED", frame=1))
    same(found, [("client", "ESTABLISHED", 0.5, np.nan)])


def test_flows_do_not_run_into_one_another():
    one = move("client", 0.5, "CLOSED", "snd SYN", "SYN_SENT") | {"flow": 0}
    two = move("client", 0.7, "CLOSED", "snd SYN", "SYN_SENT") | {"flow": 1}
    found = stays(two, one)
    assert found["flow"].tolist() == [0, 0, 1, 1]
    same(found[found["flow"] == 0], [("client", "CLOSED", np.nan, 0.5), ("client", "SYN_SENT", 0.5, np.nan)])


def test_a_state_of_no_length_stays_in_the_table():
    found = stays(
        move("server", 1.0, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT"),
        move("server", 1.0, "CLOSE_WAIT", "snd FIN", "LAST_ACK"),
    )
    same(
        found, [("server", "ESTABLISHED", np.nan, 1), ("server", "CLOSE_WAIT", 1, 1), ("server", "LAST_ACK", 1, np.nan)]
    )


def test_estimates_that_run_backward_by_a_hair_give_no_negative_length():
    found = stays(
        move("server", 1.000001, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT"),
        move("server", 1.0, "CLOSE_WAIT", "snd FIN", "LAST_ACK"),
    )
    assert (found["end"].dropna() >= found["start"].fillna(0)[found["end"].notna()]).all()


def test_without_an_estimate_the_time_of_the_frame_counts():
    row = move("client", 0.5, "CLOSED", "snd SYN", "SYN_SENT") | {"estimate": pd.NaT}
    same(stays(row), [("client", "CLOSED", np.nan, 0.5), ("client", "SYN_SENT", 0.5, np.nan)])


def test_no_transitions_no_stays():
    found = stays()
    assert len(found) == 0
    assert tuple(found.columns) == COLUMNS


def test_a_side_that_never_changed_has_one_stay():
    found = flow_spans(plot_data.refused(), ZERO)
    assert found.loc[found["side"] == "server", "state"].tolist() == ["CLOSED"]
    assert found["side"].tolist().count("client") == 3
    assert tuple(found.columns) == COLUMNS


def test_a_side_of_which_nothing_is_known_has_none():
    flow = plot_data.refused()
    flow.server_state = None
    assert "server" not in set(flow_spans(flow, ZERO)["side"])


def test_what_can_be_hatched():
    found = uncertain(
        stays(
            move("client", 0.0, "CLOSED", "snd SYN", "SYN_SENT", bounds=(None, 0.1)),
            move("client", 1.0, "SYN_SENT", "rcv SYN,ACK", "ESTABLISHED", evidence="confirmed", bounds=(0.9, 1.1)),
            move("client", 2.0, "ESTABLISHED", "snd FIN", "FIN_WAIT_1", bounds=(1.1, None)),
            move("client", 3.0, "FIN_WAIT_1", "rcv ACK of FIN", "FIN_WAIT_2", evidence="presumed", bounds=(2.9, None)),
            move("client", 4.0, "FIN_WAIT_2", "rcv FIN", "TIME_WAIT", evidence="presumed", bounds=(3.9, None)),
        )
    )
    assert found["state"].tolist() == ["ESTABLISHED", "FIN_WAIT_2", "TIME_WAIT"]
    np.testing.assert_allclose(found["earliest"], [0.9, 2.9, 3.9])
    # A presumption lasts until the side is seen to change again, or for good.
    np.testing.assert_allclose(found["latest"], [1.1, 4.0, np.nan])


def test_a_time_wait_that_a_new_syn_cut_short_says_so():
    """The replay's own words: a sample, and the picture of it."""
    first = pcapstate.read(SAMPLES / "port_reuse_in_time_wait.pcap").flow(0)
    stays = flow_spans(first, first.start.value)
    assert stays.loc[stays["state"] == "TIME_WAIT", "ends_by"].tolist() == [CUT_SHORT]
    names = ladder_layout(first).names
    detail = dict(zip(names["state"], names["detail"], strict=True))
    assert detail["TIME_WAIT"] == "cut short after 144 ms"
    server = names[names["side"] == "server"]
    assert server["detail"].iloc[-1] == "the ports were used again"
    assert not any("2MSL" in text for text in ladder_layout(first).folds["text"])


def test_where_a_side_has_a_band():
    bands = pd.DataFrame({"side": ["client", "client"], "left": [1.0, 5.0], "right": [2.0, 6.0]})
    assert [covered(bands, "client", place) for place in (0.5, 1.5, 3.0, 6.0)] == [False, True, False, True]
    assert not covered(bands, "server", 1.5)


def test_a_side_of_which_nothing_is_known():
    flow = plot_data.alone()
    assert unknown(flow, flow_spans(flow, flow.start.value)) == {"server": "no segment of this side in the capture"}
    assert unknown(plot_data.whole(), flow_spans(plot_data.whole(), 0)) == {}
