"""The colours: all states told apart by everybody, words readable on all of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from pcapstate.plotting.style import DARK, LIGHT, STYLES, luminance, style
from pcapstate.schema import SIDES, STATES

# What the eye's three kinds of cones make of linear red, green and blue when one kind is missing: the matrices of
# Machado, Oliveira and Fernandes (2009), severity 1.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def lab(color, vision="normal"):
    """CIE Lab of ``#rrggbb`` as such an eye sees it."""
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(VISION[vision]) @ linear, 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    """W3C's contrast ratio, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", STYLES)
@pytest.mark.parametrize("vision", VISION)
def test_no_two_states_look_alike(theme, vision):
    colors = STYLES[theme].states
    distance = {
        (a, b): np.linalg.norm(lab(colors[a], vision) - lab(colors[b], vision)) for a, b in combinations(STATES, 2)
    }
    closest = min(distance, key=distance.get)
    assert distance[closest] > 15, closest


@pytest.mark.parametrize("theme", STYLES)
@pytest.mark.parametrize("vision", VISION)
def test_the_marks_of_one_picture_are_told_apart(theme, vision):
    colors = STYLES[theme]
    marks = [colors.data, colors.acknowledged, colors.edge, colors.retransmission, colors.sack]
    for one, other in combinations(marks, 2):
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 15, (one, other)


@pytest.mark.parametrize("theme", STYLES)
def test_words_are_readable(theme):
    colors = STYLES[theme]
    assert contrast(colors.ink, colors.paper) > 12
    assert contrast(colors.quiet, colors.paper) > 4.5
    for words in (colors.retransmission, colors.zero, colors.sack, *colors.sides.values()):
        assert contrast(words, colors.paper) > 4.5, words
    for state, color in colors.states.items():
        assert contrast(colors.over(color), color) > 4.5, state


@pytest.mark.parametrize("theme", STYLES)
def test_every_state_and_side_has_a_color(theme):
    colors = STYLES[theme]
    assert tuple(colors.states) == STATES
    assert tuple(colors.sides) == SIDES
    assert len(set(colors.states.values())) == len(STATES)


def test_a_style_by_name_or_by_itself():
    assert style("light") is LIGHT
    assert style("dark") is DARK
    own = replace(LIGHT, name="own", paper="#fffff0")
    assert style(own) is own


def test_an_unknown_theme_says_which_there_are():
    with pytest.raises(ValueError, match="theme is 'sepia'; it may be light or dark"):
        style("sepia")


def test_luminance_is_that_of_the_w3c():
    assert luminance("#000000") == 0
    assert luminance("#ffffff") == pytest.approx(1)
    assert luminance("#ff0000") == pytest.approx(0.2126)
    assert luminance("#808080") == pytest.approx(0.2159, abs=1e-4)


def test_black_on_bright_and_white_on_dark():
    assert LIGHT.over("#ffff00") == "#000000"
    assert LIGHT.over("#000080") == "#ffffff"


def test_styles_cannot_be_changed_by_mistake():
    with pytest.raises(TypeError):
        LIGHT.states["CLOSED"] = "#000000"
    with pytest.raises(AttributeError):
        LIGHT.paper = "#000000"
