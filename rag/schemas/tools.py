"""What the tools for assistants take and give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field, StringConstraints

from rag.schemas.ask import FiltersModel, QuestionText
from rag.schemas.base import Model, Request
from rag.types import MAX_TOP_K, Answer, Citation

_TOP_K = Field(default=5, strict=True, ge=1, le=MAX_TOP_K, description="how many passages at most")


class AskTool(Request):
    """A question to the documents."""

    question: QuestionText = Field(description="the question, in full, as a person would ask it")
    top_k: int = _TOP_K
    filters: FiltersModel = FiltersModel()


class SearchTool(Request):
    """A search in the documents."""

    query: QuestionText = Field(description="what to find: a question or words")
    top_k: int = _TOP_K


class SearchResult(Model):
    """A passage; `fetch` with its `id` gives the text, and `url` opens it."""

    id: str
    title: str
    url: str


class SearchResults(Model):
    """The passages, best first; none if the documents do not seem to answer."""

    results: tuple[SearchResult, ...]

    @classmethod
    def of(cls, answer: Answer, address: Callable[[Citation], str]) -> SearchResults:
        """The passages of an answer, each at its address."""
        results = (
            SearchResult(
                id=cited.hit.passage.id,
                title=" › ".join([cited.citation.title, *cited.citation.heading_path]),
                url=address(cited.citation),
            )
            for cited in (() if answer.abstained else answer.passages)
        )
        return cls(results=tuple(results))


class FetchTool(Request):
    """A text to read."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=4096)] = Field(
        description="the id of a search result, or of a document"
    )


class FetchedText(Model):
    """The text of a passage or a document, exactly. `metadata` says where it stands."""

    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


class ListTool(Request):
    """Which documents to list."""

    after: str | None = Field(default=None, description="`next` of the list before")
    limit: int = Field(default=100, strict=True, ge=1, le=1000)
