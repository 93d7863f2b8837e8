"""From the tables to paper: every picture of every kind of flow is drawn whole, and says what it must."""

from __future__ import annotations

import io
import subprocess
import sys
import time

import matplotlib
import plot_data
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from pcapstate import plotting

FLOWS = {name: getattr(plot_data, name) for name in ("whole", "slow_reader", "lossy", "unscaled", "refused")}
KINDS = ("ladder", "windows", "sequence", "states", "machine")


def draw(kind, flow, **options):
    """The figure of a picture, drawn once."""
    made = getattr(plotting, kind)(flow, **options)
    figure = made if isinstance(made, Figure) else made.figure
    figure.draw_without_rendering()
    return figure


def words(figure):
    """All words of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_visible())


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("kind", [*KINDS, "overview"])
def test_every_picture_is_whole_and_says_who_and_how_to_read_it(kind, name):
    figure = draw(kind, FLOWS[name]())
    said = words(figure)
    assert "10.0.0.1:40000 → 10.0.0.2:80" in said
    assert "How to read it: " in said
    drawn, page = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) > -0.05
    assert drawn.x1 < page[0] + 0.05
    assert drawn.y1 < page[1] + 0.05


@pytest.mark.parametrize("kind", [*KINDS, "overview"])
def test_dark_pictures_are_dark(kind):
    figure = draw(kind, plot_data.whole(), theme="dark")
    for paper in (figure.get_facecolor(), figure.axes[0].get_facecolor()):
        assert max(paper[:3]) < 0.2
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_text().startswith("How to read it"):
            assert min(matplotlib.colors.to_rgb(text.get_color())) > 0.5


@pytest.mark.parametrize("kind", ["windows", "sequence", "states"])
def test_the_time_axis_has_its_unit_and_its_origin(kind):
    said = words(draw(kind, plot_data.whole()))
    assert "seconds since the first frame (2024-05-01 12:00:00.003000 UTC)" in said


@pytest.mark.parametrize("kind", ["windows", "sequence"])
def test_the_other_axis_has_its_unit(kind):
    assert "octets" in words(draw(kind, plot_data.whole()))


@pytest.mark.parametrize("kind", KINDS)
def test_given_axes_are_drawn_on_and_returned(kind):
    own = Figure(figsize=(9, 7)).add_subplot()
    assert getattr(plotting, kind)(plot_data.whole(), ax=own) is own


@pytest.mark.parametrize("kind", KINDS)
def test_returns_axes(kind):
    assert isinstance(getattr(plotting, kind)(plot_data.whole()), Axes)


def test_the_overview_is_a_figure_with_one_time_axis():
    figure = plotting.overview(plot_data.slow_reader())
    assert isinstance(figure, Figure)
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    said = words(figure)
    assert "server\N{RIGHT SINGLE QUOTATION MARK}s window" in said
    assert "client\N{RIGHT SINGLE QUOTATION MARK}s sequence" in said
    assert "ESTABLISHED" in said


def test_the_ladder_in_words():
    said = words(draw("ladder", plot_data.whole()))
    assert "SYN,ACK  seq=0  ack=0+1  win=65160  mss=1460  wscale=7" in said
    assert "#11" in said
    assert "captured here" in said
    assert "2MSL, after 60 s" in said
    assert "slanted by the measured one-way delay" in said
    assert "the change lies somewhere in here" in said


def test_a_ladder_without_delays_says_so():
    said = words(draw("ladder", plot_data.refused()))
    assert "its slant is nominal" in said
    assert "captured" not in said


def test_a_lost_segment_ends_in_a_cross():
    axes = plotting.ladder(plot_data.lossy())
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert [line.get_xdata()[0] for line in crosses] == pytest.approx([0.65])
    assert "lost on the way" in words(axes.figure)
    assert "retransmission (timeout)" in words(axes.figure)


def test_crossing_syns_and_a_state_of_no_length():
    c, s = "client", "server"
    options = {"mss": 1460, "window_scale": 10, "window": 64240}
    made = [
        plot_data.segment(0.003, c, "SYN", 0, **options),
        plot_data.segment(0.007, s, "SYN", 0, **options),
        plot_data.segment(0.013, c, "SYN,ACK", 0, 1, **options),
        plot_data.segment(0.017, s, "SYN,ACK", 0, 1, **options),
    ]
    moves = [
        plot_data.move(c, 0.0, "CLOSED", "snd SYN", "SYN_SENT", frame=1),
        plot_data.move(c, 0.010, "SYN_SENT", "rcv SYN", "SYN_RECEIVED", frame=2),
        plot_data.move(c, 0.010, "SYN_RECEIVED", "rcv ACK of SYN", "ESTABLISHED", frame=2),
    ]
    axes = plotting.ladder(plot_data.flow(made, moves))
    said = words(axes.figure)
    # Words that would meet stand in two lines, above and below their arrow.
    assert "mss=1460  wscale=10" in said.splitlines()
    # The name of a state that begins where the one before does is led to its place by a line.
    assert said.index("SYN_RECEIVED") < said.index("ESTABLISHED")
    short = [
        line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_ydata()[1] - line.get_ydata()[0] > 0.3
    ]
    assert len(short) >= 3


def test_captured_at_one_side():
    flow = plot_data.whole()
    flow.rtt_client = 0.0
    assert "captured at the client" in words(draw("ladder", flow))


def test_the_slow_reader_at_a_glance():
    said = words(draw("windows", plot_data.slow_reader()))
    assert "zero window\n2 s" in said
    assert "1 zero window, 2 s in all" in said
    assert "window probe by the peer" in said
    assert "window update" in said
    assert "window full: nothing usable" in said


def test_an_unknown_scale_is_said():
    said = words(draw("windows", plot_data.unscaled()))
    assert "window scale unknown: windows as they stand in the segments" in said
    assert "window field, unscaled" in said


@pytest.mark.parametrize(("kind", "side"), [("windows", "client"), ("sequence", "server")])
def test_one_side_alone_needs_one_row(kind, side):
    figure = draw(kind, plot_data.whole(), side=side)
    assert len(figure.axes) == 1
    assert side in words(figure)


def test_sequence_marks():
    said = words(draw("sequence", plot_data.lossy()))
    assert "retransmission (and a tick below)" in said
    assert "SACK: arrived out of order" in said


def test_the_machine_has_every_state_once_and_closed_twice():
    figure = draw("machine", plot_data.whole())
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("ESTABLISHED") == 1
    assert texts.count("CLOSED") == 2
    assert "way of the client" in words(figure)
    assert "Timeout=2MSL\ndelete TCB" in texts
    assert "rcv ACK of FIN  #11" in texts


def test_what_the_figure_of_the_rfc_does_not_draw_is_dashed():
    assert "in the text of the RFC, not in its figure" in words(draw("machine", plot_data.refused()))


def test_the_machine_of_one_side():
    said = words(draw("machine", plot_data.whole(), side="client"))
    assert "way of the client" in said
    assert "way of the server" not in said


def test_states_in_plain_time():
    said = words(draw("states", plot_data.whole(), fold=False))
    assert "TIME_WAIT (2MSL until 61.24 s)" in said


def test_a_capture():
    axes = plotting.capture(plot_data.several(plot_data.whole(), plot_data.refused()))
    axes.figure.draw_without_rendering()
    said = words(axes.figure)
    assert "2 flows, 1 failed" in said
    assert "refused" in said
    assert "fin by client" in said
    assert [line.get_marker() for line in axes.lines if len(line.get_xdata())] == ["x"]


def test_a_capture_with_a_leak_names_it():
    rows = [{"flow": 0, "start": plot_data.at(0), "end": plot_data.at(1), "server_state": "CLOSE_WAIT"}]
    rows[0] |= {"client_address": "10.0.0.1", "server_address": "10.0.0.2", "close_reason": "half_closed"}
    moves = [plot_data.move("server", 1, "ESTABLISHED", "rcv FIN", "CLOSE_WAIT")]
    tables = plot_data.table("flows", rows), plot_data.table("timeline", moves)
    said = words(plotting.capture(plot_data.capture_of(*tables, until=60)).figure)
    assert "1 flow, none failed, 1 never closed (left in CLOSE_WAIT)" in said
    assert "not closed by server" in said
    assert "never closed by its program" in said


def test_a_capture_of_many_flows():
    flows = [plot_data.whole()] * 70
    axes = plotting.capture(plot_data.several(*flows), lanes=40, lines=50)
    said = words(axes.figure)
    assert "70 flows, none failed" in said
    assert "50 of 70 flows drawn" in said
    assert "flows, in the order of their first frames" in said


@pytest.mark.parametrize("kind", [*KINDS, "overview"])
def test_an_unknown_theme(kind):
    with pytest.raises(ValueError, match="theme is 'sepia'"):
        getattr(plotting, kind)(plot_data.whole(), theme="sepia")


def test_a_thinned_picture_says_so():
    for kind in ("windows", "sequence"):
        said = words(draw(kind, plot_data.bulk(20_000)))
        assert "20,000 segments thinned to 900 columns" in said
    assert "20,000 segments folded" in words(draw("ladder", plot_data.bulk(20_000)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["windows", "sequence", "ladder"])
def test_a_million_segments(kind):
    flow = plot_data.bulk(1_000_000)
    draw(kind, plot_data.whole())
    begin = time.process_time()
    figure = draw(kind, flow)
    figure.savefig(io.BytesIO(), format="png")
    # On two idle cores 0.3 to 0.8 s.
    assert time.process_time() - begin < 3.0
    picture = io.BytesIO()
    figure.savefig(picture, format="svg")
    assert len(picture.getvalue()) < 1_000_000


def test_settings_stay_and_pyplot_stays_out():
    code = (
        "import sys, io, matplotlib; sys.path[:0] = sys.argv[1:]\n"
        "import plot_data; from pcapstate import plotting\n"
        "before = matplotlib.rcParams.copy()\n"
        "for kind in ('ladder', 'windows', 'sequence', 'states', 'machine'):\n"
        "    getattr(plotting, kind)(plot_data.whole()).figure.savefig(io.BytesIO())\n"
        "plotting.overview(plot_data.whole())\n"
        "assert matplotlib.rcParams.copy() == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    root, tests = plotting.__path__[0].rsplit("/pcapstate/", 1)[0], plot_data.__file__.rsplit("/", 1)[0]
    subprocess.run([sys.executable, "-c", code, root, tests], check=True)


@pytest.mark.parametrize("kind", [*KINDS, "overview"])
def test_a_single_frame_between_long_names(kind):
    figure = draw(kind, plot_data.alone())
    drawn, page = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 > -0.05
    assert drawn.x1 < page[0] + 0.05
    said = words(figure)
    assert "[2001:db8:43c0:5ac6:5207:6db2:ec33:94fc]:40000 → [2001:db8:4005:802::2003]:80" in said
    missing = {
        "ladder": "no segment of this\nside in the capture",
        "windows": "the capture holds no window that the server advertised",
        "sequence": "nothing of the server that takes a sequence number",
        "states": "no segment of this side in the capture",
        "machine": "no transition seen",
        "overview": "no segment of this side in the capture",
    }
    assert missing[kind] in said


def test_the_legend_of_a_picture_names_only_what_is_in_it():
    said = words(draw("sequence", plot_data.alone()))
    assert "SYN, FIN (they take a number each) or RST" in said
    assert "acknowledged by the peer" not in said
    assert "right edge" not in said
    said = words(draw("windows", plot_data.alone()))
    assert "window field, unscaled" in said
    assert "in flight" not in said
    assert "usable" not in said


def test_a_right_edge_above_the_picture_is_told_and_not_in_the_legend():
    said = words(draw("sequence", plot_data.lossy()))
    assert "\N{UPWARDS ARROW} right edge: up to 68,537" in said
    assert "right edge: the peer lets it send up to here" not in said
    said = words(draw("sequence", plot_data.slow_reader()))
    assert "\N{UPWARDS ARROW}" not in said
    assert "right edge: the peer lets it send up to here" in said


def test_the_sequence_picture_shades_the_zero_window_as_the_windows_do():
    assert "zero window: it lets it send nothing" in words(draw("sequence", plot_data.slow_reader()))
    assert "zero window" not in words(draw("sequence", plot_data.lossy()))


def test_a_short_ladder_has_a_short_name_on_its_axis():
    assert plotting.ladder(plot_data.alone()).get_ylabel() == "time (s)"
    assert plotting.ladder(plot_data.whole()).get_ylabel() == "time since the first frame (s)"


def test_folded_exchanges_with_and_without_trouble_are_told_apart():
    said = words(draw("ladder", plot_data.bulk(20_000)))
    assert "folded, with retransmissions or zero windows" in said


def test_the_boxes_of_the_machine_stand_apart():
    axes = plotting.machine(plot_data.whole())
    boxes = [patch.get_bbox() for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) >= 11
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])
