"""All flows of a capture as lanes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plot_data
import pytest
from plot_data import several, table

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


def many(count, failing=()):
    """A capture of flows that each last a second, one beginning every tenth of a second."""
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
                "close_reason": reason,
            }
        )
    moves = [plot_data.move("client", n / 10, "CLOSED", "snd SYN", "SYN_SENT") | {"flow": n} for n in range(count)]
    return plot_data.SimpleNamespace(flows=table("flows", rows), timeline=table("timeline", moves))


def test_many_flows_have_no_names():
    found = capture_layout(many(100), lanes=60)
    assert not found.named
    assert set(found.lanes["name"]) == {""}
    assert found.shown == 100


def test_very_many_flows_share_lines_and_the_picture_says_so():
    found = capture_layout(many(1000), lines=100)
    assert found.shown == 100
    assert found.count == 1000
    assert found.thinned == "100 of 1,000 flows drawn: of each 10 in turn one that failed, or the longest"
    assert found.lanes["flow"].is_monotonic_increasing


def test_of_flows_that_share_a_line_the_failed_one_is_drawn():
    found = capture_layout(many(1000, failing={5, 555, 556}), lines=100)
    drawn = found.lanes.loc[found.lanes["failed"], "flow"].tolist()
    # Of two failed ones the longer: flow 555 lasts 3 s, flow 556 lasts 4 s.
    assert drawn == [5, 556]
    assert found.failures == 3


def test_a_capture_without_flows():
    empty = plot_data.SimpleNamespace(flows=table("flows", []), timeline=table("timeline", []))
    with pytest.raises(ValueError, match="holds no TCP flow"):
        capture_layout(empty)


def test_flows_without_a_transition():
    lone = many(2)
    lone.timeline = table("timeline", [])
    found = capture_layout(lone)
    assert isinstance(found.bands, pd.DataFrame)
    assert len(found.bands) == 0
