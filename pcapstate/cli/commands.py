"""The commands and their options. What they do is imported when they run: ``--help`` answers at once."""

from __future__ import annotations

from typing import Any

import click

TABLE_NAMES = ("flows", "timeline", "segments", "windows", "stalls", "notes")
"""As in ``schema.TABLES``, which would load numpy (a test compares)."""
FORMATS = ("csv", "parquet", "ndjson")
THEMES = ("light", "dark")
KINDS = ("overview", "ladder", "windows", "sequence", "states", "machine", "capture")


def _checked_msl(_: click.Context, __: click.Parameter, value: float) -> float:
    from ..pipeline import check_msl

    try:
        return check_msl(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


_files = click.argument("files", nargs=-1, required=True, metavar="FILE...")
_msl = click.option(
    "--msl",
    type=float,
    callback=_checked_msl,
    default=30.0,
    show_default=True,
    help="Maximum segment lifetime in seconds; TIME_WAIT lasts twice as long.",
)
_debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of a failure.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pcapstate", message="%(prog)s %(version)s")
@_debug
def pcapstate() -> None:
    """What each endpoint's TCP was doing, from a packet capture.

    FILE is a pcap or pcapng file (also compressed), a folder or glob of a rotated set, or - for standard input.
    """


@pcapstate.command(short_help="A summary of every connection, or all tables with -o.")
@_files
@click.option(
    "-o", "--output", metavar="PLACE", help="A folder for all tables, or a file for one; - for standard output."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Format of the output, where its ending does not tell."
)
@click.option(
    "--table", "tables", type=click.Choice(TABLE_NAMES), multiple=True, help="Only this table (may be repeated)."
)
@click.option("--flow", "flows", metavar="3,7-9", help="Only these connections, by their numbers.")
@click.option(
    "--filter", "expression", metavar="EXPR", help="Only connections like 'host 10.0.0.5 and port 443' (see above)."
)
@_msl
@click.option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Connections in the summary.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@_debug
def analyze(files: tuple[str, ...], **options: Any) -> int:
    """Both sides' states of every connection: a summary, or tables with -o.

    \b
    pcapstate analyze x.pcap                        a summary
    pcapstate analyze x.pcap -o tables              flows.csv, timeline.csv, segments.csv, windows.csv,
                                                    stalls.csv, notes.csv
    pcapstate analyze x.pcap -o timeline.parquet    one table, by the file's name (or --table)
    pcapstate analyze x.pcap --flow 3               one connection in full
    pcapstate analyze x.pcap --filter 'finding close_wait'      those that a program forgot to close

    \b
    A filter is made of
      host ADDRESS, net ADDRESS/BITS, port NUMBER or FROM-TO, state CLOSE_WAIT (at the end): of one of the
        sides, or of the one that is named: client host 10.0.0.5, server state LAST_ACK
      opened refused, reason abort, closed-by server: words of the columns opened, close_reason, closed_by
      finding close_wait: a finding of this kind is about it
      and, or, not, parentheses
    """
    from .analyze import analyze

    return analyze(files, **options)


@pcapstate.command(short_help="The exchange in the notation of RFC 9293's figures.")
@_files
@click.option("--flow", "flows", metavar="3,7-9", help="Only these connections, by their numbers.")
@click.option("--all", "whole", is_flag=True, help="Every segment, however many.")
@click.option("--raw", is_flag=True, help="Sequence numbers as they stand in the segments.")
@_msl
@_debug
def ladder(files: tuple[str, ...], **options: Any) -> int:
    """The exchange in the notation of RFC 9293's figures, with both sides' states."""
    from .flows import ladder

    return ladder(files, **options)


@pcapstate.command(short_help="A picture of one connection, or of all of a capture.")
@_files
@click.option(
    "--flow", "flow", metavar="N", type=int, help="The connection, by its number; needless if it is the only."
)
@click.option("--kind", type=click.Choice(KINDS), default="overview", show_default=True, help="Which picture.")
@click.option("-o", "--output", required=True, metavar="x.svg", help="The picture's file: .png, .svg or .pdf.")
@click.option("--theme", type=click.Choice(THEMES), default="light", show_default=True, help="Light or dark paper.")
@click.option("--side", type=click.Choice(("client", "server")), help="windows, sequence, machine: of one side alone.")
@click.option("--frames", metavar="10-40", help="ladder: only these frames.")
@click.option("--time", "seconds", metavar="0-1.5", help="ladder: only this time, in seconds from the first frame.")
@click.option(
    "--rows", metavar="N", type=click.IntRange(min=4), help="ladder: at most so many arrows; more are folded."
)
@click.option("--raw", is_flag=True, help="ladder: sequence numbers as they stand in the segments.")
@_msl
@_debug
def plot(files: tuple[str, ...], **options: Any) -> int:
    """A picture of one connection, or (--kind capture) of all of a capture.

    \b
    overview  states, windows and sequence numbers on one time axis
    ladder    the timing diagram: every segment an arrow, the states beside it
    windows   both sides' windows over time, and how much of them is used
    sequence  sequence numbers, acknowledgements and the right edge over time
    states    both sides' states as two lanes
    machine   figure 5 of RFC 9293, with the way of both sides through it
    capture   all connections as lanes over time
    """
    from .pictures import plot

    return plot(files, **options)


@pcapstate.command()
@_files
@click.option("-o", "--output", required=True, metavar="x.html", help="The report's file.")
@_msl
@_debug
def report(files: tuple[str, ...], **options: Any) -> int:
    """One HTML file with findings, connections, states, and pictures."""
    from .pictures import report

    return report(files, **options)


@pcapstate.command(short_help="The capture as pcapng, with states as comments for Wireshark.")
@_files
@click.option("-o", "--output", required=True, metavar="y.pcapng", help="The file to write; - for standard output.")
@click.option("--flow", "flows", metavar="3,7-9", help="Comments only on these connections, by their numbers.")
@click.option(
    "--filter", "expression", metavar="EXPR", help="Comments only on connections like 'host 10.0.0.5 and port 443'."
)
@click.option("--labels", is_flag=True, help="Comment on retransmissions and the like, stalls and zero windows too.")
@_msl
@_debug
def annotate(files: tuple[str, ...], **options: Any) -> int:
    """The whole capture as pcapng, in which each transition of either side is a comment on the packet that caused it.

    Wireshark shows them, and finds them by display filters like these:

    \b
    frame.comment contains "pcapstate: flow 3 "     all of one connection
    frame.comment contains "-> TIME_WAIT"           where a side came to TIME_WAIT
    frame.comment contains "zero window"            with --labels: where a window closed

    A connection's last packet tells how it ended, and of timers, which no packet causes. Several files become one, and
    frames have the numbers that they have in the tables. Packets are copied as they are; all that a pcapng file has
    besides is kept. The capture is read twice: from a pipe it cannot be.
    """
    from .annotate import annotate

    return annotate(files, **options)


@pcapstate.command(short_help="What the columns of the tables mean.")
@click.argument("table", required=False, metavar="[TABLE]", type=click.Choice(TABLE_NAMES))
@_debug
def schema(table: str | None) -> int:
    """What the columns of the tables mean: of all, or of TABLE (flows, timeline, segments, windows, stalls, notes)."""
    from .columns import schema

    return schema(table)
