"""Blocks of pcapng as octets: made, taken apart, and turned from one byte order into the other."""

from __future__ import annotations

import struct

import pytest
from containers_made import block as made_block
from containers_made import interface as made_interface
from containers_made import option as made_option
from containers_made import section as made_section

from pcapstate.parser import blocks
from pcapstate.parser.pcapng import nanoseconds, read_interface


def test_a_block_has_its_length_at_both_ends():
    assert blocks.block(7, b"abcd") == made_block(7, b"abcd")


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("length", range(5))
def test_an_option_is_padded_and_says_its_length_without(order, length):
    mark = "<" if order == "little" else ">"
    assert blocks.option(1, b"x" * length, order) == made_option(1, b"x" * length, mark)


def test_a_comment_is_utf8_and_no_longer_than_an_option_can_be():
    assert blocks.comment_options([1], ["größer"], "little") == {1: made_option(1, "größer".encode())}
    assert len(blocks.comment_options([1], ["x" * 70_000], "little")[1]) == 4 + 65_536


def test_comments_of_one_frame_follow_each_other():
    assert blocks.comment_options([3, 3, 5], ["a", "b", "c"], "big") == {
        3: made_option(1, b"a", ">") + made_option(1, b"b", ">"),
        5: made_option(1, b"c", ">"),
    }


def test_an_interface_is_read_back():
    read = read_interface(blocks.interface(113, 262_144, 9), big=False)
    assert (read.link, read.snaplen, read.factor) == (113, 262_144, 1)
    assert read_interface(blocks.interface(1, 0, 6, 4), big=False).factor == 1000


def test_blocks_behind_each_other_up_to_one_that_is_cut():
    whole = made_block(5, b"abcd") + made_block(9)
    assert list(blocks.blocks_of(whole + made_block(6, bytes(20))[:-1], "little")) == [
        (5, made_block(5, b"abcd")),
        (9, made_block(9)),
    ]
    assert list(blocks.blocks_of(whole + struct.pack("<III", 1, 8, 8), "little"))[2:] == []


@pytest.mark.parametrize("order", ["little", "big"])
def test_options_end_at_their_mark_or_where_one_does_not_fit(order):
    mark = "<" if order == "little" else ">"
    good = made_option(2, bytes(4), mark) + made_option(1, b"hello", mark)
    assert blocks.options_of(b"", order) == b""
    assert blocks.options_of(good + bytes(4) + b"rest", order) == good
    assert blocks.options_of(good + made_option(3, bytes(40), mark)[:-8], order) == good
    assert blocks.options_of(good[:-3], order) == good  # the last one's padding is missing


@pytest.mark.parametrize("resolution", [6, 9, 3, 12, 0x80 | 20, 0x80 | 30, 0x80 | 0])
@pytest.mark.parametrize("offset", [0, 1000, -1000])
def test_ticks_are_read_back_as_the_same_time(resolution, offset):
    options = made_option(9, bytes([resolution])) + made_option(14, struct.pack("<q", offset))
    interface = read_interface(made_interface(options=options), big=False)
    step = max(1, round(10**9 / (2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution)))
    # In picoseconds 64 bits last for 213 days.
    for time in (5_000 * 10**9, 1_767_323_045 * 10**9)[: 1 if resolution == 12 else 2]:
        stamp = blocks.ticks(time + 5 * step, interface)
        assert 0 <= nanoseconds(stamp >> 32, stamp & 0xFFFFFFFF, interface) - (time + 5 * step) < step


def test_ticks_that_no_stamp_holds_are_the_nearest():
    assert blocks.ticks(-5, read_interface(made_interface(), big=False)) == 0
    finest = read_interface(made_interface(options=made_option(9, bytes([18]))), big=False)
    assert blocks.ticks(2**62, finest) == 2**64 - 1


# --- the other byte order: every block is made in both, and one must become the other ----------------------------


def interface_described(order):
    options = made_option(2, b"eth0", order) + made_option(8, struct.pack(order + "Q", 10**9), order)
    options += made_option(9, b"\x09", order) + made_option(14, struct.pack(order + "q", -7), order)
    options += made_option(2988, struct.pack(order + "I", 32_473) + b"mine", order)
    return made_interface(link=276, snaplen=65_000, options=options + bytes(4), order=order)


def statistics(order):
    body = struct.pack(order + "III", 3, 4, 5) + made_option(2, struct.pack(order + "II", 1, 2), order)
    return made_block(5, body + made_option(4, struct.pack(order + "Q", 77), order) + bytes(4), order=order)


def names(order):
    body = made_option(1, bytes([192, 0, 2, 1]) + b"host\0", order) + bytes(4)
    return made_block(4, body + made_option(2, b"server", order) + bytes(4), order=order)


def names_without_end(order):
    return made_block(4, made_option(1, bytes([192, 0, 2, 1]) + b"host\0", order) + b"", order=order)


def secrets(order):
    body = struct.pack(order + "II", 0x544C534B, 5) + b"12345\0\0\0" + made_option(1, b"why", order) + bytes(4)
    return made_block(10, body, order=order)


def custom(order):
    return made_block(0xBAD, struct.pack(order + "I", 32_473) + b"data", order=order)


def journal(order):
    return made_block(9, b"MESSAGE=hello\n", order=order)


@pytest.mark.parametrize("make", [interface_described, statistics, names, secrets, custom, journal])
def test_a_block_becomes_little_endian(make):
    assert blocks.little(make(">"), "big") == make("<")
    assert blocks.little(make("<"), "little") == make("<")


def test_names_get_the_mark_of_their_end_where_it_is_missing():
    made = blocks.little(names_without_end(">"), "big")
    assert made == made_block(4, names_without_end("<")[8:-4] + bytes(4))


def test_a_block_whose_length_is_not_a_multiple_of_4_gets_one_that_is():
    odd = struct.pack("<II", 9, 13) + b"x\0\0\0" + struct.pack("<I", 13)
    assert blocks.little(odd, "little") == made_block(9, b"x")


def test_options_of_packets_are_turned():
    def options(order):
        found = made_option(2, struct.pack(order + "I", 0x12345678), order)  # flags
        found += made_option(3, b"\x02abcd", order)  # a hash
        found += made_option(4, struct.pack(order + "Q", 9), order)  # packets dropped
        found += made_option(7, b"\1" + struct.pack(order + "Q", 6), order)  # a verdict of eBPF
        found += made_option(7, b"\0octets", order)  # one of hardware
        return found + made_option(8, struct.pack(order + "II", 4, 5), order)  # process and thread

    assert blocks.options_swapped(options(">") + bytes(4), 6) == options("<")


def test_a_section_that_is_made_is_one():
    made = blocks.section()
    assert made[:28] == made_section(options=made[24:-4])[:28]
    assert struct.unpack_from("<q", made, 16) == (-1,)
    assert blocks.options_of(made[24:-4], "little") == made_option(4, b"pcapstate")
