"""What changed from one snapshot to another: documents, passages, and answers to questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any

from rag.answering import ask
from rag.documents import faq_pairs
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import Passage

SHOWN = 60
KINDS = {"+": "added", "-": "removed", "~": "changed"}


@dataclass(frozen=True, slots=True)
class PlacedPassage:
    """A passage and the line, counted from 1, in which it begins."""

    line: int
    passage: Passage

    def __str__(self) -> str:
        return f"{self.passage.document_id}:{self.line}"

    def to_json(self) -> dict[str, Any]:
        """The place as plain JSON values."""
        return {"line": self.line, **asdict(self.passage)}


@dataclass(frozen=True, slots=True)
class Change:
    """A passage before and after, of which one may be None.

    In `Diff.passages`, None says that there is no such passage; in `Diff.answers`, that the
    documents do not answer the question.
    """

    before: PlacedPassage | None
    after: PlacedPassage | None

    @property
    def sign(self) -> str:
        """`+` for added, `-` for removed, `~` for changed."""
        return "~" if self.before and self.after else "+" if self.after else "-"

    def __str__(self) -> str:
        place = self.after or self.before
        text = " ".join(place.passage.text.split()) if place else ""
        return f"{self.sign} {place} {text if len(text) <= SHOWN else f'{text[:SHOWN]}…'}"

    def to_json(self) -> dict[str, Any]:
        """The change as plain JSON values."""
        return {
            "before": self.before and self.before.to_json(),
            "after": self.after and self.after.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from the snapshot with the id `before` to the one with the id `after`.

    `documents` are (sign, id), ordered by id; `passages` are in order of document and place.
    `answers` are questions with the change of their first passage: those that changed, of `asked`.
    """

    before: str
    after: str
    documents: tuple[tuple[str, str], ...]
    passages: tuple[Change, ...]
    asked: int
    answers: tuple[tuple[str, Change], ...]

    def lines(self) -> Iterator[str]:
        """The difference line by line, for people."""
        yield f"documents: {_counts([sign for sign, _ in self.documents])}"
        yield from (f"{sign} {id}" for sign, id in self.documents)
        yield f"passages: {_counts([change.sign for change in self.passages])}"
        yield from map(str, self.passages)
        yield f"answers: {len(self.answers)} of {self.asked} changed"
        for question, change in self.answers:
            was, now = (place or "no answer" for place in (change.before, change.after))
            yield f"~ {question} {was} -> {now}"

    def to_json(self) -> dict[str, Any]:
        """The difference as plain JSON values."""
        return {
            "before": self.before,
            "after": self.after,
            "documents": {
                kind: [id for found, id in self.documents if found == sign]
                for sign, kind in KINDS.items()
            },
            "passages": {
                kind: [each.to_json() for each in self.passages if each.sign == sign]
                for sign, kind in KINDS.items()
            },
            "questions": self.asked,
            "answers": [
                {"question": question, **change.to_json()} for question, change in self.answers
            ],
        }


def diff(
    before: Snapshot, after: Snapshot, encoder: Encoder | None, questions: Sequence[str]
) -> Diff:
    """What changed between the snapshots; without an encoder no question is asked."""
    asked = questions if encoder else ()
    return Diff(
        before=before.id,
        after=after.id,
        documents=tuple(_document_changes(before, after)),
        passages=tuple(_passage_changes(before, after)),
        asked=len(asked),
        answers=tuple(_answer_changes(before, after, encoder, asked)) if encoder else (),
    )


def faq_questions(*snapshots: Snapshot) -> list[str]:
    """The questions of all FAQ pairs in the snapshots, each once, sorted."""
    return sorted(
        {
            pair.question
            for snapshot in snapshots
            for pair in faq_pairs(snapshot.documents, snapshot.sections.faq_pairs())
        }
    )


def _document_changes(before: Snapshot, after: Snapshot) -> Iterator[tuple[str, str]]:
    old, new = before.documents, after.documents
    for id in sorted({*old, *new}):
        if id not in old or id not in new:
            yield "-" if id in old else "+", id
        elif old[id].sha256 != new[id].sha256:
            yield "~", id


def _passage_changes(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old, new = _by_document(before), _by_document(after)
    for id in sorted({*old, *new}):
        was, now = old.get(id, []), new.get(id, [])
        matcher = SequenceMatcher(None, _keys(was), _keys(now), autojunk=False)
        for kind, i, i_end, j, j_end in matcher.get_opcodes():
            if kind != "equal":
                yield from _paired(was[i:i_end], now[j:j_end])


def _paired(old: Sequence[PlacedPassage], new: Sequence[PlacedPassage]) -> Iterator[Change]:
    """A passage has changed if another one of its section has taken its place."""
    left = list(new)
    for was in old:
        same = (place for place in left if place.passage.section_id == was.passage.section_id)
        now = next(same, None)
        if now:
            left.remove(now)
        yield Change(was, now)
    yield from (Change(None, now) for now in left)


def _by_document(snapshot: Snapshot) -> dict[str, list[PlacedPassage]]:
    return {
        id: [_place(snapshot, snapshot.passages[row]) for row in rows]
        for id in snapshot.documents
        if (rows := snapshot.rows_of(id))
    }


def _place(snapshot: Snapshot, passage: Passage) -> PlacedPassage:
    return PlacedPassage(snapshot.lines(passage.document_id).line_of(passage.start), passage)


def _keys(places: Sequence[PlacedPassage]) -> list[tuple[str, str]]:
    return [(place.passage.context, place.passage.text) for place in places]


def _answer_changes(
    before: Snapshot, after: Snapshot, encoder: Encoder, questions: Sequence[str]
) -> Iterator[tuple[str, Change]]:
    for question in questions:
        was, now = (_first(snapshot, encoder, question) for snapshot in (before, after))
        if _said(was) != _said(now):
            yield question, Change(was, now)


def _first(snapshot: Snapshot, encoder: Encoder, question: str) -> PlacedPassage | None:
    answer = ask(snapshot, encoder, question, top_k=1)
    return None if answer.abstained else _place(snapshot, answer.passages[0].hit.passage)


def _said(place: PlacedPassage | None) -> tuple[str, str] | None:
    return (place.passage.document_id, place.passage.text) if place else None


def _counts(signs: Sequence[str]) -> str:
    return ", ".join(f"{signs.count(sign)} {kind}" for sign, kind in KINDS.items())
