"""replay/transmissions.py: the rows about what was sent, linked in one ring for all sides."""

from __future__ import annotations

import pytest
from ladders import COMPILED, INTERPRETED, segment

from pcapstate.kernels import convert
from pcapstate.replay import transmissions
from pcapstate.replay.memory import FEW_SENT, Store
from pcapstate.replay.rows import SENT_HEAD
from pcapstate.replay.transmissions import MARGIN, MOST_SENT
from pcapstate.schema import Segment

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)


class Sides:
    """Two senders that share a ring."""

    def __init__(self, speed):
        self.speed = speed
        self.store = Store(speed, room=1)
        self.memory = self.store.memory
        self.mine, self.other = self.memory.senders[0], self.memory.senders[1]

    def run(self, name, *arguments):
        return self.speed.of(getattr(transmissions, name))(*arguments)

    def append(self, who, start, end, seen=1, **values):
        row = convert(Segment, [segment(**values)], self.speed)[0]
        self.run("append", self.memory, who, row, start, end, seen)

    def locate(self, octet):
        return int(self.run("locate", self.memory, self.mine, octet))

    def field(self, serial, name):
        row = self.memory.sent[serial & (len(self.memory.sent) - 1)]
        return int(row[name]) if hasattr(row, "dtype") else getattr(row, name)

    def known(self):
        """(start, end, seen) of the first side's rows, from the top down; the links up must say the same."""
        rows, serial, above = [], self.mine["top"] if hasattr(self.mine, "dtype") else self.mine.top, 0
        serial = int(serial)
        while serial and self.run("alive", self.memory, serial):
            assert self.field(serial, "above") == above
            rows.append(tuple(self.field(serial, name) for name in ("start", "end", "seen")))
            above, serial = serial, self.field(serial, "below")
        return rows


@BOTH
def test_rows_are_linked_in_the_order_of_their_octets(speed):
    sides = Sides(speed)
    sides.append(sides.mine, 1, 100)
    sides.append(sides.other, 1, 50)
    sides.append(sides.mine, 100, 200, seen=0)
    sides.append(sides.mine, 200, 300)
    assert sides.known() == [(200, 300, 1), (100, 200, 0), (1, 100, 1)]


@BOTH
def test_a_row_tells_of_its_first_and_its_latest_transmission(speed):
    sides = Sides(speed)
    sides.append(sides.mine, 1, 100, time=7, frame=3, tsval=20, tsecr=10, ip_id=5)
    row = sides.memory.sent[1]
    sides.run("stamp", row, convert(Segment, [segment(time=9, frame=8, tsval=22, tsecr=11, ip_id=6)], speed)[0])
    assert [sides.field(1, f"first_{name}") for name in ("time", "frame", "tsval", "tsecr", "ip_id")] == [
        7,
        3,
        20,
        10,
        5,
    ]
    assert [sides.field(1, name) for name in ("time", "frame", "tsval", "tsecr", "ip_id")] == [9, 8, 22, 11, 6]
    assert [sides.field(1, name) for name in ("copies", "seen", "acked_at", "fate")] == [1, 1, 0, 0]


