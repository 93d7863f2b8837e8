"""The public names: there, documented, only re-exported, and nothing loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pcapstate as ps


def run(code):
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("name", ps.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ps, name) is not None
    assert name in dir(ps)


@pytest.mark.parametrize("name", [name for name in ps.__all__ if name not in ("__version__", "replay")])
def test_every_public_name_is_documented(name):
    assert getattr(ps, name).__doc__


def test_init_only_re_exports():
    tree = ast.parse(Path(ps.__file__).read_text())
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.If)
    assert [type(node).__name__ for node in tree.body if not isinstance(node, allowed)] == []
    for node in tree.body:
        if isinstance(node, ast.If):
            assert ast.unparse(node.test) == "TYPE_CHECKING"


def test_what_types_see_is_what_there_is():
    """The names imported for type checkers are those that are loaded on first use."""
    tree = ast.parse(Path(ps.__file__).read_text())
    seen = [
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level for alias in node.names
    ]
    assert sorted({*seen} - {"Package"}) == sorted({*ps.__all__} - {"__version__"})


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'pcapstate' has no attribute 'nonsense'"):
        ps.nonsense  # noqa: B018


def test_importing_loads_nothing_heavy():
    heavy = "numpy pandas matplotlib numba dpkt click rich pyarrow"
    code = f"import sys, pcapstate; print(*[m for m in '{heavy}'.split() if m in sys.modules])"
    assert run(code) == []


def test_the_version_is_that_of_the_package():
    from importlib import metadata

    assert metadata.version("pcapstate") == ps.__version__


# --- what the README promises ----------------------------------------------------------------------------------

ROOT = Path(ps.__file__).parents[1]


def commands_of_the_readme():
    lines = (ROOT / "README.md").read_text().splitlines()
    return [line.strip() for line in lines if line.startswith("    python3 -m venv")]


def test_ci_runs_the_second_command_of_the_readme():
    first, second = commands_of_the_readme()
    assert "pcapstate analyze" in first
    assert second in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_sample_that_the_readme_analyzes_is_there():
    first, _ = commands_of_the_readme()
    (sample,) = [word for word in first.split() if word.endswith(".pcap")]
    assert (ROOT / sample).is_file()


def test_the_commands_of_the_readme_are_understood(capsys):
    from pcapstate.cli import run

    shown = [
        line.split()[1] for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("    pcapstate ")
    ]
    assert {"analyze", "annotate", "ladder", "plot", "report", "schema"} == set(shown)
    for command in shown:
        assert run([command, "--help"]) == 0
