"""docs/reliability.md says what tests/torture.json holds, and names what exists."""

import json
import re
from pathlib import Path

from figures import FIGURES, PAGE, with_table

ROOT = Path(__file__).parents[1]


def test_the_table_of_figures_is_that_of_the_last_runs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, json.loads(FIGURES.read_text())) == page


def test_every_test_file_that_the_page_names_exists() -> None:
    named = re.findall(r"tests/\w+\.py", PAGE.read_text(encoding="utf-8"))
    assert len(set(named)) >= 9
    assert [name for name in named if not (ROOT / name).exists()] == []
