"""What a capture tells of listeners and of who calls them, rather than of one connection: rows of ``notes``.

SEMANTICS: SO_REUSEADDR (a port that refused accepts again while connections of it are in TIME_WAIT, when bind() fails
without it), how many connections were in SYN_RECEIVED at once (the backlog's high-water mark), SYNs that a listener
left unanswered while it answered others, or ACKs that it ignored (its accept queue was full), SYN,ACKs that were not
repeated (SYN cookies), and scans. Each sentence gives its numbers, and the other explanation where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..schema import MISSING, Coded
from .attempts import HALF_OPEN, REFUSED, UNANSWERED, Attempts, attempts
from .columns import address
from .groups import different, most_at_once
from .outcome import Outcomes
from .packed import Columns

SECOND = 1_000_000_000
PATIENCE = SECOND
"""A SYN of the last second of a capture may still be answered: nobody repeats it sooner (RFC 6298 2, first RTO)."""
REPEATED_BY = 3 * SECOND + SECOND // 2
"""By now every stack has repeated a SYN,ACK that nothing answered: RFC 6298 has 1 s for the first, RFC 2988 had 3."""
MANY_HALF_OPEN = 8
SCAN = 5
"""Targets of one caller that led to nothing, from which on it is called a scan."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One note: about which frame and time (MISSING: none), and the sentence."""

    frame: int
    time: int
    text: str


def notes(outcomes: Outcomes, last_time: int) -> Columns:
    """The columns of ``schema.NOTES`` for what there is to say of the listeners of a capture, in the order of time."""
    found: list[Finding] = []
    if outcomes:
        all_of_them = attempts(outcomes, last_time)
        rules: tuple[Callable[[Attempts], list[Finding]], ...] = (reused, unanswered, deaf, cookies, backlogs, scans)
        for rule in rules:
            found += rule(all_of_them)
    found.sort(key=lambda finding: (finding.time, finding.frame))
    count = len(found)
    return {
        "file": Coded(np.full(count, -1, np.int32), []),
        "file_frame": np.full(count, MISSING),
        "frame": np.array([finding.frame for finding in found], np.int64),
        "time": np.array([finding.time for finding in found], np.int64),
        "flow": np.full(count, MISSING),
        "side": np.zeros(count, np.int8),
        "kind": np.array(["listener"] * count + [None], object)[:-1],
        "text": np.array([*(finding.text for finding in found), None], object)[:-1],
    }


# --- the rules -------------------------------------------------------------------------------------------------


def reused(a: Attempts) -> list[Finding]:
    """SO_REUSEADDR: the port refuses, then accepts, and all the while a connection of it is in TIME_WAIT."""
    refused = a.opened == REFUSED
    accepted = (a.received != MISSING) & (a.syn_acks > 0)
    waits = a.waited != MISSING
    wanted = _listeners_with(a, refused) & _listeners_with(a, accepted) & _listeners_with(a, waits)
    found = []
    for listener in np.flatnonzero(wanted).tolist():
        here = a.listener == listener
        closed, open_again = _by_time(a.ended, here & refused), _by_time(a.received, here & accepted)
        after = np.searchsorted(a.received[open_again], a.ended[closed])
        ok = after < len(open_again)
        first = dict(zip(open_again[after[ok]].tolist(), closed[ok].tolist(), strict=True))
        for opens, closes in first.items():
            alive = here & waits & (a.waited <= a.ended[closes]) & (a.waited_until >= a.received[opens])
            if alive.any():
                text = (
                    f"refused in frame {a.frame[closes]:,} and accepted in frame {a.frame[opens]:,}, while "
                    f"{_counted(alive.sum(), 'connection of it was', 'connections of it were')} in TIME_WAIT: its "
                    f"server was started again with SO_REUSEADDR, without which bind() fails."
                )
                found.append(_finding(a, opens, text))
    return found


def unanswered(a: Attempts) -> list[Finding]:
    """SYNs without an answer, at a listener that answers others."""
    silent = (a.opened == UNANSWERED) & ((a.last_time - a.asked >= PATIENCE) | (a.syns > 1))
    count, syns = _per_listener(a, silent), _per_listener(a, silent, a.syns)
    answers = _per_listener(a, a.syn_acks > 0)
    found = []
    for listener, first in _firsts(a, silent):
        if answers[listener]:
            left = (
                f"{_counted(syns[listener], 'SYN', 'SYNs')} of {_counted(count[listener], 'connection', 'connections')}"
            )
            text = f"left {left} without an answer while it answered {_counted(answers[listener], 'other', 'others')}"
            found.append(_finding(a, first, f"{text}: its accept queue was full, or segments were lost."))
    return found


def deaf(a: Attempts) -> list[Finding]:
    """ACKs that passed and were without effect, again and again (a single one may be lost anywhere)."""
    ignoring = a.acks_ignored > 1
    count = _per_listener(a, ignoring)
    found = []
    for listener, first in _firsts(a, ignoring):
        text = f"sent its SYN,ACK again and again in {_counted(count[listener], 'connection', 'connections')}"
        found.append(_finding(a, first, f"{text} although the ACK of it had passed: its accept queue was full."))
    return found


