"""A question and its answer."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, StringConstraints
from pydantic import model_validator as validator
from pydantic_core import PydanticCustomError

from rag.index import Snapshot
from rag.schemas.base import Fields, IndexModel, Model, Request, refuse_nul
from rag.schemas.citations import Boxes, CitationModel, citation_json
from rag.types import (
    MAX_TOP_K,
    Answer,
    CitedPassage,
    Explanation,
    Filters,
    Finding,
    Mode,
    Scores,
    Span,
)

MAX_QUESTION = 2000
MAX_FILTER_IDS = 100
MAX_FILTER_LENGTH = 1000
MAX_TYPES = 20

_encode = msgspec.json.Encoder().encode

ALIASES = {"query": "question", "limit": "top_k"}

# Letters and marks that show nothing, beyond the characters of the classes Z, Cc, Cf and Cs.
_BLANKS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0") | {
    chr(c) for c in range(0xFE00, 0xFE10)
}


def refuse_invisible(text: str) -> str:
    """The text itself; raises if no character of it can be seen."""
    if not any(_is_visible(character) for character in text):
        raise PydanticCustomError("empty_question", "the question is empty")
    return text


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return not (category[0] == "Z" or category in ("Cc", "Cf", "Cs") or character in _BLANKS)


QuestionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_QUESTION),
    AfterValidator(refuse_nul),
    AfterValidator(refuse_invisible),
]
FilterText = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_FILTER_LENGTH), AfterValidator(refuse_nul)
]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class FiltersModel(Request):
    """Restricts the search. An empty list or null does not restrict."""

    document_id: (
        Annotated[tuple[FilterText, ...], Field(max_length=MAX_FILTER_IDS, fail_fast=True)] | None
    ) = Field(default=None, description="only these documents")
    section: FilterText | None = Field(
        default=None, description="only sections under a heading of this text, ignoring case"
    )
    folder: FilterText | None = Field(
        default=None, description="only documents in this folder of the corpus or below it"
    )
    type: Annotated[tuple[FilterText, ...], Field(max_length=MAX_TYPES)] | None = Field(
        default=None, description="only documents whose names end so: `pdf`, for example"
    )
    since: Day | None = Field(
        default=None, description="only documents changed, or else written, on this day or later"
    )
    until: Day | None = Field(
        default=None, description="only documents changed, or else written, on this day or before"
    )

    def filters(self) -> Filters:
        """The same as the library takes them."""
        return Filters(
            self.document_id or (),
            self.section,
            self.folder,
            self.type or (),
            self.since,
            self.until,
        )


@cache
def ask_example() -> Any:
    """A real answer of the sample corpus, as JSON values; a test compares it with today's.

    To make it again: `rag ask QUESTION --top-k 1 --json > rag/schemas/ask_example.json`.
    """
    return json.loads((files("rag.schemas") / "ask_example.json").read_bytes())


def _declare_aliases(schema: dict[str, Any]) -> None:
    """Adds to the JSON schema what `AliasChoices` accepts and `_one_name_each` refuses."""
    properties = schema["properties"]
    properties["question"]["minLength"] = 1
    for alias, name in ALIASES.items():
        properties[alias] = {**properties[name], "description": f"another name for `{name}`"}
    schema.pop("required")
    schema["oneOf"] = [{"required": ["question"]}, {"required": ["query"]}]
    schema["not"] = {"required": ["top_k", "limit"]}
    schema["examples"] = [
        {"question": ask_example()["question"]},
        {
            "question": "Who is treated?",
            "top_k": 3,
            "mode": "hybrid",
            "filters": {"document_id": ["car-t-lupus.md"], "section": "FAQ"},
        },
    ]


class AskRequest(Request):
    """A question to the documents."""

    model_config = ConfigDict(json_schema_extra=_declare_aliases)

    question: QuestionText = Field(
        validation_alias=AliasChoices("question", "query"),
        description="up to 2,000 characters, at least one of them visible",
    )
    top_k: int = Field(
        default=5,
        strict=True,
        ge=1,
        le=MAX_TOP_K,
        validation_alias=AliasChoices("top_k", "limit"),
        description="how many passages at most",
    )
    mode: Mode = Field(default="hybrid", description="`dense` and `bm25` use one signal alone")
    filters: FiltersModel = FiltersModel()
    explain: bool = Field(False, strict=True, description="explain the rank of each passage")
    generate: bool = Field(
        False, strict=True, description="also stream what a language model writes from the passages"
    )

    @validator(mode="before")
    @classmethod
    def _one_name_each(cls, given: object) -> object:
        for alias, name in ALIASES.items():
            if isinstance(given, dict) and alias in given and name in given:
                raise PydanticCustomError(
                    "ambiguous_field",
                    "{alias} is another name for {name}: give one of them",
                    {"alias": alias, "name": name},
                )
        return given

    @property
    def key(self) -> tuple[object, ...]:
        """What the answer depends on. Requests that mean the same have the same key."""
        return (self.question, self.top_k, self.mode, self.filters.filters(), self.explain)

    @classmethod
    def known_fields(cls) -> Fields:
        """The fields of the request, by both their names, and of `filters`."""
        names = frozenset({*cls.model_fields, *ALIASES})
        return {"": names, "filters": frozenset(FiltersModel.model_fields)}


class SpanModel(Model):
    """A part of a document's text, `text[char_start:char_end]`, and where a PDF shows it."""

    char_start: int
    char_end: int
    boxes: Boxes = ()


