"""The report's pictures: ladder, lanes and windows draw every row of their layouts, and stay small."""

from __future__ import annotations

import re

import plot_data
import pytest
from conftest import SAMPLES
from report_data import Page, read_samples, tiled

import pcapstate as ps
from pcapstate.plotting.layout.ladder import ladder_layout
from pcapstate.plotting.layout.spans import covered
from pcapstate.plotting.layout.states import states_layout
from pcapstate.plotting.layout.windows import windows_layout
from pcapstate.report.details import Held
from pcapstate.report.ladder import ROWS, ladder
from pcapstate.report.lanes import lanes
from pcapstate.report.windows import LOW, TALL, key, windows
from pcapstate.schema import STATES

NAMES = ["handshake_and_close", "slow_reader_zero_window", "lost_data", "refused_port", "simultaneous_open"]


@pytest.fixture(scope="module")
def flows():
    return {name: Held(ps.read(SAMPLES / f"{name}.pcap").flow(0)) for name in NAMES}


def classes(html):
    return [word for attributes in Page(html).having("class") for word in attributes.split()]


def texts(html):
    return [Page(words).text for words in re.findall(r"<text[^>]*>(.*?)</text>", html)]


def valid_path(data):
    """A path's data: letters, each with numbers that nobody can misread."""
    return re.fullmatch(r"([MLHVlmhvz](-?\d+(\.\d+)?([ ]|(?=[-A-Za-z]|$)))*)+", data) is not None


each = pytest.mark.parametrize("name", NAMES)
drawn = pytest.mark.parametrize("draw", [ladder, lanes, windows])


@each
@drawn
def test_every_path_is_valid(flows, name, draw):
    html, _ = draw(flows[name])
    paths = [attributes["d"] for attributes in Page(html).named("path")]
    assert paths
    assert [data for data in paths if not valid_path(data)] == []


@each
@drawn
def test_everything_lies_on_the_paper(flows, name, draw):
    html, _ = draw(flows[name])
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', html).groups())
    for attributes in Page(html).named("text", "rect"):
        assert -1 <= float(attributes["x"]) <= width
        assert -30 <= float(attributes["y"]) <= height
        assert float(attributes["x"]) + float(attributes.get("width", 0)) <= width + 1


@each
@drawn
def test_no_picture_says_nan(flows, name, draw):
    html, _ = draw(flows[name])
    assert "nan" not in html
    assert "inf" not in html.replace("in flight", "")


@each
def test_a_ladder_has_every_arrow_with_its_words_and_every_state(flows, name):
    html, hidden = ladder(flows[name])
    table = ladder_layout(flows[name], rows=ROWS)
    arrows = [word for word in classes(html) if word.startswith("t-")]
    assert arrows == [f"t-{tone}" for tone in table.arrows["tone"]]
    assert hidden == table.hidden
    said = texts(html)
    for text, frame in zip(table.arrows["text"], table.arrows["frame"], strict=True):
        assert any(words.startswith(" ".join(text.split())) for words in said)
        assert any(words.startswith(f"#{frame}") for words in said)
    for state in table.names["state"]:
        assert state in said
    for block in table.blocks["text"]:
        for words in block.split("\n"):
            assert " ".join(words.split()) in said


def test_a_lost_segment_ends_in_a_cross_and_not_in_an_arrow(flows):
    html, _ = ladder(flows["lost_data"])
    lost = int(ladder_layout(flows["lost_data"], rows=ROWS).arrows["lost"].sum())
    assert classes(html).count("cross") == lost


def test_arrows_to_the_left_have_their_head_on_the_left(flows):
    html, _ = ladder(flows["handshake_and_close"])
    heads = re.findall(r"<path d=\"M\S+ 0H(\S+?)m(-?)7", html)
    assert len(heads) == 11
    for end, minus in heads:
        assert (float(end) > 300) == (minus == "-")


def test_a_ladder_may_be_folded_further(flows):
    short, hidden = ladder(flows["slow_reader_zero_window"], rows=8)
    assert "segments folded" in hidden
    assert len(short) < len(ladder(flows["slow_reader_zero_window"])[0])


@each
def test_lanes_have_every_band_and_every_event(flows, name):
    html, remark = lanes(flows[name])
    table = states_layout(flows[name])
    fills = [word for word in classes(html) if re.fullmatch(r"s\d+", word)]
    assert fills == [f"s{STATES.index(state)}" for state in table.bands["state"]]
    said = " | ".join(texts(html))
    for band in table.bands["name"]:
        assert band in said
    for event in table.events["text"]:
        assert event in said
    assert remark == ""


