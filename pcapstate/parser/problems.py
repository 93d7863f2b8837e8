"""What a capture did not let us read: one `Problem` per finding, which becomes a row of the table `notes`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that could not be read, and where.

    `file` numbers the files of a set from 0, `file_frame` the packets of that file and `frame` those of the whole
    set from 1; 0 shows that the problem belongs to no packet. `offset` is the place in the file (after decompression)
    in octets, -1 where it is not known. `kind` is one word for programs, `text` one sentence for people.
    """

    file: int
    file_frame: int
    frame: int
    offset: int
    kind: str
    text: str
