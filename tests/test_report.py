"""The report: whole, escaped, in one file, small, and nothing half written."""

from __future__ import annotations

import dataclasses
import time
from base64 import b64encode
from hashlib import sha256

import numpy as np
import pytest
from conftest import SAMPLES
from making import a_pass, flow_row, four_way_close, millis
from report_data import Page, read_samples, table_rows, tiled

from pcapstate import __version__, report
from pcapstate.capture import Capture
from pcapstate.cli import DONE, run
from pcapstate.findings import of_capture
from pcapstate.parser.problems import Problem
from pcapstate.report import write


def written(capture, folder, **options):
    path = folder / "x.html"
    write(capture, path, **options)
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def samples():
    return read_samples()


@pytest.fixture(scope="module")
def html(samples, tmp_path_factory):
    return written(samples, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


# --- what it holds ---------------------------------------------------------------------------------------------


def test_findings_stand_before_the_connections_and_these_before_what_is_told_in_full(html):
    places = [html.index(f"<h2>{title}</h2>") for title in ("Findings", "Connections", "In full", "How to read it")]
    assert places == sorted(places)


def test_every_finding_is_told_and_leads_to_its_connections(samples, page):
    found = of_capture(samples)
    assert found
    for finding in found:
        assert finding.text in page.text
        assert f"#filter={finding.kind.replace('_', '+')}" in page.having("href")


def test_every_connection_has_a_row_and_a_section_that_it_leads_to(samples, page):
    sections = {attributes["id"] for attributes in page.named("section") if "id" in attributes}
    assert sections == {f"flow-{k}" for k in range(len(samples))}
    assert len([href for href in page.having("href") if href.startswith("#flow-")]) >= len(samples)


@pytest.mark.parametrize("number", [0, 2, 15])
def test_a_section_has_story_pictures_timeline_and_filters(samples, html, number):
    flow = samples.flow(number)
    section = html[html.index(f"<section id=flow-{number} ") :]
    told = Page(section[: section.index("</section>") + 10])
    assert " ".join(flow.story().split()) in told.text
    assert len(told.named("svg")) == 3
    for name in ("States", "Ladder", "Windows", "Timeline"):
        assert name in told.text
    assert f"tcp.port eq {flow.client.port} and tcp.port eq {flow.server.port}" in told.text
    for row in [row for side in flow.sides for row in side.transitions]:
        assert row["event"] in told.text
        assert row["frame"] is None or f" {row['frame']} " in told.text.replace("<", " ")


def test_what_was_read_is_said(samples, page):
    assert f"{samples.packets} packets, {len(samples)} TCP connections" in page.text
    for name in samples.files:
        assert name in page.text
    assert "Everything in it could be read." in page.text
    assert f"pcapstate {__version__}" in page.text


def test_what_could_not_be_read_is_said(tmp_path):
    problems = [
        Problem(file=0, file_frame=8, frame=8, offset=900, kind="cut", text="The file ends within a packet <8>."),
        Problem(file=0, file_frame=0, frame=0, offset=0, kind="odd", text="The header names no snap length."),
    ]
    page = Page(written(Capture(a_pass(problems=problems)), tmp_path))
    assert "What could not be read cut (frame 8): The file ends within a packet <8>. odd: The header" in page.text
    assert "Everything in it could be read" not in page.text


def test_many_problems_are_counted(tmp_path):
    problems = [Problem(0, k, k, k, "damaged", f"Number {k}.") for k in range(1, 81)]
    text = Page(written(Capture(a_pass(problems=problems)), tmp_path)).text
    assert "Number 50." in text
    assert "Number 51." not in text
    assert "and 30 more in the table notes" in text


def test_notes_without_a_connection_have_a_place_of_their_own(tmp_path):
    rows = four_way_close()
    rows["notes"].append({"frame": 5, "time": millis(50), "kind": "listener", "text": "Its backlog overflowed."})
    text = Page(written(Capture(a_pass(rows)), tmp_path)).text
    assert "Notes listener (frame 5): Its backlog overflowed." in text
    assert 'refuted (frame 3, server): A, "quoted".' in text


def test_a_capture_without_a_connection(tmp_path):
    page = Page(written(Capture(a_pass({})), tmp_path))
    assert "8 packets, 0 TCP connections" in page.text
    assert "No TCP connection was found." in page.text
    assert "Nothing out of the ordinary." in page.text
    assert page.named("table") == []


def test_an_empty_capture(tmp_path):
    nothing = dataclasses.replace(a_pass({}), frames=0, first_time=0, last_time=0, files=())
    assert "0 packets, 0 TCP connections" in Page(written(Capture(nothing), tmp_path)).text


def test_the_same_capture_gives_the_same_file(capture, tmp_path):
    assert written(capture, tmp_path) == written(capture, tmp_path)


def test_the_command(tmp_path):
    target = tmp_path / "x.html"
    assert run(["report", str(SAMPLES / "simultaneous_close.pcap"), "-o", str(target)]) == DONE
    assert "CLOSING" in Page(target.read_text("utf-8")).text


# --- one file, no network, valid -------------------------------------------------------------------------------


def test_nothing_leaves_the_file(html, page):
    assert "http://" not in html
    assert "https://" not in html
    assert page.having("src") == []
    assert {href for href in page.having("href") if not href.startswith("#")} == {"data:,"}
    assert "@import" not in page.style
    assert page.style.count("url(") == page.style.count("url(#")


def test_the_policy_lets_the_page_run_its_own_script_and_nothing_else(page):
    policy = next(a["content"] for a in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    digest = b64encode(sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert len(page.named("script")) == 1


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(page):
    ids = page.having("id")
    assert len(ids) == len(set(ids))
    for href in page.having("href"):
        if href.startswith("#") and "=" not in href:
            assert href[1:] in ids


def test_light_and_dark_and_paper(page):
    assert "@media screen and (prefers-color-scheme:dark)" in page.style
    assert "@media print" in page.style
    assert all(not attributes.get("style") for _, attributes in page.elements)


# --- what comes from outside is escaped ------------------------------------------------------------------------

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&<b>\x07"


@pytest.fixture
def hostile():
    rows = four_way_close()
    for row in rows["notes"]:
        row["text"] = row["kind"] = HOSTILE
    rows["notes"].append({"frame": 5, "time": millis(50), "kind": HOSTILE, "text": HOSTILE})
    rows["timeline"][0].update(note=HOSTILE, event=HOSTILE)
    rows["flows"][0].update(note=HOSTILE, client_address=HOSTILE, client_limited_by=HOSTILE)
    for row in rows["segments"]:
        row["file"] = HOSTILE
    problems = [Problem(file=0, file_frame=1, frame=1, offset=0, kind=HOSTILE, text=HOSTILE)]
    made = dataclasses.replace(a_pass(rows, problems), files=(f"/x/{HOSTILE}", f"/y/{HOSTILE}\udcff.pcap"))
    return Capture(made)


def test_what_comes_from_the_capture_stays_words(hostile, capture, tmp_path):
    html = written(hostile, tmp_path)
    page = Page(html)
    honest = Page(written(capture, tmp_path))
    assert page.text.count("onerror=alert(1)") >= 12
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in honest.elements} | {"details", "summary", "div"}
    assert page.named("img") == []
    assert len(page.named("script")) == 1
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []
    assert "\x07" not in html


# --- sizes -----------------------------------------------------------------------------------------------------


def test_fifty_connections_are_under_a_megabyte(samples, tmp_path):
    html = written(tiled(samples, 50), tmp_path)
    assert html.count("<section id=flow-") == 50
    assert len(html.encode()) < 1_000_000


@pytest.fixture(scope="module")
def large(samples, tmp_path_factory):
    """Ten thousand connections: the page, and the processor's seconds that it took."""
    capture = tiled(samples, 10_000)
    before = time.process_time()
    html = written(capture, tmp_path_factory.mktemp("large"), details=8)
    return html, time.process_time() - before


def test_ten_thousand_connections_are_all_in_the_table(large):
    html, seconds = large
    assert [row[0] for row in table_rows(html)] == [str(number) for number in range(10_000)]
    assert len(html.encode()) < 3_500_000
    assert seconds < 15


def test_ten_thousand_connections_some_told_in_full(large):
    html, _ = large
    text = Page(html).text
    assert html.count("<section id=flow-") == 8
    assert "10,000 connections; 8 are told in full below" in text
    assert "<section id=flow-1 " in html  # refused: the first finding


def test_too_many_connections_for_a_table(monkeypatch, samples, tmp_path):
    monkeypatch.setattr(report.page.choice, "ROWS", 10)
    html = written(samples, tmp_path, details=1)
    assert "20 connections; the table has 10 of them" in Page(html).text
    shown = {int(row[0]) for row in table_rows(html)}
    assert len(shown) == 10
    assert {flow for finding in of_capture(samples) for flow in finding.flows.tolist()} <= shown


# --- written beside and renamed --------------------------------------------------------------------------------


def test_a_report_that_fails_leaves_the_old_one(monkeypatch, capture, tmp_path):
    path = tmp_path / "x.html"
    path.write_text("old")

    def fails(flow, files):
        raise RuntimeError("no")

    monkeypatch.setattr("pcapstate.report.page.details", fails)
    with pytest.raises(RuntimeError, match="no"):
        write(capture, path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.html"]


def test_a_picture_that_cannot_be_drawn_leaves_the_others(monkeypatch, capture, tmp_path):
    def fails(flow):
        raise ValueError("moment 1 lies before moment 0")

    monkeypatch.setattr("pcapstate.report.details.ladder", fails)
    page = Page(written(capture, tmp_path))
    assert "Ladder This picture could not be drawn: moment 1 lies before moment 0." in page.text
    assert len([a for a in page.named("svg") if a.get("class") == "picture"]) == 2


def test_every_way_to_end_can_be_told(tmp_path):
    """No segment beyond the first, states that are not known, IPv6: nothing of a connection need be there."""
    rows = four_way_close()
    rows["timeline"], rows["windows"], rows["notes"] = [], [], []
    rows["segments"] = rows["segments"][:1]
    rows["flows"] = [
        flow_row(client_address="fe80::1", server_address="fe80::2", client_state=None, server_state=None,
                 closed_by="none", close_reason="unanswered", opened="unanswered", rtt_server=None)
    ]  # fmt: skip
    text = Page(written(Capture(a_pass(rows)), tmp_path)).text
    assert "ipv6.addr eq fe80::1 and ipv6.addr eq fe80::2 and tcp.port eq 40000" in text
    assert "[fe80::1]:40000" in text


def test_nan_and_missing_are_not_printed(html):
    text = Page(html).text
    assert "nan" not in text.lower().replace("finance", "").split()
    assert str(np.iinfo(np.int64).min) not in text
    assert "None" not in text


def test_every_picture_of_every_sample_is_drawn(samples, page):
    assert "could not be drawn" not in page.text
    assert len([a for a in page.named("svg") if a.get("class") == "picture"]) == 3 * len(samples)
