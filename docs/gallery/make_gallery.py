"""Makes the gallery: pictures of the sample captures, and the page that shows them.

    python docs/gallery/make_gallery.py

Needs pcapstate only. The pictures are stored with 256 colours, which makes them a third of the size.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

import pcapstate

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "sample_pcaps"
DPI = 110


@dataclass(frozen=True)
class Entry:
    """One picture: of which sample, of what kind, and what there is to see in it."""

    sample: str
    kind: str
    caption: str
    flow: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The picture's file name."""
        parts = [self.sample, *([str(self.flow)] if self.flow else []), self.kind, *map(str, self.options.values())]
        return ".".join(parts) + ".png"

    @property
    def call(self) -> str:
        """What to type in Python to get this picture."""
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        capture = f'ps.read("sample_pcaps/{self.sample}.pcap")'
        if self.kind == "capture":
            return f"{capture}.plot({options})"
        way = f"plot({options})" if self.kind == "overview" else f"plot.{self.kind}({options})"
        return f"{capture}.flow({self.flow}).{way}"


CHAPTERS: dict[str, list[Entry]] = {
    "Opening and closing": [
        Entry(
            "handshake_and_close",
            "ladder",
            "Three segments open the connection, four close it. The bands are the states of both endpoints.",
        ),
        Entry("handshake_and_close", "ladder", "The same in dark.", options={"theme": "dark"}),
        Entry("handshake_and_close", "machine", "The way of both sides through figure 5 of RFC 9293."),
        Entry("refused_port", "ladder", "Nobody listens: a reset answers the SYN."),
        Entry("simultaneous_open", "ladder", "Both sides send a SYN, and the SYNs cross."),
        Entry("simultaneous_open", "machine", "Both go from SYN_SENT to SYN_RECEIVED."),
        Entry("simultaneous_close", "ladder", "Both sides send a FIN, and the FINs cross: CLOSING, then TIME_WAIT."),
        Entry("half_close", "ladder", "The client has said all it had to say, the server goes on: FIN_WAIT_2."),
    ],
    "TIME_WAIT": [
        Entry("active_close_time_wait", "states", "The client closes first, and waits for twice the segment lifetime."),
        Entry("passive_close_time_wait", "states", "The server closes first: now it is the one that waits."),
        Entry(
            "lost_last_ack", "ladder", "The last ACK is lost: the FIN comes again, and TIME_WAIT is there to answer it."
        ),
        Entry("port_reuse_in_time_wait", "capture", "The same ports again while the server is still in TIME_WAIT."),
        Entry("listener_restart_reuseaddr", "capture", "A listener comes back within TIME_WAIT, by SO_REUSEADDR."),
    ],
    "The sliding window": [
        Entry(
            "slow_reader_zero_window", "windows", "A program that does not read: the window closes, and opens again."
        ),
        Entry("slow_reader_zero_window", "ladder", "The same as a timing diagram: probes ask whether it has opened."),
        Entry("slow_reader_zero_window", "sequence", "The same as sequence numbers: a staircase under the right edge."),
        Entry("slow_reader_zero_window", "overview", "All on one time axis."),
        Entry("lost_data", "sequence", "A segment is lost: SACK tells of what came after it, and it is sent again."),
        Entry("lost_data", "ladder", "The same as a timing diagram, folded where nothing is remarkable."),
        Entry("lost_data", "windows", "What is acknowledged late stays in flight."),
    ],
    "Who closed, and how": [
        Entry("shutdown_rd", "ladder", "shutdown(SHUT_RD) sends nothing; the close with data unread sends a reset."),
        Entry("shutdown_wr", "ladder", "shutdown(SHUT_WR) sends a FIN and goes on receiving."),
        Entry("shutdown_rdwr", "ladder", "shutdown(SHUT_RDWR): what still comes is answered by a reset."),
        Entry("close_with_data_coming", "ladder", "close() with data still coming: the same on the wire."),
        Entry("reset_by_abort", "ladder", "An abort: no FIN, a reset, and both sides are CLOSED at once."),
    ],
}


def draw(entry: Entry) -> Figure:
    """The figure of an entry."""
    capture = pcapstate.read(str(SAMPLES / f"{entry.sample}.pcap"))
    of = capture if entry.kind == "capture" else capture.flow(entry.flow)
    made = getattr(pcapstate.plotting, entry.kind)(of, **entry.options)
    return made if isinstance(made, Figure) else made.figure


def store(figure: Figure, path: Path) -> None:
    """Writes a figure as a small PNG, the same octets for the same picture."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, "PNG", optimize=True
        )


def page() -> str:
    """The page that shows them all."""
    lines = [
        "# Gallery",
        "",
        "Pictures of the captures in [sample_pcaps](../../sample_pcaps), each with the line that makes it",
        "(after `import pcapstate as ps`). On the command line: `pcapstate plot FILE --flow 0 --kind ladder -o x.svg`.",
        "Made by [make_gallery.py](make_gallery.py).",
    ]
    for chapter, entries in CHAPTERS.items():
        lines += ["", f"## {chapter}"]
        for entry in entries:
            lines += ["", entry.caption, "", f"    {entry.call}", "", f"![{entry.caption}]({entry.file})"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes every picture and the page."""
    for entries in CHAPTERS.values():
        for entry in entries:
            store(draw(entry), HERE / entry.file)
    (HERE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
