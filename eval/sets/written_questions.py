"""Written questions on a corpus: gold spans, a train/test split, and ones it does not answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eval.sets.evalset import EvalQuery
from rag.documents import json_lines
from rag.types import Document, Section
from rag.types.errors import UsageError


@dataclass(frozen=True, slots=True)
class Written:
    """A written question; its `query.answer` is the gold text, and `grades` its gold sections.

    `near`: of an unanswerable one, whether it is near the corpus's topic.
    """

    query: EvalQuery
    kind: str
    split: Literal["train", "test"]
    answerable: bool
    near: bool | None
    grades: Mapping[str, int]


def read_written(
    path: Path, documents: Mapping[str, Document], sections: Iterable[Section]
) -> list[Written]:
    """The questions of a file, in its order; UsageError if a quote is not in the corpus."""
    body = [section for section in sections if section.kind == "body"]
    return [_written(path, number, row, documents, body) for number, row in json_lines(path)]


def _written(
    path: Path,
    number: int,
    row: Mapping[str, Any],
    documents: Mapping[str, Document],
    sections: list[Section],
) -> Written:
    missing = [
        name for name in ("id", "question", "answerable", "split", "gold") if name not in row
    ]
    if missing:
        raise UsageError(f"{path}:{number}: a question needs {', '.join(missing)}")
    where = f"{path}:{number}"
    if row["split"] not in ("train", "test"):
        raise UsageError(f"{where}: split is {row['split']!r}, expected train or test")
    if any(not gold.get("quote") for gold in row["gold"]):
        raise UsageError(f"{where}: each gold needs a quote")
    if bool(row["gold"]) != bool(row["answerable"]):
        raise UsageError(f"{where}: {row['id']} must have gold if it is answerable, and only then")
    quotes = [str(gold["quote"]) for gold in row["gold"]]
    found = [_section(where, gold, documents, sections) for gold in row["gold"]]
    return Written(
        query=EvalQuery(str(row["id"]), str(row["question"]), "\n".join(quotes), ()),
        kind=str(row.get("kind", "")),
        split=row["split"],
        answerable=bool(row["answerable"]),
        near=row.get("near"),
        grades=dict.fromkeys(found, 2),
    )


def _section(
    where: str,
    gold: Mapping[str, str],
    documents: Mapping[str, Document],
    sections: list[Section],
) -> str:
    """The id of the section that holds the quote; of several, the one that the gold names."""
    holding = [
        section
        for section in sections
        if gold["quote"] in documents[section.document_id].text[section.start : section.end]
    ]
    named = [s for s in holding if " > ".join(s.heading_path) == gold.get("section")]
    if not holding:
        raise UsageError(
            f"{where}: no section of the corpus holds {gold['quote'][:60]!r}: the corpus was "
            "changed or is another one; quote it as it stands"
        )
    return (named or holding)[0].id
