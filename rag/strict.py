"""Dataclasses from plain JSON values, every field checked: what is read back may have been altered.

Written here since pydantic takes longer to import than the child that reads a snapshot back has
for all it does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
# Returns the value as the type wants it; raises ValueError if it is none of that type.
Check = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A string that matches the whole expression."""

    expression: str

    def check(self, value: Any) -> bool:
        """Whether the value does."""
        return re.fullmatch(self.expression, value) is not None


@dataclass(frozen=True, slots=True)
class Range:
    """A number from `least` to `most`."""

    least: float
    most: float

    def check(self, value: Any) -> bool:
        """Whether the value is."""
        return bool(self.least <= value <= self.most)


def reader(kind: type[T]) -> Callable[[Any], T]:
    """A function that makes such a dataclass of a JSON object. It raises ValueError, which names
    the field, for a value of another type, a field too many and one that is missing."""
    hints = get_type_hints(kind, include_extras=True)
    checks = {each.name: _check(hints[each.name]) for each in fields(kind)}  # type: ignore[arg-type]
    needed = {each.name for each in fields(kind) if each.default is MISSING}  # type: ignore[arg-type]

    def read(value: Any) -> T:
        if not isinstance(value, dict):
            raise ValueError("is not an object")
        if wrong := (value.keys() - checks.keys()) | (needed - value.keys()):
            raise ValueError(f"fields differ: {', '.join(sorted(wrong))}")
        found = {}
        for name, given in value.items():
            try:
                found[name] = checks[name](given)
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
        return kind(**found)

    return read


def _check(hint: Any) -> Check:
    origin, given = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _ruled(_check(given[0]), given[1:])
    if origin in (Union, UnionType):
        return _any_of([_check(each) for each in given])
    if origin is Literal:
        return _holding(lambda value: type(value) is str and value in given)
    if origin is tuple:
        return _tuple(_check(given[0]))
    if origin is Mapping:
        return _mapping(_check(given[0]), _check(given[1]))
    if is_dataclass(hint):
        return reader(hint)  # type: ignore[arg-type]
    if hint is float:
        return _holding(lambda value: type(value) is float and math.isfinite(value))
    assert hint in (str, int, bool, NoneType), hint
    return _holding(lambda value: type(value) is hint)


def _holding(holds: Callable[[Any], bool]) -> Check:
    def check(value: Any) -> Any:
        if not holds(value):
            raise ValueError("is of another type")
        return value

    return check


def _ruled(check: Check, rules: tuple[Pattern | Range, ...]) -> Check:
    def ruled(value: Any) -> Any:
        found = check(value)
        if not all(rule.check(found) for rule in rules):
            raise ValueError("has no such value")
        return found

    return ruled


def _any_of(checks: list[Check]) -> Check:
    def any_of(value: Any) -> Any:
        for check in checks[:-1]:
            try:
                return check(value)
            except ValueError:
                continue
        return checks[-1](value)

    return any_of


def _tuple(check: Check) -> Check:
    def items(value: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError("is not a list")
        return tuple(map(check, value))

    return items


def _mapping(name: Check, check: Check) -> Check:
    def items(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("is not an object")
        return {name(key): check(each) for key, each in value.items()}

    return items
