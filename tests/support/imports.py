"""The modules of `rag/`, what each imports, and what the wings show to each other."""

import ast
from functools import cache
from pathlib import Path

from support.places import ROOT


def modules() -> dict[str, Path]:
    """Each module below `rag/`, by its path there with dots: `store.versions`."""
    rag = ROOT / "rag"
    return {
        ".".join(path.relative_to(rag).with_suffix("").parts): path for path in rag.rglob("*.py")
    }


def imports(path: Path) -> set[str]:
    """The modules below `rag/` that a file imports; of a face, those that define the names."""
    return {
        faces().get(module, {}).get(name) or inner_module(module, name)
        for module, name in imported(path)
    }


def imported(path: Path) -> list[tuple[str, str]]:
    """Each name that a file imports from below `rag/`, after the module that it names."""
    return [
        (node.module.removeprefix("rag."), alias.name)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rag.")
        for alias in node.names
        if node.module
    ]


@cache
def faces() -> dict[str, dict[str, str]]:
    """For each wing, the names that its `__init__.py` shows, with the modules that define them."""
    return {
        name.removesuffix(".__init__"): {
            shown: module for module, shown in imported(path) if module != "types.faces"
        }
        for name, path in modules().items()
        if name.endswith(".__init__")
    }


def inner_module(module: str, name: str) -> str:
    return f"{module}.{name}" if f"{module}.{name}" in modules() else module
