"""What a notebook holds: a capture that was read, with its tables. No logic of its own.

Tables are numpy columns (``Capture.columns``) until somebody asks for a DataFrame; only then is pandas imported.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from . import pipeline
from .flow import Flow
from .schema import TABLES
from .values import Columns, RowsByFlow, counted, take

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def read(
    source: Any,
    *,
    msl: float = 30.0,
    keep: Collection[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Capture:
    """Reads a capture and replays every TCP connection in it.

    ``source``: a path (also a glob, or a folder of a rotated set), a list of paths, an open binary file, or ``"-"``
    for standard input. pcap and pcapng, also compressed.
    ``msl``: the maximum segment lifetime in seconds; TIME_WAIT lasts twice as long (RFC 9293 3.4.2 says 120 s, Linux
    and BSD have 30).
    ``progress``: called now and then with the octets read so far.
    ``keep``: the large tables to keep in memory at once, of ``"segments"`` and ``"windows"``. By default both where
    the capture is small or cannot be read again, else none: asking for one reads the capture again.

    Raises ValueError for an ``msl`` that is no number of seconds from 0 to a week, CaptureError where there is no such
    file, or it is not a capture. What is cut short or damaged does not
    raise: it is told in ``Capture.notes``.
    """
    where = pipeline.Source(source)
    if isinstance(keep, str):
        keep = (keep,)
    if keep is None:
        keep = pipeline.LARGE if where.small or not where.repeatable else ()
    pipeline.check_names(keep)
    return Capture(pipeline.run(where.given, msl=msl, keep=keep, progress=progress), where, msl=msl)


class Capture:
    """A capture that was read: its tables, and its connections one by one.

    ``flows``, ``timeline``, ``segments``, ``windows``, ``stalls`` and ``notes`` are DataFrames, made when first asked
    for; what their columns mean is in ``pcapstate.schema`` and in ``pcapstate schema``. ``len(capture)`` is the number
    of connections, iteration gives each as a ``Flow``, and ``capture.flow(3)`` or ``capture[3]`` one of them.
    """

    def __init__(self, made: pipeline.Pass, source: pipeline.Source | None = None, *, msl: float = 30.0) -> None:
        self.msl = msl
        self._pass = made
        self._source = source
        self._frames: dict[str, pd.DataFrame] = {}
        self._rows: dict[str, RowsByFlow] = {}

    # --- tables ------------------------------------------------------------------------------------------------

    def columns(self, name: str) -> Columns:
        """A table as numpy columns, as the replay makes them: ``schema.MISSING``, NaN or code -1 for no value."""
        pipeline.check_names([name])
        if not self._pass.has(name):
            self._read_again(name)
        return self._pass.columns(name)

    def glimpse(self, name: str) -> Columns:
        """Of ``timeline`` or ``notes``, what ``findings`` are made from; the tables take longer to make."""
        return self._pass.glimpse(name)

    def table(self, name: str) -> pd.DataFrame:
        """A table by its name, as a DataFrame."""
        if name not in self._frames:
            columns = self.columns(name)
            from .frames import frame

            self._frames[name] = frame(TABLES[name], columns)
        return self._frames[name]

    @property
    def flows(self) -> pd.DataFrame:
        """One row per connection."""
        return self.table("flows")

    @property
    def timeline(self) -> pd.DataFrame:
        """One row per transition of one side's state."""
        return self.table("timeline")

    @property
    def segments(self) -> pd.DataFrame:
        """One row per TCP segment. In a large capture the first use reads the capture again."""
        return self.table("segments")

    @property
    def windows(self) -> pd.DataFrame:
        """One row per change of an advertised window. In a large capture the first use reads the capture again."""
        return self.table("windows")

    @property
    def stalls(self) -> pd.DataFrame:
        """One row per long gap in a side's sending, with its cause."""
        return self.table("stalls")

    @property
    def notes(self) -> pd.DataFrame:
        """What could not be read or decided, what was refuted, what concerns a listener."""
        return self.table("notes")

    def rows(self, name: str, flow: int) -> np.ndarray:
        """The positions of a flow's rows in a table."""
        if name not in self._rows:
            flows = self.columns(name)["flow"]
            assert isinstance(flows, np.ndarray)
            self._rows[name] = RowsByFlow(flows)
        return self._rows[name][flow]

    def columns_of(self, name: str, flow: int) -> Columns:
        """A flow's rows of a table, as ``columns`` gives them."""
        return take(self.columns(name), self.rows(name, flow))

    def given(self) -> Any:
        """What it was read from, to be read again. Raises CaptureError where that cannot be, or would differ."""
        from .parser.sources import CaptureError

        if self._source is None or not self._source.repeatable:
            raise CaptureError(f"{self.name} cannot be read a second time: only files can")
        if gone := self._source.gone():
            raise CaptureError(f"{gone} is gone, and would have to be read again")
        if not self._source.unchanged():
            raise CaptureError(f"{self.name} has changed since it was read: read it again")
        return self._source.given

    def _read_again(self, name: str) -> None:
        from .parser.sources import CaptureError

        if self._source is None or not self._source.repeatable:
            raise CaptureError(f"the table {name} was not kept, and the capture cannot be read a second time")
        given = self.given()
        # Windows are few beside segments: who keeps segments can as well keep both.
        keep = pipeline.LARGE if name == "segments" else {*self._pass.kept, name}.intersection(pipeline.LARGE)
        self._pass = pipeline.run(given, msl=self.msl, keep=keep)

    # --- another file ------------------------------------------------------------------------------------------

    def annotate(
        self, target: str | Path | IO[bytes], *, flows: Collection[int] | None = None, labels: bool = False
    ) -> int:
        """Writes all packets into a pcapng file, with what the endpoints did as comments: Wireshark shows them.

        Each transition is a comment on its frame, each connection's end one on its last frame. ``flows``: comments on
        these connections alone; ``labels``: also labels of segments, stalls and zero windows. Returns the number of
        comments. It reads the capture again: raises CaptureError where that cannot be (a pipe), and ValueError where
        ``target`` is one of the capture's own files.
        """
        from .annotate import annotate

        return annotate(self, target, flows=flows, labels=labels)

    # --- connections -------------------------------------------------------------------------------------------

    def flow(self, number: int) -> Flow:
        """A connection by its number (the column ``flow``). Raises IndexError where there is none, TypeError for what
        is no whole number.
        """
        if not isinstance(number, int | np.integer) or isinstance(number, bool | np.timedelta64):
            raise TypeError(f"a flow has a whole number, as in flow(3), not {number!r}")
        if not 0 <= number < len(self):
            known = (
                f"flows 0 to {len(self) - 1}" if len(self) > 1 else "only flow 0" if len(self) else "no TCP connection"
            )
            raise IndexError(f"no flow {number}: {self.name} has {known}")
        return Flow(self, int(number))

    def __getitem__(self, number: int) -> Flow:
        return self.flow(number)

    def __len__(self) -> int:
        return self._pass.tables.flow_count

    def __iter__(self) -> Iterator[Flow]:
        return (Flow(self, number) for number in range(len(self)))

    # --- facts -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The file's name, or what else it came from."""
        return self._source.name if self._source else "capture"

    @property
    def files(self) -> tuple[str, ...]:
        """The files, in the order in which they were read."""
        return self._pass.files

    @property
    def packets(self) -> int:
        """How many packets were read, TCP or not."""
        return self._pass.frames

    @property
    def duration(self) -> float:
        """Seconds from the first packet to the last."""
        return (self._pass.last_time - self._pass.first_time) / 1e9

    @property
    def start(self) -> pd.Timestamp:
        """Capture time of the first packet."""
        import pandas as pd

        return pd.Timestamp(self._pass.first_time, tz="UTC")

    @property
    def problems(self) -> tuple[Any, ...]:
        """What the reader could not read; each is a row of ``notes`` too."""
        return self._pass.problems

    @property
    def times(self) -> tuple[int, int]:
        """Capture times of the first and the last packet, in nanoseconds since 1970 UTC."""
        return self._pass.first_time, self._pass.last_time

    def plot(self, **options: Any) -> Axes:
        """All connections as lanes over time, coloured by state; the options of ``pcapstate.plotting.capture``."""
        from . import plotting

        return plotting.capture(self, **options)

    def __repr__(self) -> str:
        facts = [counted(self.packets, "packet"), counted(len(self), "TCP connection"), f"{self.duration:.3f} s"]
        if self.problems:
            facts.append(counted(len(self.problems), "problem") + " (see .notes)")
        return f"<Capture {self.name}: {', '.join(facts)}>"

    def _repr_html_(self) -> str:
        from .notebook import capture_html

        return capture_html(self)
