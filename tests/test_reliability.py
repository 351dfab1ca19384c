"""docs/reliability.md says what tests/torture/torture.json holds, and pages name what exists."""

import ast
import json
import re
from pathlib import Path

import pytest

from support.bad_input import PAGE as BAD_INPUT
from support.bad_input import named_tests
from support.places import ROOT
from support.torture_figures import FIGURES, PAGE, with_table

SECURITY = ROOT / "docs" / "security.md"


def test_the_table_of_figures_is_that_of_the_last_runs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, json.loads(FIGURES.read_text())) == page


def test_every_test_file_that_the_page_names_exists() -> None:
    named = re.findall(r"tests/[\w/]+\.py", PAGE.read_text(encoding="utf-8"))
    assert len(set(named)) >= 9
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_line_of_the_page_of_bad_input_names_tests() -> None:
    assert list(named_tests()) == [
        *(f"A{n}" for n in range(1, 33)),
        *(f"C{n}" for n in range(1, 13)),
    ]


def test_every_known_attack_names_tests() -> None:
    _, _, attacks = SECURITY.read_text(encoding="utf-8").partition("## Known attacks")
    rows = re.findall(r"^\| [A-Z].*$", attacks, re.MULTILINE)
    assert len(rows) >= 14
    assert [row for row in rows if "::test_" not in row] == []


@pytest.mark.parametrize("page", [BAD_INPUT, SECURITY])
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"`([\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8")))
    there = {
        (file, each.name)
        for file in {file for file, _ in named}
        for each in ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body
        if isinstance(each, ast.FunctionDef)
    }
    assert len(named) >= 14
    assert sorted(named - there) == []