@BOTH
@pytest.mark.parametrize(("octet", "start"), [(1, 1), (99, 1), (100, 100), (250, 200), (299, 200)])
def test_the_row_of_an_octet(speed, octet, start):
    sides = Sides(speed)
    for low in (1, 100, 200):
        sides.append(sides.mine, low, 100 * (low // 100) + 100)
    assert sides.field(sides.locate(octet), "start") == start


@BOTH
def test_octets_that_were_never_sent_have_no_row(speed):
    sides = Sides(speed)
    assert sides.locate(5) == 0
    sides.append(sides.mine, 10, 100)
    assert sides.locate(100) == 0
    assert sides.field(sides.locate(5), "start") == 10


@BOTH
def test_a_search_begins_where_the_last_one_ended(speed):
    """Whatever the finger points at, the answer is the same."""
    sides = Sides(speed)
    for i in range(50):
        sides.append(sides.mine, 10 * i, 10 * i + 10)
    for octet in (499, 0, 250, 255, 3, 480):
        assert sides.field(sides.locate(octet), "start") == octet // 10 * 10


@BOTH
def test_a_row_is_cut_in_two(speed):
    sides = Sides(speed)
    sides.append(sides.mine, 1, 100)
    sides.append(sides.mine, 100, 200, frame=9)
    sides.append(sides.mine, 200, 300)
    upper = int(sides.run("split", sides.memory, sides.mine, sides.locate(150), 150))
    assert sides.known() == [(200, 300, 1), (150, 200, 1), (100, 150, 1), (1, 100, 1)]
    assert sides.field(upper, "frame") == 9


@BOTH
def test_the_top_row_is_cut_in_two(speed):
    sides = Sides(speed)
    sides.append(sides.mine, 1, 100)
    sides.run("split", sides.memory, sides.mine, sides.locate(50), 50)
    sides.append(sides.mine, 100, 200)
    assert sides.known() == [(100, 200, 1), (50, 100, 1), (1, 50, 1)]


@BOTH
def test_octets_that_nobody_saw_have_no_marks(speed):
    """Those of the segment that acknowledges them are its own sender's."""
    sides = Sides(speed)
    sides.append(sides.mine, 1, 100)
    row = convert(Segment, [segment(tsval=20, ip_id=5, time=7, frame=3)], speed)[0]
    sides.run("append_unseen", sides.memory, sides.mine, row, 150)
    assert sides.known() == [(100, 150, 0), (1, 100, 1)]
    assert [sides.field(2, name) for name in ("first_tsval", "first_ip_id", "first_said", "tsval", "ip_id")] == [-1] * 5
    assert sides.field(2, "first_frame") == 3


@BOTH
def test_octets_that_were_not_taken_are_as_if_never_sent(speed):
    """RFC 7413 4.2: data in a SYN that the SYN,ACK does not acknowledge."""
    sides = Sides(speed)
    sides.append(sides.mine, 0, 6)
    sides.run("cut_back", sides.memory, sides.mine, 1)
    assert sides.known() == [(0, 1, 1)]
    sides.append(sides.mine, 1, 6)
    assert sides.known() == [(1, 6, 1), (0, 1, 1)]


@BOTH
def test_the_ring_gives_up_the_oldest(speed):
    """The other side's rows push them out; a row counts as gone a little before it is."""
    sides = Sides(speed)
    size = len(sides.memory.sent)
    sides.append(sides.mine, 1, 100)
    sides.append(sides.mine, 100, 200)
    for i in range(size - MARGIN - 2):
        sides.append(sides.other, 10 * i, 10 * i + 10)
    assert sides.known() == [(100, 200, 1), (1, 100, 1)]
    sides.append(sides.other, 1 << 30, 2 << 30)
    assert sides.known() == [(100, 200, 1)]
    assert sides.field(sides.locate(50), "start") == 100
    for i in range(MARGIN + 1):
        sides.append(sides.other, i << 31, (i + 1) << 31)
    assert sides.locate(150) == 0
    sides.append(sides.mine, 200, 300)
    assert sides.known() == [(200, 300, 1)]


def test_room_is_asked_for_before_the_first_row_is_given_up():
    sides = Sides(INTERPRETED)
    assert len(sides.memory.sent) == FEW_SENT
    assert not sides.run("needs_room", sides.memory)
    sides.memory.control[SENT_HEAD] = FEW_SENT - 2 * MARGIN
    assert sides.run("needs_room", sides.memory)
    sides.store.grow_sent()
    assert not sides.run("needs_room", sides.store.memory)


def test_the_largest_ring_asks_for_no_more():
    sides = Sides(COMPILED)
    assert len(sides.memory.sent) == MOST_SENT
    sides.memory.control[SENT_HEAD] = 10 * MOST_SENT
    assert not sides.run("needs_room", sides.memory)
