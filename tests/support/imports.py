"""The modules of `rag/`, and what each imports."""

import ast
from pathlib import Path

from support.places import ROOT


def modules() -> dict[str, Path]:
    """Each module below `rag/`, by its path there with dots: `store.versions`."""
    rag = ROOT / "rag"
    return {
        ".".join(path.relative_to(rag).with_suffix("").parts): path for path in rag.rglob("*.py")
    }


def imports(path: Path) -> set[str]:
    """The modules below `rag/` that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rag":
            module = (node.module or "").removeprefix("rag").removeprefix(".")
            inner = {f"{module}.{alias.name}".removeprefix(".") for alias in node.names}
            names |= (inner & set(modules())) or {module}
    return names - {""}
