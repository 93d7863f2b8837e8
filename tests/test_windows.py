"""replay/windows.py: which window is in force, what is under way, zero windows, and the log of changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ladders import back, both_speeds, rows_of, segments_of, sent

from pcapstate.kernels import COMPILED, INTERPRETED, convert, kernel
from pcapstate.replay.flows import clear_side
from pcapstate.replay.memory import Store
from pcapstate.replay.rows import CHANGE_COUNT, KEEP_CHANGES
from pcapstate.replay.windows import Change, advertise, filled
from pcapstate.schema import MISSING, SIDES, WINDOW_STATES, Segment

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=500>                --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=600>  <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=9000>     --> ESTABLISHED
"""


def column(result, name, side=None):
    """A column of the segments (of one side), None where it is missing."""
    table = result.table("segments")
    rows = zip(table[name].tolist(), table["side"].tolist(), strict=True)
    return [None if value == MISSING else value for value, of in rows if side in (None, SIDES[of])]


def changes(result, side="server"):
    """(frame, window, right edge, in flight, usable, state) of a side's rows of the table ``windows``."""
    table = result.table("windows")
    names = ("frame", "window", "right_edge", "in_flight", "usable")
    rows = []
    for i in range(len(table["frame"])):
        if SIDES[table["side"][i]] == side:
            values = (int(table[name][i]) for name in names)
            rows.append((*(None if v == MISSING else v for v in values), WINDOW_STATES[table["state"][i]]))
    return rows


# --- which window is in force ----------------------------------------------------------------------------------


def test_an_acknowledgement_that_was_overtaken_grants_nothing():
    made = both_speeds(segments_of(OPEN + sent(100, 20) + back(120, window=50) + back(110, window=900)).rows)
    assert column(made, "right_edge", "server") == [601, 71, 71]
    assert [row[:3] for row in changes(made)] == [(2, 600, 601), (5, 50, 71)]


def test_nor_does_an_older_segment_with_the_same_acknowledgement():
    """RFC 9293 3.10.7.4: SND.WL1, then SND.WL2."""
    text = OPEN + back(100, window=50, length=10, seq=310) + back(100, window=900, length=10, seq=300)
    assert column(both_speeds(segments_of(text).rows), "right_edge", "server") == [601, 51, 51]


@pytest.mark.parametrize(
    ("first", "second", "edge"),
    [
        ({"tsval": 7, "tsecr": 0}, {"tsval": 6, "tsecr": 0}, 51),  # dropped: RFC 7323 5
        ({"tsval": 2, "tsecr": 0}, {"tsval": 2**32 - 2, "tsecr": 0}, 51),
        ({"tsval": 2**32 - 2, "tsecr": 0}, {"tsval": 2, "tsecr": 0}, 901),
        ({"tsval": 7, "tsecr": 0}, {"tsval": 7, "tsecr": 0}, 901),
        ({"ip_id": 9004}, {"ip_id": 9003}, 51),
        ({"ip_id": 9003}, {"ip_id": 9004}, 901),
        ({"ip_id": 0}, {"ip_id": 0}, 901),  # nothing tells: as they came
    ],
)
def test_where_the_numbers_are_the_same_other_marks_tell(first, second, edge):
    early = {place: {"ip_id": 9000 + k} for k, place in enumerate((1, 3, 4))}
    text = OPEN + back(100, window=600) * 2 + back(100, window=50) + back(100, window=900)
    timestamps = {place: {"tsval": 1, "tsecr": 0} for place in range(5)} if "tsval" in first else {}
    if timestamps and first["tsval"] > 2**31:
        timestamps = {place: {"tsval": 2**32 - 9, "tsecr": 0} for place in range(5)}
    made = {place: early.get(place, {}) | timestamps.get(place, {}) for place in range(5)} | {5: first, 6: second}
    assert column(both_speeds(rows_of(text, made)), "right_edge", "server")[-1] == edge


def test_a_copy_of_old_octets_that_acknowledges_more_is_newer():
    text = OPEN + sent(100, 10) + back(100, length=10, window=70) + back(110, length=10, window=60)
    assert column(both_speeds(segments_of(text).rows), "right_edge", "server")[-1] == 11 + 60


