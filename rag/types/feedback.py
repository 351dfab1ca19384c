"""What readers say of answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag.types.answers import Citation

# The passage answers; it does not; the documents have no answer.
Opinion = Literal["helpful", "wrong", "missing"]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a reader said of the answer to a question.

    `created` is in ISO 8601, UTC; `index` is the id of the snapshot that answered. The place that
    it is about is `text[char_start:char_end]` of a document whose text had that `sha256`; its
    fields are None if no place was named.
    """

    id: str
    created: str
    question: str
    verdict: Opinion
    index: str
    comment: str | None = None
    passage_id: str | None = None
    document_id: str | None = None
    sha256: str | None = None
    char_start: int | None = None
    char_end: int | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and the places that answer it; without places, the documents do not answer."""

    question: str
    places: tuple[Citation, ...]
