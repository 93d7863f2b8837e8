"""SVG for a page: small, coloured by the page's classes (so that it is light or dark with it), no fonts of its own.

The pictures' layout comes from ``plotting.layout``; matplotlib's own SVG of a ladder is half a megabyte, this is some
thousand octets. What looks alike becomes one path, and places are whole pixels where a reader sees no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .markup import Markup, element, number

WIDTH = 1030.0
"""Width of every picture, in the page's pixels."""


def drawing(height: float, words: str, *parts: str) -> Markup:
    """A picture of this height; ``words`` say what it shows to who cannot see it."""
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {number(WIDTH)} {round(height)}",
        role="img",
        aria_label=words,
        class_="picture",
    )


def group(*parts: str, x: float, y: float, turned: float, class_: str) -> Markup:
    """Parts put at a place, turned by so many degrees."""
    turn = f" rotate({turned:.2f})" if round(turned, 2) else ""
    return element("g", *parts, class_=class_, transform=f"translate({number(x)} {number(y)}){turn}")


def label(x: float, y: float, words: str, class_: str = "", *, end: bool = False, middle: bool = False) -> Markup:
    """Words that begin at ``x``, or end there, or have their middle there; ``y`` is their base line."""
    anchor = " e" if end else " m" if middle else ""
    return element("text", words, x=round(x), y=round(y), class_=(class_ + anchor).strip() or None)


def box(left: float, top: float, right: float, bottom: float, class_: str, words: str = "") -> Markup:
    """A rectangle; ``words`` show when one points at it."""
    title = element("title", words) if words else Markup()
    size = {"width": max(right - left, 0.0), "height": max(bottom - top, 0.0)}
    return element("rect", title, x=left, y=top, class_=class_, **size)


def path(class_: str, *data: str) -> Markup:
    """One path of several pieces; nothing where there is none."""
    d = "".join(data)
    return element("path", d=d, class_=class_) if d else Markup()


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """A straight line, as a piece of a path."""
    begin = f"M{number(x1)} {number(y1)}"
    if x1 == x2:
        return f"{begin}V{number(y2)}"
    return f"{begin}H{number(x2)}" if y1 == y2 else f"{begin}L{number(x2)} {number(y2)}"


def rectangle(left: float, top: float, right: float, bottom: float) -> str:
    """A rectangle, as a piece of a path."""
    return f"M{number(left)} {number(top)}H{number(right)}V{number(bottom)}H{number(left)}z"


def steps(points: Sequence[tuple[float, float]]) -> str:
    """A step function through points, level until the next ``x``, then up or down.

    Places are whole pixels. What changes nothing is left out, and of several steps in one column of pixels the highest,
    the lowest and the last are kept.
    """
    places = [(round(x), round(y)) for x, y in points]
    if not places:
        return ""
    data, (x, y) = [f"M{places[0][0]} {places[0][1]}"], places[0]
    for at, levels in _by_column(places[1:]):
        for level in levels:
            if level != y:
                data.append(f"H{at}V{level}" if at != x else f"V{level}")
                x, y = at, level
    last = places[-1][0]
    return "".join([*data, f"H{last}" if last != x else ""])


def _by_column(places: Iterable[tuple[int, int]]) -> Iterable[tuple[int, list[int]]]:
    columns: dict[int, list[int]] = {}
    for x, y in places:
        columns.setdefault(x, []).append(y)
    for x, levels in columns.items():
        yield x, levels if len(levels) < 4 else [min(levels), max(levels), levels[-1]]
