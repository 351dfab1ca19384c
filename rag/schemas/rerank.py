"""Reranking of given texts, in the shape of Cohere's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from rag.schemas.ask import QuestionText
from rag.schemas.base import Fields, Model, Request, refuse_nul

MAX_DOCUMENTS = 200


class RerankDocument(Request):
    """A text to rank."""

    text: Annotated[str, AfterValidator(refuse_nul)]


class RerankRequest(Request):
    """Texts to rank by how likely they answer the query; every `model` means that of the index."""

    query: QuestionText
    documents: Annotated[
        tuple[Annotated[str, AfterValidator(refuse_nul)] | RerankDocument, ...],
        Field(min_length=1, max_length=MAX_DOCUMENTS),
    ]
    model: str | None = None
    top_n: Annotated[int, Field(strict=True, ge=1)] | None = None
    return_documents: bool = False

    @property
    def texts(self) -> list[str]:
        """The texts of the documents, in their order."""
        return [each if isinstance(each, str) else each.text for each in self.documents]

    @classmethod
    def known_fields(cls) -> Fields:
        """The fields of the request and of a document."""
        return {**super().known_fields(), "documents": frozenset(RerankDocument.model_fields)}


class RerankResult(Model):
    """A document by its index among those given; `relevance_score` is a probability, 0 to 1."""

    index: int
    relevance_score: float
    document: RerankDocument | None = Field(default=None, exclude_if=lambda value: value is None)


class RerankResponse(Model):
    """The documents by their scores, best first; equal ones in the order given."""

    id: str
    results: tuple[RerankResult, ...]

    @classmethod
    def of(cls, id: str, asked: RerankRequest, scores: Sequence[float]) -> RerankResponse:
        """The documents of a request with these scores."""
        texts = asked.texts if asked.return_documents else None
        best = sorted(range(len(scores)), key=lambda at: (-scores[at], at))[: asked.top_n]
        results = (
            RerankResult(
                index=at,
                relevance_score=scores[at],
                document=RerankDocument(text=texts[at]) if texts else None,
            )
            for at in best
        )
        return cls(id=id, results=tuple(results))
