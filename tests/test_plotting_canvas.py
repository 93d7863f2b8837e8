"""Figure, axes, titles and legends: object interface only, nothing of matplotlib's settings changed."""

from __future__ import annotations

import io

import matplotlib
import plot_data
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from pcapstate import plotting
from pcapstate.plotting.canvas import (
    Picture,
    PictureAxes,
    canvas,
    dress,
    entitle,
    halves,
    heading,
    legend,
    nothing,
    octets,
    picture,
)
from pcapstate.plotting.facts import facts
from pcapstate.plotting.style import DARK, LIGHT, NORMAL, SMALL
from pcapstate.schema import STATES


def rgb(color):
    return tuple(round(channel * 255) for channel in matplotlib.colors.to_rgb(color))


def test_a_figure_of_its_own():
    axes = canvas(None, 5.0, 3.0, DARK)
    assert isinstance(axes.figure, Picture)
    assert axes.figure.get_size_inches().tolist() == [5.0, 3.0]
    assert rgb(axes.figure.get_facecolor()) == rgb(DARK.paper)
    assert rgb(axes.get_facecolor()) == rgb(DARK.paper)


def test_given_axes_are_used():
    own = Figure().add_subplot()
    assert canvas(own, 5.0, 3.0, LIGHT) is own


def test_dressing_leaves_two_spines():
    own = Figure().add_subplot()
    dress(own, LIGHT)
    assert [place for place, spine in own.spines.items() if spine.get_visible()] == ["left", "bottom"]


def test_a_notebook_shows_our_axes_and_figures():
    axes = canvas(None, 2.0, 1.0, LIGHT)
    assert axes._repr_png_().startswith(b"\x89PNG")
    assert axes.figure._repr_png_().startswith(b"\x89PNG")


def test_axes_of_ours_in_a_figure_of_others_leave_showing_to_it():
    axes = Figure().add_subplot(axes_class=PictureAxes)
    assert axes._repr_png_() is None


def test_halves_share_the_place_and_the_time_axis():
    axes = canvas(None, 5.0, 5.0, LIGHT)
    upper, lower = halves(axes, [1.0, 2.0], LIGHT)
    assert upper is axes
    axes.figure.draw_without_rendering()
    above, below = upper.get_position(), lower.get_position()
    assert above.y0 > below.y1
    assert below.height == pytest.approx(2 * above.height, rel=0.15)
    assert above.x0 == pytest.approx(below.x0)
    lower.set_xlim(3, 4)
    assert upper.get_xlim() == (3, 4)


def test_one_half_is_the_whole():
    axes = canvas(None, 5.0, 5.0, LIGHT)
    assert halves(axes, [1.0], LIGHT) == [axes]


def test_halves_of_axes_put_by_hand():
    axes = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    upper, lower = halves(axes, [1.0, 1.0], LIGHT)
    assert upper.get_position().y1 == pytest.approx(0.9)
    assert lower.get_position().y0 >= 0.1
    assert upper.get_position().y0 > lower.get_position().y1


def test_halves_in_a_grid_of_others():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    upper, lower = halves(left, [1.0, 1.0], LIGHT)
    assert upper.get_position().x1 < right.get_position().x0
    assert lower.get_position().x1 < right.get_position().x0


def test_title_and_what_is_shown():
    axes = canvas(None, 8.0, 3.0, LIGHT)
    flow = plot_data.whole()
    flow.note = "The client closed first."
    entitle(axes, facts(flow), "Windows over time", LIGHT, more="thinned")
    assert axes.get_title(loc="left") == "Flow 0: 10.0.0.1:40000 → 10.0.0.2:80"
    words = [text.get_text() for text in axes.texts]
    assert words == ["Windows over time  ·  thinned\nThe client closed first."]


def test_long_verdicts_are_wrapped():
    axes = canvas(None, 8.0, 3.0, LIGHT)
    flow = plot_data.whole()
    flow.note = "word " * 60
    entitle(axes, facts(flow), "Windows", LIGHT)
    assert max(map(len, axes.texts[0].get_text().splitlines())) <= 145


