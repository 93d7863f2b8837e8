"""All flows of a capture as lanes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plot_data
import pytest
from plot_data import capture_of, several, table

from pcapstate.plotting.layout.capture import FAILURES, capture_layout
from pcapstate.schema import CLOSE_REASONS

TWO = capture_layout(several(plot_data.whole(), plot_data.refused()))


def test_a_lane_per_flow_in_the_order_of_the_table():
    assert TWO.lanes["flow"].tolist() == [0, 1]
    assert TWO.lanes["lane"].tolist() == [0, 1]
    assert TWO.lanes["name"].tolist() == ["0  10.0.0.1:40000 → 10.0.0.2:80", "1  10.0.0.1:40000 → 10.0.0.2:80"]
    assert (TWO.count, TWO.shown, TWO.failures, TWO.named, TWO.thinned) == (2, 2, 1, True, "")
    np.testing.assert_allclose(TWO.lanes[["start", "end"]], [[0.003, 1.2431], [0.0, 0.014]])


def test_verdicts_and_failures():
    assert TWO.lanes["verdict"].tolist() == ["fin by client", "refused"]
    assert TWO.lanes["failed"].tolist() == [False, True]


def test_only_reasons_that_there_are():
    assert set(FAILURES) < set(CLOSE_REASONS)


def test_bands_leave_out_what_is_not_a_connection():
    assert not {"CLOSED", "LISTEN"} & set(TWO.bands["state"])
    client = TWO.bands[(TWO.bands["flow"] == 0) & (TWO.bands["side"] == "client")]
    assert client["state"].tolist() == ["SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]


def test_bands_stay_between_the_first_frame_and_the_end_of_the_capture():
    first = TWO.bands.iloc[0]
    # The SYN left 3 ms before it was captured, but the lane begins with the first frame.
    assert first["left"] == pytest.approx(0.003)
    assert TWO.bands["right"].max() == pytest.approx(TWO.duration)
    assert (TWO.bands["right"] >= TWO.bands["left"]).all()


def test_a_state_without_an_end_lasts_to_the_end_of_the_capture():
    still = capture_layout(several(plot_data.slow_reader(), plot_data.refused()))
    established = still.bands[still.bands["state"] == "ESTABLISHED"]
    np.testing.assert_allclose(established["right"], still.duration)


def many(count, failing=(), leaking=(), stopped=()):
    """A capture of flows that each last a second, one beginning every tenth of a second.

    The programs of the ``leaking`` never close, of the ``stopped`` the server's window was zero.
    """
    rows = []
    for number in range(count):
        reason = "refused" if number in failing else "fin"
        rows.append(
            {
                "flow": number,
                "client_address": "10.0.0.1",
                "server_address": "10.0.0.2",
                "start": plot_data.at(number / 10),
                "end": plot_data.at(number / 10 + 1 + (number % 7)),
                "opened": "three_way",
                "closed_by": "client",
                "close_reason": "half_closed" if number in leaking else reason,
                "client_state": "FIN_WAIT_2" if number in leaking else "TIME_WAIT",
                "server_state": "CLOSE_WAIT" if number in leaking else "CLOSED",
                "server_zero_windows": int(number in stopped),
            }
        )
    moves = [plot_data.move("client", n / 10, "CLOSED", "snd SYN", "SYN_SENT") | {"flow": n} for n in range(count)]
    moves += [
        plot_data.move("server", n / 10 + 1, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT", earliest=n / 10 + 1) | {"flow": n}
        for n in sorted(leaking)
    ]
    return capture_of(table("flows", rows), table("timeline", moves), until=count / 10 + 30)


def test_many_flows_have_no_names():
    found = capture_layout(many(100), lanes=60)
    assert not found.named
    assert set(found.lanes["name"]) == {""}
    assert found.shown == 100


def test_of_very_many_flows_some_are_drawn_and_the_picture_says_so():
    found = capture_layout(many(1000), lines=100)
    assert found.shown == 100
    assert found.count == 1000
    assert found.thinned == "100 of 1,000 flows drawn: those that lasted longest"
    assert found.lanes["flow"].is_monotonic_increasing


def drawn(found, name):
    return found.lanes.loc[found.lanes[name], "flow"].tolist()


def test_what_there_is_something_to_say_about_is_drawn_first():
    found = capture_layout(many(1000, {5, 555, 556}, leaking={7, 8, 9}, stopped={20, 21}), lines=100)
    assert drawn(found, "failed") == [5, 555, 556]
    assert drawn(found, "leaked") == [7, 8, 9]
    assert {20, 21} < set(found.lanes["flow"])
    assert (found.failures, found.leaks, found.remarkable, found.shown) == (3, 3, 8, 100)
    assert found.thinned == "100 of 1,000 flows drawn: all 8 with findings, and of the others those that lasted longest"


def test_a_rare_finding_is_not_crowded_out_by_a_frequent_one():
    found = capture_layout(many(1000, set(range(900)), leaking={990}), lines=100)
    assert drawn(found, "leaked") == [990]
    assert len(drawn(found, "failed")) == 79
    assert found.shown == 100, "and ordinary ones are seen too"
    assert found.thinned.startswith("100 of 1,000 flows drawn: 80 of 901 with findings, and of the others")


def test_a_leak_is_drawn_and_counted_to_the_end_of_the_capture():
    """A hundred flows in TIME_WAIT hide nothing: what is not closed lasts on."""
    found = capture_layout(many(50, leaking={3, 4}))
    assert (found.failures, found.leaks) == (0, 2)
    assert found.lanes["verdict"].tolist()[2:5] == ["fin by client", "not closed by server", "not closed by server"]
    waits = found.bands[found.bands["state"] == "CLOSE_WAIT"]
    assert waits["right"].tolist() == [35.0, 35.0]


def test_a_side_that_has_only_just_been_left_is_no_leak():
    fresh = many(50, leaking={49})
    fresh.times = (fresh.times[0], plot_data.at(8).value)
    assert capture_layout(fresh).leaks == 0


def test_a_capture_without_flows():
    empty = capture_of(table("flows", []), table("timeline", []))
    with pytest.raises(ValueError, match="holds no TCP flow"):
        capture_layout(empty)


def test_flows_without_a_transition():
    lone = many(2)
    lone.timeline = table("timeline", [])
    found = capture_layout(lone)
    assert isinstance(found.bands, pd.DataFrame)
    assert len(found.bands) == 0
