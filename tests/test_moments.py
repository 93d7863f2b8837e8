"""A point of time as a user names it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from making import START, millis

from pcapstate.moments import DAY, nanoseconds

BERLIN = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize(
    "time",
    [
        # since the first frame, as on every picture
        0.030,
        np.float64(0.030),
        np.float32(0.03125) - np.float32(0.00125),
        dt.timedelta(milliseconds=30),
        np.timedelta64(30, "ms"),
        pd.Timedelta("30ms"),
        # as in the tables
        millis(30),
        np.int64(millis(30)),
        # the time of day, and the day; UTC where no zone is named
        "03:04:05.030",
        "3:04:05.03",
        " 03:04:05.030000000 ",
        "2026-01-02T03:04:05.030",
        "2026-01-02 03:04:05.030",
        "2026-01-02T03:04:05.030Z",
        "2026-01-02T04:04:05.030+01:00",
        pd.Timestamp(millis(30), tz="UTC"),
        pd.Timestamp(millis(30)),
        pd.Timestamp(millis(30), tz="Asia/Tokyo"),
        np.datetime64(millis(30), "ns"),
        np.datetime64(millis(30) // 1000, "us"),
        dt.datetime(2026, 1, 2, 3, 4, 5, 30_000, tzinfo=dt.UTC),
        dt.datetime(2026, 1, 2, 4, 4, 5, 30_000, tzinfo=BERLIN),
        dt.datetime(2026, 1, 2, 3, 4, 5, 30_000),
    ],
    ids=repr,
)
def test_a_time_may_be_given_in_many_ways(time):
    assert abs(nanoseconds(time, START) - millis(30)) <= (1 if isinstance(time, np.float32) else 0)


def test_before_the_first_frame_and_on_its_day():
    assert nanoseconds(-0.5, START) == START - 500_000_000
    assert nanoseconds(pd.Timedelta(-1, "s"), START) == START - 10**9
    assert nanoseconds("00:00", START) == START // DAY * DAY
    assert nanoseconds("23:59:59.999999999", START) == START // DAY * DAY + DAY - 1


def test_an_int_is_nanoseconds_since_1970_and_a_float_is_not():
    assert nanoseconds(2, START) == 2
    assert nanoseconds(2.0, START) == START + 2 * 10**9


@pytest.mark.parametrize(
    "time",
    [
        None,
        pd.NaT,
        pd.NA,
        float("nan"),
        float("inf"),
        np.datetime64("NaT"),
        np.timedelta64("NaT"),
        True,
        dt.date(2026, 1, 2),
        dt.time(12),
        "",
        "garbage",
        "-1",
        "0.2",
        "now",
        "today",
        "NaT",
        "25:00:00",
        "12:60",
        "12:00:61",
        "1:2:3:4",
        "2026-13-40",
        "9999-01-01",
        dt.datetime(9999, 1, 1, tzinfo=dt.UTC),
        b"12:00:00",
        [0.2],
    ],
    ids=repr,
)
def test_what_is_no_time_is_refused_in_one_sentence(time):
    with pytest.raises(ValueError, match=r"is no time: a time is 0\.2 or a Timedelta") as raised:
        nanoseconds(time, START)
    assert str(raised.value).startswith(f"{time!r} ")
    assert "\n" not in str(raised.value)
