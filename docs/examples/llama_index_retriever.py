"""A LlamaIndex retriever over an index of `rag`, in the same process.

    retriever = RagRetriever(rag.open_index("my-index"))
    nodes = retriever.retrieve("Which procedure collects the T cells?")

It returns no nodes if the index does not answer the question. `metadata` cites each passage, and
`start_char_idx` and `end_char_idx` are its offsets in the document's text.
"""

from __future__ import annotations

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

import rag


class RagRetriever(BaseRetriever):
    """The passages that answer, best first, each with its citation."""

    def __init__(self, index: rag.Index, top_k: int = 5) -> None:
        super().__init__()
        self._index = index
        self._top_k = top_k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        answer = rag.ask(self._index, query_bundle.query_str, top_k=self._top_k)
        return [] if answer.abstained else [node(passage) for passage in answer.passages]


def node(passage: rag.CitedPassage) -> NodeWithScore:
    """The passage as LlamaIndex has it."""
    citation = passage.citation
    text = TextNode(
        id_=passage.hit.passage.id,
        text=citation.quote,
        start_char_idx=citation.char_start,
        end_char_idx=citation.char_end,
        metadata={
            "document_id": citation.document_id,
            "title": citation.title,
            "headings": list(citation.heading_path),
            "sha256": citation.sha256,
        },
    )
    return NodeWithScore(node=text, score=passage.hit.score)
