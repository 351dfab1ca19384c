from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `traces` is not installed")

from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from rag.serving.live import Serving
from rag.web.traces import tracing
from service import create_app


class Kept(SpanExporter):
    """Keeps the spans that it is given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def spans_of(serving: Serving, **headers: str) -> dict[str, ReadableSpan]:
    """The spans of a question that was asked with these headers, by name."""
    kept = Kept()
    watcher, flush = tracing(kept)
    app = create_app(serving, watchers=[watcher])
    with TestClient(app, base_url="http://localhost") as client:
        client.post("/ask", json={"question": "Which apples are red?"}, headers=headers)
    flush()
    return {span.name.partition(" ")[0]: span for span in kept.spans}


def test_a_question_has_a_span_for_each_stage(serving: Serving) -> None:
    spans = spans_of(serving)
    assert set(spans) == {"POST", "embeddings", "retrieval", "cite"}
    whole = spans.pop("POST")
    assert whole.kind is trace.SpanKind.SERVER and whole.attributes
    assert whole.attributes["http.response.status_code"] == 200
    assert whole.start_time and whole.end_time
    for span in spans.values():
        assert span.parent and span.parent.span_id == whole.get_span_context().span_id
        assert span.start_time and span.end_time
        assert whole.start_time <= span.start_time <= span.end_time <= whole.end_time


def test_retrieval_is_described_by_the_conventions(serving: Serving) -> None:
    attributes = spans_of(serving)["retrieval"].attributes
    assert attributes
    assert attributes["gen_ai.operation.name"] == "retrieval"
    assert attributes["gen_ai.data_source.id"] == serving.snapshot.manifest.id
    assert attributes["gen_ai.retrieval.top_k"] == 5
    documents = json.loads(str(attributes["gen_ai.retrieval.documents"]))
    assert documents and set(documents[0]) == {"id", "score"}
    assert not any("apples" in str(value) for value in attributes.values())


def test_a_span_belongs_to_the_trace_of_its_caller(serving: Serving) -> None:
    span = spans_of(serving, traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01")["POST"]
    assert f"{span.get_span_context().trace_id:032x}" == "ab" * 16
    assert span.parent and f"{span.parent.span_id:016x}" == "cd" * 8
