"""One source, two speeds: rows, tables, conversion, and kernels that call kernels."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from pcapstate import kernels
from pcapstate.kernels import COMPILED, INTERPRETED, Row, convert, convert_integers, kernel

SPEEDS = pytest.mark.parametrize("speed", [INTERPRETED, COMPILED], ids=lambda speed: speed.name)

Point = Row("Point", "x y z")


@kernel
def add(p, q):
    p.x = p.x + q.x
    p.y = p.y + q.y


@kernel
def total(table, count):
    """A kernel that calls one, and copies and clears rows."""
    add(table[0], table[1])
    for i in range(2, count):
        add(table[0], table[i])
    return (table[0].x & 0xFFFFFFFF) + table[0].y


copy_point = Point.copy
clear_point = Point.clear


@kernel
def shift(table, count):
    """Every row one place on, the first cleared."""
    for i in range(count - 1, 0, -1):
        copy_point(table[i], table[i - 1])
    clear_point(table[0])


@kernel
def sum_of(numbers):
    made = 0
    for i in range(len(numbers)):
        made += numbers[i]
    return made


@kernel
def octet_sum(octets, start, end):
    made = 0
    for i in range(start, end):
        made = made * 256 + octets[i]
    return made


def filled(speed, count=4):
    table = INTERPRETED.table(Point, count)
    for i in range(count):
        table[i].x, table[i].y, table[i].z = i, 10 * i, -i
    return convert(Point, table, speed)


@kernel
def put_x(table, place, value):
    table[place].x = value


def listed(speed, table, count=4):
    return speed.array(Point, table, count).tolist()


# --- rows ------------------------------------------------------------------------------------------------------


def test_a_rows_fields_and_forms():
    assert Point.fields == ("x", "y", "z")
    assert Point.dtype == np.dtype([("x", np.int64), ("y", np.int64), ("z", np.int64)])
    assert Row("Point", ["x", "y", "z"]).fields == Point.fields
    assert repr(Point) == "Row('Point', 3 fields)"


def test_a_row_object_has_its_fields_and_no_others():
    point = Point.object()
    assert (point.x, point.y, point.z) == (0, 0, 0)
    with pytest.raises(AttributeError):
        point.w = 1


def test_a_field_named_twice_is_refused():
    with pytest.raises(ValueError, match="named twice"):
        Row("Odd", "a b a")


# --- the same at both speeds -----------------------------------------------------------------------------------


@SPEEDS
def test_a_new_table_is_zero(speed):
    assert listed(speed, speed.table(Point, 3), 3) == [(0, 0, 0)] * 3


@SPEEDS
def test_kernels_call_kernels(speed):
    assert speed.of(total)(filled(speed), 4) == 6 + 60


@SPEEDS
def test_rows_are_copied_not_shared(speed):
    table = filled(speed)
    speed.of(shift)(table, 4)
    assert listed(speed, table) == [(0, 0, 0), (0, 0, 0), (1, 10, -1), (2, 20, -2)]
    speed.of(put_x)(table, 1, 99)
    assert listed(speed, table)[1:3] == [(99, 0, 0), (1, 10, -1)]


@SPEEDS
def test_integers(speed):
    numbers = speed.integers(5, 3)
    assert speed.of(sum_of)(numbers) == 15
    grown = speed.grown_integers(numbers, 7, 1)
    assert speed.of(sum_of)(grown) == 17
    assert len(speed.grown_integers(grown, 2)) == 7


@SPEEDS
def test_octets_are_the_same_numbers(speed):
    for data in (b"\x01\x02\xff", bytearray(b"\x01\x02\xff"), memoryview(b"\x01\x02\xff")):
        assert speed.of(octet_sum)(speed.octets(data), 0, 3) == 0x0102FF


@SPEEDS
def test_a_grown_table_keeps_its_rows(speed):
    table = speed.grown(Point, filled(speed), 6)
    assert listed(speed, table, 6) == [(0, 0, 0), (1, 10, -1), (2, 20, -2), (3, 30, -3), (0, 0, 0), (0, 0, 0)]
    assert len(speed.grown(Point, table, 2)) == 6


def test_a_large_table_grows_without_being_copied(monkeypatch):
    table = COMPILED.grown(Point, filled(COMPILED), 10)
    larger = COMPILED.grown(Point, table, 100)
    larger[1]["x"] = 77
    assert table[1]["x"] == 77
    assert listed(COMPILED, larger, 100)[4:] == [(0, 0, 0)] * 96
    # Beyond what was reserved it has to be.
    monkeypatch.setattr(kernels, "MANY_TIMES", 2)
    largest = COMPILED.grown(Point, larger, 100_000)
    assert listed(COMPILED, largest, 3) == listed(COMPILED, larger, 3)
    assert len(largest) == 100_000


@pytest.mark.parametrize("error", [OSError, ValueError, AttributeError])
def test_a_table_grows_where_addresses_cannot_be_reserved(error, monkeypatch):
    def refused(*_, **__):
        raise error

    monkeypatch.setattr(kernels.mmap, "mmap", type("Refused", (), {"__new__": refused}))
    table = COMPILED.grown(Point, filled(COMPILED), 6)
    assert listed(COMPILED, COMPILED.grown(Point, table, 8), 7)[3:] == [(3, 30, -3), *[(0, 0, 0)] * 3]


@SPEEDS
def test_an_array_is_a_copy(speed):
    table = filled(speed)
    array = speed.array(Point, table, 2)
    array["x"] = 77
    assert listed(speed, table)[:2] == [(0, 0, 0), (1, 10, -1)]


@SPEEDS
def test_large_numbers_stay_whole(speed):
    table = speed.table(Point, 2)
    speed.of(put_x)(table, 0, 2**62)
    speed.of(put_x)(table, 1, -1)
    speed.of(add)(table[0], table[1])
    assert listed(speed, table, 1) == [(2**62 - 1, 0, 0)]


# --- from one to the other -------------------------------------------------------------------------------------


def test_interpreted_kernels_are_the_functions():
    assert INTERPRETED.of(total) is total


def test_a_compiled_kernel_is_made_once():
    assert COMPILED.of(total) is COMPILED.of(total)


@pytest.mark.parametrize(("source", "target"), [(INTERPRETED, COMPILED), (COMPILED, INTERPRETED)])
def test_tables_are_converted(source, target):
    table = filled(source)
    assert listed(target, convert(Point, table, target)) == listed(source, table)


@SPEEDS
def test_what_has_the_right_form_is_left_as_it_is(speed):
    table = filled(speed)
    assert convert(Point, table, speed) is table


def test_integers_are_converted():
    assert convert_integers([1, 2], COMPILED).tolist() == [1, 2]
    assert convert_integers([1, 2], COMPILED).dtype == np.int64
    assert convert_integers(np.array([1, 2]), INTERPRETED) == [1, 2]
    assert convert_integers([1, 2], INTERPRETED) == [1, 2]


def test_a_calculation_may_go_over_in_the_middle():
    """As a pipe does that turns out to be long: begun interpreted, ended compiled."""
    table = filled(INTERPRETED)
    INTERPRETED.of(shift)(table, 4)
    compiled = convert(Point, table, COMPILED)
    COMPILED.of(shift)(compiled, 4)
    whole = filled(COMPILED)
    for _ in range(2):
        COMPILED.of(shift)(whole, 4)
    assert listed(COMPILED, compiled) == listed(COMPILED, whole)


# --- the cache -------------------------------------------------------------------------------------------------


def test_the_cache_lies_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernels._cache_root() == tmp_path / "pcapstate"
    assert not kernels.compiled_before()
    (tmp_path / "pcapstate" / kernels._fingerprint()).mkdir(parents=True)
    assert not kernels.compiled_before()
    (tmp_path / "pcapstate" / kernels._fingerprint() / "one.nbi").touch()
    assert not kernels.compiled_before()  # one kernel is not all
    kernels.note_compiled()
    assert kernels.compiled_before()


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    (tmp_path / "pcapstate").touch()  # a file where the folder would be
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernels.note_compiled()
    assert not kernels.compiled_before()


def test_the_fingerprint_is_short_and_stays():
    assert kernels._fingerprint() == kernels._fingerprint()
    assert len(kernels._fingerprint()) == 16


# --- what lies in the cache --------------------------------------------------------------------------------------


@pytest.fixture
def one_source(tmp_path, monkeypatch):
    """A cache of its own, and a source that may be touched."""
    source = tmp_path / "hot.py"
    source.write_text("@kernel")
    monkeypatch.setattr(kernels, "_cache_root", lambda: tmp_path / "cache")
    monkeypatch.setattr(kernels, "_sources", lambda: (source,))
    return source


def test_a_whole_run_is_noted(one_source):
    assert not kernels.compiled_before()
    kernels.note_compiled()
    assert kernels.compiled_before()


def test_the_same_sources_written_anew_have_to_be_compiled_anew(one_source):
    kernels.note_compiled()
    os.utime(one_source, ns=(1, 1))
    assert not kernels.compiled_before()


def test_the_same_sources_in_another_folder_have_to_be_compiled_anew(one_source, monkeypatch):
    kernels.note_compiled()
    moved = one_source.parent / "elsewhere" / one_source.name
    moved.parent.mkdir()
    shutil.copy2(one_source, moved)
    monkeypatch.setattr(kernels, "_sources", lambda: (moved,))
    assert not kernels.compiled_before()


def test_a_cache_that_cannot_be_written_costs_only_time(one_source):
    (one_source.parent / "cache").write_text("a file where the folder would be")
    kernels.note_compiled()
    assert not kernels.compiled_before()


@pytest.mark.parametrize(("cached", "packets"), [(True, kernels.FROM_CACHE), (False, kernels.FROM_SOURCE)])
def test_kernels_in_the_cache_are_used_sooner(monkeypatch, cached, packets):
    monkeypatch.setattr(kernels, "compiled_before", lambda: cached)
    assert not kernels.worth_compiling(packets - 1)
    assert kernels.worth_compiling(packets)
