"""Regions of a shared buffer, interfaces of many sections, and tables that change their speed."""

from __future__ import annotations

import pytest
from containers_made import interface

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.pcapng import read_interface
from pcapstate.parser.regions import Interfaces, Space, Tables, row
from pcapstate.parser.walk import Walk

BOTH = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)


def described(link: int):
    return read_interface(interface(link), big=False)


@BOTH
def test_a_row_can_be_read_and_written_at_both_speeds(speed):
    table = speed.table(Walk, 2)
    row(table, 1).position = 7
    assert row(table, 1).position == 7
    assert row(table, 0).position == 0
    Walk.clear(row(table, 1))
    assert row(table, 1).position == 0


@BOTH
def test_regions_do_not_overlap_and_keep_their_octets(speed):
    space = Space(speed)
    places = [space.take(100) for _ in range(20)]
    for number, place in enumerate(places):
        space.data[place : place + 100] = bytes([number]) * 100
    places.append(space.take(100_000))
    assert len({*places}) == 21
    for number, place in enumerate(places[:20]):
        assert space.data[place : place + 100] == bytes([number]) * 100
        assert space.octets[place + 99] == number


def test_a_region_given_back_is_used_again():
    space = Space(INTERPRETED)
    first, second = space.take(100), space.take(100)
    space.give_back(first, 100)
    assert space.take(50) not in (first, second)
    assert space.take(100) == first
    assert space.take(100) not in (first, second)


def test_compiled_octets_are_the_buffer_itself():
    space = Space(COMPILED)
    place = space.take(10)
    view = space.octets
    space.data[place] = 77
    assert view[place] == 77
    assert space.octets is view
    space.take(100)
    assert space.octets is not view
    assert space.octets[place] == 77


@BOTH
def test_sections_of_several_files_grow_side_by_side(speed):
    interfaces = Interfaces(speed)
    walks = [Walk.object() for _ in range(3)]
    for link in range(100):
        for number, w in enumerate(walks):
            interfaces.add(w, described(number * 1000 + link))
    for number, w in enumerate(walks):
        assert w.interfaces == 100
        links = [row(interfaces.table, w.interfaces_at + i).link for i in range(100)]
        assert links == [number * 1000 + link for link in range(100)]


def test_ten_thousand_interfaces_need_memory_for_twice_as_many():
    interfaces, w = Interfaces(INTERPRETED), Walk.object()
    one = described(1)
    for _ in range(10_000):
        interfaces.add(w, one)
    assert w.interfaces == 10_000
    assert len(interfaces.table) < 66_000


def test_a_new_section_begins_without_interfaces():
    interfaces, w = Interfaces(INTERPRETED), Walk.object()
    for link in (1, 2, 3):
        interfaces.add(w, described(link))
    w.interfaces = 0
    interfaces.add(w, described(9))
    assert (w.interfaces, row(interfaces.table, w.interfaces_at).link) == (1, 9)


@pytest.mark.parametrize(("before", "after"), [(INTERPRETED, COMPILED), (COMPILED, INTERPRETED)])
def test_tables_change_their_speed_and_keep_what_they_hold(before, after):
    tables = Tables(before)
    row(tables.walks, 0).position = 5
    row(tables.plan, 0).frame = 6
    row(tables.heads, 0).time = 2**61
    interfaces, w = tables.interfaces, row(tables.walks, 0)
    for link in (1, 2, 3):
        interfaces.add(w, described(link))
    place = tables.space.take(10)
    tables.space.data[place] = 9
    tables.become(after)
    w = row(tables.walks, 0)
    interfaces.add(w, described(4))
    assert (w.position, row(tables.plan, 0).frame, row(tables.heads, 0).time) == (5, 6, 2**61)
    assert [row(interfaces.table, w.interfaces_at + i).link for i in range(4)] == [1, 2, 3, 4]
    assert tables.space.octets[place] == 9
    assert len(tables.records) == tables.room
    assert isinstance(tables.walks, list) == (after is INTERPRETED)
