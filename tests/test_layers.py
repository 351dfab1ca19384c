"""A wing of `rag/` imports only from the faces of wings below it: docs/architecture.md shows it."""

import re

from support.imports import faces, imported, imports, modules
from support.places import ROOT

GROUND = ["types"]
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
# How many names each wing shows to the others.
FACES = {
    "text": 12,
    "documents": 22,
    "encoders": 7,
    "index": 41,
    "store": 37,
    "answering": 14,
    "checks": 12,
    "building": 15,
    "serving": 39,
    "schemas": 44,
    "web": 20,
    "cli": 8,
}
# What starts the program stands above the wings.
TOP = ["__init__", "__main__"]


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


def test_no_wing_imports_the_service() -> None:
    above = re.compile(r"^\s*(?:from|import) service\b", re.MULTILINE)
    assert [name for name, path in modules().items() if above.search(path.read_text())] == []


def test_a_build_passes_eight_wings() -> None:
    """What `rag build` and the wing that it starts call themselves; the ground is no wing."""
    own = ("cli.build", "cli.listening", "building")
    passed = {
        wing(other)
        for name, path in modules().items()
        if name.startswith(own)
        for other in imports(path)
    }
    assert passed - set(GROUND) <= {
        *("cli", "building", "documents", "encoders", "index", "store", "answering", "checks"),
    }


def test_other_wings_are_entered_by_their_face() -> None:
    inside = [
        f"{name} imports {module}"
        for name, path in modules().items()
        for module, _ in imported(path)
        if "." in module and wing(module) not in (wing(name), *GROUND)
    ]
    assert inside == []


def test_a_face_shows_what_another_wing_uses_and_no_more() -> None:
    assert {name: len(faces()[name]) for name in WINGS} == FACES
    outside = [ROOT / "service.py", *(ROOT / "eval").rglob("*.py")]
    used = {
        (module, name)
        for path in [*modules().values(), *outside]
        for module, name in imported(path)
    }
    shown = {(wing, name) for wing in WINGS for name in faces()[wing]}
    assert shown - used == set()


def test_one_module_starts_the_programs_that_stand_above() -> None:
    starts = re.compile(r"^\s*(?:from|import) (?:service|eval)\b", re.MULTILINE)
    found = {name for name, path in modules().items() if starts.search(path.read_text())}
    assert found == {"cli.programs"}


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
    assert list(dict.fromkeys(folder.split("/")[0] for folder, _ in rows)) == ["types", *WINGS]
