"""The pieces that the report's pictures are made of."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from pcapstate.report.markup import element
from pcapstate.report.svg import WIDTH, box, drawing, group, label, line, path, rectangle, steps


def walked(data):
    """The points of a path of M, L, H and V, the pen put down at the first."""
    points, x, y = [], 0.0, 0.0
    for letter, rest in re.findall(r"([MLHVz])([^MLHVz]*)", data):
        numbers = [float(number) for number in rest.split()]
        if letter in "ML":
            x, y = numbers
        elif letter == "H":
            (x,) = numbers
        elif letter == "V":
            (y,) = numbers
        points.append((x, y))
    return points


def test_a_drawing_says_what_it_is_to_who_cannot_see_it():
    made = drawing(99.6, "States of <a> over time", element("g"))
    assert made.startswith(f'<svg viewBox="0 0 {WIDTH:.0f} 100" role=img aria-label="States of &lt;a&gt; over time"')
    assert made.endswith("<g></g></svg>")


def test_labels_begin_end_or_have_their_middle():
    assert label(1.4, 2.6, "a") == "<text x=1 y=3>a</text>"
    assert label(1, 2, "a<b", "q", end=True) == '<text x=1 y=2 class="q e">a&lt;b</text>'
    assert label(1, 2, "a", middle=True) == "<text x=1 y=2 class=m>a</text>"


def test_boxes_are_never_inside_out():
    assert box(10, 5, 4, 2, "s0") == "<rect x=10 y=5 class=s0 width=0 height=0 />"
    assert box(0, 0, 4, 2, "s0", "TIME_WAIT") == (
        "<rect x=0 y=0 class=s0 width=4 height=2><title>TIME_WAIT</title></rect>"
    )


def test_a_path_of_nothing_is_not_drawn():
    assert path("life") == ""
    assert path("life", "", "") == ""
    assert path("life", "M0 0H1", "M2 2H3") == '<path d="M0 0H1M2 2H3" class=life />'


def test_lines_are_written_in_the_shortest_way():
    assert line(1, 2, 1, 9) == "M1 2V9"
    assert line(1, 2, 5, 2) == "M1 2H5"
    assert line(1, 2, 5.25, 9) == "M1 2L5.2 9"


def test_rectangles_close():
    assert rectangle(0, 1, 10, 11) == "M0 1H10V11H0z"


def test_groups_turn_only_if_need_be():
    assert group(x=1, y=2, turned=0.001, class_="t-data") == '<g class=t-data transform="translate(1 2)"></g>'
    assert "rotate(-4.50)" in group(x=1, y=2, turned=-4.5, class_="t-data")


def test_steps_are_level_until_the_next_point():
    assert steps([(0, 5), (10, 5), (20, 8), (30, 8)]) == "M0 5H20V8H30"
    assert steps([(3, 4)]) == "M3 4"
    assert steps([]) == ""


def test_a_step_at_once_begins_with_a_fall():
    assert steps([(0, 5), (0, 8), (4, 8)]) == "M0 5V8H4"


def test_of_many_steps_in_a_column_the_highest_lowest_and_last_are_kept():
    crowd = [(0, 0), *((10, y) for y in (5, 90, 3, 7, 50)), (20, 50)]
    assert walked(steps(crowd))[1:] == [(10, 0), (10, 3), (10, 90), (10, 50), (20, 50)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40))
def test_steps_reach_every_level_that_matters(points):
    points.sort(key=lambda point: point[0])
    drawn = walked(steps(points))
    assert drawn[0] == points[0]
    assert drawn[-1] == points[-1]
    assert {y for _, y in drawn} <= {y for _, y in points}
    assert min(y for _, y in drawn) == min(y for _, y in points)
    assert max(y for _, y in drawn) == max(y for _, y in points)


def test_what_changes_nothing_is_left_out():
    assert steps([(x / 10, 7.2) for x in range(101)]) == "M0 7H10"
