"""Faces of wings that import a name when it is first used.

Each command and each process needs a few names of a wing: to answer a question, no file is read and
no index is built. Importing all of them would take longer than the first answer.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


class _Face(ModuleType):
    """A package that shows names of its modules. `_shown` has the module of each name."""

    _shown: Mapping[str, str]

    def __getattr__(self, name: str) -> object:
        if name not in self._shown:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found: object = getattr(import_module(self._shown[name]), name)
        self.__dict__[name] = found
        return found

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._shown})

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a module sets it on its package, where a function may have the same name.
        if name not in self._shown or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


def show_late(package: str) -> None:
    """Makes a package show what its `if TYPE_CHECKING` block imports, each when it is used."""
    spec, face = find_spec(package), sys.modules[package]
    source = spec.loader.get_source(package)  # type: ignore[union-attr]
    face.__dict__["_shown"] = {
        alias.name: node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}.")
        for alias in node.names
    }
    face.__dict__["__all__"] = sorted(face.__dict__["_shown"])
    face.__class__ = _Face
