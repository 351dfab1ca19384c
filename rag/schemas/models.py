"""What the service reads and writes as JSON."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rag.answering import Status, Verdict
from rag.index import Snapshot
from rag.types import (
    MAX_TOP_K,
    Answer,
    Citation,
    CitedPassage,
    Document,
    Filters,
    Mode,
    Section,
    SectionKind,
)

# The names of the fields that an object may have, by the name under which it stands; "" for the
# request itself.
Fields = Mapping[str, frozenset[str]]

MAX_QUESTION = 2000
MAX_FILTER_IDS = 100
MAX_FILTER_LENGTH = 1000

# Characters of a text, and sections, that are encoded at once: nothing else runs meanwhile.
PIECE = 32 * 1024
PIECE_SECTIONS = 200

ALIASES = {"query": "question", "limit": "top_k"}

# Letters and marks that show nothing, beside the characters of the classes Z, Cc, Cf and Cs.
_BLANKS = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0") | {
    chr(c) for c in range(0xFE00, 0xFE10)
}


def refuse_nul(text: str) -> str:
    """The text itself; raises where it holds U+0000."""
    if "\0" in text:
        raise PydanticCustomError("nul_character", "U+0000 is not allowed")
    return text


def refuse_invisible(text: str) -> str:
    """The text itself; raises where no character of it can be seen."""
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


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Response(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class FiltersModel(_Request):
    """Restricts the search. An empty list or null does not restrict."""

    document_id: (
        Annotated[tuple[FilterText, ...], Field(max_length=MAX_FILTER_IDS, fail_fast=True)] | None
    ) = Field(default=None, description="only these documents")
    section: FilterText | None = Field(
        default=None, description="only sections under a heading of this text, ignoring case"
    )

    def filters(self) -> Filters:
        """The same as the library takes them."""
        return Filters(self.document_id or (), self.section)


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
        {"question": "Which procedure collects the T cells?"},
        {
            "question": "Who is treated?",
            "top_k": 3,
            "mode": "hybrid",
            "filters": {"document_id": ["car-t-lupus.md"], "section": "FAQ"},
        },
    ]


class AskRequest(_Request):
    """A question to the documents."""

    model_config = ConfigDict(json_schema_extra=_declare_aliases)

    question: QuestionText = Field(
        validation_alias=AliasChoices("question", "query"),
        description="up to 2,000 characters, of which one can be seen",
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
    explain: bool = Field(
        False, strict=True, description="say of each passage why it stands where it does"
    )

    @model_validator(mode="before")
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


ASK_FIELDS: Fields = {
    "": frozenset({*AskRequest.model_fields, *ALIASES}),
    "filters": frozenset(FiltersModel.model_fields),
}


class SpanModel(_Response):
    """A part of the document's canonical text, in characters: 0-based, half-open."""

    char_start: int
    char_end: int


class ScoresModel(_Response):
    """The signals behind a hit; one that `mode` leaves out is null."""

    dense: float | None
    bm25: float | None
    late: float | None
    heading: float | None
    fused: float


class ContributionModel(_Response):
    """A signal's rank of the passage among the candidates, and its share of the fused score."""

    rank: int
    share: float


class ExplanationModel(_Response):
    """Why a passage stands where it does; a signal that `mode` leaves out is null.

    `matched` are the question's words that BM25 found in the passage or its headings.
    """

    dense: ContributionModel | None
    bm25: ContributionModel | None
    late: ContributionModel | None
    heading: ContributionModel | None
    matched: tuple[str, ...]


class CitationModel(_Response):
    """Where a passage stands: `text[char_start:char_end]` of the document is its text.

    Lines and pages are 1-based. `sha256` is of the document's canonical text in UTF-8. `url` opens
    the document at that place.
    """

    document_id: str
    title: str
    heading_path: tuple[str, ...]
    sha256: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    page: int | None
    url: str


class HitModel(_Response):
    """A passage that was found. `highlights` are the sentences that answer, in the document.

    `explanation` is null unless it was asked for.
    """

    rank: int
    passage_id: str
    text: str
    score: float
    scores: ScoresModel
    highlights: tuple[SpanModel, ...]
    citation: CitationModel
    explanation: ExplanationModel | None = None


class IndexModel(_Response):
    """The index that answered."""

    version: str
    model: str


ASK_EXAMPLE = {
    "question": "Which procedure collects the T cells?",
    "abstained": False,
    "confidence": 0.97,
    "message": None,
    "passages": [
        {
            "rank": 1,
            "passage_id": "9f2c51d0a3be",
            "text": "The T cells are collected by leukapheresis.",
            "score": 0.83,
            "scores": {
                "dense": 0.61,
                "bm25": 9.4,
                "late": 0.74,
                "heading": 0.61,
                "fused": 0.83,
            },
            "highlights": [{"char_start": 1203, "char_end": 1246}],
            "citation": {
                "document_id": "car-t-lupus.md",
                "title": "CAR T cells against lupus",
                "heading_path": ["Treatment Protocol"],
                "sha256": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
                "char_start": 1203,
                "char_end": 1246,
                "line_start": 41,
                "line_end": 41,
                "page": None,
                "url": "/?document=car-t-lupus.md#c1203-1246",
            },
        }
    ],
    "index": {"version": "5b1e0c9d7a42", "model": "all-MiniLM-L6-v2"},
    "took_ms": 38.2,
}


class AskResponse(_Response):
    """The passages for a question, best first.

    `confidence` is the probability, 0 to 1, that they answer it. If the documents do not seem to
    answer, `abstained` is true, `message` says so, and the passages are merely the nearest.
    `message` also says how many ids of `filters.document_id` name no document.
    """

    question: str
    abstained: bool
    confidence: float
    message: str | None
    passages: tuple[HitModel, ...]
    index: IndexModel
    took_ms: float


