"""JSON values become a dataclass only if every field is of its type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from rag.strict import Pattern, Range, reader


@dataclass(frozen=True, slots=True)
class Leaf:
    size: Annotated[int, Range(0, 10)]
    name: Annotated[str, Pattern("[a-z]+")] = "leaf"


@dataclass(frozen=True, slots=True)
class Tree:
    kind: Literal["oak", "elm"]
    height: float
    tall: bool
    note: str | None
    leaves: tuple[Leaf, ...]
    eval: Mapping[str, int | float] | None


READ = reader(Tree)
JSON = """{"kind": "oak", "height": 1.5, "tall": true, "note": null,
           "leaves": [{"size": 10}, {"size": 0, "name": "b"}], "eval": {"n": 1, "m": 0.5}}"""


def test_values_of_the_right_types_become_the_dataclass() -> None:
    tree = READ(json.loads(JSON))
    assert tree == Tree("oak", 1.5, True, None, (Leaf(10), Leaf(0, "b")), {"n": 1, "m": 0.5})
    assert tree.eval and type(tree.eval["n"]) is int


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("kind", "ash", "kind is of another type"),
        ("kind", ["oak"], "kind is of another type"),
        ("height", 1, "height is of another type"),
        ("height", float("nan"), "height is of another type"),
        ("tall", 1, "tall is of another type"),
        ("note", 5, "note is of another type"),
        ("leaves", {}, "leaves is not a list"),
        ("leaves", [{"size": 11}], "leaves size has no such value"),
        ("leaves", [{"size": True}], "leaves size is of another type"),
        ("leaves", [{"size": 1, "name": "a1"}], "leaves name has no such value"),
        ("leaves", [{"size": 1, "name": "a\\n"}], "leaves name has no such value"),
        ("leaves", [{"size": 1, "colour": "red"}], "leaves fields differ: colour"),
        ("leaves", [[]], "leaves is not an object"),
        ("eval", {"n": "1"}, "eval is of another type"),
        ("eval", [], "eval is of another type"),
        ("other", 1, "fields differ: other"),
    ],
)
def test_a_value_of_another_type_is_refused_and_its_field_named(
    field: str, value: object, says: str
) -> None:
    with pytest.raises(ValueError, match=f"^{says}$"):
        READ({**json.loads(JSON), field: value})


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match=r"^fields differ: eval, kind$"):
        READ({name: value for name, value in json.loads(JSON).items() if name[0] not in "ke"})


@pytest.mark.parametrize("value", [None, [], "oak", 1])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not an object"):
        READ(value)
