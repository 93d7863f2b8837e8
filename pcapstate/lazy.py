"""Public names that are loaded on first use: ``import pcapstate`` and ``pcapstate --help`` load no numpy.

One name needs care. ``pcapstate.replay`` is the package of the replay stage, and the import system puts it on
``pcapstate`` whenever somebody imports it; ``ps.replay(segments)`` is also what a user writes. So the package itself
is made callable when it is put there.
"""

from __future__ import annotations

import importlib
import types
from typing import Any


class Stage(types.ModuleType):
    """A package that is a stage of the pipeline, and runs it when called."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Runs the stage, as ``pcapstate.stages`` has it."""
        stages = importlib.import_module(f"{self.__name__.rpartition('.')[0]}.stages")
        return getattr(stages, self.__name__.rpartition(".")[2])(*arguments, **options)


class Package(types.ModuleType):
    """A package whose ``_HOME`` tells the module of each public name; a name is loaded when it is first asked for."""

    _HOME: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        home = self.__dict__.get("_HOME", {}).get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module = importlib.import_module(home, self.__name__)
        if home == f".{name}":  # a submodule: importing it has put it here
            return module
        value = getattr(module, name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "replay" and type(value) is types.ModuleType:
            value.__class__ = Stage
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._HOME})