@pytest.mark.parametrize("base", [99, 2**32 - 50, 2**32 - 1, 2**31 - 10])
def test_numbers_may_wrap(base):
    rows = segments_of(OPEN + sent(100, 80) + back(180, window=50) + back(140, window=900) + sent(180, 50)).rows
    shift = base - 99
    for row in rows:
        client = row["sport"] == 40000
        row["seq" if client else "ack"] = (row["seq" if client else "ack"] + shift) & 0xFFFFFFFF
    rows[0]["ack"] = 0
    made = both_speeds(rows)
    assert column(made, "right_edge", "server") == [601, 131, 131]
    assert changes(made)[-1][-1] == "full"


SEGMENTS = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 0xFFFF), st.integers(0, 1)), min_size=1, max_size=30)


@given(
    made=SEGMENTS,
    scale=st.integers(0, 14),
    order=st.randoms(use_true_random=False),
    start=st.sampled_from([5, 2**32 - 4, 2**31 - 3]),
)
def test_whatever_the_path_reorders_the_newest_segment_counts(made, scale, order, start):
    """Each of X's segments is newer than the one before; they come in any order within a few places."""
    table = INTERPRETED.table(Segment, len(made))
    acked, number = 1, 1
    for i, (more, window, octets) in enumerate(made):
        acked += more
        row = table[i]
        row.ack_relative, row.ack_known, row.window, row.length, row.seq_relative = acked, 1, window, octets, number
        row.tsval, row.ip_id, row.flags = (start + i) & 0xFFFFFFFF, 0, 16
        number += octets
    came = sorted(range(len(made)), key=lambda i: i + order.uniform(0, 4))
    m = Store(INTERPRETED, room=1).memory
    for index in (0, 1):
        clear_side(m, index)
    x, newest = m.sides[0], -1
    x.scaled, x.scale = 1, scale
    for i in came:
        newest = max(newest, i)
        advertise(m, x, m.sides[1], m.senders[0], m.senders[1], table[i])
        assert x.window == table[newest].window << scale
        assert table[i].right_edge == table[newest].ack_relative + (table[newest].window << scale)


# --- under way -------------------------------------------------------------------------------------------------


def test_what_is_under_way_counts_syn_and_fin():
    """FlightSize, RFC 5681 2."""
    made = both_speeds(segments_of(OPEN + sent(100, 50) + sent(150, 20, flags="FIN,ACK") + back(150)).rows)
    assert column(made, "in_flight", "client") == [1, 0, 50, 71]


def test_mid_stream_only_what_was_seen_is_under_way():
    made = both_speeds(segments_of(sent(100, 50) + sent(150, 20) + back(150) + sent(170, 5)).rows)
    assert column(made, "in_flight", "client") == [50, 70, 25]


def test_octets_sent_again_are_not_more_under_way():
    made = both_speeds(segments_of(OPEN + sent(100, 50) + sent(150, 50) + sent(100, 50, 0.5)).rows)
    assert column(made, "in_flight", "client")[-1] == 100


def test_a_syn_grants_nothing_to_count_from():
    assert column(both_speeds(segments_of(OPEN).rows), "right_edge") == [None, 601, 9001]


# --- full and zero ---------------------------------------------------------------------------------------------


def test_a_window_that_is_used_up_is_full():
    made = both_speeds(segments_of(OPEN + sent(100, 400) + sent(500, 200) + back(300, window=400)).rows)
    assert changes(made) == [
        (2, 600, 601, 0, 600, "open"),
        (5, 600, 601, 600, 0, "full"),
        (6, 400, 601, 400, 0, "full"),
    ]


def test_and_open_again_when_more_is_granted():
    made = both_speeds(segments_of(OPEN + sent(100, 600) + back(700, window=600)).rows)
    assert [row[-1] for row in changes(made)] == ["open", "full", "open"]
    assert changes(made)[-1] == (5, 600, 1201, 0, 600, "open")


def test_a_zero_window_from_its_first_segment_to_the_one_that_opens_it():
    text = OPEN + sent(100, 600) + back(700, window=0) + back(700, 0.5, window=0) + back(700, 0.25, window=30)
    made = both_speeds(segments_of(text).rows)
    assert [row[-1] for row in changes(made)] == ["open", "full", "zero", "open"]
    flows = made.table("flows")
    assert flows["server_zero_windows"][0] == 2
    assert flows["server_zero_window_time"][0] == pytest.approx(0.75)


