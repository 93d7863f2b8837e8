"""``--filter``: a small language over the connections of a capture: where they go, how they began, stand and ended.

    expression = term { "or" term }          term = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | [ "client" | "server" ] test | fact
    test       = "host" ADDRESS | "net" ADDRESS/BITS | "port" NUMBER[-NUMBER] | "state" STATE
    fact       = "opened" HOW | "reason" WHY | "closed-by" WHO | "finding" KIND

``&&``, ``||`` and ``!`` are other spellings. A test holds for a connection if it holds for one of its sides, or for
the side that is named; a state is that at the end of the capture. The words of the facts are those of the columns
``opened``, ``close_reason`` and ``closed_by`` of ``flows``, and the kinds of findings: ``finding close_wait`` are the
connections that leak. It chooses among connections that were replayed whole: no packet is thrown away before.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click
import numpy as np

from ..findings import KINDS, Finding
from ..schema import FLOWS, SIDES, STATES
from ..values import Columns, coded

_TOKEN = re.compile(r"\s*(\(|\)|!|&&|\|\||[^\s()!&|]+)")
_SPELLINGS = {"&&": "and", "||": "or", "!": "not"}
_FACTS = {"opened": "opened", "reason": "close_reason", "closed-by": "closed_by"}
"""Words of the language, and the columns of ``flows`` whose words they take."""
_WANTS = {
    "host": "ADDRESS",
    "net": "ADDRESS/BITS",
    "port": "NUMBER",
    "state": "STATE",
    "opened": "HOW",
    "reason": "WHY",
    "closed-by": "WHO",
    "finding": "KIND",
}
_HELP = (
    f"a filter is made of {', '.join(repr(f'{test} {value}') for test, value in _WANTS.items())}, 'client' and "
    "'server' before the first four, 'and', 'or', 'not' and parentheses"
)


def matching(expression: str, flows: Columns, found: Callable[[], Sequence[Finding]] = list) -> np.ndarray:
    """Which flows an expression means, as a mask. ``found`` gives the findings, when they are asked for.

    Raises click.UsageError where it is not understood.
    """
    return _Reader(expression, flows, found).whole()


class _Reader:
    """Reads an expression from left to right, one method for each rule of the language."""

    def __init__(self, expression: str, flows: Columns, found: Callable[[], Sequence[Finding]]) -> None:
        self.expression = expression
        self.flows = flows
        self.found = found
        self.words: list[str] = []
        end = 0
        while match := _TOKEN.match(expression, end):
            end = match.end()
            self.words.append(_SPELLINGS.get(match[1], match[1]))
        if expression[end:].strip():
            self.fail(f"{expression[end:].strip()!r} is not understood")

    def whole(self) -> np.ndarray:
        """The mask of the whole expression."""
        if not self.words:
            self.fail("it is empty")
        mask = self.either()
        if self.words:
            self.fail(f"{self.words[0]!r} is not expected here")
        return mask

    def either(self) -> np.ndarray:
        """term or term or ..."""
        mask = self.all_of()
        while self.take("or"):
            mask = mask | self.all_of()
        return mask

    def all_of(self) -> np.ndarray:
        """factor and factor and ..."""
        mask = self.one()
        while self.take("and"):
            mask = mask & self.one()
        return mask

    def one(self) -> np.ndarray:
        """not, a parenthesis, or a test."""
        if self.take("not"):
            return ~self.one()
        if self.take("("):
            mask = self.either()
            if not self.take(")"):
                self.fail("a parenthesis is not closed")
            return mask
        named = [side for side in SIDES if self.take(side)]
        test = self.next()
        if test not in _WANTS:
            self.fail(f"{test!r} is no test")
        if not self.words:
            self.fail(f"{test!r} wants {_WANTS[test]}")
        value = self.next()
        if test == "finding" or test in _FACTS:
            if named:
                self.fail(f"{test!r} is of the whole connection, not of the {named[0]} alone")
            return self.finding(value) if test == "finding" else self.word(_FACTS[test], value)
        tests = {"host": self.host, "net": self.net, "port": self.port, "state": self.state}
        masks = [tests[test](side, value) for side in named or SIDES]
        return masks[0] if len(masks) == 1 else masks[0] | masks[1]

    def host(self, side: str, value: str) -> np.ndarray:
        """An address of the side is this one."""
        try:
            wanted = ipaddress.ip_address(value)
        except ValueError:
            self.fail(f"{value!r} is no IP address (names are not looked up)")
        return self.addresses(side, lambda address: address == wanted)

    def net(self, side: str, value: str) -> np.ndarray:
        """An address of the side is in this network."""
        try:
            wanted = ipaddress.ip_network(value, strict=False)
        except ValueError:
            self.fail(f"{value!r} is no network, as in 10.0.0.0/8")
        return self.addresses(side, lambda address: address in wanted)

    def port(self, side: str, value: str) -> np.ndarray:
        """The side's port is this one, or in this range."""
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", value)
        if match is None or int(match[2] or match[1]) > 0xFFFF:
            self.fail(f"{value!r} is no port, as in 443 or 8000-8099")
        ports = self.flows[f"{side}_port"]
        assert isinstance(ports, np.ndarray)
        mask: np.ndarray = (ports >= int(match[1])) & (ports <= int(match[2] or match[1]))
        return mask

    def state(self, side: str, value: str) -> np.ndarray:
        """The side's state at the end of the capture."""
        return self.word(f"{side}_state", value, STATES)

    def word(self, column: str, value: str, words: Sequence[str] = ()) -> np.ndarray:
        """A column of ``flows`` has this word; FIN-WAIT-1 and fin_wait_1 are the same."""
        words = words or FLOWS[column].words
        wanted = self.one_of(value, words)
        codes, known = coded(self.flows[column], FLOWS[column].words)
        holds = np.array([*(word == wanted for word in known), False], bool)
        mask: np.ndarray = holds[codes]
        return mask

    def finding(self, value: str) -> np.ndarray:
        """A finding of this kind is about the connection."""
        wanted = self.one_of(value, KINDS)
        flows = self.flows["flow"]
        assert isinstance(flows, np.ndarray)
        named = [finding.flows for finding in self.found() if finding.kind == wanted]
        mask: np.ndarray = np.isin(flows, np.concatenate(named) if named else [])
        return mask

    def one_of(self, value: str, words: Sequence[str]) -> str:
        """The word that is meant; ends the reading where it is none of them."""
        known = {word.lower(): word for word in words}
        meant = value.replace("-", "_")
        if meant not in known:
            self.fail(f"{value!r} is none of {', '.join(words)}")
        return known[meant]

    def addresses(self, side: str, test: Callable[[Any], bool]) -> np.ndarray:
        """Each different address is looked at once, however many flows it has."""
        codes, words = coded(self.flows[f"{side}_address"])
        holds = np.array([*(test(ipaddress.ip_address(word)) for word in words), False], bool)
        mask: np.ndarray = holds[codes]
        return mask

    def take(self, word: str) -> bool:
        """Whether the next word is this one; then it is used up."""
        if self.words and self.words[0].lower() == word:
            self.words.pop(0)
            return True
        return False

    def next(self) -> str:
        """The next word, used up."""
        if not self.words:
            self.fail("it ends too early")
        return self.words.pop(0).lower()

    def fail(self, why: str) -> NoReturn:
        """Ends the reading with what is wrong and what is right."""
        raise click.UsageError(f"--filter {self.expression!r}: {why}; {_HELP}")
