"""How the page looks: the colours of ``plotting.style`` as CSS variables, light and dark; its rules; its script."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from ..plotting.style import DARK, LIGHT, Style
from ..schema import STATES


def colors() -> str:
    """The variables, and a class for each state's colour (``s4``) and for words upon it (``o4``)."""
    states = "\n".join(
        f".s{k}{{fill:var(--s{k});--s:var(--s{k})}}.picture .o{k}{{fill:var(--o{k});stroke:var(--s{k})}}"
        for k in range(len(STATES))
    )
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
    return f":root{{{_variables(LIGHT)}}}\n{dark}\n{states}"


def _variables(style: Style) -> str:
    roles = ("paper", "ink", "quiet", "rule", "data", "acknowledged", "edge", "retransmission", "zero", "full", "sack")
    named = [(role, getattr(style, role)) for role in roles]
    for k, state in enumerate(STATES):
        named += [(f"s{k}", style.states[state]), (f"o{k}", style.over(style.states[state]))]
    return f"color-scheme:{style.name};" + ";".join(f"--{name}:{color}" for name, color in named)


def rules() -> str:
    """The page's CSS."""
    return _resource("page.css")


def script() -> str:
    """The page's script."""
    return _resource("page.js")


def policy() -> str:
    """What the page may do: run its own script, and load nothing from anywhere (Content Security Policy)."""
    digest = b64encode(sha256(script().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"


def _resource(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