class DocumentEntry(_Response):
    """A document of the index. `characters`, `sections` and `passages` are their numbers."""

    id: str
    title: str
    source: str
    sha256: str
    characters: int
    sections: int
    passages: int


class DocumentsResponse(_Response):
    """Documents of the index, in its order.

    `next` is what to give as `after` for those that follow; null if none do.
    """

    documents: tuple[DocumentEntry, ...]
    next: str | None


class SectionModel(_Response):
    """A headed part of a document: `text[start:end]`."""

    id: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    kind: SectionKind


class DocumentResponse(_Response):
    """A document's canonical text, into which all offsets point, and its sections in order."""

    id: str
    title: str
    source: str
    sha256: str
    text: str
    sections: tuple[SectionModel, ...]


class PassageResponse(_Response):
    """A passage by its id."""

    passage_id: str
    section_id: str
    text: str
    citation: CitationModel


class EditModel(_Response):
    """A run of text: in the quote and in what is there now, or in one of them only."""

    kind: Literal["same", "removed", "added"]
    text: str


class VerdictModel(_Response):
    """What became of a citation; `detail` says why.

    `citation` is where the quote stands now, if `valid` or `moved`: of `places` places the nearest
    to the old one. If `changed`, `closest` is what is most like the quote near its old place, and
    `diff` leads from the quote to it; null and empty where nothing is like it.
    """

    status: Status
    detail: str
    citation: CitationModel | None
    places: int
    closest: CitationModel | None
    diff: tuple[EditModel, ...]


class VerifyResponse(_Response):
    """A verdict on each citation, in their order, by the index that is named."""

    results: tuple[VerdictModel, ...]
    index: IndexModel


class HealthResponse(_Response):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class ReadyResponse(_Response):
    """An index is loaded: this one.

    `degraded` is what an operator should look into: why another snapshot does not answer, and what
    is damaged on disk of the one that does, as found when it was last `verified` (ISO 8601, UTC).
    """

    status: Literal["ready"] = "ready"
    index: IndexModel
    degraded: tuple[str, ...] = ()
    verified: datetime | None = None


class ProblemModel(_Response):
    """Any refusal or failure (RFC 9457). `code` is for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


def citation_model(citation: Citation) -> CitationModel:
    """The citation with its link; the quote is left out, as the passage's text is the same."""
    place = {name: value for name, value in asdict(citation).items() if name != "quote"}
    document = quote(citation.document_id, safe="")
    url = f"/?document={document}#c{citation.char_start}-{citation.char_end}"
    return CitationModel(**place, url=url)


def verdict_model(verdict: Verdict) -> VerdictModel:
    """The verdict, in the words of the response."""
    citation, closest = (
        None if place is None else citation_model(place)
        for place in (verdict.citation, verdict.closest)
    )
    return VerdictModel(
        status=verdict.status,
        detail=verdict.detail,
        citation=citation,
        places=verdict.places,
        closest=closest,
        diff=tuple(EditModel(kind=edit.kind, text=edit.text) for edit in verdict.diff),
    )


def verify_response(verdicts: Iterable[Verdict], index: IndexModel) -> VerifyResponse:
    """The verdicts, in the words of the response."""
    return VerifyResponse(results=tuple(map(verdict_model, verdicts)), index=index)


def hit_model(cited: CitedPassage) -> HitModel:
    """The hit, in the words of the response."""
    return HitModel(
        rank=cited.rank,
        passage_id=cited.hit.passage.id,
        text=cited.hit.passage.text,
        score=cited.hit.score,
        scores=ScoresModel(**asdict(cited.hit.scores)),
        highlights=tuple(SpanModel(**asdict(span)) for span in cited.highlights),
        citation=citation_model(cited.citation),
        explanation=cited.explanation and ExplanationModel(**asdict(cited.explanation)),
    )


def index_model(snapshot: Snapshot) -> IndexModel:
    """The snapshot, as every answer names it."""
    return IndexModel(version=snapshot.id, model=snapshot.manifest.model.name)


def ask_response(
    answer: Answer, index: IndexModel, took_ms: float, note: str | None = None
) -> AskResponse:
    """The answer, in the words of the response; `note` is added to its message."""
    said = [each for each in (answer.message, note) if each]
    return AskResponse(
        question=answer.question,
        abstained=answer.abstained,
        confidence=answer.confidence,
        message=" ".join(said) or None,
        passages=tuple(hit_model(cited) for cited in answer.passages),
        index=index,
        took_ms=round(took_ms, 3),
    )


def document_pieces(document: Document, sections: Sequence[Section]) -> Iterator[bytes]:
    """`DocumentResponse` as JSON in UTF-8, in pieces that each take a moment to make."""
    whole = DocumentResponse(
        id=document.id,
        title=document.title,
        source=document.source,
        sha256=document.sha256,
        text="",
        sections=(),
    )
    head = whole.model_dump_json(exclude={"text", "sections"}).removesuffix("}")
    yield f'{head},"text":"'.encode()
    for at in range(0, len(document.text), PIECE):
        yield json.dumps(document.text[at : at + PIECE], ensure_ascii=False)[1:-1].encode()
    yield b'","sections":['
    for at in range(0, len(sections), PIECE_SECTIONS):
        models = sections[at : at + PIECE_SECTIONS]
        piece = ",".join(section_model(section).model_dump_json() for section in models)
        yield f"{',' if at else ''}{piece}".encode()
    yield b"]}"


def section_model(section: Section) -> SectionModel:
    """The section, in the words of the response."""
    return SectionModel(
        id=section.id,
        heading_path=section.heading_path,
        start=section.start,
        end=section.end,
        kind=section.kind,
    )
