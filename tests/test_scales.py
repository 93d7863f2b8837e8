"""replay/scales.py: the shift of the windows, agreed on in the SYNs or inferred without them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ladders import back, both_speeds, replayed, rows_of, segments_of, sent

from pcapstate.kernels import COMPILED, INTERPRETED, convert, kernel
from pcapstate.replay.flows import clear_side
from pcapstate.replay.memory import Store
from pcapstate.replay.rows import Side
from pcapstate.replay.scales import agreed_scale, infer, settle_scale
from pcapstate.replay.senders import Sender
from pcapstate.schema import MISSING, SCALE_KNOWN, Segment

OPEN = """
SYN_SENT      --> <SEQ=99><CTL=SYN><WND=64000>                --> SYN_RECEIVED
ESTABLISHED   <-- <SEQ=299><ACK=100><CTL=SYN,ACK><WND=64000>  <-- SYN_RECEIVED
ESTABLISHED   --> <SEQ=100><ACK=300><CTL=ACK><WND=500>        --> ESTABLISHED
"""


def with_fields(kind, values):
    row = kind.object()
    for name, value in values.items():
        setattr(row, name, value)
    return row


def known(result, side=0):
    """How the scale of a side's windows is known in the end, and the windows of its segments."""
    table = result.table("windows")
    words = [SCALE_KNOWN[code] for code, of in zip(table["scale_known"], table["side"], strict=True) if of == side]
    windows = result.table("segments")
    seen = [w for w, of in zip(windows["window"].tolist(), windows["side"], strict=True) if of == side]
    return words[-1], [None if w == MISSING else w for w in seen]


def inferred_note(result):
    notes = result.table("notes")
    return [text for kind, text in zip(notes["kind"], notes["text"], strict=True) if kind == "scale_inferred"]


# --- agreed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "server", "window"),
    [(7, 3, 500 << 7), (0, 3, 500), (7, -1, 500), (-1, 3, 500), (14, 14, 500 << 14), (20, 0, 500 << 14)],
)
def test_both_syns_must_offer_it(client, server, window):
    """RFC 7323 2.2 and 2.3: never on a SYN, only if both offered it, and by 14 at the most."""
    made = both_speeds(rows_of(OPEN, {0: {"window_scale": client}, 1: {"window_scale": server}}))
    assert known(made) == ("known", [64000, window])


def test_a_syn_ack_with_the_option_tells_of_the_syn():
    rows = rows_of(OPEN + back(100, window=9), {1: {"window_scale": 3}})[1:]
    assert known(replayed(rows), 1) == ("known", [64000, 72])
    assert known(replayed(rows), 0)[0] == "unknown"


def test_a_copy_of_the_syn_without_options_takes_back_no_offer():
    """Who gets no answer tries without; but the SYN,ACK with the option answers the first."""
    text = OPEN.splitlines()[1] + "\n" + OPEN.lstrip()
    made = both_speeds(rows_of(text, {0: {"window_scale": 4}, 2: {"window_scale": 3}}))
    assert known(made) == ("known", [64000, 64000, 500 << 4])
    assert made.table("flows")["client_window_scale"][0] == 4


def test_a_syn_that_comes_again_late_changes_nothing():
    text = OPEN + sent(100, 10, window=400) + OPEN.splitlines()[2] + "\n" + back(110, window=300)
    rows = rows_of(text, {0: {"window_scale": 4}, 1: {"window_scale": 3}, 4: {"window_scale": 3}})
    assert known(both_speeds(rows), 1)[1][-1] == 300 << 3


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
@pytest.mark.parametrize(
    ("mine", "peers", "shift"),
    [
        ({}, {}, -1),
        ({"syn_seen": 1, "syn_pure": 1, "offered_scale": 7}, {}, -1),
        ({"syn_seen": 1, "syn_pure": 1, "offered_scale": 7}, {"syn_seen": 1, "offered_scale": 2}, 7),
        ({"syn_seen": 1, "offered_scale": 7}, {}, 7),
        ({"syn_seen": 1, "syn_pure": 1, "offered_scale": 7}, {"syn_seen": 1, "offered_scale": -1}, 0),
        ({"syn_seen": 1, "syn_unseen": 1, "offered_scale": -1}, {"syn_seen": 1, "offered_scale": 2}, -1),
    ],
)
def test_agreed_at_both_speeds(speed, mine, peers, shift):
    sides = convert(Side, [with_fields(Side, mine), with_fields(Side, peers)], speed)
    assert speed.of(agreed_scale)(sides[0], sides[1]) == shift


# --- one SYN only ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "syn", "first", "found"),
    [
        (7, 64000, 500, ("inferred", 500 << 7)),  # 64000, as the SYN said
        (8, 64000, 1024, ("inferred", 1024 << 8)),  # more than the SYN could say
        (7, 64000, 40000, ("unknown", None)),  # it may as well be 40000
        (7, 64000, 100, ("unknown", None)),  # even scaled it takes back what was granted
        (1, 64000, 32000, ("inferred", 64000)),
        (0, 64000, 64000, ("unknown", None)),
        (3, 65535, 65535, ("unknown", None)),  # the field says as much either way
        (-1, 64000, 500, ("known", 500)),
    ],
)
def test_the_first_window_shows_whether_the_offer_was_taken(offered, syn, first, found):
    rows = segments_of(OPEN).rows
    rows[0] |= {"window_scale": offered, "window": syn}
    rows[2]["window"] = first
    made = both_speeds([rows[0], rows[2]])
    assert known(made) == (found[0], [syn, found[1]])
    assert len(inferred_note(made)) == (found[0] == "inferred")


# --- mid-stream ------------------------------------------------------------------------------------------------


