"""How captures and connections show themselves in a notebook."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from making import a_pass, flow_row, four_way_close

from pcapstate.capture import Capture
from pcapstate.notebook import MOST_FLOWS

VOID = {"br", "hr", "img"}


class Page(HTMLParser):
    """Checks that every tag is closed, and collects what is in it."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def with_flows(*rows):
    return Capture(a_pass({**four_way_close(), "flows": list(rows)}))


def test_a_capture_shows_its_connections(capture):
    page = Page(capture._repr_html_())
    assert page.tags.count("tr") == 2
    assert {"10.0.0.1:40000", "10.0.0.2:80", "TIME_WAIT", "CLOSED", "client, fin", "100 B"} <= set(page.texts)


def test_a_long_capture_is_cut_and_says_so():
    page = Page(with_flows(*(flow_row(number) for number in range(MOST_FLOWS + 5)))._repr_html_())
    assert page.tags.count("tr") == MOST_FLOWS + 1
    assert "5 more connections in " in page.texts


def test_findings_are_shown():
    page = Page(with_flows(flow_row(close_reason="refused"))._repr_html_())
    assert "1 connection refused by 10.0.0.2:80: flow 0" in page.texts
    many = with_flows(*(flow_row(number, close_reason="refused") for number in range(9)))
    assert any(text.endswith("flows 0, 1, 2, 3, 4, 5, ...") for text in Page(many._repr_html_()).texts)


def test_an_empty_capture_shows_that():
    page = Page(Capture(a_pass({}))._repr_html_())
    assert "table" not in page.tags
    assert any("0 TCP connections" in text for text in page.texts)


def test_a_flow_shows_story_states_and_ladder(capture):
    page = Page(capture.flow(0)._repr_html_())
    assert page.tags.count("pre") == 1
    assert {"LISTEN", "FIN_WAIT_2", "LAST_ACK"} <= set(page.texts)
    assert any("<SEQ=0><CTL=SYN>" in text for text in page.texts)
    assert any("by a three-way handshake" in text for text in page.texts)


def test_a_side_without_states_says_so():
    capture = Capture(a_pass({**four_way_close(), "timeline": []}))
    assert "client: no state seen" in Page(capture.flow(0)._repr_html_()).texts


def test_a_side_shows_its_states_and_transitions(capture):
    page = Page(capture.flow(0).client._repr_html_())
    assert page.tags.count("table") == 1
    assert page.tags.count("tr") == 1 + 6
    assert {"FIN_WAIT_2", "0.010000", "rcv SYN,ACK", "confirmed", "60.070000"} <= set(page.texts)
    assert "Flow 0, client: 10.0.0.1:40000" in page.texts
    empty = Capture(a_pass({**four_way_close(), "timeline": []})).flow(0).server
    assert "table" not in Page(empty._repr_html_()).tags


VIEWS = {
    "capture": lambda capture: capture,
    "flow": lambda capture: capture.flow(0),
    "side": lambda capture: capture.flow(0).client,
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_what_comes_from_outside_is_escaped(view):
    evil = "<script>alert('x')</script>&"
    capture = with_flows(flow_row(note=evil, client_address=evil))
    text = view(capture)._repr_html_()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_html_and_css_only(capture, view):
    text = view(capture)._repr_html_()
    assert not {"script", "img", "link", "iframe"} & set(Page(text).tags)
    assert "http" not in text
