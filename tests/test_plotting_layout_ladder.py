"""The ladder as a table: where every arrow, band, name and fold stands, to the line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plot_data
import pytest
from plot_data import flow, move, segment

from pcapstate.plotting.layout.fold import ROWS
from pcapstate.plotting.layout.ladder import LEAST_SLANT, ladder_layout
from pcapstate.plotting.layout.warp import FOLDED

LADDER = ladder_layout(plot_data.whole())


def columns(table, *names):
    return [tuple(row) for row in table[list(names)].round(3).itertuples(index=False)]


def test_arrows_fall_by_the_measured_delays():
    # 3 ms to the client and 7 ms to the server: 10 ms across are 2.5 lines, where nothing is drawn apart.
    found = columns(LADDER.arrows, "frame", "side", "sent", "received", "from_y", "to_y")
    assert found[:3] == [
        (1, "client", -0.003, 0.007, 0.0, 2.5),
        (2, "server", 0.007, 0.017, 2.5, 5.0),
        # Its own way is drawn longer: frame 4 leaves half a millisecond later, and needs a line of its own.
        (3, "client", 0.017, 0.027, 5.0, 8.375),
    ]
    assert found[7:9] == [(8, "client", 1.017, 1.027, 19.275, 21.775), (9, "server", 1.027, 1.037, 22.775, 25.275)]


def test_arrows_run_from_lifeline_to_lifeline():
    assert set(columns(LADDER.arrows[LADDER.arrows["side"] == "client"], "from_x", "to_x")) == {(0.0, 1.0)}
    assert set(columns(LADDER.arrows[LADDER.arrows["side"] == "server"], "from_x", "to_x")) == {(1.0, 0.0)}


def test_the_words_of_each_arrow():
    assert LADDER.arrows["text"].tolist() == [
        "SYN  seq=0  win=64240  mss=1460  wscale=7",
        "SYN,ACK  seq=0  ack=0+1  win=65160  mss=1460  wscale=7",
        "ACK  seq=1  ack=0+1  win=65536",
        "PSH,ACK  seq=1  ack=1  len=500  win=65536",
        "ACK  seq=1  ack=501  win=65536",
        "PSH,ACK  seq=1  ack=501  len=1448  win=65536",
        "ACK  seq=501  ack=1449  win=65536",
        "FIN,ACK  seq=501  ack=1449  win=65536",
        "ACK  seq=1449  ack=501+1  win=65536",
        "FIN,ACK  seq=1449  ack=502  win=65536",
        "ACK  seq=502  ack=1449+1  win=65536",
    ]
    assert LADDER.arrows["tone"].tolist() == ["ordinary"] * 3 + ["data", "ordinary", "data"] + ["ordinary"] * 5
    assert LADDER.arrows["crowded"].sum() == 0


def test_raw_numbers():
    arrows = ladder_layout(plot_data.whole(), numbers="raw").arrows
    assert arrows["text"][1] == "SYN,ACK  seq=4000000000  ack=1000000000+1  win=65160  mss=1460  wscale=7"
    with pytest.raises(ValueError, match="numbers is 'hex'"):
        ladder_layout(plot_data.whole(), numbers="hex")


def test_bands_meet_the_arrows_that_change_the_state():
    assert columns(LADDER.bands, "side", "state", "top", "bottom") == [
        ("client", "CLOSED", -1.6, 0.0),
        ("client", "SYN_SENT", 0.0, 5.0),
        ("client", "ESTABLISHED", 5.0, 19.275),
        ("client", "FIN_WAIT_1", 19.275, 25.275),
        ("client", "FIN_WAIT_2", 25.275, 29.275),
        ("client", "TIME_WAIT", 29.275, 34.275),
        ("client", "CLOSED", 34.275, 36.375),
        ("server", "LISTEN", -1.6, 2.5),
        ("server", "SYN_RECEIVED", 2.5, 8.375),
        ("server", "ESTABLISHED", 8.375, 21.775),
        ("server", "CLOSE_WAIT", 21.775, 26.775),
        ("server", "LAST_ACK", 26.775, 32.775),
        ("server", "CLOSED", 32.775, 36.375),
    ]
    assert (LADDER.top, round(LADDER.bottom, 3)) == (-1.6, 36.375)


def test_what_is_uncertain_is_hatched_between_its_bounds():
    found = {(side, state): (top, bottom) for side, state, top, bottom in LADDER.doubts.itertuples(index=False)}
    # From 17 to 23 ms at the capture point, which the axis begins 3 ms before: 14 and 20 ms after it.
    assert found["client", "ESTABLISHED"] == pytest.approx((4.25, 6.625))
    # Nothing confirms that the last ACK arrived: hatched to the end.
    assert found["server", "CLOSED"] == pytest.approx((31.025, LADDER.bottom))


def test_silences_are_folded_and_say_how_long_they_are():
    assert columns(LADDER.folds, "top", "bottom", "text") == [
        (17.775, 19.275, "967 ms"),
        (25.275, 26.775, "190 ms"),
        (32.775, 34.275, "60 s (2MSL)"),
    ]
    assert (LADDER.folds["bottom"] - LADDER.folds["top"]).round(9).eq(FOLDED).all()


def test_names_tell_what_happened_and_how_it_is_known():
    client = LADDER.names[LADDER.names["side"] == "client"]
    assert columns(client, "state", "detail") == [
        ("CLOSED", ""),
        ("SYN_SENT", "snd SYN"),
        ("ESTABLISHED", "rcv SYN,ACK"),
        ("FIN_WAIT_1", "snd FIN"),
        ("FIN_WAIT_2", "rcv ACK of FIN, presumed"),
        ("TIME_WAIT", "2MSL, after 60 s"),
        ("CLOSED", "2MSL, timer"),
    ]


def test_ticks_are_the_times_at_which_something_leaves():
    assert columns(LADDER.ticks, "y", "text")[:4] == [(0.0, "-0.003"), (2.5, "0.007"), (5.0, "0.017"), (8.375, "0.027")]
    assert (LADDER.ticks["y"].diff().dropna() >= 1.4).all()
    assert LADDER.ticks["text"].is_unique


def test_where_it_was_captured():
    assert LADDER.captured == pytest.approx(0.3)
    assert LADDER.measured
    assert LADDER.hidden == ""


def test_a_lost_segment_ends_on_the_way():
    ladder = ladder_layout(plot_data.lossy())
    lost = ladder.arrows[ladder.arrows["lost"]]
    assert lost["frame"].tolist() == [2]
    # Captured at 0.3 of the way: it came half of the way that was left.
    assert lost["to_x"].tolist() == pytest.approx([0.65])
    assert lost["mark"].tolist() == ["lost after the capture point"]
    again = ladder.arrows[ladder.arrows["frame"] == 6].iloc[0]
    assert (again["tone"], again["mark"]) == ("retransmission", "retransmission (timeout)")
    sacked = ladder.arrows[ladder.arrows["frame"] == 5].iloc[0]
    assert sacked["text"].endswith("sack=2001-3001")
    assert (sacked["tone"], sacked["mark"]) == ("odd", "duplicate ACK")


def test_picked_up_in_mid_stream():
    ladder = ladder_layout(plot_data.lossy())
    assert columns(ladder.names, "side", "state", "detail") == [
        ("client", "ESTABLISHED", "capture begins here"),
        ("server", "ESTABLISHED", "capture begins here"),
    ]
    assert not ladder.bands["top"].eq(ladder.top).any()


def test_zero_windows_and_probes_are_marked():
    arrows = ladder_layout(plot_data.slow_reader()).arrows.set_index("frame")
    assert (arrows["tone"][6], arrows["mark"][6]) == ("zero", "zero window")
    assert (arrows["tone"][7], arrows["mark"][7]) == ("odd", "window probe")
    assert (arrows["tone"][8], arrows["mark"][8]) == ("zero", "answer to a window probe, zero window")
    assert (arrows["tone"][9], arrows["mark"][9]) == ("ordinary", "window update")


def test_refused_without_delays():
    ladder = ladder_layout(plot_data.refused())
    assert not ladder.measured
    assert ladder.captured == 0.5
    assert ladder.arrows["tone"].tolist() == ["ordinary", "reset"]
    assert (ladder.arrows["to_y"] - ladder.arrows["from_y"] >= LEAST_SLANT - 1e-9).all()
    server = ladder.bands[ladder.bands["side"] == "server"]
    assert columns(server, "state", "top", "bottom") == [("CLOSED", round(ladder.top, 3), round(ladder.bottom, 3))]


def test_segments_of_one_instant_keep_their_order():
    made = [segment(0.0, "client", "ACK", 1 + 100 * k, 1, length=100) for k in range(4)]
    arrows = ladder_layout(flow(made, [move("client", 0.0, "", "seen", "ESTABLISHED", frame=1)])).arrows
    assert (arrows["from_y"].diff().dropna() >= 1 - 1e-6).all()
    assert (arrows["to_y"].diff().dropna() >= 1 - 1e-6).all()


def test_a_state_of_no_length_has_its_name_below_the_one_before():
    made = [segment(0.0, "client", "FIN,ACK", 1, 1), segment(0.014, "server", "FIN,ACK", 1, 2)]
    moves = [
        move("server", 0.007, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT", frame=1, evidence="confirmed"),
        move("server", 0.007, "CLOSE_WAIT", "snd FIN", "LAST_ACK", frame=2),
    ]
    names = ladder_layout(flow(made, moves)).names
    wait, last = (names[names["state"] == state].iloc[0] for state in ("CLOSE_WAIT", "LAST_ACK"))
    assert wait["at"] == last["at"]
    assert last["y"] == wait["y"] + 1.0


def test_a_range_of_frames():
    ladder = ladder_layout(plot_data.whole(), frames=(8, 11))
    assert ladder.arrows["frame"].tolist() == [8, 9, 10, 11]
    assert ladder.hidden == "4 of the flow's 11 segments"
    client = ladder.bands[ladder.bands["side"] == "client"]
    # ESTABLISHED began before the range; the 2MSL lies after it.
    assert client["state"].tolist() == ["ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT"]
    assert client["bottom"].iloc[-1] == ladder.bottom


def test_a_range_of_time():
    assert ladder_layout(plot_data.whole(), time=(0.01, 0.05)).arrows["frame"].tolist() == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("part", "said"), [({"frames": (100, 200)}, "frames 100 to 200"), ({"time": (5.0, 6.5)}, "5 to 6.5 s")]
)
def test_a_range_without_a_segment(part, said):
    with pytest.raises(
        ValueError, match=f"flow 0 has no segment in the range asked for: {said}; it has frames 1 to 11, 0 to"
    ):
        ladder_layout(plot_data.whole(), **part)


def test_a_long_flow_is_folded():
    ladder = ladder_layout(plot_data.bulk(100_000))
    assert 1 <= len(ladder.arrows) + len(ladder.blocks) <= ROWS
    assert ladder.hidden.endswith("of 100,000 segments folded")
    text = ladder.blocks["text"].str.cat(sep="\n")
    # Eight boxes of one eighth of the time each: the transfer is seen to go on evenly.
    assert text.count("149 ms") == 8
    assert "→ 4,204 segments, no data\n← 8,408 segments, 12.2 MB\n23 retransmissions, in 149 ms" in text
    assert ladder.bottom - ladder.top < 100


def test_what_is_folded_in_a_box_is_not_a_silence():
    ladder = ladder_layout(plot_data.bulk(100_000))
    for block in ladder.blocks.itertuples():
        inside = (ladder.folds["top"] >= block.top - 1e-9) & (ladder.folds["bottom"] <= block.bottom + 1e-9)
        assert not inside.any()


def test_a_burst_is_one_arrow_that_says_what_it_holds():
    made = [segment(k * 1e-4, "client", "ACK", 1 + 1000 * k, 1, length=1000) for k in range(10)]
    made += [segment(0.02 + k * 1e-4, "server", "ACK", 1, 4001 + 2000 * k) for k in range(4)]
    arrows = ladder_layout(flow(made, [move("client", 0.0, "", "seen", "ESTABLISHED")]), rows=4).arrows
    assert arrows["count"].tolist() == [10, 4]
    assert arrows["text"].tolist() == ["10 segments  seq=1…10001  10 kB in all", "4 segments  ack=4001…10001  no data"]
    assert columns(arrows, "frame", "last_frame", "tone") == [(1, 10, "data"), (11, 14, "ordinary")]


def test_crossing_syns_have_room_for_their_words():
    c, s = "client", "server"
    options = {"mss": 1460, "window_scale": 10}
    made = [
        segment(0.003, c, "SYN", 0, window=64240, **options),
        segment(0.007, s, "SYN", 0, window=64240, **options),
        segment(0.013, c, "SYN,ACK", 0, 1, window=64240, **options),
        segment(0.017, s, "SYN,ACK", 0, 1, window=64240, **options),
    ]
    moves = [move(side, 0.0, "CLOSED", "snd SYN", "SYN_SENT", frame=frame) for side, frame in ((c, 1), (s, 2))]
    arrows = ladder_layout(flow(made, moves)).arrows
    assert arrows["crowded"].max() < 0.02
    assert (arrows["below"] != "").any()


def test_a_flow_without_any_transition():
    ladder = ladder_layout(flow([segment(0.0, "client", "ACK", 1, 1)], []))
    assert len(ladder.bands) == 0
    assert len(ladder.arrows) == 1
    assert np.isfinite([ladder.top, ladder.bottom]).all()


def test_tables_are_tables():
    for name in ("arrows", "blocks", "bands", "doubts", "names", "folds", "ticks"):
        assert isinstance(getattr(LADDER, name), pd.DataFrame)


def test_a_side_without_a_segment_says_so():
    assert ladder_layout(plot_data.alone()).unknown == {"server": "no segment of this\nside in the capture"}
    assert ladder_layout(plot_data.whole()).unknown == {}


def to_the_end_of_a_capture(flow, ends):
    """The flow in a capture whose last packet comes so many seconds after its start."""
    flow.capture = plot_data.SimpleNamespace(times=(plot_data.START.value, plot_data.at(ends).value))
    return flow


def test_a_state_that_lasts_is_drawn_to_the_end_of_the_capture():
    """Who leaks a connection does so for an hour after its last segment."""
    before = ladder_layout(plot_data.slow_reader())
    lasting = ladder_layout(to_the_end_of_a_capture(plot_data.slow_reader(), 3600))
    assert lasting.folds["text"].tolist()[-1].endswith(" to the end of the capture")
    assert lasting.ticks["text"].tolist()[-1] == "3600.000"
    assert lasting.bottom > before.bottom + 1
    last = lasting.bands.groupby("side")["bottom"].max()
    assert last.tolist() == [lasting.bottom] * 2
    assert lasting.folds["bottom"].max() < lasting.bottom


@pytest.mark.parametrize("ends", [0, 1.5])
def test_what_ends_with_its_segments_or_is_closed_has_no_such_end(ends):
    assert ladder_layout(to_the_end_of_a_capture(plot_data.slow_reader(), ends)).bottom == (
        ladder_layout(plot_data.slow_reader()).bottom
    )
    closed = ladder_layout(to_the_end_of_a_capture(plot_data.refused(), 3600))
    assert closed.bottom == ladder_layout(plot_data.refused()).bottom


def test_a_part_of_a_flow_ends_with_its_segments():
    part = ladder_layout(to_the_end_of_a_capture(plot_data.slow_reader(), 3600), frames=(1, 4))
    assert not any("capture" in text for text in part.folds["text"])


def test_a_segment_without_effect_ends_in_a_cross_at_the_lifeline():
    flow = plot_data.whole()
    flow.segments.loc[2, "cause"] = "no_effect"
    flow.segments.loc[3, "cause"] = "lost_after"
    arrows = ladder_layout(flow).arrows
    assert arrows.loc[arrows["frame"].isin([3, 4]), "lost"].tolist() == [True, True]
    assert arrows.loc[arrows["frame"] == 3, "to_x"].item() == 1.0
    assert arrows.loc[arrows["frame"] == 4, "to_x"].item() < 0.9


@pytest.mark.parametrize("given", [5, (1,), ("01:49:53.5", "01:49:54"), "1-2", (True, False)])
def test_what_is_no_range_is_refused_in_words(given):
    for name in ("frames", "time"):
        with pytest.raises(ValueError, match=f"^{name} is .*; it must be two"):
            ladder_layout(plot_data.whole(), **{name: given})
