"""A Haystack retriever over an index of `rag`, in the same process.

    retriever = RagRetriever(rag.open_index("my-index"))
    documents = retriever.run(query="Which procedure collects the T cells?")["documents"]

It returns no documents if the index does not answer the question. `meta` cites each passage.
"""

from __future__ import annotations

from typing import Any

from haystack import Document, component

import rag


@component
class RagRetriever:
    """The passages that answer, best first, each with its citation."""

    def __init__(self, index: rag.Index, top_k: int = 5) -> None:
        self._index = index
        self._top_k = top_k

    @component.output_types(documents=list[Document])
    def run(self, query: str) -> dict[str, Any]:
        """The documents for a query, under `documents`."""
        answer = rag.ask(self._index, query, top_k=self._top_k)
        passages = () if answer.abstained else answer.passages
        return {"documents": [document(passage) for passage in passages]}


def document(passage: rag.CitedPassage) -> Document:
    """The passage as Haystack has it."""
    citation = passage.citation
    meta: dict[str, Any] = {
        "document_id": citation.document_id,
        "title": citation.title,
        "headings": list(citation.heading_path),
        "char_start": citation.char_start,
        "char_end": citation.char_end,
        "sha256": citation.sha256,
    }
    return Document(
        id=passage.hit.passage.id, content=citation.quote, meta=meta, score=passage.hit.score
    )
