"""One direction of a flow in numbers: how far its sender has sent, its peer acknowledged, and its peer lets it send."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..facts import has_flag, is_word, numbers, seconds

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stream:
    """What one side sends, at each segment of the flow (both sides'), as arrays of one length.

    ``time``: seconds since the flow's first frame, sorted; ``by_sender``, ``by_peer``: who sent the segment; ``low``,
    ``high``: the sequence numbers from and to which it carries (NaN: not known), relative; ``sent``: the highest
    sequence number sent so far; ``acknowledged``: the highest acknowledged by the peer so far; ``edge``: up to where
    the peer lets it send (NaN: not known).
    """

    side: str
    time: Floats
    by_sender: Booleans
    by_peer: Booleans
    low: Floats
    high: Floats
    sent: Floats
    acknowledged: Floats
    edge: Floats

    @property
    def in_flight(self) -> Floats:
        """Octets sent and not acknowledged, at each segment."""
        return np.maximum(self.sent - self.acknowledged, 0.0)

    @property
    def granted(self) -> Floats:
        """The window in force at each segment, counted from what is acknowledged; NaN where its scale is unknown."""
        return np.maximum(self.edge - self.acknowledged, 0.0)

    @property
    def usable(self) -> Floats:
        """What of the window the sender has not used."""
        return np.maximum(self.edge - self.sent, 0.0)


def stream(segments: pd.DataFrame, start: int, side: str) -> Stream:
    """The direction in which ``side`` sends. ``start`` is where time begins, in ns since 1970 UTC."""
    by_sender = is_word(segments["side"], side)
    one, reset = has_flag(segments, "SYN", "FIN"), has_flag(segments, "RST")
    seq, ack = numbers(segments["seq"]), numbers(segments["ack"])
    high = seq + segments["length"].to_numpy(np.float64) + one
    counted = by_sender & ~reset & ~is_word(segments["label"], "window_probe", "out_of_window", "overrun")
    acknowledges = ~by_sender & ~reset
    acknowledged = highest(np.where(acknowledges, ack, np.nan))
    return Stream(
        side=side,
        # The time axis cannot go back where a capture's clock did: there it stands still.
        time=highest(seconds(segments["time"], start)),
        by_sender=by_sender,
        by_peer=~by_sender,
        low=seq,
        high=high,
        sent=np.fmax(highest(np.where(counted, high, np.nan)), acknowledged),
        acknowledged=acknowledged,
        edge=last_known(np.where(acknowledges & (ack >= acknowledged), numbers(segments["right_edge"]), np.nan)),
    )


def zero_window(segments: pd.DataFrame, used: Stream) -> Booleans:
    """Where the last window that the sender's peer advertised was 0; resets advertise none."""
    advertises = used.by_peer & ~has_flag(segments, "RST")
    place = np.maximum.accumulate(np.where(advertises, np.arange(len(segments)), -1))
    return np.asarray((place >= 0) & (segments["window_raw"].to_numpy(np.int64)[place] == 0), np.bool_)


def highest(values: Floats) -> Floats:
    """The highest value so far; NaN before the first."""
    return np.fmax.accumulate(values) if len(values) else values


def last_known(values: Floats) -> Floats:
    """The last value that is not NaN so far; NaN before the first."""
    known = np.where(np.isnan(values), -1, np.arange(len(values)))
    place = np.maximum.accumulate(known) if len(values) else known
    return np.where(place >= 0, values[place], np.nan)


def merged(starts: Floats, ends: Floats, closer: float) -> pd.DataFrame:
    """Stretches of time (``start``, ``end``), sorted; those are joined that are ``closer`` (a pixel) than told."""
    if len(starts) == 0:
        return pd.DataFrame({"start": starts, "end": ends})
    first = np.append(True, starts[1:] - np.maximum.accumulate(ends)[:-1] > closer)
    places = np.flatnonzero(first)
    return pd.DataFrame({"start": starts[places], "end": np.maximum.reduceat(ends, places)})


def stretches(time: Floats, holds: Booleans, until: float) -> tuple[Floats, Floats]:
    """Where a condition holds, from the moment that begins it to the one that ends it (or ``until``)."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], holds]).astype(np.int8)))
    moments = time[change]
    if len(moments) % 2:
        moments = np.append(moments, max(until, float(moments[-1])))
    return moments[::2], moments[1::2]
