"""Retrieval in the shape of Dify's external knowledge API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rag.schemas.ask import QuestionText
from rag.schemas.base import Fields, Model, Request
from rag.schemas.citations import CitationModel
from rag.schemas.foreign import Score, as_filters, strengths
from rag.types import MAX_TOP_K, Answer, CitedPassage


class RetrievalSetting(Request):
    """How many records at most, and how much each must score."""

    top_k: int = Field(strict=True, ge=1, le=MAX_TOP_K)
    score_threshold: Score = 0.0


class MetadataRule(Request):
    """A condition on a field of `filters` of `/ask`."""

    name: Annotated[tuple[str, ...], Field(min_length=1, max_length=1)]
    comparison_operator: Literal["is", "in"]
    value: str | tuple[str, ...]


class MetadataCondition(Request):
    """Conditions that must all hold."""

    logical_operator: Literal["and"] = "and"
    conditions: Annotated[tuple[MetadataRule, ...], Field(max_length=10)] = ()


class RetrievalRequest(Request):
    """A query to the knowledge base of that id."""

    knowledge_id: str = Field(max_length=200)
    query: QuestionText
    retrieval_setting: RetrievalSetting
    metadata_condition: MetadataCondition | None = None

    @model_validator(mode="after")
    def _can_be_asked(self) -> RetrievalRequest:
        self.asked()
        return self

    def asked(self) -> dict[str, object]:
        """The same as the body of `/ask`."""
        rules = self.metadata_condition.conditions if self.metadata_condition else ()
        filters = as_filters((rule.name[0], rule.value) for rule in rules)
        return {"question": self.query, "top_k": self.retrieval_setting.top_k, "filters": filters}

    @classmethod
    def known_fields(cls) -> Fields:
        """The fields of the request and of its parts."""
        return {
            **super().known_fields(),
            "retrieval_setting": frozenset(RetrievalSetting.model_fields),
            "metadata_condition": frozenset(MetadataCondition.model_fields),
            "conditions": frozenset(MetadataRule.model_fields),
        }


class RetrievalRecord(Model):
    """A passage; its citation is the metadata."""

    content: str
    score: float
    title: str
    metadata: CitationModel

    @classmethod
    def of(cls, cited: CitedPassage, score: float) -> RetrievalRecord:
        """The passage with its score."""
        return cls(
            content=cited.hit.passage.text,
            score=score,
            title=cited.citation.title,
            metadata=CitationModel.model_validate(cited.citation),
        )


class RetrievalResponse(Model):
    """The passages, best first; none if the documents do not seem to answer."""

    records: tuple[RetrievalRecord, ...]

    @classmethod
    def of(cls, asked: RetrievalRequest, answer: Answer) -> RetrievalResponse:
        """The answer to a query."""
        found = strengths(answer, asked.retrieval_setting.score_threshold)
        return cls(records=tuple(RetrievalRecord.of(*each) for each in found))
