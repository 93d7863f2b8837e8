"""Rows that are equal in several columns, grouped: vectorised, one sort of integers a column."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def different(columns: Iterable[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups of equal rows.

    ``columns``: integer arrays of shape (count,). Returns the group of each row, shape (count,), int64, and the first
    row of each group, shape (groups,). Groups are in the order of the columns' values, the first column counting most.
    """
    code = np.zeros(count, np.int64)
    first = np.zeros(min(count, 1), np.int64)
    for values in columns:
        if count == 0 or (values == values[0]).all():
            continue  # the upper words of IPv4 addresses
        _, one = np.unique(values, return_inverse=True)
        _, first, code = np.unique(code * (int(one.max()) + 1) + one, return_index=True, return_inverse=True)
    return code, first


def most_at_once(group: np.ndarray, begin: np.ndarray, end: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """How many intervals of each group overlap at most, and which interval begins when they first do.

    ``group``, ``begin``, ``end`` have shape (intervals,). Returns counts and interval numbers (-1: none), shape
    (groups,), int64. An interval that ends when another begins does not overlap it.
    """
    most, when = np.zeros(groups, np.int64), np.full(groups, -1, np.int64)
    if not len(group):
        return most, when
    count = len(group)
    step = np.repeat([1, -1], count)
    both = np.tile(group, 2)
    order = np.lexsort((step, np.concatenate([begin, end]), both))
    running = np.cumsum(step[order])  # every group ends at 0, so the sum may go on
    np.maximum.at(most, both[order], running)
    reached = np.flatnonzero(running == most[both[order]])[::-1]
    when[both[order][reached]] = order[reached] % count
    return most, when
