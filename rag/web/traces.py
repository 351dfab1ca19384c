"""Traces by OpenTelemetry, with its conventions for retrieval: `pip install rag[traces]`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rag import __version__
from rag.types import Answer
from rag.types.errors import UsageError
from rag.web.watched import Asked, RequestRecord, Watcher

if TYPE_CHECKING:  # imported late: only a service that is traced has it
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

NAME = "rag"
NANO = 1_000_000_000


def trace_to(endpoint: str) -> Watcher:
    """Sends traces to the collector at that address, by OTLP over HTTP. Raises UsageError."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise UsageError(
            f"RAG_TRACES is {endpoint!r}, and the module {error.name} is missing: "
            "pip install 'rag[traces]', or unset RAG_TRACES"
        ) from None
    watcher, _ = tracing(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))
    return watcher


def tracing(exporter: SpanExporter) -> tuple[Watcher, Callable[[], object]]:
    """Makes the spans of each request when it has ended, so its answer does not wait for them.

    The second function exports what has not been exported yet.
    """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": NAME, "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer(NAME, __version__)
    return lambda record: _trace(tracer, record), provider.force_flush


def _trace(tracer: Tracer, record: RequestRecord) -> None:
    from opentelemetry.trace import SpanKind, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = {"traceparent": record.parent} if record.parent else {}
    start = round(record.started * NANO)
    span = tracer.start_span(
        f"{record.method} {record.path}" if record.asked else record.method,
        context=TraceContextTextMapPropagator().extract(parent),
        kind=SpanKind.SERVER,
        start_time=start,
        attributes={
            "http.request.method": record.method,
            "url.path": record.path,
            "http.response.status_code": int(record.status),
            "rag.request_id": record.request_id,
        },
    )
    end = start + round(record.seconds * NANO)
    if record.asked is not None and record.asked.answer is not None:
        _trace_stages(tracer, set_span_in_context(span), record.asked, record.asked.answer, end)
    span.end(end_time=end)


def _trace_stages(tracer: Tracer, context: Context, asked: Asked, answer: Answer, end: int) -> None:
    """The stages, counted back from the end: before them the request was read and waited."""
    took = answer.stages
    cited = end - round(took.cite * NANO)
    searched = cited - round(took.search * NANO)
    encoded = searched - round(took.encode * NANO)
    documents = [{"id": each.hit.passage.id, "score": each.hit.score} for each in answer.passages]
    spans: tuple[tuple[str, int, int, dict[str, Any]], ...] = (
        (
            f"embeddings {asked.model}",
            encoded,
            searched,
            {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": asked.model},
        ),
        (
            f"retrieval {asked.snapshot}",
            searched,
            cited,
            {
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": asked.snapshot,
                "gen_ai.retrieval.top_k": asked.top_k,
                "gen_ai.retrieval.documents": json.dumps(documents),
                "rag.verdict": answer.verdict,
                "rag.confidence": answer.confidence,
            },
        ),
        ("cite", cited, end, {}),
    )
    for name, start, stop, attributes in spans:
        tracer.start_span(name, context, start_time=start, attributes=attributes).end(stop)
