"""What every picture needs of a flow: where its time begins, who the endpoints are, and how far away.

A flow is anything with ``number``, ``client``, ``server`` (``address``, ``port``), ``timeline``, ``segments`` and
``windows`` (tables with the columns of ``schema``), and the facts of its row of the table ``flows`` as attributes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..schema import SIDES

Floats = npt.NDArray[np.float64]

NAT = np.iinfo(np.int64).min

NARROW = 24
"""Letters of an endpoint on one line."""


class Endpoint(Protocol):
    """One side of a flow."""

    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def port(self) -> int: ...  # noqa: D102


class FlowLike(Protocol):
    """A connection, as far as the pictures look at it."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def start(self) -> pd.Timestamp: ...  # noqa: D102
    @property
    def end(self) -> pd.Timestamp: ...  # noqa: D102
    @property
    def rtt_client(self) -> float | None: ...  # noqa: D102
    @property
    def rtt_server(self) -> float | None: ...  # noqa: D102
    @property
    def opened(self) -> str | None: ...  # noqa: D102
    @property
    def closed_by(self) -> str | None: ...  # noqa: D102
    @property
    def client_state(self) -> str | None: ...  # noqa: D102
    @property
    def server_state(self) -> str | None: ...  # noqa: D102
    @property
    def note(self) -> str | None: ...  # noqa: D102
    @property
    def close_reason(self) -> str | None: ...  # noqa: D102
    @property
    def client(self) -> Endpoint: ...  # noqa: D102
    @property
    def server(self) -> Endpoint: ...  # noqa: D102
    @property
    def timeline(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def segments(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def windows(self) -> pd.DataFrame: ...  # noqa: D102


class CaptureLike(Protocol):
    """A capture, as far as the pictures look at it."""

    @property
    def flows(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def timeline(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def stalls(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def times(self) -> tuple[int, int]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one flow: number, first and last time (ns since 1970 UTC), endpoints, one-way delays (s, NaN: not known)."""

    number: int
    start: int
    end: int
    client: str
    server: str
    delay_client: float
    delay_server: float
    verdict: str
    until: int = 0
    """The capture's last packet, where it is known."""

    @property
    def title(self) -> str:
        """Which flow, between whom."""
        return f"Flow {self.number}: {self.client} \N{RIGHTWARDS ARROW} {self.server}"

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        return (self.end - self.start) / 1e9

    @property
    def view(self) -> tuple[float, float]:
        """What an axis of seconds shows: from the first frame to the last, with a margin; or a millisecond."""
        room = 0.015 * self.duration or 0.0005
        return -room, self.duration + room

    @property
    def clock(self) -> str:
        """The time of the first frame, to the microsecond."""
        return pd.Timestamp(self.start, unit="ns").strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def facts(flow: FlowLike) -> Facts:
    """The facts of a flow."""
    return Facts(
        number=int(flow.number),
        start=_instant(flow.start),
        end=max(_instant(flow.end), _instant(flow.start)),
        client=endpoint(flow.client.address, flow.client.port),
        server=endpoint(flow.server.address, flow.server.port),
        delay_client=_half(flow.rtt_client),
        delay_server=_half(flow.rtt_server),
        verdict=verdict(flow),
        until=flow.capture.times[1] if hasattr(flow, "capture") else 0,
    )


def endpoint(address: str, port: int) -> str:
    """An address with its port, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def narrow(name: str) -> str:
    """An endpoint on two lines, where it is long (IPv6) and would leave no room for the picture."""
    if len(name) <= NARROW:
        return name
    middle = name.find(":", len(name) // 2 - 4) + 1 or len(name)
    return f"{name[:middle]}\n{name[middle:]}"


def verdict(flow: FlowLike) -> str:
    """How the flow opened and closed: the sentence in its row, or words: ``three way; closed by client (fin)``."""
    if sentence := _word(flow.note):
        return sentence
    opened, by, reason = (_word(word) for word in (flow.opened, flow.closed_by, flow.close_reason))
    words = [_plain(opened)] if opened else []
    if reason and reason != opened:
        words.append(f"closed by {by} ({_plain(reason)})" if by in {"client", "server", "both"} else _plain(reason))
    return "; ".join(words)


def sides_of(side: str | None) -> tuple[str, ...]:
    """The sides meant: both, or the one named. Raises ValueError for another word."""
    if side is not None and side not in SIDES:
        raise ValueError(f"side is {side!r}; it may be {' or '.join(SIDES)}")
    return SIDES if side is None else (side,)


def seconds(times: pd.Series[Any], start: int) -> Floats:
    """Times as seconds since ``start`` (ns since 1970 UTC), float64; missing is NaN."""
    stamps = nanoseconds(times)
    return np.where(stamps == NAT, np.nan, (stamps - start) / 1e9)


def nanoseconds(times: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Times as nanoseconds since 1970 UTC, int64; missing is the smallest number (numpy's NaT)."""
    return np.asarray(pd.DatetimeIndex(times).as_unit("ns").asi8, np.int64)


def numbers(values: pd.Series[Any]) -> Floats:
    """A column of whole numbers as float64; missing is NaN."""
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def words(values: pd.Series[Any]) -> npt.NDArray[np.object_]:
    """A column of words as an object array of ``str``; missing is the empty word."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        kinds = np.array([*map(str, values.cat.categories), ""], object)
        return np.asarray(kinds[values.cat.codes.to_numpy()], object)
    return values.astype(object).where(values.notna(), "").to_numpy(object)


def is_word(values: pd.Series[Any], *which: str) -> npt.NDArray[np.bool_]:
    """Where a column of words holds one of these, without making a string of each row."""
    return values.isin(which).to_numpy(bool)


def has_flag(segments: pd.DataFrame, *which: str) -> npt.NDArray[np.bool_]:
    """Which segments carry one of these flags."""
    flags = segments["flags"]
    known = flags.cat.categories if isinstance(flags.dtype, pd.CategoricalDtype) else flags.unique()
    return is_word(flags, *(kind for kind in known if set(which) & set(str(kind).split(","))))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a (small) table as dictionaries of plain values; what is missing is None."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _instant(value: Any) -> int:
    return int(pd.Timestamp(value).as_unit("ns").value)


def _half(value: Any) -> float:
    return float("nan") if pd.isna(value) else float(value) / 2


def _word(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _plain(word: str) -> str:
    return word.replace("_", " ")
