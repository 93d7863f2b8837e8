"""``--filter``: a small language of addresses and ports over the connections of a capture.

    expression = term { "or" term }          term = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | [ "client" | "server" ] test
    test       = "host" ADDRESS | "net" ADDRESS/BITS | "port" NUMBER[-NUMBER]

``&&``, ``||`` and ``!`` are other spellings. A test holds for a connection if it holds for one of its sides, or for
the side that is named. It chooses among connections that were replayed whole: no packet is thrown away before.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, NoReturn

import click
import numpy as np

from ..values import Columns, coded

_TOKEN = re.compile(r"\s*(\(|\)|!|&&|\|\||[^\s()!&|]+)")
_SPELLINGS = {"&&": "and", "||": "or", "!": "not"}
_HELP = (
    "a filter is made of 'host ADDRESS', 'net ADDRESS/BITS', 'port NUMBER', 'client', 'server', 'and', 'or', 'not'"
    " and parentheses"
)


def matching(expression: str, flows: Columns) -> np.ndarray:
    """Which flows an expression means, as a mask. Raises click.UsageError where it is not understood."""
    return _Reader(expression, flows).whole()


class _Reader:
    """Reads an expression from left to right, one method for each rule of the language."""

    def __init__(self, expression: str, flows: Columns) -> None:
        self.expression = expression
        self.flows = flows
        self.words: list[str] = []
        end = 0
        while match := _TOKEN.match(expression, end):
            end = match.end()
            self.words.append(_SPELLINGS.get(match[1], match[1]))
        if expression[end:].strip():
            self.fail(f"{expression[end:].strip()!r} is not understood")

    def whole(self) -> np.ndarray:
        """The mask of the whole expression."""
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
        sides = [side for side in ("client", "server") if self.take(side)] or ["client", "server"]
        test, value = self.next(), self.next()
        tests = {"host": self.host, "net": self.net, "port": self.port}
        if test not in tests:
            self.fail(f"{test!r} is no test")
        masks = [tests[test](side, value) for side in sides]
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
