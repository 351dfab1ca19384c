"""What an operator watches, in the format of Prometheus: counts, times, and how things are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from rag.serving import SECONDS, Figure, Serving, Tally
from rag.store import live_version
from rag.web.counted import COUNTED
from rag.web.state import AppState, State

if TYPE_CHECKING:  # imported late: only a service that is watched loads it
    from prometheus_client.core import Metric

router = APIRouter()


@router.get("/metrics", response_class=Response)
async def show_metrics(state: State) -> Response:
    """Counts, times and states for Prometheus, of all processes of the service.

    The figures of the process itself are those of the one that answers.
    """
    return Response(exposition(state), media_type="text/plain; version=0.0.4; charset=utf-8")


def exposition(state: AppState) -> bytes:
    """All metrics as text."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.registry import Collector

    class Ours(Collector):
        def collect(self) -> Iterable[Metric]:
            yield from _counted(state.tally)
            yield from _now(state)

    registry = CollectorRegistry()
    registry.register(Ours())
    ProcessCollector(registry=registry)
    return generate_latest(registry)


def _counted(tally: Tally) -> Iterator[Metric]:
    """What has been counted; combinations of two labels only if they have occurred."""
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    for each in COUNTED:
        if each.timed:
            times = HistogramMetricFamily(each.name, each.help, labels=[*each.labels])
            for labels, buckets in tally.times(each.name):
                bounds = zip((*map(str, SECONDS), "+Inf"), buckets.counts, strict=True)
                times.add_metric(labels, [*bounds], buckets.seconds)
            yield times
        else:
            counts = CounterMetricFamily(each.name, each.help, labels=[*each.labels])
            for labels, count in tally.counts(each.name):
                if count or len(labels) == 1:
                    counts.add_metric(labels, count)
            yield counts


def _now(state: AppState) -> Iterator[Metric]:
    """How things are: the queue, what was remembered, and what is live."""
    from prometheus_client.core import CounterMetricFamily

    board = state.board
    yield _gauge("rag_questions_running", "Questions on a thread.", board.total(Figure.RUNNING))
    yield _gauge("rag_questions_waiting", "Questions that wait.", board.total(Figure.WAITING))
    yield _gauge("rag_workers", "Processes that have an index.", board.serving)
    remembered = CounterMetricFamily(
        "rag_remembered", "Questions by whether their answer was remembered.", labels=["result"]
    )
    remembered.add_metric(["hit"], board.total(Figure.HITS))
    remembered.add_metric(["miss"], board.total(Figure.MISSES))
    yield remembered
    if state.live.serving is not None:
        yield from _live(state, state.live.serving)


def _live(state: AppState, serving: Serving) -> Iterator[Metric]:
    manifest = serving.snapshot.manifest
    named = {"id": manifest.id, "model": manifest.model.name}
    yield _gauge("rag_snapshot_info", "The live snapshot.", 1, named)
    yield _gauge("rag_snapshot_documents", "Documents in it.", manifest.counts.documents)
    yield _gauge("rag_snapshot_passages", "Passages in it.", manifest.counts.passages)
    remarks = (*serving.refused, *serving.damage)
    yield _gauge("rag_index_degraded", "Remarks of /readyz on the index.", len(remarks))
    folder = state.live.folder
    version = live_version(folder.path) if folder is not None else None
    if version is not None:
        published = datetime.fromisoformat(version.published).timestamp()
        yield _gauge("rag_snapshot_published_timestamp_seconds", "When it went live.", published)


def _gauge(name: str, help: str, value: float, labels: dict[str, str] | None = None) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    names: Sequence[str] = [*(labels or {})]
    gauge = GaugeMetricFamily(name, help, labels=names)
    gauge.add_metric([*(labels or {}).values()], value)
    return gauge