def test_a_band_without_room_for_its_name_tells_it_when_pointed_at(monkeypatch, flows):
    table = states_layout(flows["handshake_and_close"])
    table.bands.loc[0, "name"] = ""
    monkeypatch.setattr("pcapstate.report.lanes.states_layout", lambda flow: table)
    html, _ = lanes(flows["handshake_and_close"])
    assert "<title>CLOSED</title>" in html


def test_windows_have_a_panel_for_each_side_and_shade_what_was_zero(flows):
    html, _ = windows(flows["slow_reader_zero_window"])
    assert {"granted", "usable", "flight", "zero", "full", "probe", "update"} <= set(classes(html))
    said = " | ".join(texts(html))
    assert "window of the client (10.77.0.1:48657), in octets" in said
    assert "window of the server" in said
    assert "1 zero window, 2.11 s in all" in said


def test_a_window_that_nothing_ever_filled_has_a_low_panel(flows):
    low, _ = windows(flows["handshake_and_close"])
    high, _ = windows(flows["lost_data"])
    heights = [float(re.search(r'viewBox="0 0 \S+ (\S+)"', html).group(1)) for html in (low, high)]
    assert heights[1] - heights[0] == TALL - LOW


def test_a_scale_that_is_not_known_is_said_and_drawn_in_dashes(flows):
    segments = ps.parse(SAMPLES / "slow_reader_zero_window.pcap")
    flow = Held(ps.replay(segments[segments["frame"] > 4]).flow(0))
    table = windows_layout(flow)
    html, _ = windows(flow)
    assert [panel.scale for panel in table.panels if panel.scale]
    for panel in table.panels:
        assert panel.scale in " ".join(texts(html))
    assert ("raw" in classes(html)) == any(panel.raw for panel in table.panels)


def test_a_long_flow_is_thinned_and_says_so(flows):
    html, remark = windows(flows["lost_data"], columns=10)
    assert "thinned to 10 columns" in remark
    assert {"range", "lowest"} <= set(classes(html))
    assert len(html) < 5_000


def test_the_key_explains_every_colour(flows):
    page = Page(key())
    assert len(page.named("li")) == 9
    assert "window advertised" in page.text


@drawn
def test_pictures_are_small(flows, draw):
    for flow in flows.values():
        html, _ = draw(flow)
        assert len(html.encode()) < 13_000


def test_pictures_of_a_connection_among_many():
    """The tables of one flow out of many are its own rows only."""
    capture = tiled(read_samples(), 45)
    for draw in (ladder, lanes, windows):
        assert draw(Held(capture.flow(40)))[0] == draw(Held(capture.flow(0)))[0]


def test_a_side_without_a_segment_says_so_in_every_picture():
    flow = plot_data.alone()
    for draw in (lanes, ladder):
        assert "no segment of this" in " ".join(texts(draw(flow)[0]))
    html, _ = windows(flow)
    said = " ".join(texts(html))
    assert "the capture holds no window that the server advertised" in said
    assert "e-1" not in said  # an axis of a single moment that can be read


def test_a_window_of_a_single_moment_is_a_stroke():
    html, _ = windows(plot_data.alone())
    assert re.search(r'<path d="M\d+ \d+h6" class=raw />', html)


def test_long_names_stand_beside_each_other():
    html, _ = ladder(plot_data.alone())
    assert 'class="b small">client  [2001:db8:43c0:5ac6:5207:6db2:ec33:94fc]:40000' in html
    assert 'class="b small e">server  [2001:db8:4005:802::2003]:80' in html


def test_a_fold_cuts_only_a_lane_that_is_there():
    """A side that is seen after a long silence only has no lane to cut before."""
    made = [
        plot_data.segment(t, side, "ACK", 1, 1) for t, side in ((0.0, "client"), (60.0, "server"), (60.1, "client"))
    ]
    moves = [
        plot_data.move("client", 0.0, "", "seen", "ESTABLISHED", frame=1),
        plot_data.move("server", 60.0, "", "seen", "ESTABLISHED", frame=2),
    ]
    flow = plot_data.flow(made, moves)
    table = states_layout(flow)
    assert table.folds["text"].tolist() == ["60 s", "100 ms"]
    assert [covered(table.bands, side, table.folds["cut"][0]) for side in ("client", "server")] == [True, False]
    assert [covered(table.bands, side, table.folds["cut"][1]) for side in ("client", "server")] == [True, True]
    for draw in (lanes, ladder):
        (gaps,) = re.findall(r'<path d="([^"]*)" class=paper', draw(flow)[0])
        assert gaps.count("M") == 3
