"""The windows picture as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plot_data
import pytest

from pcapstate.plotting.layout.windows import windows_layout


def panel(flow, side, **options):
    (found,) = windows_layout(flow, side=side, **options).panels
    return found


SLOW = panel(plot_data.slow_reader(), "server")


def test_both_sides_the_client_first():
    table = windows_layout(plot_data.slow_reader())
    assert [each.side for each in table.panels] == ["client", "server"]
    assert [each.address for each in table.panels] == ["10.0.0.1:40000", "10.0.0.2:80"]
    assert [each.carries for each in table.panels] == [0, 5000]
    assert table.thinned == ""


def test_the_window_in_force_and_what_is_under_way():
    # Only where they change, from where they are known, and their ends.
    assert SLOW.granted["time"].tolist() == pytest.approx([0.014, 0.036, 2.036, 2.064])
    np.testing.assert_array_equal(SLOW.granted["octets"], [4000, 0, 4000, 4000])
    times = [0.014, 0.021, 0.022, 0.036, 2.050, 2.064]
    assert SLOW.in_flight["time"].tolist() == pytest.approx(times)
    np.testing.assert_array_equal(SLOW.in_flight["octets"], [0, 1000, 4000, 0, 1000, 0])
    np.testing.assert_array_equal(SLOW.in_flight["low"], SLOW.in_flight["octets"])
    assert SLOW.peak == 4000


def test_zero_and_full_spans():
    np.testing.assert_allclose(SLOW.zero, [[0.036, 2.036]])
    np.testing.assert_allclose(SLOW.full, [[0.022, 0.036]])
    assert SLOW.stalls == "1 zero window, 2 s in all"
    assert SLOW.notes["text"].tolist() == ["zero window\n2 s"]
    assert SLOW.notes["time"].tolist() == pytest.approx([1.036])


def test_probes_and_updates():
    assert SLOW.probes.tolist() == pytest.approx([0.5])
    np.testing.assert_allclose(SLOW.updates, [[2.036, 4000]])
    client = panel(plot_data.slow_reader(), "client")
    assert len(client.probes) == len(client.updates) == len(client.zero) == 0
    assert client.stalls == ""


def test_a_zero_window_that_never_opens_lasts_to_the_end():
    flow = plot_data.slow_reader()
    flow.segments = flow.segments.iloc[:8]
    np.testing.assert_allclose(panel(flow, "server").zero, [[0.036, 2.064]])


def test_known_scale_needs_no_words():
    assert SLOW.scale == ""
    assert not SLOW.raw


def test_an_unknown_scale_is_said_and_the_field_drawn():
    found = panel(plot_data.unscaled(), "server")
    assert found.scale.startswith("window scale unknown")
    assert found.raw
    np.testing.assert_array_equal(found.granted["octets"], [502, 400])


def test_that_zero_is_known_tells_nothing_of_the_scale():
    flow = plot_data.unscaled()
    flow.segments.loc[1, ["window_raw", "window", "right_edge"]] = [0, 0, 1001]
    found = panel(flow, "server")
    assert found.raw
    np.testing.assert_array_equal(found.granted["octets"], [0, 400])
    np.testing.assert_allclose(found.zero, [[0.010, 0.020]])


def test_a_segment_that_was_overtaken_does_not_end_a_zero_window():
    flow = plot_data.slow_reader()
    before = panel(flow, "server").zero
    probe = flow.segments.index[flow.segments["label"] == "window_probe"][0]
    late = plot_data.segment(1.0, "server", "ACK", 1, 1001, window=4000)
    rows = plot_data.table("segments", [late])
    parts = [flow.segments.loc[:probe], rows, flow.segments.loc[probe + 1 :]]
    flow.segments = pd.concat(parts, ignore_index=True)
    np.testing.assert_allclose(panel(flow, "server").zero, before)


@pytest.mark.parametrize(
    ("word", "begins"), [("inferred", "window scale inferred"), ("at_least", "window scale only known")]
)
def test_a_scale_that_is_not_certain(word, begins):
    flow = plot_data.slow_reader()
    flow.windows = flow.windows.assign(scale_known=word)
    assert panel(flow, "server").scale.startswith(begins)


def test_a_reset_with_window_zero_is_no_zero_window():
    assert len(panel(plot_data.refused(), "server").zero) == 0


def test_a_side_that_advertised_nothing():
    found = panel(plot_data.refused(), "client")
    assert found.granted["octets"].isna().all() or found.raw
    assert found.peak >= 1


def test_a_million_segments_are_thinned():
    flow = plot_data.bulk(60_000)
    table = windows_layout(flow, columns=100)
    assert table.thinned == "60,000 segments thinned to 100 columns"
    for each in table.panels:
        assert len(each.in_flight) <= 200
        assert (each.in_flight["low"] <= each.in_flight["octets"]).all()
        assert len(each.full) <= 101


def test_thinning_keeps_the_peak():
    flow = plot_data.bulk(60_000)
    fine, coarse = (panel(flow, "client", columns=columns) for columns in (20_000, 50))
    assert coarse.peak == fine.peak
    assert coarse.in_flight["octets"].max() == fine.in_flight["octets"].max()


def test_what_a_reset_says_is_no_window():
    """A side of which only resets are in the capture advertised nothing: its field is always 0."""
    assert panel(plot_data.refused(), "server").empty
    assert not panel(plot_data.refused(), "client").empty
