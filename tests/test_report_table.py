"""The table of all connections."""

from __future__ import annotations

import numpy as np
import pytest
from making import START, columns_from, flow_row, millis
from report_data import Page, table_rows

from pcapstate.findings import Finding
from pcapstate.report import table as tables


def finding(kind, *numbers):
    return Finding(kind, "some", np.array(numbers, np.int64))


def made(rows, found=(), details=(), chosen=None):
    columns = columns_from("flows", rows)
    chosen = np.arange(len(rows)) if chosen is None else np.array(chosen)
    return tables.table(columns, chosen, found, details, START)


def cells(html):
    names = [name for name, _, _ in tables.HEADINGS]
    return [dict(zip(names, row, strict=True)) for row in table_rows(html)]


def test_a_row():
    row = flow_row(
        start=millis(1500), client_bytes=1_234_567, client_retransmissions=2, server_retransmissions=3, duration=0.08
    )
    assert cells(made([row], [finding("zero_window", 0)])) == [
        {
            "flow": "0", "client": "10.0.0.1:40000", "server": "10.0.0.2:80", "start": "1.500", "duration": "0.080",
            "client state": "TIME_WAIT", "server state": "CLOSED", "opened": "three way", "closed": "client: fin",
            "findings": "zero window", "sent": "1,234,567", "received": "0", "resent": "5",
        }
    ]  # fmt: skip


def test_headings_are_buttons_with_an_explanation():
    page = Page(made([flow_row()]))
    assert [tag for tag, _ in page.elements].count("button") == len(tables.HEADINGS)
    assert all(attributes["title"] for attributes in page.named("th"))


def test_what_is_missing_is_empty_or_a_question_mark():
    row = flow_row(client_state=None, server_state=None, opened=None, closed_by=None, close_reason=None, duration=None)
    [shown] = cells(made([row]))
    assert (shown["client state"], shown["server state"]) == ("?", "?")
    assert (shown["opened"], shown["closed"], shown["duration"], shown["findings"]) == ("", "", "", "")


def test_nobody_closed_it():
    [shown] = cells(made([flow_row(closed_by="none", close_reason="still_open")]))
    assert shown["closed"] == "still open"


def test_ipv6_stands_in_brackets():
    [shown] = cells(made([flow_row(client_address="2001:db8::1", server_address="2001:db8::2")]))
    assert (shown["client"], shown["server"]) == ("[2001:db8::1]:40000", "[2001:db8::2]:80")


def test_only_what_is_told_in_full_is_linked():
    html = made([flow_row(0), flow_row(1), flow_row(2)], details=[1])
    assert Page(html).having("href") == ["#flow-1"]


def test_chosen_rows_keep_their_numbers_and_findings():
    rows = [flow_row(k) for k in range(5)]
    shown = cells(made(rows, [finding("refused", 3), finding("retransmissions", 3, 4), finding("refused", 3)],
                       chosen=[1, 3]))  # fmt: skip
    assert [(row["flow"], row["findings"]) for row in shown] == [("1", ""), ("3", "refused, retransmissions")]


def test_states_have_their_colour():
    classes = [attributes.get("class") for attributes in Page(made([flow_row()])).named("td")]
    assert classes.count("st s10") == 1
    assert classes.count("st s0") == 1


def test_words_from_the_capture_are_escaped():
    html = made([flow_row(client_address="<b>", server_address='"&')])
    assert "<b>" not in html
    assert cells(html)[0]["server"] == '"&:80'


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((1, 1, 1), "1 connection."),
        ((3, 3, 3), "3 connections."),
        ((60, 60, 50), "60 connections; 50 are told in full below"),
        ((20_000, 30_000, 50), "30,000 connections; the table has 20,000 of them"),
    ],
)
def test_the_note_says_what_is_left_out(counts, text):
    assert Page(tables.note(*counts)).text.startswith(text)
