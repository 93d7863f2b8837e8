"""A point of time as a user names it, for ``Flow.at`` and its like; refused in one sentence where it is none.

A number with a point and a Timedelta count from the connection's first frame, as ``plot --time`` and every picture do;
a whole number is what the tables hold, nanoseconds since 1970; a text or a date is the time of day, UTC if it names no
zone.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Any

import numpy as np

DAY = 86_400 * 10**9
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?")
_DATE = re.compile(r"\d{4}-\d")

USAGE = (
    "a time is 0.2 or a Timedelta (since the connection's first frame), '12:00:01.5' (on the day it began), "
    "'2026-01-02T12:00:01.5', a Timestamp or datetime (UTC if it names no zone), or nanoseconds since 1970 as int"
)


def nanoseconds(time: Any, start: int) -> int:
    """``time`` in nanoseconds since 1970 UTC, of a connection that began at ``start``.

    Raises ValueError for what is no time: None, NaT, NaN, a truth value, and any text that names neither a date nor a
    time of day.
    """
    if isinstance(time, timedelta | np.timedelta64):  # asked first: numpy takes its timedelta64 for an integer
        return _by_pandas(time, start)
    if isinstance(time, int | np.integer) and not isinstance(time, bool):
        return int(time)
    if isinstance(time, float | np.floating) and math.isfinite(time):
        return start + round(float(time) * 1e9)
    if isinstance(time, str) and (clock := _CLOCK.fullmatch(time.strip())):
        return _on_the_day(clock, start)
    if isinstance(time, datetime | np.datetime64) or (isinstance(time, str) and _DATE.match(time.strip())):
        return _by_pandas(time, start)
    raise _no_time(time)


def _no_time(time: Any) -> ValueError:
    return ValueError(f"{time!r} is no time: {USAGE}")


def _on_the_day(clock: re.Match[str], start: int) -> int:
    hours, minutes, seconds, fraction = clock.groups()
    passed = (int(hours) * 60 + int(minutes)) * 60 + int(seconds or 0)
    return start // DAY * DAY + passed * 10**9 + int((fraction or "").ljust(9, "0"))


def _by_pandas(time: Any, start: int) -> int:
    import pandas as pd

    passed = isinstance(time, timedelta | np.timedelta64)
    try:
        value: Any = pd.Timedelta(time) if passed else pd.Timestamp(time)
        if pd.isna(value):
            raise ValueError(value)
        if passed:
            return start + int(value.as_unit("ns").value)
        return int((value.tz_localize("UTC") if value.tzinfo is None else value).as_unit("ns").value)
    except (ValueError, OverflowError) as error:
        raise _no_time(time) from error
