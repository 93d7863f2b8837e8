"""replay/notes.py: what was refuted or odd, in sentences."""

from __future__ import annotations

import numpy as np
import pytest

from pcapstate.replay.notes import KINDS, SENTENCES, note_columns
from pcapstate.replay.rows import NOTE_KINDS, Note
from pcapstate.schema import MISSING, NOTES


def rows(*values):
    return np.array([tuple(v.get(f, 0) for f in Note.fields) for v in values], Note.dtype)


def test_every_kind_has_a_sentence():
    assert set(SENTENCES) == set(NOTE_KINDS) - {""}
    for kinds in KINDS.values():
        assert set(kinds) <= set(NOTE_KINDS)


@pytest.mark.parametrize("kind", NOTE_KINDS[1:])
def test_a_sentence_names_its_frame(kind):
    table = note_columns(
        rows({"kind": NOTE_KINDS.index(kind), "frame": 9, "value": 4242, "time": 5, "flow": 2, "side": 1})
    )
    text = table["text"][0]
    assert text.endswith(".")
    assert ("4242" in text) == ("{value}" in SENTENCES[kind])


@pytest.mark.parametrize(("value", "text"), [(1, "Nothing came back to 1 SYN,"), (2, "Nothing came back to 2 SYNs,")])
def test_one_is_not_many(value, text):
    table = note_columns(rows({"kind": NOTE_KINDS.index("no_answer_to_syn"), "frame": 9, "value": value}))
    assert table["text"][0].startswith(text)


def test_rows_come_in_the_order_of_frames():
    kind = NOTE_KINDS.index("reset_ignored")
    table = note_columns(rows({"kind": kind, "frame": 9, "side": 1}, {"kind": kind, "frame": 3, "side": 0}))
    assert table["frame"].tolist() == [3, 9]
    words = NOTES["side"].words
    assert [words[code] for code in table["side"]] == ["client", "server"]
    assert table["file_frame"].tolist() == [MISSING] * 2


def test_no_notes_at_all():
    table = note_columns(np.zeros(0, Note.dtype))
    assert set(table) == set(NOTES.names)
    assert all(len(getattr(values, "codes", values)) == 0 for values in table.values())
