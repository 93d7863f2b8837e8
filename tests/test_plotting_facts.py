"""What every picture takes from a flow: names, times as numbers, words as words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plot_data
import pytest

from pcapstate import plotting
from pcapstate.plotting.facts import (
    endpoint,
    facts,
    has_flag,
    is_word,
    nanoseconds,
    narrow,
    numbers,
    records,
    seconds,
    sides_of,
    words,
)

FLOW = plot_data.whole()


def test_the_facts_of_a_flow():
    known = facts(FLOW)
    assert known.number == 0
    assert known.title == "Flow 0: 10.0.0.1:40000 → 10.0.0.2:80"
    assert known.clock == "2024-05-01 12:00:00.003000 UTC"
    assert known.duration == pytest.approx(1.2401)
    assert known.delay_client == pytest.approx(0.003)
    assert known.delay_server == pytest.approx(0.007)


def test_a_capture_whose_clock_went_back_has_no_negative_duration():
    flow = plot_data.whole()
    flow.end = flow.start - pd.Timedelta("1s")
    assert facts(flow).duration == 0


def test_unknown_delays_are_not_numbers():
    known = facts(plot_data.refused())
    assert np.isnan([known.delay_client, known.delay_server]).all()


def test_the_verdict_is_the_sentence_of_the_row():
    flow = plot_data.whole()
    flow.note = "The client closed first."
    assert facts(flow).verdict == "The client closed first."


@pytest.mark.parametrize(
    ("opened", "by", "reason", "words_of_it"),
    [
        ("three_way", "client", "fin", "three way; closed by client (fin)"),
        ("three_way", "both", "fin", "three way; closed by both (fin)"),
        ("midstream", "none", "still_open", "midstream; still open"),
        ("refused", "server", "refused", "refused"),
        (None, None, None, ""),
    ],
)
def test_a_verdict_without_a_sentence(opened, by, reason, words_of_it):
    flow = plot_data.whole()
    flow.opened, flow.closed_by, flow.close_reason = opened, by, reason
    assert facts(flow).verdict == words_of_it


def test_endpoints():
    assert endpoint("10.0.0.1", 80) == "10.0.0.1:80"
    assert endpoint("fe80::1", 80) == "[fe80::1]:80"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_as_nanoseconds_whatever_their_unit(unit):
    times = pd.Series(pd.DatetimeIndex(["1970-01-01 00:00:01", None], tz="UTC").as_unit(unit))
    assert nanoseconds(times).tolist() == [1_000_000_000, np.iinfo(np.int64).min]


def test_times_as_seconds():
    times = pd.Series(pd.DatetimeIndex(["1970-01-01 00:00:01.5", None], tz="UTC"))
    passed = seconds(times, 1_000_000_000)
    assert passed[0] == 0.5
    assert np.isnan(passed[1])


def test_numbers_and_words():
    assert numbers(pd.Series([1, None], dtype="Int64")).tolist()[0] == 1.0
    assert np.isnan(numbers(pd.Series([1, None], dtype="Int64"))[1])
    category = pd.Series(pd.Categorical(["a", None, "b"]))
    assert words(category).tolist() == ["a", "", "b"]
    assert words(category.astype("string")).tolist() == ["a", "", "b"]
    assert is_word(category, "a", "c").tolist() == [True, False, False]


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_flags_are_looked_up_one_by_one(dtype):
    table = pd.DataFrame({"flags": pd.Series(["SYN", "SYN,ACK", "ACK", "RST,ACK", ""]).astype(dtype)})
    assert has_flag(table, "SYN").tolist() == [True, True, False, False, False]
    assert has_flag(table, "SYN", "RST").tolist() == [True, True, False, True, False]
    assert not has_flag(table, "FIN").any()
    assert not has_flag(table, "CK").any()


def test_records_have_none_for_what_is_missing():
    table = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.Categorical(["x", None])})
    assert records(table) == [{"a": 1, "b": "x"}, {"a": None, "b": None}]


def test_an_axis_of_seconds_shows_all_with_a_margin_and_a_single_frame_too():
    known = facts(FLOW)
    assert known.view == pytest.approx((-0.0186, 1.2587), abs=1e-4)
    flow = plot_data.whole()
    flow.end = flow.start
    assert facts(flow).view == (-0.0005, 0.0005)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("192.168.100.100:65535", ["192.168.100.100:65535"]),
        ("[2001:db8:1:2:3:4:5:6]:443", ["[2001:db8:", "1:2:3:4:5:6]:443"]),
    ],
)
def test_a_long_endpoint_on_two_lines(name, lines):
    assert narrow(name).split("\n") == lines


def test_the_sides_meant():
    assert sides_of(None) == ("client", "server")
    assert sides_of("server") == ("server",)
    with pytest.raises(ValueError, match="side is 'srv'; it may be client or server"):
        sides_of("srv")


@pytest.mark.parametrize("kind", ["windows", "sequence", "machine"])
def test_every_kind_with_a_side_says_which_there_are(kind):
    with pytest.raises(ValueError, match="it may be client or server"):
        getattr(plotting, kind)(plot_data.whole(), side="srv")
