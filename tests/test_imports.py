"""Who may import whom: the table of the design, kept true by reading the imports."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import pcapstate

PACKAGE = Path(pcapstate.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

OURS_FOR_TCP = {"kernels", "schema", "tcp"}
VIEWS = {"capture", "flow", "frames", "values", "pipeline", "export", "arrow", "stages", "ladder", "exchange", "story"}
VIEWS |= {"annotate", "findings", "intervals", "lingering", "moments", "notebook", "reuse", "slowness", "steps"}
"""The layer of the capture: tables as a user holds them."""

# Layer: what of ours it may import, what of others at the top of a module, what of others anywhere.
NUMPY = {"numpy"}
RULES = {
    "kernels": (set(), NUMPY, NUMPY | {"numba"}),
    "schema": (OURS_FOR_TCP, NUMPY, NUMPY),
    "tcp": (OURS_FOR_TCP, NUMPY, NUMPY),
    "parser": ({"schema", "kernels", "tcp.sequence", "parser"}, NUMPY, NUMPY | {"zstandard", "lz4"}),
    "parser.odd": ({"schema", "kernels", "tcp.sequence", "parser"}, NUMPY | {"dpkt"}, NUMPY | {"dpkt"}),
    "replay": ({"schema", "kernels", "tcp", "replay"}, NUMPY, NUMPY),
    "views": ({"schema", "kernels", "tcp", "parser", "replay", "plotting"} | VIEWS, NUMPY, NUMPY | {"pandas"}),
    "views.frames": ({"schema", "values"}, NUMPY | {"pandas"}, NUMPY | {"pandas"}),
    "views.arrow": ({"schema", "values", "export"}, NUMPY | {"pyarrow"}, NUMPY | {"pyarrow"}),
    "plotting": (
        {"schema", "tcp.machine", "plotting"} | VIEWS,
        NUMPY | {"pandas", "matplotlib"},
        NUMPY | {"pandas", "matplotlib"},
    ),
    "report": (
        {"schema", "tcp.machine", "plotting", "report", "parser.problems"} | VIEWS,
        NUMPY | {"pandas", "matplotlib"},
        NUMPY | {"pandas", "matplotlib"},
    ),
    "cli": ({"*"}, NUMPY | {"click", "rich"}, {"*"}),
    "front": ({"cli", "lazy", "capture", "flow", "stages", "plotting", "parser.sources"}, set(), set()),
}


def name_of(path):
    """The module's name below the package: ``tcp.machine``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(name):
    first = name.split(".")[0]
    if name in ("", "__main__", "lazy"):
        return "front"
    if first in VIEWS:
        return f"views.{first}" if f"views.{first}" in RULES else "views"
    return name if name in RULES else first


def imports_of(path):
    """(what, is it ours, is it at the top of the module) for each import; what only types need is left out."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    package = name_of(path).split(".")[: None if path.name == "__init__.py" else -1]
    package = [part for part in package if part]
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, alias.name.split(".")[0] == "pcapstate", id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            ours = bool(node.level) or (node.module or "").split(".")[0] == "pcapstate"
            where = ".".join([*base, *([node.module] if node.module else [])]).removeprefix("pcapstate").lstrip(".")
            if ours and _is_package(where):
                for alias in node.names:
                    full = f"{where}.{alias.name}".lstrip(".")
                    yield (full if _is_module(full) else where), True, id(node) not in inside
            else:
                yield where, ours, id(node) not in inside


def _is_package(name):
    return (PACKAGE / Path(*name.split("."))).is_dir() if name else True


def _is_module(name):
    path = PACKAGE / Path(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def allowed(name, permitted):
    """Whether a module is permitted, by its own name or by that of a package above it."""
    parts = name.split(".")
    return "*" in permitted or any(".".join(parts[:end]) in permitted for end in range(1, len(parts) + 1))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: name_of(path) or "pcapstate")
def test_imports_follow_the_table(path):
    name = name_of(path)
    layer = layer_of(name)
    assert layer in RULES, f"{name} belongs to no layer: add it to the table, after thinking about where it belongs"
    ours, top, anywhere = RULES[layer]
    for imported, is_ours, at_top in imports_of(path):
        if is_ours:
            assert imported in {"", name} or allowed(imported, ours), f"{name} imports {imported}"
            continue
        outside = imported.split(".")[0]
        if outside in sys.stdlib_module_names:
            continue
        assert allowed(outside, top if at_top else anywhere), f"{name} imports {outside}{' at its top' * at_top}"


def test_only_one_module_names_numba():
    named = [name_of(path) for path in MODULES if any(i.split(".")[0] == "numba" for i, *_ in imports_of(path))]
    assert named == ["kernels"]


def test_only_the_commands_print():
    printing = []
    for path in MODULES:
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        if any(isinstance(call, ast.Name) and call.id == "print" for call in calls):
            printing.append(name_of(path))
    assert [name for name in printing if not name.startswith("cli")] == []


def test_the_reading_of_imports_sees_relative_ones(tmp_path):
    found = dict.fromkeys((what, ours) for what, ours, _ in imports_of(PACKAGE / "tcp" / "machine.py"))
    assert ("schema", True) in found
    assert ("numpy", False) in found
