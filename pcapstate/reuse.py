"""4-tuples that were used again: which connection came next, and whether the one before was still in TIME_WAIT."""

from __future__ import annotations

import numpy as np

from .schema import MISSING, TIMELINE
from .values import Columns, coded, count

PARTS = ("client_address", "server_address", "client_port", "server_port")


def next_uses(flows: Columns) -> np.ndarray:
    """Of each connection the row of the next one between the same two ends, -1 where none came; shape (n,)."""
    following = np.full(count(flows), -1, np.int64)
    if len(following) < 2:
        return following
    client, server, client_port, server_port = (_numbers(flows, name) for name in PARTS)
    key = np.stack([client << 32 | server, client_port << 32 | server_port])
    order = np.lexsort([_numbers(flows, "start"), key[1], key[0]])
    again = (key[:, order[1:]] == key[:, order[:-1]]).all(axis=0)
    following[order[:-1][again]] = order[1:][again]
    return following


def next_use(flows: Columns, row: int) -> int:
    """The same for one connection alone, without ordering all of them."""
    start = _numbers(flows, "start")
    later = start > start[row]
    for name in PARTS:
        numbers = _numbers(flows, name)
        later &= numbers == numbers[row]
    found = np.flatnonzero(later)
    return int(found[np.argmin(start[found])]) if len(found) else -1


def used_in_time_wait(flows: Columns, timeline: Columns) -> np.ndarray:
    """Which connections were in TIME_WAIT, at one end at least, when their 4-tuple was used again; shape (n,)."""
    following = next_uses(flows)
    mask = np.zeros(len(following), bool)
    if not (following >= 0).any():
        return mask
    state = coded(timeline["from_state"], TIMELINE["from_state"].words)
    code = list(state.words).index("TIME_WAIT") if "TIME_WAIT" in state.words else -2
    left = np.flatnonzero(state.codes == code)
    numbers, wanted = _numbers(flows, "flow"), _numbers(timeline, "flow")[left]
    rows = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    until = _numbers(timeline, "estimate")[left]
    waits = timeline["dwell"]
    assert isinstance(waits, np.ndarray)
    dwell = np.nan_to_num(waits[left])
    again = np.where(following[rows] >= 0, _numbers(flows, "start")[following[rows]], MISSING)
    within = (numbers[rows] == wanted) & (again != MISSING) & (again <= until) & (again >= until - dwell * 1e9)
    mask[rows[within]] = True
    return mask


def _numbers(columns: Columns, name: str) -> np.ndarray:
    """A column as numbers, words as the codes that stand for them."""
    values = columns[name]
    numbers = values if isinstance(values, np.ndarray) and values.dtype != object else coded(values).codes
    return numbers.astype(np.int64)
