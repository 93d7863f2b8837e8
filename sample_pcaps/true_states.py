"""Reads NAME.truth.csv: the states that each side of each connection really went through.

Where the tracepoint hands a connection over to a small socket (TIME_WAIT) or has none yet (SYN_RECEIVED on the passive
side), the rows of the socket table fill in. `kernel_truth.py` says what the two witnesses know.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

NAMES = {"CLOSE": "CLOSED", "ESTAB": "ESTABLISHED", "SYN_RECV": "SYN_RECEIVED",
         "FIN_WAIT1": "FIN_WAIT_1", "FIN_WAIT2": "FIN_WAIT_2"}

Life = list[tuple[int, str]]
"""One incarnation: [(time in ns, state)], states in RFC 9293's words; the first is where it began (CLOSED, LISTEN)."""


def state_name(word: str) -> str:
    """RFC 9293's name for a state in the words of the tracepoint or of ss."""
    word = word.replace("-", "_")
    return NAMES.get(word, word)


def read_lives(truth: Path) -> dict[tuple[str, str, str], list[Life]]:
    """{(host, local, remote): lives in the order of time}; listeners are left out."""
    lives: dict[tuple[str, str, str], list[Life]] = defaultdict(list)
    with truth.open(newline="") as file:
        for row in csv.DictReader(file):
            key = row["host"], row["local"], row["remote"]
            if not row["remote"].endswith(":0"):
                step = _traced if row["source"] == "trace" else _polled
                step(lives[key], int(row["time_ns"]), state_name(row["from"]), state_name(row["to"]))
    return dict(lives)


def _traced(lives: list[Life], when: int, before: str, after: str) -> None:
    if after == "SYN_SENT":
        lives.append([(when, "CLOSED"), (when, "SYN_SENT")])
    elif before == "LISTEN":
        # Normally the socket table has shown the half-open connection already: then the life has begun.
        if not lives or lives[-1][-1][1] != "SYN_RECEIVED":
            lives.append([(when, "LISTEN"), (when, "SYN_RECEIVED")])
    else:
        lives[-1].append((when, after))


def _polled(lives: list[Life], when: int, before: str, after: str) -> None:
    if after == "SYN_RECEIVED" and before in ("CLOSED", "TIME_WAIT"):
        lives.append([(when, "LISTEN"), (when, "SYN_RECEIVED")])
    elif after == "TIME_WAIT" and lives[-1][-1][1] == "CLOSED":
        # From FIN_WAIT_2 the poll has the better time: the full socket may have gone before the peer's FIN came.
        since = when if lives[-1][-2][1] == "FIN_WAIT_2" else lives[-1][-1][0]
        lives[-1][-1] = (since, "TIME_WAIT")
    elif after == "CLOSED" and lives[-1][-1][1] in ("TIME_WAIT", "SYN_RECEIVED"):
        lives[-1].append((when, "CLOSED"))
    elif after == "CLOSED" and before == "FIN_WAIT_2":
        lives[-1][-1] = (when, "CLOSED")
