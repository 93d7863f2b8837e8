"""Flows whose story is complete: all that is told of them, flow by flow."""

from __future__ import annotations

from typing import Any

from ..kernels import kernel
from .episodes import MOST_EPISODES, tell_episodes
from .outcome import tell_facts
from .performance import perform
from .rows import NOTE_COUNT, OUTCOME_COUNT, STALL_COUNT, STEP_COUNT
from .timeline import STEPS, drop_guess, tell_steps
from .verdicts import judge


@kernel
def settle(m: Any, slots: Any, first: int, count: int, two_msl: int) -> int:
    """Settles the flows in ``slots[first:count]``; stops before one for which there might be no room. Returns where.

    ``two_msl``: ns. What is known of the flows is not as it was afterwards.
    """
    for i in range(first, count):
        if m.control[STEP_COUNT] > len(m.steps) - 2 * STEPS or m.control[OUTCOME_COUNT] == len(m.outcomes):
            return i
        if m.control[NOTE_COUNT] > len(m.notes) - MOST_EPISODES or m.control[STALL_COUNT] > len(m.stalls) - 2:
            return i
        slot = slots[i]
        at = m.control[OUTCOME_COUNT]
        drop_guess(m, slot)
        tell_episodes(m, slot)
        tell_facts(m, slot, at)
        perform(m, slot, at)
        judge(m, slot, at)
        tell_steps(m, slot, at, two_msl)
        m.control[OUTCOME_COUNT] = at + 1
    return count
