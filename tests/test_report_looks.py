"""Colours, rules and script of the report."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

from pcapstate.plotting.style import DARK, LIGHT
from pcapstate.report import looks
from pcapstate.schema import STATES


def test_every_state_has_its_colour_of_the_pictures_light_and_dark():
    light, dark = looks.colors().split("@media screen and (prefers-color-scheme:dark)")
    for k, state in enumerate(STATES):
        assert f"--s{k}:{LIGHT.states[state]}" in light
        assert f"--s{k}:{DARK.states[state]}" in dark
        assert f"--o{k}:{LIGHT.over(LIGHT.states[state])}" in light
        assert f".s{k}{{fill:var(--s{k})" in dark


def test_every_variable_that_the_rules_use_is_there():
    css = looks.colors() + looks.rules()
    used = set(re.findall(r"var\(--([\w-]+)\)", css))
    given = set(re.findall(r"--([\w-]+):", css))
    assert used <= given


def test_the_rules_fetch_nothing():
    assert "@import" not in looks.rules()
    assert re.findall(r"url\((?!#)", looks.rules()) == []
    assert looks.rules().count("{") == looks.rules().count("}")


def test_the_script_cannot_end_its_element_and_makes_no_markup():
    script = looks.script()
    assert "</" not in script
    assert "innerHTML" not in script
    assert "fetch(" not in script
    assert "http" not in script


def test_the_policy_names_the_script():
    digest = b64encode(sha256(looks.script().encode()).digest()).decode()
    assert looks.policy().startswith("default-src 'none'")
    assert f"'sha256-{digest}'" in looks.policy()
    assert "unsafe-inline'; img-src" in looks.policy()
    assert "unsafe-eval" not in looks.policy()
