"""Several files as one capture, merged in time."""
from __future__ import annotations
from typing import Any
@dataclass(slots=True)
class _Later:
    """A file that is opened when its first packet's time has come."""

    first_time: int
    number: int
    origin: Origin
    file: CaptureFile | None = None
    walk: Any = None


class _Several:
    """Several files as one capture: each is opened when its first packet's time has come, and merged from there on."""

    def __init__(self, named: list[Origin], reader: Reader) -> None:
        self._reader = reader
        self._tables = reader._tables
        self._open: list[CaptureFile | None] = [None]
        self._stored = 0
        self._later: list[_Later] = []
        for origin in named:
            try:
                self._look_into(origin)
            except NotACapture:
                if not origin.optional:
                    raise
        if not reader.files:
            raise CaptureError("no file in the folder is a capture")
        self._later.sort(key=lambda later: (later.first_time, later.number), reverse=True)
