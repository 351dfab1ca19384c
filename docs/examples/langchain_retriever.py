"""A LangChain retriever over an index of `rag`, in the same process.

    retriever = RagRetriever(index=rag.open_index("my-index"))
    documents = retriever.invoke("Which procedure collects the T cells?")

It returns no documents if the index does not answer the question, so that a chain has nothing to
invent from. `metadata` cites each passage: keep it with what is made of the text.
"""

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import SkipValidation

import rag


class RagRetriever(BaseRetriever):
    """The passages that answer, best first, each with its citation."""

    index: SkipValidation[rag.Index]
    top_k: int = 5

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        answer = rag.ask(self.index, query, top_k=self.top_k)
        return [] if answer.abstained else [document(passage) for passage in answer.passages]


def document(passage: rag.CitedPassage) -> Document:
    """The passage as LangChain has it."""
    citation = passage.citation
    metadata: dict[str, Any] = {
        "source": citation.document_id,
        "title": citation.title,
        "headings": list(citation.heading_path),
        "char_start": citation.char_start,
        "char_end": citation.char_end,
        "sha256": citation.sha256,
        "score": passage.hit.score,
    }
    return Document(id=passage.hit.passage.id, page_content=citation.quote, metadata=metadata)
