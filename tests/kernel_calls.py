"""Kernels of the replay called by hand, on rows that are made for it, at both speeds."""

from __future__ import annotations

from ladders import COMPILED, INTERPRETED, segment

from pcapstate.kernels import convert
from pcapstate.replay.rows import Side
from pcapstate.replay.senders import Sender, clear_sender
from pcapstate.schema import Segment


def both(kernel, *arguments):
    """A kernel's answer, the same at both speeds. Each argument is an integer or (row type, fields of a row)."""
    answers = []
    for speed in (INTERPRETED, COMPILED):
        made = [a if isinstance(a, int) else row(speed, *a) for a in arguments]
        answers.append(int(speed.of(kernel)(*made)))
    assert answers[0] == answers[1]
    return answers[0]


def row(speed, kind, fields):
    if kind is Segment:
        return convert(Segment, [segment(**fields)], speed)[0]
    made = kind.object()
    if kind is Sender:
        clear_sender(made)
    for name, value in fields.items():
        setattr(made, name, value)
    return convert(kind, [made], speed)[0]


def sender(**fields):
    return Sender, fields


def side(**fields):
    return Side, fields


def packet(**fields):
    return Segment, fields
