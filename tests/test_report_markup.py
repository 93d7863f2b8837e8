"""Markup escapes by itself whatever is not markup already."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.report.markup import Markup, element, join, number, safe


def parsed(html):
    """What a parser makes of it: start tags with their attributes, and all words."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

        def handle_data(self, data):
            found.append(data)

    reader = Reader()
    reader.feed(html)
    reader.close()
    return found


def test_words_are_escaped_and_markup_is_not():
    assert element("p", "a < b & ", element("b", "c")) == "<p>a &lt; b &amp; <b>c</b></p>"


def test_join_escapes_words():
    assert join(["<", Markup("<br>"), '"']) == "&lt;<br>&quot;"


def test_attributes_are_short_where_that_is_safe():
    assert element("g", "x", class_="q", x=1.25, y=2.0, aria_hidden="true") == (
        "<g class=q x=1.2 y=2 aria-hidden=true>x</g>"
    )


@pytest.mark.parametrize("value", ["a b", "", "a>b", 'a"b', "a'b", "a=b", "a`b", "<", "&amp;", "a/b", "\n"])
def test_other_attributes_are_quoted_and_come_back(value):
    assert parsed(element("p", "x", title=value)) == [("p", {"title": value}), "x"]


def test_attributes_that_are_left_out_or_have_no_value():
    assert element("div", "x", hidden=True, id=None, title=False) == "<div hidden>x</div>"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (element("path", d="M0 0"), '<path d="M0 0"/>'),
        (element("rect", x=1, class_="s0"), "<rect x=1 class=s0 />"),
        (element("p"), "<p></p>"),
        (element("br"), "<br />"),
    ],
)
def test_elements_without_content(made, text):
    assert made == text


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1"), (0.04, "0"), (-0.04, "0"), (2.55, "2.5"), (-3.1, "-3.1"), (10.0, "10")]
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_what_no_text_file_can_hold_is_replaced():
    assert safe("a\udcffb") == "a?b"
    assert safe("bell\x07 and null\x00") == "bell\N{REPLACEMENT CHARACTER} and null\N{REPLACEMENT CHARACTER}"
    assert safe("tab\tand\nline") == "tab\tand\nline"


@settings(deadline=None)
@given(st.text(), st.text())
def test_nothing_that_anybody_writes_becomes_an_element(words, value):
    made = element("p", words, title=value)
    made.encode("utf-8")
    tags = [found for found in parsed(made) if isinstance(found, tuple)]
    assert [tag for tag, _ in tags] == ["p"]
    assert set(tags[0][1]) == {"title"}
