"""What the searches in other services' shapes share: conditions become filters, and one score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

from rag.types import Answer, CitedPassage

Score = Annotated[float, Field(ge=0, le=1)]
# A field, and the value or the values of which it must have one.
Condition = tuple[str, str | tuple[str, ...]]

# Names that other services have for a document's id.
_IDS = frozenset({"file_id", "filename", "document_id"})
# The filters that take several values.
_LISTS = frozenset({"document_id", "type"})


def as_filters(conditions: Iterable[Condition]) -> dict[str, object]:
    """The `filters` of `/ask` with which all conditions hold; raises for two on one field."""
    filters: dict[str, object] = {}
    for key, value in conditions:
        name = "document_id" if key in _IDS else key
        if name in filters:
            raise PydanticCustomError(
                "unsupported_filter", "two conditions on one field: give one with all values"
            )
        filters[name] = [value] if name in _LISTS and isinstance(value, str) else value
    return filters


def strengths(answer: Answer, least: float) -> Iterator[tuple[CitedPassage, float]]:
    """The passages that score at least that much, best first, each with its score.

    The first has the confidence of the answer, the others the share of it that their scores are of
    the first one's. There are none if the documents do not seem to answer.
    """
    best = answer.passages[0].hit.score if answer.passages else 0.0
    for cited in () if answer.abstained else answer.passages:
        share = cited.hit.score / best if best > 0 else float(cited.rank == 1)
        score = answer.confidence * max(0.0, share)
        if score >= least:
            yield cited, score
