"""The route by which a page follows a build: server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from rag.schemas import JobResponse
from rag.web.index_routes import job_response
from rag.web.problems import NOT_FOUND, NOT_READY
from rag.web.state import AppState, State

# Seconds between two looks at the build, and between two signs of life.
LOOK = 0.2
ALIVE = 10.0

router = APIRouter()


@router.get(
    "/index/jobs/{id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "An event `job` for each change; the last one says how it ended",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **NOT_FOUND,
        **NOT_READY,
    },
)
async def follow_job(id: str, state: State) -> StreamingResponse:
    """Each change of a build, as it happens: the JSON of `GET /index/jobs/{id}`, until it ends."""
    first = job_response(state, state.jobs.get(id))
    return StreamingResponse(
        _events(state, first), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _events(state: AppState, job: JobResponse) -> AsyncIterator[str]:
    yield _event(job)
    silent = 0.0
    while job.status == "running":
        await asyncio.sleep(LOOK)
        silent += LOOK
        now = job_response(state, state.jobs.get(job.job))
        if now != job:
            job, silent = now, 0.0
            yield _event(job)
        elif silent >= ALIVE:
            silent = 0.0
            yield ": the build is running\n\n"


def _event(job: JobResponse) -> str:
    return f"event: job\ndata: {job.model_dump_json()}\n\n"
