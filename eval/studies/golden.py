"""Golden notes: what people see of real documents, written down from pictures of them.

Each file in `eval/golden/` is one document, or one page of a PDF: its headings with levels, a table
cell by cell, items of lists, the text in reading order, and three sentences with where they stand.
The documents themselves are not in the project; `eval/golden/NOTICE.md` says whose they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.studies.tree_similarity import (
    Heading,
    heading_similarity,
    plain,
    table_similarity,
    text_similarity,
)
from eval.studies.views import View, without_mark

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True, slots=True)
class Golden:
    """What was seen; what was not noted is empty. `page` is 0 for a whole document."""

    file: str
    page: int
    headings: tuple[Heading, ...]
    table: tuple[tuple[str, ...], ...]
    items: tuple[str, ...]
    text: str
    sentences: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class GoldenScores:
    """How well a document was read, from 0 to 1; None for what was not noted.

    `order` is of the text, `items` the share of the items that are items of a list. Text outside of
    tables that became a table is not counted.
    """

    order: float | None
    headings: float | None
    table: float | None
    items: float | None


def goldens(folder: Path = GOLDEN) -> Iterator[Golden]:
    """The notes in a folder, by name."""
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        yield Golden(
            told["file"],
            told.get("page", 0),
            tuple((level, text) for level, text in told.get("headings", ())),
            tuple(map(tuple, told.get("table", ()))),
            tuple(told.get("items", ())),
            "\n".join(told.get("text", ())),
            tuple((text, place) for text, place in told["sentences"]),
        )


def scores(golden: Golden, view: View | None) -> GoldenScores:
    """How well a document was read; 0 for one that was not."""
    seen = view or View("", (), (), ())
    tables = [table_similarity(golden.table, table) for table in seen.tables]
    items = {plain(item) for item in seen.items}
    found = [plain(without_mark(item)) in items for item in golden.items]
    return GoldenScores(
        text_similarity(plain(golden.text), plain(seen.text)) if golden.text else None,
        heading_similarity(golden.headings, seen.headings) if golden.headings else None,
        max(tables, default=0.0) if golden.table else None,
        sum(found) / len(found) if found else None,
    )
