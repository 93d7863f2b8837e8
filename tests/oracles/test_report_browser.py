"""The report in a real browser: no error, nothing fetched, sorting and filtering do what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from report_data import Page, read_samples, tiled

from pcapstate.report import write

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
)  # fmt: skip

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def samples():
    return read_samples()


@pytest.fixture(scope="module")
def report(samples, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "samples.html"
    write(samples, path)
    return path


@pytest.fixture
def visit(tmp_path):
    """Opens a page: its table's rows as they are shown, its document, and what the console says."""

    def opened(path, fragment="", *flags):
        profile = tmp_path / "profile"
        command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", *flags, "--dump-dom", f"file://{path}{fragment}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        shutil.rmtree(profile, ignore_errors=True)
        table = re.search(r'<table id="flows">.*?</table>', done.stdout, re.S).group(0)
        rows = re.findall(r"<tr( hidden=\"\")?>(<td.*?)</tr>", table, re.S)
        cells = [[Page(f"<td{cell}").text for cell in row.split("<td")[1:]] for hidden, row in rows if not hidden]
        names = re.findall(r"<button type=\"button\">(.*?)</button>", table)
        return SimpleNamespace(
            rows=[dict(zip(names, row, strict=True)) for row in cells],
            hidden=sum(bool(hidden) for hidden, _ in rows),
            dom=done.stdout,
            sorted=dict(zip(names, re.findall(r'aria-sort="(\w+)"', table), strict=True)),
            console=[line for line in done.stderr.splitlines() if "CONSOLE" in line],
        )

    return opened


def number(text):
    return float(text.replace(",", ""))


@pytest.mark.parametrize("flag", ["--window-size=1280,900", "--window-size=420,900"])
@pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
def test_no_error_at_any_width_in_any_colours(visit, report, samples, flag, scheme):
    seen = visit(report, "", flag, f"--blink-settings=preferredColorScheme={scheme}")
    assert seen.console == []
    assert len(seen.rows) == len(samples)


def test_unsorted_the_rows_stand_in_the_order_of_flows(visit, report):
    seen = visit(report)
    assert [row["flow"] for row in seen.rows] == [str(k) for k in range(len(seen.rows))]
    assert set(seen.sorted.values()) == {"none"}


@pytest.mark.parametrize(
    ("column", "down"),
    [("flow", True), ("start", False), ("duration", True), ("sent", False), ("received", True), ("resent", True)],
)
def test_numbers_sort_as_numbers(visit, report, column, down):
    seen = visit(report, f"#sort={'-' * down}{column}")
    values = [number(row[column]) for row in seen.rows]
    assert values == sorted(values, reverse=down)
    assert seen.sorted[column] == ("descending" if down else "ascending")
    assert seen.console == []


def test_addresses_sort_by_their_numbers(visit, report):
    seen = visit(report, "#sort=client")
    ports = [int(row["client"].rpartition(":")[2]) for row in seen.rows]
    assert ports == sorted(ports)


def test_words_sort(visit, report):
    seen = visit(report, "#sort=client+state")
    states = [row["client state"] for row in seen.rows]
    assert states == sorted(states)


def test_a_filter_keeps_the_rows_with_all_of_its_words(visit, report, samples):
    seen = visit(report, "#filter=refused")
    assert [row["closed"] for row in seen.rows] == ["server: refused"] * 2
    assert f"2 of {len(samples)}" in seen.dom
    seen = visit(report, "#sort=-flow&filter=client%3A+-abort+TIME_WAIT")
    assert seen.rows
    for row in seen.rows:
        assert row["closed"].startswith("client: ")
        assert "TIME_WAIT" in row.values()
        assert "abort" not in row["closed"]
    assert [int(row["flow"]) for row in seen.rows] == sorted((int(row["flow"]) for row in seen.rows), reverse=True)


def test_a_finding_leads_to_its_rows(visit, report):
    fragment = re.search(r'href="(#filter=data\+after\+close)"', report.read_text()).group(1)
    assert {row["findings"] for row in visit(report, fragment).rows} == {"data after close"}


def test_ten_thousand_connections(visit, samples, tmp_path):
    path = tmp_path / "large.html"
    write(tiled(samples, 10_000), path, details=2)
    seen = visit(path, "#sort=-duration")
    assert len(seen.rows) == 500
    assert seen.hidden == 9_500
    assert "Show all 10,000" in seen.dom
    longest = max(flow.duration for flow in samples)
    assert number(seen.rows[0]["duration"]) == pytest.approx(longest, abs=0.001)
    assert seen.console == []


def test_the_page_can_fetch_nothing_and_runs_no_script_but_its_own(visit, report, tmp_path):
    """Even if something hostile got through: the page's policy refuses it."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}"
    hostile = f'<img src="{place}/image"><script>document.title="hostile"</script><script src="{place}/x.js"></script>'
    path = tmp_path / "hostile.html"
    path.write_text(report.read_text().replace("</main>", f"{hostile}</main>"))
    seen = visit(path)
    server.shutdown()
    server.server_close()
    assert asked == []
    assert "<title>hostile" not in seen.dom
    assert len(seen.console) >= 3
