"""The exchange as text, in the notation of RFC 9293's figures 6 to 13: one line per segment, both sides' states.

    TIME_WAIT  <-- <SEQ=300><ACK=101><CTL=FIN,ACK>  <-- LAST_ACK      +0.200
    TIME_WAIT  --> <SEQ=101><ACK=301><CTL=ACK>      ... LAST_ACK

A state stands for what the side is in after the line. ``...`` where an arrow should be: the segment is still under
way, or lost after the capture point; ``XXX``: it had no effect, lost or ignored. One that is under way while the other
side sends or changes has two lines, its departure and its arrival:

    FIN_WAIT_1  --> <SEQ=100><ACK=300><CTL=FIN,ACK>  ... ESTABLISHED
    CLOSING     <-- <SEQ=300><ACK=100><CTL=FIN,ACK>  <-- FIN_WAIT_1    +0.002
                ... <SEQ=100><ACK=300><CTL=FIN,ACK>  --> CLOSING                 (frame 1 arrives)

What stands in parentheses is a comment, or an event without a segment, as ``(2 MSL)``. Ours beside the RFC's: states
with underscores, the number in front is the frame's, ``+0.200`` is the seconds since the line before that is no
arrival, a comment may follow, and a segment may show more than the RFC's tags (``MORE``).

``read(write(exchange)) == exchange``, and the RFC's own figures can be read. Knows no capture: ``exchange`` makes the
lines from a flow's tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .schema import STATES

ARROWS = ("-->", "<--", "...", "XXX")
"""What stands at a side's end of a segment: it leaves or arrives, it is under way, it is lost or rejected."""

MORE = ("MSS", "WS", "SACKOK", "SACK", "TSval", "TSecr", "FO", "ID", "TTL")
"""Tags that are not the RFC's, where they matter: options by their short names (``FO`` is the length of a fast open
cookie), SACK blocks as ``<SACK=120-130,140-150>``, and what the IP header says."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a line shows of a segment. ``length`` is its payload in octets, None where only DATA is said; ``more`` has
    the tags of ``MORE`` in their order, each with its text."""

    flags: str = ""
    seq: int | None = None
    ack: int | None = None
    length: int | None = 0
    window: int | None = None
    more: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        tags = [("SEQ", self.seq), ("ACK", self.ack), ("CTL", self.flags or None), ("WND", self.window)]
        text = "".join(f"<{name}={value}>" for name, value in tags if value is not None)
        data = "<DATA>" if self.length is None else f"<DATA={self.length}>" if self.length else ""
        return text + data + "".join(f"<{name}={value}>" if value else f"<{name}>" for name, value in self.more)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``left`` and ``right`` are the arrows at the client's and the server's end, empty without a segment.

    ``client`` and ``server`` are states after the line, or an event in parentheses; ``wait`` is nanoseconds since the
    line before, ``number`` the frame.
    """

    client: str = ""
    left: str = ""
    segment: Segment | None = None
    right: str = ""
    server: str = ""
    number: int | None = None
    wait: int | None = None
    comment: str = ""

    @property
    def sender(self) -> str:
        """Who sent the segment: ``client``, ``server``, or empty where there is no segment."""
        return {"-->": "client", "<--": "server"}.get(self.left, {"-->": "client", "<--": "server"}.get(self.right, ""))

    @property
    def departs(self) -> bool:
        """Whether the segment leaves its sender on this line."""
        return (self.left == "-->") if self.sender == "client" else (self.right == "<--")

    @property
    def arrives(self) -> bool:
        """Whether the segment reaches its receiver on this line."""
        return (self.right == "-->") if self.sender == "client" else (self.left == "<--")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A whole ladder: what it shows in prose, the names of the two sides, and the lines."""

    title: str = ""
    client: str = ""
    server: str = ""
    lines: tuple[Line, ...] = field(default=())


# --- writing ---------------------------------------------------------------------------------------------------


def write(exchange: Exchange) -> str:
    """The ladder as text."""
    lines = exchange.lines
    numbers = max((len(str(line.number)) for line in lines if line.number is not None), default=0)
    left = max((len(line.client) for line in lines), default=0)
    middle = max((len(_middle(line)) for line in lines), default=0)
    right = max((len(line.server) for line in lines), default=0)
    indent = numbers + 5 if numbers else 4
    text = [exchange.title, ""] if exchange.title else []
    if exchange.client or exchange.server:
        # The arrows and the spaces around them are 10 characters wide.
        gap = max(left + middle + 11, len(exchange.client) + 3)
        text += [f"{'':{indent}}{exchange.client:{gap}}{exchange.server}", ""]
    for line in lines:
        number = f"  {line.number:>{numbers}}.  " if line.number is not None else " " * indent
        ladder = f"{line.client:{left}}  {line.left:3} {_middle(line):{middle}} {line.right:3} {line.server:{right}}"
        wait = "" if line.wait is None else _seconds(line.wait)
        comment = f"({line.comment})" if line.comment and not _folded(line) else ""
        text.append(f"{number}{ladder}  {wait:10}  {comment}".rstrip())
    return "\n".join(text) + "\n"


def _middle(line: Line) -> str:
    return f"({line.comment})" if _folded(line) else str(line.segment or "")


def _folded(line: Line) -> bool:
    """Whether the line stands for segments that are not shown."""
    return line.segment is None and line.left == line.right == "..."


def _seconds(nanoseconds: int) -> str:
    """``+0.200``, ``+0.014560``: milliseconds, microseconds or nanoseconds, as it needs."""
    sign = "-" if nanoseconds < 0 else "+"
    seconds, fraction = divmod(abs(nanoseconds), 1_000_000_000)
    digits = f"{fraction:09}".removesuffix("000").removesuffix("000")
    return f"{sign}{seconds}.{digits}"


