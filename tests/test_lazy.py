"""Names loaded on first use, and the one that is a package and a function."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code):
    """A fresh interpreter: what is loaded already would hide what is tested."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "before",
    ["", "import pcapstate.replay", "from pcapstate.replay import engine", "from pcapstate import stages"],
)
def test_replay_can_be_called_whoever_imported_the_package_first(before):
    assert run(f"{before}\nimport pcapstate as ps\nprint(callable(ps.replay))") == "True"


def test_replay_stays_a_package():
    assert run("import pcapstate as ps\nps.replay\nimport pcapstate.replay.engine as e\nprint(e.__name__)") == (
        "pcapstate.replay.engine"
    )


def test_calling_the_package_runs_the_stage():
    code = """
    import pcapstate as ps, pcapstate.stages as stages
    stages.replay = lambda *arguments, **options: (arguments, options)
    print(ps.replay(1, msl=2))
    """
    assert run("\n".join(line.strip() for line in code.splitlines())) == "((1,), {'msl': 2})"


def test_a_name_is_loaded_once():
    import pcapstate as ps

    assert ps.read is ps.read
    assert "read" in vars(ps)


def test_other_modules_are_left_alone():
    import types

    from pcapstate.lazy import Package

    package, part = Package("other"), types.ModuleType("other.part")
    package.part = part
    assert type(part) is types.ModuleType
