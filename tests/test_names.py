"""No name stands for two things: a class or a type is defined once, in one module."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from support.places import ROOT

TYPE_NAME = re.compile(r"[A-Z][A-Z]?[a-z]\w*")


def definitions(path: Path) -> Iterator[tuple[str, str]]:
    """The public classes and type aliases of a module, and what each is."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name, str(path.relative_to(ROOT))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, ast.unparse(node.value)


def test_a_type_has_one_meaning() -> None:
    """An alias may be repeated, if it says the same each time."""
    meanings = defaultdict(set)
    for folder in ("rag", "eval"):
        for path in (ROOT / folder).rglob("*.py"):
            for name, meaning in definitions(path):
                meanings[name].add(meaning)
    types = {name: found for name, found in meanings.items() if TYPE_NAME.fullmatch(name)}
    assert {name: sorted(found) for name, found in types.items() if len(found) > 1} == {}
