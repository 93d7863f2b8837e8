"""What the walks share: the end of a walk, the words for damage, and the largest packet of a link type."""

from __future__ import annotations

import pytest

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser import walk
from pcapstate.parser.regions import row
from pcapstate.parser.walk import DAMAGE, HEADER, MORE, RECORD, STRANGER, Walk, largest_packet, leave
from pcapstate.schema import Record


def stops() -> dict[str, int]:
    names = [name for name in vars(walk) if name.isupper() and name[0] != "_"]
    return {name: getattr(walk, name) for name in names if name not in OTHERS}


OTHERS = {"PLAIN", "BLOCKS", "MULTIPLY", "DIVIDE", "BINARY", "DAMAGE", "LATEST", "LARGEST_PACKET"}


def test_every_reason_to_stop_has_a_number_of_its_own():
    assert sorted(stops().values()) == list(range(len(stops())))


def test_every_damage_has_a_sentence_with_the_number_that_is_wrong():
    assert set(DAMAGE) == set(stops().values()) - {RECORD, MORE, HEADER, STRANGER}
    for text in DAMAGE.values():
        assert "77" in text.format(value=77)


@pytest.mark.parametrize(("link", "octets"), [(1, 262_144), (113, 262_144), (65_535, 262_144), (249, 134_217_728)])
def test_the_largest_packet(link, octets):
    assert largest_packet(link) == octets


@pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def test_leaving_a_walk_writes_down_where_it_stands(speed):
    walks, records = speed.table(Walk, 1), speed.table(Record, 5)
    for place, time in enumerate((0, 30, 10, 20, 0)):
        row(records, place).time = time
    run = speed.of(leave)
    run(walks[0], 100, 7, MORE, records, 1, 4)
    w = row(walks, 0)
    assert (w.position, w.frame, w.stop, w.packets, w.first_time, w.time) == (100, 7, MORE, 3, 30, 20)
    run(walks[0], 200, 9, HEADER, records, 2, 3)
    assert (w.position, w.frame, w.stop, w.packets, w.first_time, w.time) == (200, 9, HEADER, 4, 30, 10)
    run(walks[0], 300, 9, RECORD, records, 2, 2)
    assert (w.position, w.stop, w.packets, w.time) == (300, RECORD, 4, 10)


def test_differences_of_times_stay_within_63_bits():
    assert walk.LATEST - -walk.LATEST < 2**63