def test_an_overtaken_segment_neither_closes_nor_opens():
    text = OPEN + sent(100, 600) + back(700, window=0) + back(400, 0.5, window=300) + back(700, 0.5, window=30)
    flows = both_speeds(segments_of(text).rows).table("flows")
    assert flows["server_zero_window_time"][0] == pytest.approx(1.0)


def test_a_reset_advertises_nothing():
    text = OPEN + back(100, window=0, flags="RST,ACK")
    made = both_speeds(segments_of(text).rows)
    assert column(made, "window", "server")[-1] is None
    assert made.table("flows")["server_zero_windows"][0] == 0


def test_the_same_field_after_a_syn_may_be_another_window():
    rows = rows_of(OPEN + back(100, window=600), {0: {"window_scale": 1}, 1: {"window_scale": 3}})
    assert [row[1] for row in changes(both_speeds(rows))] == [600, 4800]


# --- taken back ------------------------------------------------------------------------------------------------


def shrunk(text, places=None):
    notes = both_speeds(rows_of(text, places)).table("notes")
    return [text for kind, text in zip(notes["kind"], notes["text"], strict=True) if kind == "window_shrunk"]


def test_a_window_that_is_taken_back_is_noted_once():
    text = OPEN + sent(100, 100) + back(200, window=300) + sent(200, 10) + back(210, window=100)
    assert shrunk(text) == ["The right edge of the window moved left by 200 octets: what was granted was taken back."]


@pytest.mark.parametrize(("window", "count"), [(62, 0), (61, 1)])
def test_by_less_than_a_unit_of_the_scale_it_may(window, count):
    """600 octets and 8 a unit: after 100 are acknowledged, 496 are the most that the field can say."""
    scales = {0: {"window_scale": 3}, 1: {"window_scale": 3}, 3: {"window": 75}}
    text = OPEN + back(100, window=75) + sent(100, 100) + back(200, window=window)
    assert len(shrunk(text, scales)) == count


def test_the_window_is_not_taken_back_by_what_may_be_older():
    """Nothing tells the two apart: no timestamps, no IDs."""
    silent = {place: {"ip_id": 0} for place in range(5)}
    assert shrunk(OPEN + back(100, window=600) + back(100, window=300), silent) == []
    assert len(shrunk(OPEN + back(100, window=600) + back(100, window=300))) == 1


# --- at both speeds, and no room -------------------------------------------------------------------------------


@kernel
def advertise_all(m, segments, count):
    for i in range(count):
        s = segments[i]
        advertise(m, m.sides[s.side], m.sides[1 - s.side], m.senders[s.side], m.senders[1 - s.side], s)


def test_a_kernel_alone_is_the_same_at_both_speeds():
    found = []
    for speed in (INTERPRETED, COMPILED):
        m = Store(speed, room=1).memory
        m.control[KEEP_CHANGES] = 1
        for index in (0, 1):
            speed.of(clear_side)(m, index)
        rows = INTERPRETED.table(Segment, 8)
        for i, row in enumerate(rows):
            row.side, row.window, row.ack_relative, row.ack_known, row.tsval = i % 2, 100 * (i % 3), 1 + i, 1, -1
        table = convert(Segment, rows, speed)
        speed.of(advertise_all)(m, table, 8)
        count = int(m.control[CHANGE_COUNT])
        found.append((speed.array(Segment, table, 8).tolist(), speed.array(Change, m.changes, count).tolist()))
    assert found[0] == found[1]
    assert len(found[0][1]) == 8


def test_without_room_nothing_is_written_down():
    m = Store(INTERPRETED, room=1).memory._replace(changes=[])
    for index in (0, 1):
        clear_side(m, index)
    m.senders[1].in_force = m.sides[1].window = m.sides[1].edge = 1
    m.senders[0].next = 5
    filled(m, m.sides[0], m.sides[1], m.senders[0], m.senders[1], INTERPRETED.table(Segment, 1)[0])
    assert m.changes == []
