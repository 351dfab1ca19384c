"""What an operator watches, in the format of Prometheus: counts, times, and how things are now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.serving import Counted, Figure, Tally
from rag.types import Answer
from rag.web.state import AppState, State

if TYPE_CHECKING:  # imported late, in `exposition`: it loads an HTTP server of its own
    from prometheus_client.core import Metric

# By the first part of a path, so that no client makes new ones.
PATHS = (
    *("/", "/ask", "/documents", "/feedback", "/healthz", "/index", "/mcp", "/metrics"),
    *("/passages", "/readyz", "/retrieval", "/session", "/v1", "/verify", "other"),
)
# 499: the client has left before the response.
STATUSES = (
    *("200", "201", "202", "204", "206", "304", "400", "401", "403", "404", "405", "408", "409"),
    *("410", "413", "415", "416", "421", "422", "429", "431", "499", "500", "503", "504", "other"),
)
LEFT = "499"

REQUESTS = Counted(
    "rag_http_requests", "Requests, by path and status.", {"path": PATHS, "status": STATUSES}
)
REQUEST_SECONDS = Counted(
    "rag_http_request_seconds", "Seconds until a response was sent.", {"path": PATHS}, timed=True
)
ANSWERS = Counted(
    "rag_answers",
    "Questions that were worked on, by verdict.",
    {"verdict": ("answered", "maybe", "not_found")},
)
STAGE_SECONDS = Counted(
    "rag_ask_seconds",
    "Seconds that a question took on its thread, by stage.",
    {"stage": ("encode", "search", "cite")},
    timed=True,
)
BUILDS = Counted(
    "rag_builds",
    "Rebuilds that the service has ended, by result.",
    {"result": ("done", "failed", "cancelled")},
)
COUNTED = (REQUESTS, REQUEST_SECONDS, ANSWERS, STAGE_SECONDS, BUILDS)

router = APIRouter()


def observe(tally: Tally, answer: Answer) -> None:
    """Counts an answer and its stages."""
    tally.add(ANSWERS.name, answer.verdict)
    stages = answer.stages
    for name, seconds in (
        ("encode", stages.encode),
        ("search", stages.search),
        ("cite", stages.cite),
    ):
        tally.time(STAGE_SECONDS.name, name, seconds=seconds)


class Measured:
    """ASGI middleware: counts requests and the seconds that they take."""

    def __init__(
        self, app: ASGIApp, tally: Tally, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.app = app
        self._tally = tally
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = self._clock(), LEFT

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            path = place_of(scope["path"])
            self._tally.add(REQUESTS.name, path, status)
            self._tally.time(REQUEST_SECONDS.name, path, seconds=self._clock() - started)


def place_of(path: str) -> str:
    """The first part of a path."""
    return "/" + path[1:].partition("/")[0]


@router.get("/metrics", response_class=Response)
async def show_metrics(state: State) -> Response:
    """Counts, times and states for Prometheus, of all processes of the service.

    The figures of the process itself are of the one that answers.
    """
    return Response(exposition(state), media_type="text/plain; version=0.0.4; charset=utf-8")


def exposition(state: AppState) -> bytes:
    """All metrics as text."""
    # Counting needs no library, so only a service that is watched loads it.
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.registry import Collector

    class Ours(Collector):
        def collect(self) -> Iterable[Metric]:
            return metrics(state)

    registry = CollectorRegistry()
    registry.register(Ours())
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def metrics(state: AppState) -> Iterator[Metric]:
    """All metrics of ours."""
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    for counted in COUNTED:
        if counted.timed:
            times = HistogramMetricFamily(counted.name, counted.help, labels=[*counted.labels])
            for labels, buckets in state.tally.times(counted.name):
                if buckets.counts[-1]:
                    bounds = zip((*map(str, SECONDS), "+Inf"), buckets.counts, strict=True)
                    times.add_metric(labels, [*bounds], buckets.seconds)
            yield times
        else:
            counts = CounterMetricFamily(counted.name, counted.help, labels=[*counted.labels])
            for labels, count in state.tally.counts(counted.name):
                if count or len(counted.labels) == 1:
                    counts.add_metric(labels, count)
            yield counts
    yield from _board(state)
    yield from _snapshot(state)
