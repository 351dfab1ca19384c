"""docs/reliability.md says what tests/torture/torture.json holds, and names what exists."""

import ast
import json
import re

from support.bad_input import named_tests
from support.places import ROOT
from support.torture_figures import FIGURES, PAGE, with_table


def test_the_table_of_figures_is_that_of_the_last_runs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, json.loads(FIGURES.read_text())) == page


def test_every_test_file_that_the_page_names_exists() -> None:
    named = re.findall(r"tests/[\w/]+\.py", PAGE.read_text(encoding="utf-8"))
    assert len(set(named)) >= 9
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_test_that_the_page_of_bad_input_names_exists() -> None:
    lines = named_tests()
    assert list(lines) == [*(f"A{n}" for n in range(1, 33)), *(f"C{n}" for n in range(1, 13))]
    named = {tuple(each.split("::")) for tests in lines.values() for each in tests}
    there = {
        (file, each.name)
        for file in {file for file, _ in named}
        for each in ast.parse((ROOT / file).read_text(encoding="utf-8")).body
        if isinstance(each, ast.FunctionDef)
    }
    assert sorted(named - there) == []
