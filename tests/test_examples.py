"""The retrievers in docs/examples, run by the frameworks that they are written for."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

import rag
from support.places import ROOT

# Read when the frameworks are imported; none of them is to send anything.
os.environ.update(HAYSTACK_TELEMETRY_ENABLED="False", LANGSMITH_TRACING="false")

EXAMPLES = ROOT / "docs" / "examples"
QUESTION = "Which procedure collects the T cells?"
UNANSWERED = "Who won the chess championship in 1987?"
MOST_LINES = 60


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> rag.Index:
    return rag.build(ROOT / "corpus", tmp_path_factory.mktemp("examples"))


def example(name: str, framework: str) -> ModuleType:
    """The module of an example. Skips if its framework is not installed."""
    pytest.importorskip(framework, reason=f"{framework} is not installed (extra `dev`)")
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def quoted(index: rag.Index, document_id: str, start: int, end: int) -> str:
    return index.snapshot.documents[document_id].text[start:end]


def test_langchain_retrieves_passages_with_their_citations(index: rag.Index) -> None:
    module = example("langchain_retriever", "langchain_core")
    retriever = module.RagRetriever(index=index, top_k=2)
    first, second = retriever.invoke(QUESTION)
    assert "leukapheresis" in first.page_content
    assert first.metadata["score"] > second.metadata["score"]
    span = first.metadata["char_start"], first.metadata["char_end"]
    assert first.page_content == quoted(index, first.metadata["source"], *span)
    assert retriever.invoke(UNANSWERED) == []


def test_llama_index_retrieves_passages_with_their_citations(index: rag.Index) -> None:
    module = example("llama_index_retriever", "llama_index.core")
    retriever = module.RagRetriever(index, top_k=2)
    first, second = retriever.retrieve(QUESTION)
    assert "leukapheresis" in first.text and first.score > second.score
    span = first.node.start_char_idx, first.node.end_char_idx
    assert first.text == quoted(index, first.metadata["document_id"], *span)
    assert retriever.retrieve(UNANSWERED) == []


def test_haystack_retrieves_passages_with_their_citations_in_a_pipeline(index: rag.Index) -> None:
    module = example("haystack_retriever", "haystack")
    from haystack import Pipeline

    pipeline = Pipeline()
    pipeline.add_component("retriever", module.RagRetriever(index, top_k=2))
    first, second = pipeline.run({"retriever": {"query": QUESTION}})["retriever"]["documents"]
    assert "leukapheresis" in first.content and first.score > second.score
    span = first.meta["char_start"], first.meta["char_end"]
    assert first.content == quoted(index, first.meta["document_id"], *span)
    found = pipeline.run({"retriever": {"query": UNANSWERED}})
    assert found["retriever"]["documents"] == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES
