"""replay/arrivals.py: what a sender had heard when it sent, by TSecr or by time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ladders import COMPILED, INTERPRETED, segment

from pcapstate.kernels import convert
from pcapstate.replay.arrivals import MOST_ARRIVALS, listen, reached, tell, waiting
from pcapstate.replay.memory import Store
from pcapstate.replay.rows import NEVER
from pcapstate.schema import Segment

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)


def put(row, **values):
    for name, value in values.items():
        if hasattr(row, "dtype"):
            row[name] = value
        else:
            setattr(row, name, value)


def got(row, *names):
    return [int(row[name]) if hasattr(row, "dtype") else getattr(row, name) for name in names]


class Told:
    """A sender (side 0) and its peer (side 1), who tells it this and that."""

    def __init__(self, speed):
        self.speed = speed
        self.memory = Store(speed, room=2).memory
        self.receiver, self.sender, self.peer = self.memory.sides[1], self.memory.senders[0], self.memory.senders[1]
        put(self.receiver, window=0)
        put(self.sender, knows_edge=NEVER)

    def row(self, **values):
        return convert(Segment, [segment(**values)], self.speed)[0]

    def tell(self, time, acked, edge, tsval=-1, zero=0):
        put(self.sender, acked=acked)
        put(self.receiver, edge=edge)
        put(self.peer, zero=zero)
        self.speed.of(tell)(self.memory, self.receiver, self.peer, self.sender, self.row(time=time, tsval=tsval))

    def listen(self, time, trip=0, size=1, **values):
        self.speed.of(listen)(self.memory, self.sender, self.row(time=time, **values), trip, size)
        return got(self.sender, "knows_acked", "knows_edge")


@BOTH
def test_what_passed_a_round_trip_ago_has_been_heard(speed):
    told = Told(speed)
    told.tell(100, 1000, 3000)
    told.tell(150, 2000, 4000)
    assert told.listen(110, trip=20, tsecr=-1) == [0, NEVER]
    assert told.listen(125, trip=20, tsecr=-1) == [1000, 3000]
    assert got(told.sender, "heard_at") == [120]
    assert told.listen(999, trip=20, tsecr=-1) == [2000, 4000]


@BOTH
def test_a_timestamp_echo_is_better_than_time(speed):
    """RFC 7323 4.3: TSecr names the latest segment that the sender had. Within one tick it is the time that tells."""
    told = Told(speed)
    told.tell(100, 1000, 3000, tsval=7)
    told.tell(110, 2000, 4000, tsval=8)
    told.tell(120, 2500, 4500, tsval=8)
    assert told.listen(900, trip=5, tsecr=6) == [0, NEVER]
    assert told.listen(900, trip=5, tsecr=7) == [1000, 3000]
    assert told.listen(900, trip=785, tsecr=8) == [2000, 4000]
    assert told.listen(910, trip=785, tsecr=8) == [2500, 4500]


@pytest.mark.parametrize(("tsval", "tsecr", "heard"), [(0xFFFFFFF0, 3, 1), (3, 0xFFFFFFF0, 0), (5, -1, 1), (-1, 5, 1)])
def test_timestamps_wrap_and_may_be_missing(tsval, tsecr, heard):
    assert reached(SimpleNamespace(time=0, tsval=tsval), SimpleNamespace(time=10, tsecr=tsecr), 10) == heard


@BOTH
def test_the_same_again_is_no_news(speed):
    told = Told(speed)
    told.tell(100, 1000, 3000)
    last = got(told.sender, "told_last")
    told.tell(200, 1000, 3000)
    assert got(told.sender, "told_last") == last
    told.tell(200, 1000, 3001)
    assert got(told.sender, "told_last") != last


@BOTH
def test_a_zero_window_lasts_from_when_it_is_heard_to_when_its_end_is(speed):
    told = Told(speed)
    put(told.sender, data_at=50, reach=1000)
    told.tell(100, 1000, 1000, zero=1)
    told.tell(400, 1000, 3000)
    told.listen(500, trip=20, size=1500, tsecr=-1)
    assert got(told.sender, "blocked_at", "blocked", "unblocked_at", "room_at", "knows_zero") == [120, 300, 420, 420, 0]


@BOTH
def test_room_is_what_the_next_segment_needs(speed):
    told = Told(speed)
    put(told.sender, reach=1000)
    told.tell(100, 1000, 1400)
    told.tell(200, 1000, 2460)
    told.listen(500, size=1460, tsecr=-1)
    assert got(told.sender, "room_at") == [200]


@BOTH
def test_the_end_of_a_repair_is_heard(speed):
    told = Told(speed)
    put(told.sender, repairing=1, recover=2000)
    told.tell(100, 1500, 9000)
    told.listen(150, tsecr=-1)
    assert got(told.sender, "repairing", "repaired_at") == [1, 0]
    told.tell(200, 2000, 9000)
    told.listen(250, tsecr=-1)
    assert got(told.sender, "repairing", "repaired_at") == [0, 200]


@BOTH
def test_an_unknown_edge_is_no_bound(speed):
    told = Told(speed)
    put(told.receiver, window=-1)
    told.tell(100, 1000, -1)
    assert told.listen(200, tsecr=-1) == [1000, NEVER]


@BOTH
def test_the_ring_gives_up_the_oldest(speed):
    """Who has not listened for so long begins anew with what is told next."""
    told = Told(speed)
    told.tell(1, 1, 10)
    first = got(told.sender, "told_last")[0]
    for i in range(MOST_ARRIVALS):
        told.tell(2 + i, 2 + i, 10)
    assert speed.of(waiting)(told.memory, first) == 0
    told.tell(9_000_000, 8_000_000, 9_000_000)
    assert told.listen(10_000_000, tsecr=-1) == [8_000_000, 9_000_000]
