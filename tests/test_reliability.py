"""docs/reliability.md says what tests/torture/torture.json holds, and names what exists."""

import json
import re

from support.places import ROOT
from support.torture_figures import FIGURES, PAGE, with_table


def test_the_table_of_figures_is_that_of_the_last_runs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, json.loads(FIGURES.read_text())) == page


def test_every_test_file_that_the_page_names_exists() -> None:
    named = re.findall(r"tests/[\w/]+\.py", PAGE.read_text(encoding="utf-8"))
    assert len(set(named)) >= 9
    assert [name for name in named if not (ROOT / name).exists()] == []
