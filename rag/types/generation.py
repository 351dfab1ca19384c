"""What a language model writes from passages, and whether they say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag.types.answers import Quote, Span
from rag.types.documents import Passage


@dataclass(frozen=True, slots=True)
class Support:
    """How much of a sentence passages hold.

    `score`, in [0, 1], is that of the best `passage`, and `nearest` the place of the sentence of it
    that holds most. `missing` are the numbers and identifiers that no passage holds. `holds`: the
    score reaches the model's threshold, and nothing is missing.
    """

    score: float
    passage: Passage
    nearest: Span
    missing: tuple[str, ...]
    holds: bool


# Why a sentence is not supported.
Unsupported = Literal["no_citation", "unknown_passage", "not_in_passage"]


@dataclass(frozen=True, slots=True)
class GeneratedSentence:
    """A sentence that was written, and the ranks of the passages that it cites, from 1.

    `supported`: they hold what it says, by the `score` and by its numbers (`Support`), and `quotes`
    are the sentences that say so. Otherwise `reason` says why not: it cites nothing, or a passage
    that was not given, or what it says is not there; `missing` are then its numbers and identifiers
    that are not.
    """

    text: str
    citations: tuple[int, ...]
    supported: bool
    score: float
    reason: Unsupported | None = None
    missing: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()


# How it ended: `declined` if the model says that the passages do not answer, `abstained` if the
# answer does, so that nothing was asked of the model.
Ending = Literal["complete", "declined", "abstained", "failed"]


@dataclass(frozen=True, slots=True)
class GenerationEnd:
    """How it ended."""

    status: Ending
