"""A wing of `rag/` imports only from wings below it; the picture is in docs/architecture.md."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

GROUND = ["types", "errors", "settings"]
WINGS = [
    "text",
    "documents",
    "encoders",
    "index",
    "store",
    "answering",
    "checks",
    "building",
    "serving",
    "schemas",
    "web",
    "cli",
]
# What starts the program stands above the wings.
TOP = ["__init__", "__main__"]


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


def wing(name: str) -> str:
    return name.split(".")[0]


def test_every_module_has_its_place() -> None:
    assert {wing(name) for name in modules()} == {*GROUND, *WINGS, *TOP}


def test_no_wing_imports_from_a_higher_one() -> None:
    level = {name: 0 for name in GROUND} | {name: i + 1 for i, name in enumerate(WINGS)}
    upward = [
        f"{name} imports {other}"
        for name, path in modules().items()
        for other in imports(path)
        if wing(name) not in TOP and level[wing(other)] > level[wing(name)]
    ]
    assert upward == []


def test_imports_make_no_circle() -> None:
    left = {name: imports(path) - {name} for name, path in modules().items()}
    while free := {name for name, needs in left.items() if not needs & set(left)}:
        left = {name: needs for name, needs in left.items() if name not in free}
    assert left == {}


def test_the_picture_names_every_wing_and_module_in_order() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+)/` \| [^|]+ \| ([^|]+) \|$", picture, re.MULTILINE)
    shown = [f"{folder}/{name}" for folder, names in rows for name in re.findall(r"`(\w+)`", names)]
    inner = sorted(name.replace(".", "/") for name in modules() if "." in name)
    assert sorted(shown) == [name for name in inner if not name.endswith("__init__")]
    assert list(dict.fromkeys(folder.split("/")[0] for folder, _ in rows)) == WINGS
