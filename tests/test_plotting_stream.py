"""One direction in numbers: sent, acknowledged, granted, and what follows from them."""

from __future__ import annotations

import numpy as np
import plot_data
import pytest
from plot_data import START, segment, table

from pcapstate.plotting.layout.stream import highest, last_known, merged, stream, stretches

NAN = np.nan


def of(*rows, side="client"):
    return stream(table("segments", list(rows)), START.value, side)


def test_a_transfer():
    found = of(
        segment(0.0, "client", "ACK", 1, 1, length=1000),
        segment(0.1, "client", "ACK", 1001, 1, length=500),
        segment(0.2, "server", "ACK", 1, 1001, window=2000),
        segment(0.3, "server", "ACK", 1, 1501, window=100),
    )
    assert found.time.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert found.sent.tolist() == [1001, 1501, 1501, 1501]
    np.testing.assert_array_equal(found.acknowledged, [NAN, NAN, 1001, 1501])
    np.testing.assert_array_equal(found.edge, [NAN, NAN, 3001, 1601])
    np.testing.assert_array_equal(found.in_flight, [NAN, NAN, 500, 0])
    np.testing.assert_array_equal(found.granted, [NAN, NAN, 2000, 100])
    np.testing.assert_array_equal(found.usable, [NAN, NAN, 1500, 100])
    assert found.by_sender.tolist() == [True, True, False, False]
    assert (found.by_peer == ~found.by_sender).all()


def test_syn_and_fin_count_as_one():
    found = of(segment(0.0, "client", "SYN", 0), segment(0.1, "client", "FIN,ACK", 1, 1, length=10))
    assert found.high.tolist() == [1, 12]
    assert found.sent.tolist() == [1, 12]


def test_sending_again_does_not_take_back():
    found = of(
        segment(0.0, "client", "ACK", 1001, 1, length=1000),
        segment(0.1, "client", "ACK", 1, 1, length=1000, label="retransmission"),
    )
    assert found.sent.tolist() == [2001, 2001]
    assert found.low.tolist() == [1001, 1]


def test_an_overtaken_acknowledgement_takes_nothing_back():
    found = of(
        segment(0.0, "server", "ACK", 1, 2001, window=1000),
        segment(0.1, "server", "ACK", 1, 1001, window=5000),
    )
    assert found.acknowledged.tolist() == [2001, 2001]
    assert found.edge.tolist() == [3001, 3001]


@pytest.mark.parametrize("label", ["window_probe", "out_of_window", "overrun"])
def test_probes_and_strays_are_not_in_flight(label):
    found = of(
        segment(0.0, "client", "ACK", 1, 1, length=1000),
        segment(0.1, "client", "ACK", 5001, 1, length=1000, label=label),
    )
    assert found.sent.tolist() == [1001, 1001]


def test_a_clock_that_went_back_stands_still():
    found = of(segment(1.0, "client", "ACK", 1, 1, length=10), segment(0.5, "client", "ACK", 11, 1, length=10))
    assert found.time.tolist() == [1.0, 1.0]


def test_a_reset_acknowledges_nothing():
    found = of(segment(0.0, "server", "ACK", 1, 1001), segment(0.1, "server", "RST,ACK", 1, 9999, window=0))
    assert found.acknowledged.tolist() == [1001, 1001]
    assert found.edge.tolist() == [1001 + 65536] * 2


def test_the_other_direction():
    found = of(segment(0.0, "client", "ACK", 1, 501, window=100), side="server")
    assert found.side == "server"
    assert found.acknowledged.tolist() == [501]
    # What is acknowledged was sent, whether the capture has it or not.
    assert found.sent.tolist() == [501]


def test_without_relative_numbers_nothing_is_known():
    rows = table("segments", [segment(0.0, "client", "ACK", 1, 1, length=10)])
    rows["seq"], rows["ack"] = rows["seq"].astype("Int64"), rows["ack"].astype("Int64")
    rows.loc[0, ["seq", "ack"]] = None
    assert np.isnan(stream(rows, START.value, "client").sent).all()


def test_highest_and_last_so_far():
    values = np.array([NAN, 2.0, 1.0, NAN, 3.0])
    np.testing.assert_array_equal(highest(values), [NAN, 2, 2, 2, 3])
    np.testing.assert_array_equal(last_known(values), [NAN, 2, 1, 1, 3])
    assert len(highest(values[:0])) == len(last_known(values[:0])) == 0


def test_stretches_of_time():
    time = np.arange(6.0)
    starts, ends = stretches(time, np.array([False, True, True, False, True, True]), until=9.0)
    assert (starts.tolist(), ends.tolist()) == ([1, 4], [3, 9])
    starts, ends = stretches(time, np.zeros(6, bool), until=9.0)
    assert len(starts) == len(ends) == 0


def test_neighbouring_stretches_are_joined():
    table_ = merged(np.array([0.0, 1.05, 5.0]), np.array([1.0, 2.0, 6.0]), closer=0.1)
    assert table_.to_dict("list") == {"start": [0.0, 5.0], "end": [2.0, 6.0]}
    assert len(merged(np.zeros(0), np.zeros(0), 0.1)) == 0


def test_the_bulk_transfer_stays_sound():
    segments = plot_data.bulk(30_000).segments
    found = stream(segments, START.value, "server")
    later = found.in_flight[100:]
    assert (later >= 0).all()
    assert later.max() < 100_000
