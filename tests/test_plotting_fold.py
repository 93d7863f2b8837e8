"""Folding: gentle first, and what matters stays by itself."""

from __future__ import annotations

import numpy as np
import plot_data
import pytest
from plot_data import segment, table

from pcapstate.plotting.layout.fold import COLUMNS, fold


def folded(rows, *segments, **options):
    """The groups of segments given as (side, flags, length) or with more; one millisecond apart."""
    made = []
    for k, (side, flags, length, *more) in enumerate(segments):
        made.append(segment(k / 1000, side, flags, 1, 1, length=length, frame=k + 1, **(more[0] if more else {})))
    times = np.arange(len(made)) / 1000
    return fold(table("segments", made), options.pop("times", times), rows=rows, **options)


def shape(groups):
    """Kind and length of each group."""
    return list(zip(groups["kind"], groups["count"], strict=True))


C, S = "client", "server"
DATA, ACK = (C, "ACK", 100), (S, "ACK", 0)


def test_what_fits_is_not_folded():
    groups = folded(8, *[DATA] * 8)
    assert shape(groups) == [("one", 1)] * 8
    assert tuple(groups.columns) == COLUMNS


def test_runs_of_data_become_bursts():
    groups = folded(4, *[DATA] * 5, ACK, *[DATA] * 3)
    assert shape(groups) == [("burst", 5), ("one", 1), ("burst", 3)]
    assert groups["first"].tolist() == [0, 5, 6]
    assert groups["last"].tolist() == [4, 5, 8]
    assert groups["client_octets"].tolist() == [500, 0, 300]
    assert groups["server_segments"].tolist() == [0, 1, 0]


def test_then_runs_of_one_side():
    groups = folded(4, *[DATA] * 4, ACK, ACK, *[DATA] * 4, ACK, ACK)
    assert shape(groups) == [("burst", 4), ("burst", 2), ("burst", 4), ("burst", 2)]
    assert groups["server_octets"].tolist() == [0, 0, 0, 0]


def test_then_both_sides_together():
    groups = folded(4, *[DATA, ACK] * 6)
    assert shape(groups) == [("exchange", 12)]
    assert groups["client_segments"].tolist() == [6]
    assert groups["server_segments"].tolist() == [6]


def test_syn_fin_and_rst_stay_by_themselves():
    groups = folded(5, (C, "SYN", 0), (S, "SYN,ACK", 0), *[DATA, ACK] * 6, (C, "FIN,ACK", 0), (S, "RST,ACK", 0))
    assert shape(groups) == [("one", 1), ("one", 1), ("exchange", 12), ("one", 1), ("one", 1)]


def test_what_is_odd_stays_by_itself_while_there_is_room():
    odd = (C, "ACK", 100, {"label": "retransmission"})
    zero = (S, "ACK", 0, {"window": 0})
    lost = (C, "ACK", 100, {"cause": "lost_after"})
    groups = folded(8, *[DATA, ACK] * 4, odd, *[DATA, ACK] * 4, zero, *[DATA, ACK] * 4, lost)
    assert shape(groups) == [("exchange", 8), ("one", 1)] * 3
    assert groups["retransmissions"].tolist() == [0, 1, 0, 0, 0, 0]
    assert groups["zero_windows"].tolist() == [0, 0, 0, 1, 0, 0]


def test_duplicate_acks_and_window_updates_are_not_odd_enough():
    groups = folded(
        4, *[DATA, (S, "ACK", 0, {"label": "duplicate_ack"}), (S, "ACK", 0, {"label": "window_update"})] * 4
    )
    assert shape(groups) == [("exchange", 12)]


def test_what_is_odd_too_often_is_counted():
    odd = (C, "ACK", 100, {"label": "retransmission"})
    groups = folded(4, (C, "SYN", 0), *[DATA, odd, ACK] * 20)
    assert shape(groups) == [("one", 1), ("exchange", 60)]
    assert groups["retransmissions"].tolist() == [0, 20]


def test_what_stalls_stays_longer_than_what_is_only_odd():
    odd = (C, "ACK", 100, {"label": "retransmission", "cause": "fast"})
    stall = (C, "ACK", 100, {"label": "retransmission", "cause": "timeout"})
    zero = (S, "ACK", 0, {"window": 0})
    groups = folded(6, *[DATA, odd, ACK] * 5, stall, *[DATA, odd, ACK] * 5, zero, zero, *[DATA, odd, ACK] * 5)
    # Of the two zero windows the one that begins the stall.
    assert shape(groups) == [("exchange", 15), ("one", 1), ("exchange", 15), ("one", 1), ("exchange", 16)]
    assert groups["retransmissions"].tolist() == [5, 1, 5, 0, 5]
    assert groups["zero_windows"].tolist() == [0, 0, 0, 1, 1]


def test_frames_that_are_to_be_kept():
    groups = folded(5, *[DATA, ACK] * 6, keep=[5])
    assert shape(groups) == [("exchange", 4), ("one", 1), ("exchange", 7)]


def test_a_hundred_resets_leave_the_beginning_and_the_end():
    groups = folded(6, *[(S, "RST", 0)] * 100)
    assert shape(groups) == [("one", 1)] * 3 + [("burst", 95)] + [("one", 1)] * 2
    assert groups["count"].sum() == 100


def test_a_long_exchange_is_parted_at_its_silences():
    times = np.arange(24) / 1000
    times[12:] += 5.0
    groups = folded(6, *[DATA, ACK] * 12, times=times)
    assert shape(groups) == [("exchange", 12), ("exchange", 12)]


def test_a_reset_advertises_no_window():
    groups = folded(4, (S, "RST", 0, {"window": 0}), DATA)
    assert groups["zero_windows"].tolist() == [0, 0]


def test_too_few_rows():
    with pytest.raises(ValueError, match="rows is 3; a ladder needs 4 or more"):
        folded(3, DATA)


@pytest.mark.parametrize("rows", [4, 5, 17, 28])
def test_never_more_rows_than_asked_for_and_nothing_lost(rows):
    flow = plot_data.bulk(3000)
    groups = fold(flow.segments, np.arange(3000) / 1e5, rows=rows)
    assert len(groups) <= rows
    assert groups["count"].sum() == 3000
    assert groups["first"].tolist() == [0, *(groups["last"].to_numpy()[:-1] + 1).tolist()]
    length = flow.segments["length"].sum()
    assert groups["client_octets"].sum() + groups["server_octets"].sum() == length


def test_a_long_transfer_is_parted_into_equal_times_so_that_one_sees_how_it_went_on():
    flow = plot_data.bulk(5000)
    times = np.linspace(0, 10, 5000)
    groups = fold(flow.segments, times, rows=28)
    blocks = groups[groups["count"] > 200]
    lasts = times[blocks["last"]] - times[blocks["first"]]
    assert len(blocks) == 8
    np.testing.assert_allclose(lasts, 10 / 8, rtol=0.1)
    assert groups["count"].sum() == 5000
    # Where there is no room it stays one.
    assert len(fold(flow.segments, times, rows=4)) <= 4
