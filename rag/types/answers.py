"""Questions and answers: filters, hits with their scores, citations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from rag.types.documents import PageBoxes, Passage, Place

Mode = Literal["hybrid", "dense", "bm25"]
# An answer shows at most this many passages, so there are at least as many candidates.
MAX_TOP_K = 50
# The largest share of wrong answers that can be allowed, and the default: people mostly ask what
# their documents do answer, and a passage that is withheld helps nobody.
MAX_RISK = 0.3
# People mostly ask what their documents answer: say nine questions of ten.
ANSWERABLE = 0.9

NO_ANSWER = "The documents do not seem to answer this question."
UNREADABLE = "The model does not know the characters of this question, so it cannot answer it."
NEAREST = "The nearest passages follow."


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a document's text, `text[char_start:char_end]`, with its boxes in a PDF."""

    char_start: int
    char_end: int
    boxes: tuple[PageBoxes, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """The signals behind a hit and their fusion; None for a signal that `mode` leaves out.

    `heading` is the cosine of the question above the passage; its own if there is none.
    """

    dense: float | None
    bm25: float | None
    late: float | None
    heading: float | None
    fused: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a signal counts for a hit: its rank among the candidates, from 1, and its share.

    The shares of a hit's signals add up to its fused score. That of dense is 0 unless it is the
    only signal: it finds candidates, and the heading's cosine ranks them.
    """

    rank: int
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit has its rank; None for a signal that `mode` leaves out.

    `matched` are the question's words, in order, that BM25 found in the passage or its context;
    `missing` are those that neither holds in any form.
    """

    dense: Contribution | None
    bm25: Contribution | None
    late: Contribution | None
    heading: Contribution | None
    matched: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A hit. Lists of hits are best first, ordered by (-score, passage.id)."""

    passage: Passage
    score: float
    scores: Scores


@dataclass(frozen=True, slots=True)
class Citation:
    """The place of a passage. `quote` is `document.text[char_start:char_end]`.

    `sha256` is of the document's canonical text, so that the citation can be checked later. `page`
    is that of a paged file, and `place` the slide, row or anchor in others that have them: of the
    first sentence that answers, or of where the quote begins. `boxes` are the quote's in a PDF.
    """

    document_id: str
    title: str
    media_type: str
    heading_path: tuple[str, ...]
    sha256: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    page: int | None
    place: Place | None
    quote: str
    boxes: tuple[PageBoxes, ...] = ()


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A hit with its citation, the spans of the sentences that answer, and, if asked for, why."""

    rank: int
    hit: ScoredPassage
    citation: Citation
    highlights: tuple[Span, ...]
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What answers: `document.text[char_start:char_end] == text`, always.

    `citation` is the rank of the passage that it stands in.
    """

    text: str
    citation: int
    passage_id: str
    document_id: str
    char_start: int
    char_end: int


@dataclass(frozen=True, slots=True)
class Stages:
    """How many seconds each stage of an answer took."""

    encode: float = 0.0
    search: float = 0.0
    cite: float = 0.0


# Whether the passages answer: surely enough for the risk that is allowed, perhaps, or not.
Finding = Literal["answered", "maybe", "not_found"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The passages for a question, best first.

    `confidence` is the probability in [0, 1] that they answer it, and `verdict` says it in a word.
    `quotes` are the sentences or rows that answer, at least one; `notices` is what the documents
    quoted want to be said with them. If the verdict is `not_found`, there are neither: the passages
    are only the nearest, and `missing` is what the first one lacks, in the question's words.
    `unreadable`: the model does not know the question's characters. Equal answers may have taken
    different time in their `stages`.
    """

    question: str
    passages: tuple[CitedPassage, ...]
    confidence: float
    verdict: Finding
    quotes: tuple[Quote, ...] = ()
    notices: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unreadable: bool = False
    stages: Stages = field(default=Stages(), compare=False, repr=False)

    @property
    def abstained(self) -> bool:
        """Whether the documents do not seem to answer."""
        return self.verdict == "not_found"

    @property
    def message(self) -> str | None:
        """An abstention in plain words; None if the passages seem to answer."""
        if not self.abstained:
            return None
        said = [UNREADABLE if self.unreadable else NO_ANSWER]
        if self.missing:
            said.append(f"Not found: {', '.join(self.missing)}.")
        return " ".join([*said, NEAREST] if self.passages else said)


@dataclass(frozen=True, slots=True)
class Caution:
    """When to abstain, and what a confidence means.

    `risk` is the share of wrong answers that is allowed for if half of the questions have no
    answer; `answerable` is the share of questions that the documents are expected to answer.
    """

    risk: float = MAX_RISK
    answerable: float = ANSWERABLE


DEFAULT_CAUTION = Caution()


@dataclass(frozen=True, slots=True)
class Filters:
    """Restricts a search; an empty tuple or None does not. `section` is a heading, in any case.

    `folder` and `type` are of the documents' ids: the folder that they are in or below, and how
    their file names end (`pdf`). `since` and `until` are dates (`2026-03-01`), both included: of
    the last change, or else of the writing; documents without a date are left out.
    """

    document_id: tuple[str, ...] = ()
    section: str | None = None
    folder: str | None = None
    type: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None


NO_FILTERS = Filters()
