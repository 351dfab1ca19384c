"""What changed from one snapshot to another: documents, passages, and answers to questions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from rag.answering import ask
from rag.encoders import Encoder
from rag.errors import UsageError
from rag.index import Snapshot
from rag.types import Passage

SHOWN = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A passage and the line, counted from 1, in which it begins."""

    line: int
    passage: Passage

    def to_json(self) -> dict[str, Any]:
        """The place as plain JSON values."""
        return {"line": self.line, **asdict(self.passage)}


@dataclass(frozen=True, slots=True)
class Change:
    """A passage before and after; None where there was none or is none any more."""

    before: Place | None
    after: Place | None

    @property
    def sign(self) -> str:
        """`+` for added, `-` for removed, `~` for changed."""
        return "~" if self.before and self.after else "+" if self.after else "-"

    def to_json(self) -> dict[str, Any]:
        """The change as plain JSON values."""
        return {
            "before": self.before and self.before.to_json(),
            "after": self.after and self.after.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Answered:
    """A question whose first passage changed; None where the documents do not seem to answer."""

    question: str
    change: Change


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from the snapshot `before` to the snapshot `after`, both given by id.

    `documents` are (sign, id), ordered by id; `passages` in order of document and place. `answers`
    are those that changed, of `asked` questions.
    """

    before: str
    after: str
    documents: tuple[tuple[str, str], ...]
    passages: tuple[Change, ...]
    asked: int
    answers: tuple[Answered, ...]

    def to_json(self) -> dict[str, Any]:
        """The difference as plain JSON values."""
        kinds = (("added", "+"), ("removed", "-"), ("changed", "~"))
        return {
            "before": self.before,
            "after": self.after,
            "documents": {
                kind: [id for found, id in self.documents if found == sign] for kind, sign in kinds
            },
            "passages": {
                kind: [each.to_json() for each in self.passages if each.sign == sign]
                for kind, sign in kinds
            },
            "questions": self.asked,
            "answers": [
                {"question": each.question, **each.change.to_json()} for each in self.answers
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
            section.heading_path[-1]
            for snapshot in snapshots
            for section in snapshot.sections.values()
            if section.kind == "faq"
        }
    )


def read_questions(path: Path) -> list[str]:
    """The field `question` of each line of a JSON-lines file, in order. Raises UsageError."""
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}): give a JSON-lines file") from error
    return [_question(path, number, row) for number, row in enumerate(rows, 1) if row.strip()]


def diff_lines(difference: Diff) -> Iterator[str]:
    """The difference line by line, for people."""
    yield f"documents: {_counted([sign for sign, _ in difference.documents])}"
    yield from (f"{sign} {id}" for sign, id in difference.documents)
    yield f"passages: {_counted([change.sign for change in difference.passages])}"
    yield from (f"{change.sign} {_shown(change)}" for change in difference.passages)
    yield f"answers: {len(difference.answers)} of {difference.asked} changed"
    yield from (f"~ {each.question} {_moved(each.change)}" for each in difference.answers)


def _document_changes(before: Snapshot, after: Snapshot) -> list[tuple[str, str]]:
    old, new = before.documents, after.documents
    signs = {id: "+" for id in new if id not in old} | {id: "-" for id in old if id not in new}
    signs |= {id: "~" for id in new if id in old and old[id].sha256 != new[id].sha256}
    return [(signs[id], id) for id in sorted(signs)]


def _passage_changes(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    old, new = _by_document(before), _by_document(after)
    for id in sorted({*old, *new}):
        was, is_ = old.get(id, []), new.get(id, [])
        matcher = SequenceMatcher(None, _keys(was), _keys(is_), autojunk=False)
        for kind, i, i_end, j, j_end in matcher.get_opcodes():
            if kind != "equal":
                yield from _paired(was[i:i_end], is_[j:j_end])


def _paired(old: Sequence[Place], new: Sequence[Place]) -> Iterator[Change]:
    """Changed is a passage in whose place another of the same section stands."""
    left = list(new)
    for was in old:
        same = (place for place in left if place.passage.section_id == was.passage.section_id)
        is_ = next(same, None)
        if is_:
            left.remove(is_)
        yield Change(was, is_)
    yield from (Change(None, is_) for is_ in left)


def _by_document(snapshot: Snapshot) -> dict[str, list[Place]]:
    places: dict[str, list[Place]] = {}
    for passage in snapshot.passages:
        places.setdefault(passage.document_id, []).append(_place(snapshot, passage))
    return places


def _place(snapshot: Snapshot, passage: Passage) -> Place:
    return Place(snapshot.lines[passage.document_id].line_of(passage.start), passage)


def _keys(places: Sequence[Place]) -> list[tuple[str, str]]:
    return [(place.passage.context, place.passage.text) for place in places]


def _answer_changes(
    before: Snapshot, after: Snapshot, encoder: Encoder, questions: Sequence[str]
) -> Iterator[Answered]:
    for question in questions:
        was, is_ = (_first(snapshot, encoder, question) for snapshot in (before, after))
        if _said(was) != _said(is_):
            yield Answered(question, Change(was, is_))


def _first(snapshot: Snapshot, encoder: Encoder, question: str) -> Place | None:
    answer = ask(snapshot, encoder, question, top_k=1)
    return None if answer.abstained else _place(snapshot, answer.passages[0].hit.passage)


def _said(place: Place | None) -> tuple[str, str] | None:
    return (place.passage.document_id, place.passage.text) if place else None


def _question(path: Path, number: int, row: str) -> str:
    try:
        question = json.loads(row)["question"]
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path}:{number} holds no question: each line must be like "
            '{"question": "Which procedure collects the T cells?"}'
        ) from error
    return str(question)


def _counted(signs: Sequence[str]) -> str:
    kinds = (("added", "+"), ("removed", "-"), ("changed", "~"))
    return ", ".join(f"{signs.count(sign)} {kind}" for kind, sign in kinds)


def _shown(change: Change) -> str:
    place = change.after or change.before
    assert place is not None
    text = " ".join(place.passage.text.split())
    cut = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    return f"{place.passage.document_id}:{place.line} {cut}"


def _moved(change: Change) -> str:
    return " -> ".join(
        f"{place.passage.document_id}:{place.line}" if place else "no answer"
        for place in (change.before, change.after)
    )
