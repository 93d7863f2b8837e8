"""HTML and SVG as text that escapes by itself: what is not ``Markup`` already is taken for words from outside.

A capture, its file names and its notes are not to be trusted. Nobody has to remember to escape them, only what is
markup says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, /, *content: str, **attributes: str | float | bool | None) -> Markup:
    """An element with its content (words are escaped, ``Markup`` is not) and attributes.

    ``class_`` stands for ``class``, an underscore for a hyphen. None and False leave an attribute out, True gives it
    without a value, and numbers are written as short as a tenth allows.
    """
    inside = join(content)
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if inside or tag not in _EMPTY:
        return Markup(f"<{tag}{given}>{inside}</{tag}>")
    # After a value without quotes the slash would belong to the value.
    return Markup(f"<{tag}{given}{'' if given.endswith(chr(34)) else ' '}/>")


def join(parts: Iterable[str]) -> Markup:
    """Parts one after another; words are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else safe(part) for part in parts))


def safe(text: str) -> str:
    """Words as they may stand in HTML, also within quotes. What no UTF-8 can hold (odd file names) becomes ``?``."""
    return escape(_without_controls(text).encode("utf-8", "replace").decode())


def number(value: float) -> str:
    """A number to a tenth, without needless zeros: 12, 0.5, -3.1."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


_PLAIN = re.compile(r"[A-Za-z0-9_.#-]+")
"""Values of attributes that need no quotes."""

_EMPTY = {"br", "col", "hr", "input", "link", "meta", "circle", "line", "path", "rect", "use"}
"""Elements that may stand without an end tag: HTML's void ones, and what SVG closes itself."""

_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], "\N{REPLACEMENT CHARACTER}")
"""What HTML forbids in text: all controls but tab and line ends."""


def _without_controls(text: str) -> str:
    return text.translate(_CONTROLS)


def _attribute(key: str, value: str | float | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is False:
        return ""
    if value is True:
        return f" {name}"
    text = value if isinstance(value, str) else number(value)
    return f" {name}={text}" if _PLAIN.fullmatch(text) else f' {name}="{safe(text)}"'