# --- reading ---------------------------------------------------------------------------------------------------

_ARROW = r"-->|<--|\.\.\.|XXX"
_NUMBER = re.compile(r"\s*(\d+)\.(?=\s)")
_TAGS = r"(?:<[A-Za-z]+(?:=[^<>]*)?>)+"
_FOLDED = r"(?<=\.\.\. )\([^()]*\)(?=\s*\.\.\.)"
_SEGMENT = re.compile(
    rf"^(?P<client>.*?)\s*(?P<left>{_ARROW}|)\s*(?P<middle>{_TAGS}|{_FOLDED})\s*(?P<right>{_ARROW}|)(?P<rest>.*)$"
)
_TAG = re.compile(r"<([A-Za-z]+)(?:=([^<>]*))?>")
_WAIT = re.compile(r"([+-])(\d+)\.(\d{3,9})$")
_NAMES = {name.replace("_", "-"): name for name in STATES}


def read(text: str) -> Exchange:
    """The exchange that a ladder shows. States may be spelled with hyphens, as in the RFC.

    Raises ValueError where a line that belongs to the ladder cannot be understood.
    """
    lines = [line.rstrip() for line in text.expandtabs().splitlines()]
    first = next((row for row, line in enumerate(lines) if _is_ladder(line)), len(lines))
    client, server, prose = _heading(lines[:first])
    middle = _server_column(lines[first:])
    ladder = tuple(_read_line(line, middle) for line in lines[first:] if line.strip())
    return Exchange("\n".join(prose).strip(), client, server, ladder)


def _heading(lines: list[str]) -> tuple[str, str, list[str]]:
    """The names of both sides, if the last line before the ladder has two, and the prose before it."""
    filled = [row for row, line in enumerate(lines) if line.strip()]
    if filled:
        names = re.split(r"\s{3,}", lines[filled[-1]].strip())
        if len(names) == 2:
            return names[0], names[1], lines[: filled[-1]]
    return "", "", lines


def _is_ladder(line: str) -> bool:
    if _SEGMENT.match(line):
        return True
    cells = re.split(r"\s{2,}", _NUMBER.sub("", line).strip())
    return all(cell in STATES or cell in _NAMES or re.fullmatch(r"\(.*\)|[+-]\d+\.\d+", cell) for cell in cells)


def _server_column(lines: list[str]) -> int:
    """Where a cell that stands alone belongs to the server: right of the middle of the segments."""
    spans = [match.span("middle") for match in map(_SEGMENT.match, lines) if match]
    return sum(start + end for start, end in spans) // (2 * len(spans)) if spans else 40


def _read_line(text: str, middle: int) -> Line:
    number = _NUMBER.match(text)
    body = " " * number.end() + text[number.end() :] if number else text
    frame = int(number[1]) if number else None
    match = _SEGMENT.match(body)
    if match is None:
        return _read_states(body, middle, frame)
    server, wait, comment = _read_rest(match["rest"])
    line = Line(_state(match["client"]), match["left"], None, match["right"], server, frame, wait, comment)
    if match["middle"].startswith("("):
        return Line(line.client, "...", None, "...", server, frame, wait, match["middle"][1:-1])
    return Line(line.client, line.left, _read_segment(match["middle"]), line.right, server, frame, wait, comment)


def _read_rest(rest: str) -> tuple[str, int | None, str]:
    """What follows the right arrow: the server's cell close to it, then the wait and the comment."""
    cells = re.split(r"\s{2,}", rest.strip())
    server = _state(cells.pop(0)) if rest[:3].strip() else ""
    wait = _nanoseconds(cells.pop(0)) if cells and _WAIT.match(cells[0]) else None
    comment = cells.pop(0)[1:-1] if cells and re.fullmatch(r"\(.*\)", cells[0]) else ""
    if any(cells):
        raise ValueError(f"not understood in a ladder: {rest.strip()}")
    return server, wait, comment


def _read_states(text: str, middle: int, frame: int | None) -> Line:
    """A line without a segment: one or two states or events."""
    cells = [(match.start(), match[0]) for match in re.finditer(r"\S+(?: \S+)*", text)]
    wait = _nanoseconds(cells.pop()[1]) if cells and _WAIT.match(cells[-1][1]) else None
    if len(cells) > 2 or any("<" in cell for _, cell in cells):
        raise ValueError(f"not understood in a ladder: {text.strip()}")
    if len(cells) == 2:
        return Line(_state(cells[0][1]), "", None, "", _state(cells[1][1]), frame, wait)
    alone = [(_state(cell), start >= middle) for start, cell in cells]
    client = "".join(cell for cell, right in alone if not right)
    return Line(client, "", None, "", "".join(cell for cell, right in alone if right), frame, wait)


def _read_segment(text: str) -> Segment:
    found = _TAG.findall(text)
    tags = dict(found)
    if unknown := set(tags) - {"SEQ", "ACK", "CTL", "DATA", "WND", *MORE}:
        raise ValueError(f"not a tag of a segment: {', '.join(sorted(unknown))}")
    numbers = {name: int(tags[name]) if tags.get(name) else None for name in ("SEQ", "ACK", "DATA", "WND")}
    length = numbers["DATA"] if "DATA" in tags else 0
    more = tuple((name, value) for name, value in found if name in MORE)
    return Segment(tags.get("CTL", ""), numbers["SEQ"], numbers["ACK"], length, numbers["WND"], more)


def _state(cell: str) -> str:
    cell = cell.strip()
    return _NAMES.get(cell, cell)


def _nanoseconds(text: str) -> int:
    match = _WAIT.match(text)
    assert match is not None
    value = int(match[2]) * 1_000_000_000 + int(match[3].ljust(9, "0"))
    return -value if match[1] == "-" else value
