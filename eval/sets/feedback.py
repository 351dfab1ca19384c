"""An eval set made of readers' feedback: questions with the passages that answer, and without any.

The passages were found by the service that they judge, so a set of feedback alone favours it:
questions whose right passage it never showed are not in it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.sets.evalset import EvalSet, read_set, write_set
from eval.sets.faq import query_id
from rag.checks import judgments
from rag.index import Snapshot
from rag.types import Citation, Feedback, Judged, Section
from rag.types.errors import UsageError

QUESTIONS = "questions.jsonl"
IN_FAQ = "the passage is an FAQ pair, which an evaluation leaves out of the index"


@dataclass(frozen=True, slots=True)
class FeedbackSet:
    """The rows of `questions.jsonl`, and how many questions are left out, by the reason."""

    rows: tuple[Mapping[str, Any], ...]
    unused: Mapping[str, int]

    @property
    def answerable(self) -> int:
        """How many of the questions have an answer."""
        return sum(row["answerable"] for row in self.rows)


def feedback_set(snapshot: Snapshot, given: Sequence[Feedback]) -> FeedbackSet:
    """The questions that the feedback judges, in that snapshot's documents.

    Raises UsageError if no question has a passage that answers: no figure can rest on that.
    """
    found = judgments(snapshot, given)
    unused = Counter(found.unused)
    rows = []
    for judged in found.questions:
        gold = [_gold(section, place) for section, place in _in_body(snapshot, judged)]
        if judged.places and not gold:
            unused[IN_FAQ] += 1
        else:
            rows.append(_row(judged, gold))
    made = FeedbackSet(tuple(rows), dict(sorted(unused.items())))
    if not made.answerable:
        raise UsageError(
            f"no eval set: {len(given)} rows of feedback name no passage that answers"
            + "".join(f"; {count} questions: {why}" for why, count in made.unused.items())
        )
    return made


def write_feedback_set(folder: Path, made: FeedbackSet, corpus_sha256: str) -> None:
    """Writes the set as `rag eval run` reads it. Raises UsageError if another set is there."""
    if (folder / QUESTIONS).exists() and not _is_ours(folder):
        raise UsageError(f"{folder} holds questions of another kind: choose another folder")
    evalset = EvalSet(
        name=folder.resolve().name,
        kind="documents",
        origin="feedback",
        corpus_sha256=corpus_sha256,
        pairs=0,
        queries=(),
        qrels={},
        doubts=(),
        confidence={},
        trust=None,
    )
    write_set(folder, evalset)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in made.rows)
    (folder / QUESTIONS).write_text("".join(lines), encoding="utf-8")


def _is_ours(folder: Path) -> bool:
    return (folder / "set.json").is_file() and read_set(folder).origin == "feedback"


def _in_body(snapshot: Snapshot, judged: Judged) -> list[tuple[Section, Citation]]:
    """The places that one section of a document holds, beside its FAQ."""
    return [
        (section, place)
        for place in judged.places
        for section in snapshot.sections_of(place.document_id)
        if section.kind == "body" and section.start <= place.char_start
        if place.char_end <= section.end
    ]


def _gold(section: Section, place: Citation) -> dict[str, str]:
    return {"quote": place.quote, "section": " > ".join(section.heading_path)}


def _row(judged: Judged, gold: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "id": query_id(judged.question),
        "question": judged.question,
        "kind": "feedback",
        "answerable": bool(gold),
        "near": None,
        "split": "test",
        "gold": gold,
    }