def cookies(a: Attempts) -> list[Finding]:
    """SYN,ACKs that were sent only once although nothing came back."""
    single = (a.opened == HALF_OPEN) & (a.syn_acks == 1) & (a.packets == a.syns + 1)
    single &= a.last_time - a.ended >= REPEATED_BY
    count = _per_listener(a, single)
    found = []
    for listener, first in _firsts(a, single):
        text = f"did not repeat {_counted(count[listener], 'SYN,ACK', 'SYN,ACKs')} that nothing answered"
        found.append(_finding(a, first, f"{text}: SYN cookies, or a SYN proxy in front of it."))
    return found


def backlogs(a: Attempts) -> list[Finding]:
    """The most connections of a listener in SYN_RECEIVED at one moment."""
    half = np.flatnonzero(a.received != MISSING)
    left = np.maximum(a.left[half], a.received[half])
    most, when = most_at_once(a.listener[half], a.received[half], left, a.listeners)
    found = []
    for listener in np.flatnonzero(most >= MANY_HALF_OPEN).tolist():
        text = f"had {most[listener]:,} connections in SYN_RECEIVED at one moment, the most: its backlog is no smaller."
        found.append(_finding(a, int(half[when[listener]]), text))
    return found


def scans(a: Attempts) -> list[Finding]:
    """A caller of many targets, of which nearly all lead to nothing."""
    target, first = different([a.caller, a.listener], len(a.listener))
    fruitful = np.bincount(target, a.octets > 0, len(first)) > 0
    accepts = np.bincount(target, a.syn_acks > 0, len(first)) > 0
    refuses = (np.bincount(target, a.opened == REFUSED, len(first)) > 0) & ~accepts
    caller = a.caller[first]
    targets = np.bincount(caller, minlength=a.callers)
    empty = np.bincount(caller, ~fruitful, a.callers)
    found = []
    for who in np.flatnonzero((empty >= SCAN) & (empty * 5 >= targets * 4)).tolist():
        mine = caller == who
        rows = first[mine]
        begins = int(rows[np.argmin(a.asked[rows])])
        results = [int((mine & outcome).sum()) for outcome in (accepts, refuses, ~accepts & ~refuses)]
        text = "{:,} accepted, {:,} refused, {:,} did not answer".format(*results)
        caller_address = address(a.client[begins].tolist())
        text = f"{caller_address} tried {_targets(a, rows)}: {text}. It looks like a scan."
        found.append(Finding(int(a.frame[begins]), int(a.asked[begins]), text))
    return found


def _targets(a: Attempts, rows: np.ndarray) -> str:
    """The targets in words: ports of one host, hosts at one port, or both."""
    host, _ = different([*a.server[rows].T], len(rows))
    hosts, ports = int(host.max()) + 1, len(np.unique(a.port[rows]))
    if hosts == 1:
        return f"{_counted(ports, 'port', 'ports')} of {address(a.server[rows[0]].tolist())}"
    if ports == 1:
        return f"port {a.port[rows[0]]} of {hosts:,} hosts"
    return f"{len(rows):,} targets, {ports:,} ports and {hosts:,} hosts"


# --- helpers ---------------------------------------------------------------------------------------------------


def beside(columns: Columns, more: Columns) -> Columns:
    """Two sets of note columns as one; files are known to neither."""
    both: Columns = {name: np.concatenate([columns[name], more[name]]) for name in columns if name != "file"}
    codes = np.concatenate([columns["file"].codes, more["file"].codes])
    return {name: Coded(codes, []) if name == "file" else both[name] for name in columns}


def _finding(a: Attempts, row: int, text: str) -> Finding:
    """A finding about the listener that attempt ``row`` went to."""
    return Finding(int(a.frame[row]), int(a.asked[row]), f"{_listener(a, row)} {text}")


def _firsts(a: Attempts, which: np.ndarray) -> list[tuple[int, int]]:
    """Each listener that has such attempts, and the first of them."""
    at = np.flatnonzero(which)
    listener, first = np.unique(a.listener[at], return_index=True)
    return list(zip(listener.tolist(), at[first].tolist(), strict=True))


def _listeners_with(a: Attempts, which: np.ndarray) -> np.ndarray:
    return np.bincount(a.listener[which], minlength=a.listeners) > 0


def _per_listener(a: Attempts, which: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """How many of the attempts ``which`` each listener has, or the sum of their ``weights``."""
    counts = np.bincount(a.listener[which], None if weights is None else weights[which], a.listeners)
    return counts.astype(np.int64)


def _by_time(times: np.ndarray, which: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(which)
    return at[np.argsort(times[at], kind="stable")]


def _listener(a: Attempts, row: int) -> str:
    """Address and port as one text, an IPv6 address in brackets (RFC 3986 3.2.2)."""
    where = address(a.server[row].tolist())
    return f"[{where}]:{a.port[row]}" if ":" in where else f"{where}:{a.port[row]}"


def _counted(number: int | np.integer[Any], one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
