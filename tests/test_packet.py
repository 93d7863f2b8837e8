"""The walk: TCP's own header, how a walk ends, and the loop over a chunk."""

from __future__ import annotations

import pytest
from packets import RAW, decode, decode_all, ethernet, finds_tcp, ip, table, tcp, the_segment, udp

from pcapstate.kernels import COMPILED, INTERPRETED
from pcapstate.parser.links import ENDS, FRAGMENT, NOTHING, RARE, Cursor, link_table
from pcapstate.parser.packet import decode as loop
from pcapstate.parser.packet import decode_everywhere
from pcapstate.schema import ACK, AE, CWR, ECE, FIN, PSH, RST, SYN, URG, Segment

SPEEDS = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)


def test_what_a_tcp_header_says():
    segment = the_segment(
        ethernet(ip(tcp(b"hello", sport=1, dport=65535, seq=0xFFFFFFFF, ack=0x80000000, win=65535, urp=77, sum=0xABCD)))
    )
    assert {name: int(segment[name]) for name in ("sport", "dport", "seq", "ack", "window", "urgent")} == {
        "sport": 1,
        "dport": 65535,
        "seq": 0xFFFFFFFF,
        "ack": 0x80000000,
        "window": 65535,
        "urgent": 77,
    }
    assert (segment["checksum"], segment["flags"]) == (0xABCD, ACK)
    assert (segment["length"], segment["captured"]) == (5, 5)


@pytest.mark.parametrize("flag", [FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE, 0x200, 0x400, 0x800, 0, 0xFFF])
def test_the_twelve_flags(flag):
    packet = bytearray(ip())
    packet[20 + 12] = 0x50 | flag >> 8
    packet[20 + 13] = flag & 0xFF
    assert the_segment(bytes(packet), link=RAW)["flags"] == flag


def test_where_and_when_come_from_the_record():
    segments = decode(udp(b"", 53), (ip(), 40, RAW, 1_700_000_000_123_456_789), link=RAW)
    assert segments["frame"].tolist() == [2]
    assert segments["file_frame"].tolist() == [2]
    assert segments["file"].tolist() == [0]
    assert segments["time"].tolist() == [1_700_000_000_123_456_789]


def test_what_the_replay_fills_in_is_0():
    segment = the_segment(ip(), link=RAW)
    names = Segment.fields[Segment.fields.index("flow") :]
    assert {name: int(segment[name]) for name in names} == dict.fromkeys(names, 0)


# --- a header that is cut, or wrong ----------------------------------------------------------------------------


def test_a_header_of_which_16_octets_are_there_is_a_segment():
    """So far tshark shows it too: the window is the last field that the replay cannot do without."""
    whole = ip(tcp(b"x" * 100, urp=9, sum=0x1234))
    for held in (16, 17, 18, 19, 20):
        segment = the_segment((whole[: 20 + held], len(whole), RAW, 0))
        assert (segment["seq"], segment["window"], segment["length"], segment["captured"]) == (1000, 500, 100, 0)
        assert (segment["checksum"], segment["urgent"]) == ((0x1234, 9) if held == 20 else (-1, 0))


def test_a_header_of_which_less_is_there_is_told():
    whole = ip()
    segments, problems = decode_all((whole[:35], len(whole), RAW, 0))
    assert len(segments) == 0
    (problem,) = problems
    assert (problem.kind, problem.frame, problem.file_frame, problem.offset) == ("cut", 1, 1, -1)


@pytest.mark.parametrize("words", [0, 1, 4, 6, 15])
def test_a_header_that_is_shorter_than_20_or_longer_than_the_packet_is_told(words):
    """No TCP takes such a segment, so it is none of the connection's."""
    packet = bytearray(ip())
    packet[20 + 12] = words << 4
    segments, problems = decode_all(bytes(packet), link=RAW)
    assert len(segments) == 0
    assert [problem.kind for problem in problems] == ["malformed"]


def test_a_packet_that_is_too_short_for_a_header():
    segments, problems = decode_all(ip(bytes(tcp())[:15]), link=RAW)
    assert len(segments) == 0
    assert [problem.kind for problem in problems] == ["malformed"]


def test_captured_longer_than_on_the_wire():
    """Some files say so (FDDI frames with their padding): the octets count."""
    frame = ethernet(ip(tcp(bytes(3000), seq=5), len=0))
    assert the_segment((frame, 60, 1, 0))["length"] == 3000


# --- the loop --------------------------------------------------------------------------------------------------


def run(kernel, packets, speed, ends):
    octets, records = table(packets, speed)
    progress = speed.integers(3)
    progress[1] = len(packets)
    segments = speed.table(Segment, len(packets) + 1)
    stops = []
    while True:
        end = speed.of(kernel)(octets, records, progress, speed.table(Cursor, 1), link_table(speed), ends, segments)
        stops.append((int(end), *(int(number) for number in progress)))
        if end == 0:
            return stops


def ends_that_want(speed, **numbers):
    ends = speed.integers(2 * ENDS)
    for name, count in numbers.items():
        ends[ENDS - {"RARE": RARE, "FRAGMENT": FRAGMENT, "NOTHING": NOTHING}[name]] = count
    return ends


MIXED = [ethernet(), ethernet(bytes(28), 0x0806), ethernet(udp(b"\x08" + bytes(7) + ethernet(), 4789)), ethernet()]


@SPEEDS
def test_the_loop_stops_where_it_is_wanted_and_goes_on(speed):
    ends = ends_that_want(speed, RARE=9)
    assert run(loop, MIXED, speed, ends) == [(RARE, 3, 4, 1), (0, 4, 4, 2)]
    assert [int(ends[-NOTHING]), int(ends[-RARE]), int(ends[ENDS - RARE])] == [1, 1, 8]


@SPEEDS
def test_the_loop_through_everything_needs_no_stop(speed):
    ends = ends_that_want(speed, RARE=9)
    assert run(decode_everywhere, MIXED, speed, ends) == [(0, 4, 4, 3)]


@SPEEDS
def test_no_more_stops_than_wanted(speed):
    ends = ends_that_want(speed, NOTHING=2)
    packets = [ethernet(bytes(28), 0x0806)] * 5
    assert [end for end, *_ in run(loop, packets, speed, ends)] == [NOTHING, NOTHING, 0]
    assert int(ends[-NOTHING]) == 5


@SPEEDS
def test_a_record_that_reaches_past_its_buffer_is_read_as_far_as_there_are_octets(speed):
    octets, records = table([ethernet()], speed)
    progress = speed.integers(3)
    progress[1] = 1
    segments = speed.table(Segment, 2)
    short = speed.octets(bytes(octets)[:40])
    ends = speed.integers(2 * ENDS)
    assert speed.of(loop)(short, records, progress, speed.table(Cursor, 1), link_table(speed), ends, segments) == 0
    assert int(progress[2]) == 0


def test_a_walk_ends_though_its_layers_do_not():
    """More VLAN tags than any network has."""
    assert finds_tcp(ethernet(b"\0\1\x81\0" * 40 + b"\0\1\x08\0" + ip(), 0x8100))
    assert len(decode(ethernet(b"\0\1\x81\0" * 60 + b"\0\1\x08\0" + ip(), 0x8100))) == 0