def test_a_legend_says_how_to_read():
    axes = canvas(None, 8.0, 3.0, LIGHT)
    legend(axes, [Line2D([], [])], ["a line"], "How to read it: look.", LIGHT)
    made = axes.get_legend()
    assert made.get_title().get_text() == "How to read it: look."
    assert [text.get_text() for text in made.get_texts()] == ["a line"]


def test_no_setting_is_changed_and_no_pyplot_loaded():
    before = matplotlib.rcParams.copy()
    figure = picture(3.0, 2.0, LIGHT)
    figure.add_subplot()
    figure.savefig(io.BytesIO())
    assert matplotlib.rcParams.copy() == before


def test_a_long_title_has_smaller_letters():
    sizes = []
    for title in ("short", "long " * 25):
        axes = canvas(None, 10, 3, LIGHT)
        heading(axes, title, "", LIGHT)
        sizes.append(axes._left_title.get_fontsize())
    assert sizes[0] > 1.3 * sizes[1]


def test_octets_are_whole_and_an_empty_row_says_why():
    axes = canvas(None, 10, 3, LIGHT)
    octets(axes, "window", LIGHT)
    axes.set_ylim(0, 2.2)
    assert [tick for tick in axes.get_yticks() if tick % 1] == []
    nothing(axes, "nothing here", LIGHT)
    assert axes.texts[-1].get_text() == "nothing here"
    assert len(axes.get_yticks()) == 0


def test_a_legend_without_a_mark_still_says_how_to_read():
    axes = canvas(None, 10, 3, LIGHT)
    legend(axes, [], [], "How to read it", LIGHT)
    assert axes.get_legend().get_title().get_text() == "How to read it"


# --- axes of the caller's, of ordinary size ----------------------------------------------------------------------

KINDS = ("ladder", "states", "windows", "sequence", "machine")


def on_ordinary_axes(kind, flow, **how):
    """A picture on what ``plt.subplots()`` gives: 640 by 480."""
    figure = Figure(figsize=(6.4, 4.8), dpi=100, **how)
    FigureCanvasAgg(figure)
    axes = getattr(plotting, kind)(flow, ax=figure.subplots())
    figure.draw_without_rendering()
    return axes, figure


def words_of(figure):
    """Every word that is drawn, with its place on paper."""
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in found if text.get_rotation() == 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flow", [plot_data.whole(), plot_data.slow_reader()], ids=["whole", "slow reader"])
def test_on_ordinary_axes_no_word_is_cut(kind, flow):
    axes, figure = on_ordinary_axes(kind, flow)
    assert axes.get_title(loc="left").startswith("Flow ")
    for text, box in words_of(figure):
        assert box.x0 > -4, text
        assert box.x1 < 644, text
        assert box.y0 > -4, text
        assert box.y1 < 484, text


@pytest.mark.parametrize("flow", [plot_data.whole(), plot_data.slow_reader()], ids=["whole", "slow reader"])
def test_on_ordinary_axes_no_state_covers_another(flow):
    for kind in ("ladder", "states"):
        _, figure = on_ordinary_axes(kind, flow)
        boxes = [(text, box) for text, box in words_of(figure) if text in STATES]
        assert len(boxes) > 4
        for k, (text, box) in enumerate(boxes):
            for other, theirs in boxes[:k]:
                wide = min(box.x1, theirs.x1) - max(box.x0, theirs.x0)
                high = min(box.y1, theirs.y1) - max(box.y0, theirs.y0)
                assert wide < 2 or high < 2, (kind, text, other)


def test_where_paper_is_laid_out_for_what_is_there_the_legend_stays():
    _, figure = on_ordinary_axes("ladder", plot_data.whole(), layout="constrained")
    assert any("How to read it" in text for text, _ in words_of(figure))
    _, figure = on_ordinary_axes("ladder", plot_data.whole())
    assert not any("How to read it" in text for text, _ in words_of(figure))


def test_a_picture_of_ours_is_never_made_smaller():
    size = {text.get_fontsize() for text in plotting.ladder(plot_data.whole()).texts}
    assert max(size) == NORMAL
    assert min(size) == SMALL - 1
