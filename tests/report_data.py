"""What the tests of the report share: a reader of its HTML, and captures with many connections."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
from conftest import SAMPLES

import pcapstate as ps
from pcapstate.capture import Capture
from pcapstate.pipeline import Pass
from pcapstate.schema import TABLES, Coded
from pcapstate.values import count

VOID = {"br", "col", "hr", "input", "link", "meta"}
MAY_STAY_OPEN = {"tr", "td"}
INLINE = {"a", "b", "code", "small", "span"}


class Page(HTMLParser):
    """Reads a page and asserts that its elements are nested; keeps elements, ids and words by their element."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.words, self.style, self.script = [], [], [], "", ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        for cell in {"td": ["td"], "tr": ["td", "tr"]}.get(tag, []):
            if self.open[-1:] == [cell]:
                self.open.pop()
        self.elements.append((tag, dict(attributes)))
        self.words.append("" if tag in INLINE else " ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        while tag not in MAY_STAY_OPEN and self.open[-1:] and self.open[-1] in MAY_STAY_OPEN:
            self.open.pop()
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        elif self.open and self.open[-1] == "script":
            self.script += data
        else:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def named(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]

    def having(self, attribute):
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def table_rows(html):
    """The rows of the table of connections, each as the texts of its cells."""
    rows = html[html.index("<table id=flows>") :].partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")[1:]
    return [[Page(f"<p>{cell.partition('>')[2]}</p>").text for cell in row.split("<td")[1:]] for row in rows]


def read_samples():
    return ps.read(sorted(SAMPLES.glob("*.pcap")))


def tiled(capture, flows):
    """A capture with so many connections, those of another again and again."""
    size = len(capture)
    columns = {name: _tiled(capture.columns(name), size, flows) for name in TABLES}

    class Tables:
        flow_count = flows
        last_time = capture.times[1]

        def table(self, name):
            return columns[name]

    return Capture(
        Pass(
            tables=Tables(), kept=frozenset({"segments", "windows"}), files=capture.files, frames=capture.packets,
            first_time=capture.times[0], last_time=capture.times[1], problems=(),
        )
    )  # fmt: skip


def _tiled(columns, size, flows):
    rows = count(columns)
    times = -(-flows // size)
    place = np.tile(np.arange(rows), times)
    offset = np.repeat(np.arange(times) * size, rows)
    flow = columns["flow"][place]
    flow = np.where(flow < 0, flow, flow + offset)
    kept = flow < flows
    place, flow = place[kept], flow[kept]
    made = {
        name: Coded(values.codes[place], values.words) if isinstance(values, Coded) else values[place]
        for name, values in columns.items()
    }
    made["flow"] = flow
    return made
