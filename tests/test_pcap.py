"""pcap and its kin, record by record, at both speeds."""

from __future__ import annotations

import pytest
from containers_made import MAGIC_MODIFIED, MAGIC_NS, MAGIC_US, pcap, record, snoop, snoop_record

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.containers import recognise
from pcapstate.parser.pcap import PLAIN_FORMATS, begin_plain, walk_pcap
from pcapstate.parser.regions import row
from pcapstate.parser.walk import LONG_PACKET, MORE, RECORD, WRONG_RECORD, Walk
from pcapstate.schema import Record


@pytest.fixture(params=[INTERPRETED, COMPILED], ids=lambda speed: speed.name)
def speed(request):
    return request.param


class Walked:
    """A file in memory under way, and what the walk says of it."""

    def __init__(self, data: bytes, speed) -> None:
        self.walks, self.records = speed.table(Walk, 1), speed.table(Record, 1)
        self.w, self.record = row(self.walks, 0), row(self.records, 0)
        self.odd = begin_plain(recognise(data[:24]), data[:24], self.w)
        self.w.end, self.w.file = len(data), 4
        self._octets = speed.octets(data)
        self._run = speed.of(walk_pcap)

    def step(self) -> int:
        self._run(self._octets, self.walks[0], self.records, 0, 1)
        return int(self.w.stop)

    def all(self) -> list[tuple[int, int, int]]:
        """Time, captured and wire length of every record."""
        found = []
        while self.step() == RECORD:
            found.append((int(self.record.time), int(self.record.captured), int(self.record.wire)))
        return found


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(MAGIC_US, 1000), (MAGIC_NS, 1)])
def test_both_units_in_both_orders(speed, order, magic, unit):
    records = [record(bytes(n), seconds=1_700_000_000 + n, fraction=123, wire=n + 9, order=order) for n in (0, 1, 60)]
    walked = Walked(pcap(*records, magic=magic, order=order), speed)
    assert walked.all() == [((1_700_000_000 + n) * 10**9 + 123 * unit, n, n + 9) for n in (0, 1, 60)]
    assert walked.odd == ""


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_modified_form_has_longer_headers(speed, order):
    records = [record(bytes([n] * n), order=order, more=b"interfac") for n in (60, 61)]
    walked = Walked(pcap(*records, magic=MAGIC_MODIFIED, order=order), speed)
    assert [captured for _, captured, _ in walked.all()] == [60, 61]
    assert walked.record.offset == 24 + 24 + 60 + 24


def test_a_record_tells_everything(speed):
    walked = Walked(pcap(record(bytes(60)), record(bytes(40), wire=1500, seconds=7, fraction=8), link=113), speed)
    assert [walked.step(), walked.step(), walked.step()] == [RECORD, RECORD, MORE]
    r = walked.record
    assert (r.file_frame, r.time, r.offset, r.captured, r.wire, r.link) == (2, 7_000_008_000, 116, 40, 1500, 113)
    assert (r.frame, r.file) == (2, 4)
    assert (walked.w.frame, walked.w.first_time, walked.w.time) == (2, 1_000_000_005_000, 7_000_008_000)


def test_seconds_are_unsigned(speed):
    assert Walked(pcap(record(seconds=2**32 - 1)), speed).all()[0][0] == (2**32 - 1) * 10**9 + 5000


def test_a_fraction_over_a_second_is_added(speed):
    assert Walked(pcap(record(seconds=1, fraction=2**32 - 1)), speed).all()[0][0] == 10**9 + (2**32 - 1) * 1000


def test_a_packet_may_be_longer_in_the_file_than_on_the_wire(speed):
    assert Walked(pcap(record(bytes(84), wire=68)), speed).all() == [(1_000_000_005_000, 84, 68)]


@pytest.mark.parametrize("cut", [0, 1, 15, 16, 17, 75])
def test_a_cut_record_asks_for_the_rest(speed, cut):
    data = pcap(record())[: 24 + cut]
    walked = Walked(data, speed)
    assert walked.step() == MORE
    assert walked.w.need == (16 if cut < 16 else 76)
    assert walked.w.position == 24
    assert walked.w.frame == 0


@pytest.mark.parametrize(("link", "most"), [(1, 262_144), (231, 1 << 27), (249, 1 << 27), (279, 1 << 25)])
def test_a_length_over_that_of_any_packet_is_damage(speed, link, most):
    walked = Walked(pcap(record(captured=most), link=link), speed)
    assert walked.step() == MORE
    walked = Walked(pcap(record(captured=most + 1), link=link), speed)
    assert walked.step() == LONG_PACKET
    assert walked.w.value == most + 1
    assert walked.w.position == 24


@pytest.mark.parametrize("version", [(2, 2), (2, 3), (543, 0)])
def test_old_writers_had_the_lengths_the_other_way_round(speed, version):
    swapped, right = record(bytes(60), wire=60, captured=80), record(bytes(60), wire=80)
    assert [lengths for _, *lengths in Walked(pcap(swapped, right, version=version), speed).all()] == [[60, 80]] * 2


@pytest.mark.parametrize(
    ("field", "link", "odd"),
    [(0x44000001, 1, False), (0xF0000071, 113, False), (0x00010001, 1, True), (0x0200_0001, 1, True)],
)
def test_the_high_bits_of_the_link_type_are_not_the_link_type(speed, field, link, odd):
    walked = Walked(pcap(record(), link=field), speed)
    assert walked.step() == RECORD
    assert walked.record.link == link
    assert ("link type" in walked.odd) == odd


def test_snoop_is_padded_and_says_how_long_records_are(speed):
    data = snoop(snoop_record(bytes(61), 1000, 7), snoop_record(bytes(60), 1001, 8, wire=99))
    walked = Walked(data, speed)
    assert walked.all() == [(1_000_000_007_000, 61, 61), (1_001_000_008_000, 60, 99)]
    assert walked.w.position == len(data)
    assert (walked.record.link, walked.odd) == (1, "")


@pytest.mark.parametrize(("kind", "link"), [(4, 1), (8, 10), (2, 6), (26, 242)])
def test_snoop_has_link_types_of_its_own(speed, kind, link):
    walked = Walked(snoop(snoop_record(bytes(60), 1, 1), link=kind), speed)
    assert walked.step() == RECORD
    assert walked.record.link == link


def test_an_unknown_link_type_of_snoop_is_odd(speed):
    assert "77" in Walked(snoop(link=77), speed).odd


@pytest.mark.parametrize("length", [0, 83, 84 + 4097, 2**32 - 1])
def test_a_snoop_record_that_lies_about_its_length_is_damage(speed, length):
    walked = Walked(snoop(snoop_record(bytes(60), 1, 1, length=length)), speed)
    assert walked.step() == WRONG_RECORD
    assert walked.w.value == length


def test_formats_are_told_apart_by_their_magic():
    assert len({plain.magic for plain in PLAIN_FORMATS}) == len(PLAIN_FORMATS)
    assert len({plain.words for plain in PLAIN_FORMATS}) == len(PLAIN_FORMATS)
