"""Which connections are told in full: those that findings are about, then what else failed, then the first ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

import numpy as np

from ..findings import Finding
from ..schema import FLOWS
from ..values import Columns, coded, count

ROWS = 20_000
"""Connections in the table: what browsers sort and filter without delay."""

ORDINARY = ("fin", "still_open", "half_closed")
"""Ways to end, or not to end yet, that are no failure."""


def told(flows: Columns, found: Sequence[Finding], most: int) -> list[int]:
    """The numbers of the connections that are told in full, at most so many, in rising order.

    Every finding gets its turn before one gets a second: a thousand refused connections look alike.
    """
    chosen: dict[int, None] = {}
    for flow in _wanted(flows, found):
        if len(chosen) >= most:
            break
        chosen[flow] = None
    return sorted(chosen)


def listed(flows: Columns, found: Sequence[Finding], most: int | None = None) -> np.ndarray:
    """The numbers of the connections in the table, in rising order: all, or where they are too many the same choice."""
    size, most = count(flows), ROWS if most is None else most
    if size <= most:
        return np.arange(size)
    wanted = np.concatenate([*(finding.flows for finding in found), _failed(flows), np.arange(size)]).astype(np.int64)
    _, first = np.unique(wanted, return_index=True)
    return np.sort(wanted[np.sort(first)[:most]])


def _wanted(flows: Columns, found: Sequence[Finding]) -> Iterator[int]:
    turns = zip_longest(*(finding.flows.tolist() for finding in found))
    yield from (flow for turn in turns for flow in turn if flow is not None)
    yield from chain(_failed(flows).tolist(), range(count(flows)))


def _failed(flows: Columns) -> np.ndarray:
    codes, words = coded(flows["close_reason"], FLOWS["close_reason"].words)
    ordinary = np.array([*(word in ORDINARY for word in words), True], bool)
    return np.flatnonzero(~ordinary[codes])
