"""Every colour of every picture, light and dark, in one place.

A colour means the same in all pictures: a state has its colour in the ladder, the lanes and the machine, a
retransmission is red everywhere. No two states come closer than 15 units of CIE Lab for a viewer with any of
the three colour vision deficiencies (a test simulates them), and no picture says by colour alone what no word says.

matplotlib's own settings (rcParams) are neither read for colours nor changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..schema import SIDES, STATES

SMALL, NORMAL, LARGE = 7.0, 8.0, 11.0
"""Sizes of letters, in points."""

EVEN = 0.179
"""The relative luminance on which black and white words are read equally well (W3C's contrast ratio)."""


@dataclass(frozen=True, slots=True)
class Style:
    """The colours of one theme: the paper, what is written on it, the states, the two sides, and the marks."""

    name: str
    paper: str
    ink: str
    quiet: str
    """Second-rank words: units, frames, how to read it."""
    rule: str
    """Axes and grid."""
    states: Mapping[str, str]
    sides: Mapping[str, str]
    data: str
    """Octets under way, segments that carry them."""
    acknowledged: str
    edge: str
    """Right edge of a window: up to where the peer may send."""
    retransmission: str
    zero: str
    """Zero window."""
    full: str
    """A window that is used up."""
    sack: str
    doubt: str
    """Hatching of what is not known exactly."""
    shade: float = 0.16
    """How strong a stretch of time is shaded (0 to 1); on dark paper a colour needs more."""

    def over(self, color: str) -> str:
        """Black or white, whichever is easier to read on ``color`` (W3C's relative luminance)."""
        return "#000000" if luminance(color) > EVEN else "#ffffff"


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb``, from 0 (black) to 1 (white), as W3C's WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _states(*colors: str) -> Mapping[str, str]:
    return MappingProxyType(dict(zip(STATES, colors, strict=True)))


def _sides(client: str, server: str) -> Mapping[str, str]:
    return MappingProxyType(dict(zip(SIDES, (client, server), strict=True)))


LIGHT = Style(
    name="light",
    paper="#ffffff",
    ink="#1b1f24",
    quiet="#5b6570",
    rule="#c9d0d7",
    # Grey is no connection, yellow and orange an opening, green open, blue and violet the side that closes first,
    # red the side that closes second.
    states=_states(
        "#e6e6e6",  # CLOSED
        "#9b9b9b",  # LISTEN
        "#f7d64a",  # SYN_SENT
        "#dd8a1f",  # SYN_RECEIVED
        "#149a57",  # ESTABLISHED
        "#9ad3f7",  # FIN_WAIT_1
        "#1f5fb0",  # FIN_WAIT_2
        "#c4260b",  # CLOSE_WAIT
        "#33206b",  # CLOSING
        "#6e1b38",  # LAST_ACK
        "#c97df5",  # TIME_WAIT
    ),
    sides=_sides("#1f5fb0", "#b35c00"),
    data="#1b55c0",
    acknowledged="#0aa573",
    edge="#f0980f",
    retransmission="#b91406",
    zero="#b91406",
    full="#dd8a1f",
    sack="#552657",
    doubt="#1b1f24",
)

DARK = Style(
    name="dark",
    paper="#14181d",
    ink="#e8ecf0",
    quiet="#9aa5b1",
    rule="#3a424b",
    states=_states(
        "#2c3238",  # CLOSED
        "#9b9b9b",  # LISTEN
        "#f7d64a",  # SYN_SENT
        "#dd8a1f",  # SYN_RECEIVED
        "#16a55d",  # ESTABLISHED
        "#9ad3f7",  # FIN_WAIT_1
        "#2f6fc8",  # FIN_WAIT_2
        "#d6341a",  # CLOSE_WAIT
        "#4a2f92",  # CLOSING
        "#b03a6a",  # LAST_ACK
        "#cf86fa",  # TIME_WAIT
    ),
    sides=_sides("#6aaaf5", "#f0a04b"),
    data="#a5d5fb",
    acknowledged="#2f9c80",
    edge="#ffd92b",
    retransmission="#f76a45",
    zero="#f76a45",
    full="#dd8a1f",
    sack="#bb66e0",
    doubt="#e8ecf0",
    shade=0.22,
)

STYLES: Mapping[str, Style] = MappingProxyType({"light": LIGHT, "dark": DARK})


def style(theme: str | Style) -> Style:
    """The style of a theme's name (``light`` or ``dark``); a ``Style`` of your own is passed through.

    Raises ValueError for another name.
    """
    if isinstance(theme, Style):
        return theme
    if theme not in STYLES:
        raise ValueError(f"theme is {theme!r}; it may be {' or '.join(STYLES)}")
    return STYLES[theme]
