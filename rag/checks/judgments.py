"""Questions judged by readers: what all feedback together says of each question.

The last word counts. A question is answered by the places that were called helpful since it was
last called missing, without those that were then called wrong. The places are found again by
`verify`, so feedback survives changes of the documents elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rag.answering import verify
from rag.checks.faq_support import drawing_order, question_key
from rag.index import Snapshot
from rag.types import Feedback, Judged, SavedCitation

NO_PLACE = "no passage was named"
ALL_WRONG = "only wrong passages were named"
NOT_THERE = "the passage is no more in the documents"


@dataclass(frozen=True, slots=True)
class Judgments:
    """The judged questions, and how many others could not be used, by the reason."""

    questions: tuple[Judged, ...]
    unused: Mapping[str, int]


@dataclass(slots=True)
class _Said:
    """What has been said of a question: the helpful places, by document and quote."""

    question: str
    places: dict[tuple[str, str], SavedCitation] = field(default_factory=dict)
    missing: bool = False
    named: bool = False


def judgments(snapshot: Snapshot, given: Iterable[Feedback]) -> Judgments:
    """The questions judged by feedback, given oldest first, in that snapshot's documents.

    They are in `drawing_order`.
    """
    said: dict[str, _Said] = {}
    for each in given:
        _hear(said.setdefault(question_key(each.question), _Said(each.question)), each)
    unused: Counter[str] = Counter()
    found = []
    for key in sorted(said, key=drawing_order):
        judged = _judged(snapshot, said[key])
        if isinstance(judged, Judged):
            found.append(judged)
        else:
            unused[judged] += 1
    return Judgments(tuple(found), dict(sorted(unused.items())))


def _hear(said: _Said, each: Feedback) -> None:
    saved = _saved(each)
    said.named |= saved is not None
    if each.verdict == "missing":
        said.places.clear()
        said.missing = True
    elif saved is not None and each.verdict == "helpful":
        said.places[saved.document_id, saved.quote or ""] = saved
        said.missing = False
    elif saved is not None:
        said.places.pop((saved.document_id, saved.quote or ""), None)


def _judged(snapshot: Snapshot, said: _Said) -> Judged | str:
    """The judgment, or why there is none."""
    if said.missing:
        return Judged(said.question, ())
    if not said.places:
        return ALL_WRONG if said.named else NO_PLACE
    verdicts = verify(snapshot, list(said.places.values()))
    places = tuple(each.citation for each in verdicts if each.citation)
    return Judged(said.question, places) if places else NOT_THERE


def _saved(each: Feedback) -> SavedCitation | None:
    if each.document_id is None or each.sha256 is None or not each.quote:
        return None
    start, end = each.char_start or 0, each.char_end or 0
    return SavedCitation(each.document_id, each.sha256, start, end, each.quote)