class HitModel(Model):
    """A passage that was found. `highlights` are the sentences that answer, in the document.

    `explanation` is null unless it was asked for.
    """

    rank: int
    passage_id: str
    text: str
    score: float
    scores: Scores
    highlights: tuple[SpanModel, ...]
    citation: CitationModel
    explanation: Explanation | None = None


class QuoteModel(Model):
    """A part of a document that answers: `text[char_start:char_end]` of its text is `text`.

    `citation` is the `rank` of its passage.
    """

    text: str
    citation: int
    passage_id: str
    document_id: str
    char_start: int
    char_end: int


class AnswerModel(Model):
    """What answers the question, at least one quote, in the order of the passages."""

    quotes: tuple[QuoteModel, ...]


class AskResponse(Model):
    """The answer to a question: what answers, quoted exactly, and the passages, best first.

    `confidence` is the probability, 0 to 1, that they answer it, and `verdict` says it in a word.
    If the documents do not seem to answer, the verdict is `not_found`, `abstained` is true,
    `answer` is null, and the passages are only the nearest, without highlights. `missing` then says
    what the first one lacks, in the question's words, and `message` says all that in a sentence.
    `notices` is what the documents quoted want to be said with them.
    `message` also says how many ids of `filters.document_id` name no document.
    """

    question: str
    verdict: Finding
    abstained: bool
    confidence: float
    answer: AnswerModel | None
    notices: tuple[str, ...]
    missing: tuple[str, ...]
    message: str | None
    passages: tuple[HitModel, ...]
    index: IndexModel
    took_ms: float


def answer_json(answer: Answer, snapshot: Snapshot, note: str | None = None) -> bytes:
    """The JSON of an `AskResponse` that has taken no time; `note` is added to its message.

    It is written without the models, whose validation would take longer than all else that HTTP
    does for a question. A test compares the two.
    """
    return _encode(
        {
            "question": answer.question,
            "verdict": answer.verdict,
            "abstained": answer.abstained,
            "confidence": _finite(answer.confidence),
            "answer": None if answer.abstained else {"quotes": answer.quotes},
            "notices": answer.notices,
            "missing": answer.missing,
            "message": " ".join(filter(None, (answer.message, note))) or None,
            "passages": [_hit(cited) for cited in answer.passages],
            "index": {"version": snapshot.id, "model": snapshot.manifest.model.name},
            "took_ms": 0.0,
        }
    )


def timed(written: bytes, took_ms: float) -> bytes:
    """The answer that `answer_json` wrote, with the time that it took."""
    return b"%s%s}" % (written.removesuffix(b"0.0}"), _encode(round(took_ms, 3)))


def _hit(cited: CitedPassage) -> dict[str, object]:
    hit = cited.hit
    return {
        "rank": cited.rank,
        "passage_id": hit.passage.id,
        "text": hit.passage.text,
        "score": _finite(hit.score),
        "scores": hit.scores,
        "highlights": [_span(span) for span in cited.highlights],
        "citation": citation_json(cited.citation),
        "explanation": cited.explanation,
    }


def _span(span: Span) -> dict[str, object]:
    found: dict[str, object] = {"char_start": span.char_start, "char_end": span.char_end}
    return {**found, "boxes": span.boxes} if span.boxes else found


def _finite(number: float) -> float:
    """The number itself. Raises ValueError for NaN and infinity, which JSON does not have."""
    if not isfinite(number):
        raise ValueError(f"{number} in an answer")
    return number
