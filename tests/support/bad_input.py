"""The tests that docs/bad-input.md names for each of its lines."""

from __future__ import annotations

import re

from support.places import ROOT

PAGE = ROOT / "docs" / "bad-input.md"
_LINE = re.compile(r"^\| ([A-Z]\d+) \| .* \| (`[^|]+`) \|$", re.MULTILINE)


def named_tests() -> dict[str, list[str]]:
    """The ids of the tests of each line, as pytest takes them, by the line's id."""
    lines = _LINE.findall(PAGE.read_text(encoding="utf-8"))
    return {id: [f"tests/{name}" for name in re.findall(r"`(\S+)`", names)] for id, names in lines}
