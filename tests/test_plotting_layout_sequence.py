"""The time-sequence picture as tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import plot_data
import pytest

from pcapstate.plotting.layout.sequence import sequence_layout

LOSSY = sequence_layout(plot_data.lossy())


def test_only_directions_with_data():
    assert [each.side for each in LOSSY.directions] == ["client"]
    assert [each.side for each in sequence_layout(plot_data.whole()).directions] == ["client", "server"]
    assert [each.side for each in sequence_layout(plot_data.refused()).directions] == ["client", "server"]
    assert [each.side for each in sequence_layout(plot_data.lossy(), side="server").directions] == ["server"]


def test_bars_by_kind():
    (client,) = LOSSY.directions
    assert client.octets == 4000
    expected = pd.DataFrame(
        {
            "kind": ["data", "data", "data", "retransmission"],
            "time": [0.0, 0.001, 0.002, 0.22],
            "low": [1.0, 1001.0, 2001.0, 1001.0],
            "high": [1001.0, 2001.0, 3001.0, 2001.0],
        }
    )
    pd.testing.assert_frame_equal(client.bars, expected, check_dtype=False)


def test_what_is_neither_new_nor_sent_again():
    flow = plot_data.lossy()
    flow.segments["label"] = pd.Categorical(["reordered", *flow.segments["label"].tolist()[1:]])
    (client,) = sequence_layout(flow).directions
    assert client.bars["kind"].tolist() == ["data", "data", "retransmission", "other"]


def test_acknowledgements_and_right_edge_as_corners():
    (client,) = LOSSY.directions
    np.testing.assert_allclose(client.acknowledged, [[0.014, 1001], [0.234, 3001]])
    np.testing.assert_allclose(client.edge, [[0.014, 66537], [0.234, 68537]])


def test_sack_blocks():
    (client,) = LOSSY.directions
    np.testing.assert_allclose(client.sack, [[0.016, 2001, 3001]])


def test_sack_of_several_blocks_and_nonsense():
    flow = plot_data.lossy()
    sack = flow.segments["sack"].tolist()
    sack[4] = "1-2,5-9,x"
    flow.segments["sack"] = pd.array(sack, "string")
    (client,) = sequence_layout(flow).directions
    np.testing.assert_allclose(client.sack, [[0.016, 1, 2], [0.016, 5, 9]])


def test_many_sack_blocks_are_thinned():
    flow = plot_data.bulk(30_000)
    flow.segments["sack"] = pd.array(["10-20"] * 30_000, "string")
    (server,) = sequence_layout(flow, columns=200).directions
    assert 0 < len(server.sack) <= 200


def test_syn_and_fin_are_marked():
    client, server = sequence_layout(plot_data.whole()).directions
    assert client.marks["text"].tolist() == ["SYN", "FIN"]
    np.testing.assert_allclose(client.marks[["time", "seq"]], [[0.0, 0], [1.02, 501]])
    assert server.marks["seq"].tolist() == [0, 1449], "as the ladder tells them: seq=0 of the SYN"
    assert server.marks["text"].tolist() == ["SYN", "FIN"]


def test_a_reset_is_marked():
    _, server = sequence_layout(plot_data.refused()).directions
    assert server.marks["text"].tolist() == ["RST"]


def test_a_right_edge_far_above_is_out_of_view():
    low, high = LOSSY.directions[0].bounds
    assert low == 1
    assert high == pytest.approx(1 + 1.2 * 3000)
    assert LOSSY.directions[0].edge_above == 68537
    assert not LOSSY.directions[0].edge_seen


def test_a_right_edge_nearby_is_in_view():
    flow = plot_data.slow_reader()
    (client,) = sequence_layout(flow).directions
    assert client.bounds[1] == client.edge["seq"].max() == 9001
    assert client.edge_seen
    assert client.edge_above is None


def test_a_right_edge_that_leaves_the_picture_is_seen_and_lies_above_it():
    (client,) = LOSSY.directions
    lower = client.edge.assign(seq=[3001.0, 68537.0])
    rising = dataclasses.replace(client, edge=lower)
    assert rising.edge_seen
    assert rising.edge_above == 68537
    without = dataclasses.replace(client, edge=client.edge.head(0))
    assert not without.edge_seen
    assert without.edge_above is None


def test_bounds_of_nothing():
    (server,) = sequence_layout(plot_data.unscaled(), side="server").directions
    low, high = server.bounds
    assert high > low


def test_long_flows_are_thinned():
    table = sequence_layout(plot_data.bulk(60_000), columns=100)
    assert table.thinned == "60,000 segments thinned to 100 columns"
    for each in table.directions:
        assert all(count <= 400 for count in each.bars["kind"].value_counts())
        assert len(each.acknowledged) <= 400


def test_few_segments_are_not():
    assert LOSSY.thinned == ""


def test_marks_of_one_kind_that_would_overlap_are_one_with_their_number():
    made = [plot_data.segment(k / 100, "client", "SYN", 0) for k in range(4)]
    made += [plot_data.segment(0.5, "client", "SYN", 0), plot_data.segment(1.0, "server", "RST,ACK", 0, 1)]
    client, server = sequence_layout(plot_data.flow(made, [])).directions
    assert client.marks["text"].tolist() == ["SYN \N{MULTIPLICATION SIGN}4", "SYN"]
    assert client.marks["time"].tolist() == pytest.approx([0.0, 0.5])
    assert server.marks["text"].tolist() == ["RST"]


def test_a_syn_with_another_first_number_does_not_press_the_rest_to_the_ground():
    made = [
        plot_data.segment(0.0, "client", "ACK", 1, 1, length=1000),
        plot_data.segment(0.1, "client", "SYN", -2_000_000_000),
    ]
    (client,) = sequence_layout(plot_data.flow(made, [])).directions
    assert client.bounds == (1, 1001)


def test_the_zero_windows_of_the_peer():
    client = sequence_layout(plot_data.slow_reader()).directions[0]
    assert len(client.zero) > 0
    assert (client.zero["end"] > client.zero["start"]).all()
    assert len(LOSSY.directions[0].zero) == 0


def test_a_side_that_is_not_in_the_capture():
    client, server = sequence_layout(plot_data.flow([plot_data.segment(0.0, "client", "SYN", 0)], [])).directions
    assert (client.empty, server.empty) == (False, True)
    assert client.bounds == (0, 1)
    assert client.marks["seq"].tolist() == [0]
