"""The search of a vector store, in the shape of OpenAI's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from rag.schemas.ask import QuestionText
from rag.schemas.base import Fields, Model, Request
from rag.schemas.foreign import Condition, Score, as_filters, strengths
from rag.types import MAX_TOP_K, Answer, CitedPassage

_DEFAULT = 10
# What an attribute may hold, in OpenAI's API.
_LONGEST = 512


class ComparisonFilter(Request):
    """A condition on a field of `filters` of `/ask`; `file_id` is another name of `document_id`."""

    type: Literal["eq", "in"]
    key: str
    value: str | tuple[str, ...]

    def conditions(self) -> Iterator[Condition]:
        """The condition itself."""
        yield self.key, self.value


class CompoundFilter(Request):
    """Conditions that must all hold."""

    type: Literal["and"]
    filters: Annotated[tuple[VectorStoreFilter, ...], Field(max_length=10)]

    def conditions(self) -> Iterator[Condition]:
        """The conditions, in order."""
        for each in self.filters:
            yield from each.conditions()


def _kind(value: object) -> str:
    return "all" if isinstance(value, dict) and "filters" in value else "one"


VectorStoreFilter = Annotated[
    Annotated[ComparisonFilter, Tag("one")] | Annotated[CompoundFilter, Tag("all")],
    Discriminator(_kind),
]


def _only(query: object) -> object:
    """The one query of a list."""
    return query[0] if isinstance(query, list) and len(query) == 1 else query


class RankingOptions(Request):
    """`score_threshold` leaves out passages that score less; there is one ranker, always used."""

    ranker: str | None = None
    score_threshold: Score = 0.0


class VectorStoreSearchRequest(Request):
    """A search; `rewrite_query` changes nothing: `search_query` says what was searched."""

    query: Annotated[QuestionText, BeforeValidator(_only)] = Field(
        description="a text, or a list of one"
    )
    filters: VectorStoreFilter | None = None
    max_num_results: int = Field(default=_DEFAULT, strict=True, ge=1, le=MAX_TOP_K)
    ranking_options: RankingOptions = RankingOptions()
    rewrite_query: bool = False

    @model_validator(mode="after")
    def _can_be_asked(self) -> VectorStoreSearchRequest:
        self.asked()
        return self

    def asked(self) -> dict[str, object]:
        """The same as the body of `/ask`."""
        filters = as_filters(self.filters.conditions() if self.filters else ())
        return {"question": self.query, "top_k": self.max_num_results, "filters": filters}

    @classmethod
    def known_fields(cls) -> Fields:
        """The fields of the request and of its parts."""
        filters = frozenset({*ComparisonFilter.model_fields, *CompoundFilter.model_fields})
        ranking = frozenset(RankingOptions.model_fields)
        return {**super().known_fields(), "filters": filters, "ranking_options": ranking}


class TextContent(Model):
    """A part of a file, as text."""

    type: Literal["text"] = "text"
    text: str


class VectorStoreResult(Model):
    """A passage: its document as a file, and the place of its text among the attributes."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, str | float]
    content: tuple[TextContent, ...]

    @classmethod
    def of(cls, cited: CitedPassage, score: float) -> VectorStoreResult:
        """The passage with its score."""
        citation = cited.citation
        attributes: dict[str, str | float | None] = {
            "title": citation.title[:_LONGEST],
            "section": " › ".join(citation.heading_path)[:_LONGEST],
            "passage_id": cited.hit.passage.id,
            "char_start": citation.char_start,
            "char_end": citation.char_end,
            "line_start": citation.line_start,
            "page": citation.page,
            "media_type": citation.media_type,
            "sha256": citation.sha256,
        }
        return cls(
            file_id=citation.document_id,
            filename=citation.document_id,
            score=score,
            attributes={name: value for name, value in attributes.items() if value is not None},
            content=(TextContent(text=cited.hit.passage.text),),
        )


class VectorStoreSearchResponse(Model):
    """The passages, best first: one page, empty if the documents do not seem to answer."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: tuple[str, ...]
    data: tuple[VectorStoreResult, ...]
    has_more: Literal[False] = False
    next_page: None = None

    @classmethod
    def of(cls, asked: VectorStoreSearchRequest, answer: Answer) -> VectorStoreSearchResponse:
        """The answer to a search."""
        found = strengths(answer, asked.ranking_options.score_threshold)
        data = tuple(VectorStoreResult.of(*each) for each in found)
        return cls(search_query=(asked.query,), data=data)