def filling(shift, start=4000, step=1448, count=8, read=0):
    """A server that acknowledges ``count`` segments of the client, whose program reads ``read`` octets of each."""
    text, buffer = "", start << shift
    for i in range(count):
        text += sent(100 + i * step, step)
        buffer -= step - read
        text += back(100 + (i + 1) * step, window=max(buffer, 0) >> shift)
    return text


@pytest.mark.parametrize("shift", range(8))
def test_who_does_not_read_shows_its_scale(shift):
    made = both_speeds(segments_of(filling(shift, start=60_000 >> shift)).rows)
    word, windows = known(made, 1)
    assert word == "inferred"
    assert windows[0] == (60_000 >> shift << shift) - 1448 >> shift << shift  # also those before it was known
    assert inferred_note(made) == [
        f"The window scale is inferred to be {shift}: the SYN that tells it was not captured, and no other fits the "
        "windows."
    ]


@given(
    shift=st.integers(0, 14),
    start=st.integers(1 << 10, 0xFFFF),
    reads=st.lists(st.integers(0, 3000), min_size=5, max_size=60),
    sizes=st.lists(st.integers(1, 1460), min_size=5, max_size=60),
)
def test_a_receiver_that_takes_nothing_back_is_never_mistaken(shift, start, reads, sizes):
    """Whatever its program reads, and unless it reads in step with what comes."""
    table = INTERPRETED.table(Segment, 1)
    m = Store(INTERPRETED, room=1).memory
    clear_side(m, 0)
    x, mine = m.sides[0], m.senders[0]
    s = table[0]
    buffer = start << shift
    edge, ack, unread = buffer, 0, 0
    for read, size in zip(reads, sizes, strict=False):
        ack += min(size, edge - ack)
        unread = max(0, unread + min(size, edge - ack) - read)
        edge = max(edge, ack + (buffer - unread >> shift << shift))
        s.window, s.ack_relative, s.frame = min(0xFFFF, edge - ack >> shift), ack, 1
        infer(mine, s)
        settle_scale(x, mine, s)
        assert mine.scale_most >= shift
        if mine.inferred:
            exact = mine.scale_votes if x.scale != shift else 0
            assert x.scale == shift or exact >= 3, "only what looks like not reading at all"


def test_a_receiver_that_reads_now_and_then_is_not_guessed():
    reads = [700, 1448, 100, 1300, 900, 1448, 300, 1000]
    text, buffer = "", 60_000
    for i, read in enumerate(reads):
        buffer -= 1448 - read
        text += sent(100 + i * 1448, 1448) + back(100 + (i + 1) * 1448, window=buffer >> 6)
    assert known(replayed(segments_of(text).rows), 1)[0] in ("at_least", "unknown")


def test_what_is_under_way_bounds_it_from_below():
    text = back(100, window=20) + "".join(sent(100 + 1000 * i, 1000) for i in range(3))
    made = both_speeds(segments_of(text).rows)
    table = made.table("windows")
    at = list(table["side"]).index(1)
    assert SCALE_KNOWN[table["scale_known"][at]] == "at_least"
    assert table["window"][at] == 20 << 8  # 2999 octets are more than 21 << 7
    assert table["right_edge"][at] == MISSING
    assert known(made, 1) == ("at_least", [None])
    flows = made.table("flows")
    assert (flows["server_window_max"][0], flows["server_receive_buffer"][0]) == (MISSING, 20 << 8)


def test_where_both_bounds_meet_it_is_known():
    """The sender uses all of the window, and the window falls by what is acknowledged."""
    text = back(100, window=200) + "".join(sent(100 + 1280 * i, 1280) for i in range(10))
    text += back(100 + 640, window=190) + back(100 + 1280, window=180)
    assert known(replayed(segments_of(text).rows), 1)[0] == "inferred"


def test_a_gap_in_the_capture_bounds_nothing():
    text = back(100, window=20) + sent(100, 1000) + back(1100, window=20) + sent(5100, 1000) + back(6100, window=20)
    text += sent(6100, 1000)
    rows = segments_of(text.replace("WND=9000", "WND=50")).rows
    assert known(replayed(rows), 1)[0] in ("unknown", "at_least")
    hole = segments_of(back(100, window=2000) + sent(100, 100) + sent(9000, 1000)).rows
    assert known(replayed(hole), 1)[0] == "unknown"


def test_who_takes_back_its_window_is_given_up():
    """First it looks like 2, then a fall cannot have been granted: what was inferred is gone, from all tables."""
    text = filling(2, start=15_000, count=6)
    end = 100 + 6 * 1448
    text += sent(end, 100) + back(end + 100, window=200)
    made = both_speeds(segments_of(text).rows)
    assert known(made, 1)[0] in ("unknown", "at_least")
    assert set(known(made, 1)[1]) == {None}
    assert inferred_note(made) == []


@kernel
def settle_all(sides, senders, segments, count):
    for i in range(count):
        infer(senders[0], segments[i])
        settle_scale(sides[0], senders[0], segments[i])
    return sides[0].scale


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_inference_at_both_speeds(speed):
    sides = convert(Side, [with_fields(Side, {"scale": -1})], speed)
    senders = convert(Sender, [with_fields(Sender, {"scale_most": 14})], speed)
    rows = [{"window": 900 - 20 * i, "ack_relative": 1 + 640 * i, "frame": i + 1} for i in range(6)]
    segments = convert(Segment, [with_fields(Segment, row) for row in rows], speed)
    assert speed.of(settle_all)(sides, senders, segments, 6) == 5
    found = speed.array(Sender, senders, 1)[0]
    assert (found["inferred"], found["scale_most"]) == (4, 5)
