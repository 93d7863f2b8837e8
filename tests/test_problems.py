"""A problem is a value: equal to its like, and not to be changed."""

from __future__ import annotations

import dataclasses

import pytest

from pcapstate.parser.problems import Problem


def test_a_problem_is_a_value():
    made = Problem(0, 3, 5, -1, "cut", "the file ends within a packet")
    assert made == Problem(file=0, file_frame=3, frame=5, offset=-1, kind="cut", text="the file ends within a packet")
    assert len({made, made}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.kind = "odd"
