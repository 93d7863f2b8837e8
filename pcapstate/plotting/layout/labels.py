"""Where the words of an arrow stand: in its middle, or towards one end where the middle is taken.

Measures are estimates, for the layout knows no letters: what is placed here with room to spare does not touch on paper.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

LETTER = 0.0118
"""Width of a letter, as a part of the way between the lifelines."""

TALL = 0.85
"""Height of a line of words above its arrow, in lines."""

TAIL = 0.045
"""Room at each end of an arrow, for the frame's number."""

ALLOWED = 0.01
"""Words may meet others for so far across before they are parted."""

_CANDIDATES = (0.5, 0.42, 0.58, 0.35, 0.65, 0.28, 0.72, 0.2, 0.8, 0.0, 1.0)
_ROUNDS = 3


def place_labels(arrows: pd.DataFrame) -> pd.DataFrame:
    """Adds ``label_x``, ``below`` and ``crowded`` to arrows; ``text`` may become shorter.

    ``arrows`` has ``text``, ``mark``, ``from_x``, ``from_y``, ``to_x``, ``to_y``. ``label_x`` is where across (0 to
    1) the middle of an arrow's words stands. Each in turn takes the place that keeps clear of the others' words and,
    where that can be, of their arrows; after some rounds nobody moves any more. Where words still meet others, the
    second half of them goes below the arrow (``below``, empty for most). ``crowded`` says for how far across they
    meet even so.
    """
    lines = [_Line(*row) for row in _extended(arrows).itertuples(index=False)]
    texts = [(text, "") for text in arrows["text"]]
    placed = _settled(lines, texts, list(arrows["mark"]))
    if max((crowd for _, crowd in placed), default=0.0) > ALLOWED:
        texts = [
            _halves(text) if crowd > ALLOWED else (text, "")
            for (text, _), (_, crowd) in zip(texts, placed, strict=True)
        ]
        placed = _settled(lines, texts, list(arrows["mark"]))
    return arrows.assign(
        text=pd.Series([text for text, _ in texts], dtype=object, index=arrows.index),
        below=pd.Series([below for _, below in texts], dtype=object, index=arrows.index),
        label_x=np.array([words.middle for words, _ in placed], np.float64),
        crowded=np.array([crowd for _, crowd in placed], np.float64),
    )


def _extended(arrows: pd.DataFrame) -> pd.DataFrame:
    """The arrows all the way across: the words of a segment that was lost may run on where its arrow ends."""
    across = 1 - 2 * arrows["from_x"]
    slope = (arrows["to_y"] - arrows["from_y"]) / (arrows["to_x"] - arrows["from_x"])
    return arrows[["from_x", "from_y"]].assign(to_x=arrows["from_x"] + across, to_y=arrows["from_y"] + slope * across)


def _settled(lines: list[_Line], texts: list[tuple[str, str]], marks: list[str]) -> list[tuple[_Words, float]]:
    """The words where they stay, and for how far each meets others."""
    options = []
    for line, (text, below), mark in zip(lines, texts, marks, strict=True):
        width = LETTER * max(len(f"{text}   {mark}" if mark else text), len(below))
        options.append([_Words(line, width, middle, TALL if below else 0.0) for middle in _within(line, width)])
    placed = [choices[0] for choices in options]
    near = [[j for j in range(len(lines)) if j != k and lines[j].meets(lines[k])] for k in range(len(lines))]
    for _ in range(_ROUNDS):
        for k, choices in enumerate(options):
            costs = [words.cost([placed[j] for j in near[k]]) for words in choices]
            placed[k] = choices[costs.index(min(costs))]
    return [(words, words.crowded([placed[j] for j in near[k]])) for k, words in enumerate(placed)]


def _halves(text: str) -> tuple[str, str]:
    """Words parted into two lines of about one length."""
    parts = text.split("  ")
    cuts = range(1, len(parts)) if len(parts) > 1 else range(1, 2)
    return min((("  ".join(parts[:k]), "  ".join(parts[k:])) for k in cuts), key=lambda pair: max(map(len, pair)))


class _Line:
    """An arrow as a straight line; ``y`` is its height at a place across."""

    def __init__(self, from_x: float, from_y: float, to_x: float, to_y: float) -> None:
        self.left, self.right = sorted((from_x, to_x))
        self.top, self.bottom = sorted((from_y, to_y))
        self.tail = from_x
        self._slope = (to_y - from_y) / (to_x - from_x)
        self._y = from_y

    def meets(self, other: _Line) -> bool:
        """Whether words on the two could touch."""
        return self.top - TALL < other.bottom and other.top - TALL < self.bottom

    def y(self, x: float) -> float:
        """The height of the line at a place across."""
        return self._y + (x - self.tail) * self._slope


class _Words:
    """Words above a line, ``middle`` being their place across; and ``below`` it, so high."""

    def __init__(self, line: _Line, width: float, middle: float, below: float) -> None:
        self.line, self.middle, self.below = line, middle, below
        self.left, self.right = middle - width / 2, middle + width / 2

    def cost(self, others: list[_Words]) -> float:
        """How bad this place is: words on words, words on another arrow, far from the middle, far from the sender."""
        crossed = sum(self._meeting(other.line.left, other.line.right, other.line, 0.0, 0.0) for other in others)
        off = abs(self.middle - (self.line.left + self.line.right) / 2)
        return 40 * self.crowded(others) + 2 * crossed + 0.01 * off + 0.001 * abs(self.middle - self.line.tail)

    def crowded(self, others: list[_Words]) -> float:
        """For how far across these words meet with others."""
        return sum(self._meeting(other.left, other.right, other.line, TALL, other.below) for other in others)

    def _meeting(self, left: float, right: float, line: _Line, above: float, below: float) -> float:
        """For how far across these words meet a line that has words so high above and below it: all run straight."""
        begin, end = max(self.left, left), min(self.right, right)
        if begin >= end:
            return 0.0
        low, high = sorted((line.y(begin) - self.line.y(begin), line.y(end) - self.line.y(end)))
        least, most = -TALL - below, above + self.below
        if high - low < 1e-9:
            return end - begin if least < low < most else 0.0
        return (end - begin) * max(0.0, min(high, most) - max(low, least)) / (high - low)


def _within(line: _Line, width: float) -> list[float]:
    """Places across for the middle of the words, such that they do not run over the arrow's ends if that can be."""
    length = line.right - line.left
    least, most = line.left + width / 2 + TAIL, line.right - width / 2 - TAIL
    if least >= most:
        return [line.left + length / 2]
    return list(dict.fromkeys(float(np.clip(line.left + part * length, least, most)) for part in _CANDIDATES))
