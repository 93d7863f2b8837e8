"""Sizes: a module over 400 lines or a function over 60 is a sign that a room is missing."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

import pcapstate

MODULES = sorted(Path(pcapstate.__file__).parent.rglob("*.py"))
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_sizes(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES
    assert [(name, lines) for name, lines in functions(path) if lines > MOST_LINES_OF_A_FUNCTION] == []


def test_most_modules_and_functions_are_small():
    lines = [len(path.read_text().splitlines()) for path in MODULES]
    assert statistics.median(lines) <= 200
    lengths = sorted(length for path in MODULES for _, length in functions(path))
    assert lengths[len(lengths) * 9 // 10] <= 30


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree), f"{path} has no docstring"
