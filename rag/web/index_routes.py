"""The routes that show and change the index: its manifest, versions, rollback, and builds."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from rag.schemas import (
    JobResponse,
    RebuildRequest,
    ReportResponse,
    RollbackRequest,
    RollbackResponse,
    StartedResponse,
    VersionsResponse,
)
from rag.serving import Job
from rag.store import find_id, list_versions
from rag.types.errors import BusyError, IndexNotWritable, NoIndex, UnusableIndex, UsageError
from rag.web.bodies import MAX_UPLOAD_BYTES, json_body
from rag.web.local_only import LOCAL, LOCAL_ONLY
from rag.web.problems import NOT_FOUND, NOT_READY, Problem, bad_body, not_ready, refusal
from rag.web.state import AppState, State

log = logging.getLogger("rag.web.index_routes")

# How many files the report lists at once.
FILES = 100
MAX_FILES = 1000

router = APIRouter()


@router.get("/index", responses=NOT_READY)
async def read_index(state: State) -> dict[str, Any]:
    """The manifest of the index, with its id: what it was built from and with."""
    manifest = state.serving.snapshot.manifest
    return {"id": manifest.id, **manifest.to_json()}


@router.get("/index/report", responses=NOT_READY)
async def read_report(
    state: State,
    verdict: Annotated[
        str, Query(description="only files whose verdict begins so: `skipped`, for example")
    ] = "",
    offset: Annotated[int, Query(ge=0, description="how many files to pass over")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_FILES, description="how many at most")] = FILES,
) -> ReportResponse:
    """What the build made of each file of the corpus, those that were skipped included."""
    snapshot = (await state.intact()).snapshot
    return await asyncio.to_thread(ReportResponse.of, snapshot, verdict, offset, limit)


@router.get("/index/versions", responses=NOT_READY)
async def list_index_versions(state: State) -> VersionsResponse:
    """The snapshots that were published and are still there, newest first."""
    listed = await asyncio.to_thread(list_versions, state.upkeep.folder.path)
    return VersionsResponse.of(each for each in listed if each.state != "removed")


@router.post(
    "/index/rollback",
    dependencies=LOCAL_ONLY,
    responses={
        **bad_body("16 KB"),
        **LOCAL,
        **NOT_FOUND,
        409: refusal("A build is running, or the snapshot cannot answer"),
        **NOT_READY,
        507: refusal("The index cannot be written"),
    },
)
async def roll_index_back(
    asked: Annotated[RollbackRequest, Depends(json_body(RollbackRequest))], state: State
) -> RollbackResponse:
    """Makes an older snapshot live again, as `rag rollback` does."""
    folder = state.upkeep.folder
    try:
        version = await asyncio.to_thread(folder.roll_back, _kept(folder.path, asked.id))
    except NoIndex:
        raise not_ready() from None
    except BusyError:
        raise _busy() from None
    except IndexNotWritable as error:
        log.error("no rollback: %s", error)
        raise Problem(507, "index_not_writable", folder.unplaced(str(error))) from None
    except (UsageError, UnusableIndex) as error:
        log.warning("no rollback: %s", error)
        raise Problem(409, "not_rolled_back", folder.unplaced(str(error))) from None
    await state.live.catch_up_together()
    return RollbackResponse(id=version.id, before=version.before)


@router.post(
    "/index/rebuild",
    status_code=202,
    dependencies=LOCAL_ONLY,
    responses={
        **bad_body("32 MB"),
        403: refusal(
            "The service is not local, another site asks, or the path is in no folder that may be "
            "read"
        ),
        409: refusal("A build is running"),
        **NOT_READY,
    },
)
async def rebuild_index(
    asked: Annotated[RebuildRequest, Depends(json_body(RebuildRequest, MAX_UPLOAD_BYTES))],
    state: State,
    response: Response,
) -> StartedResponse:
    """Starts a build of the index from a path or from the files that are sent, all of them.

    The old index stays live until the new one is ready, and after that if the build fails or the
    gate finds that the new one is worse.
    """
    try:
        source = (
            state.upkeep.allowed(asked.path)
            if asked.path
            else await asyncio.to_thread(asked.contents)
        )
        job = state.jobs.start(source, force=asked.force, strict=asked.strict)
    except UsageError as error:
        raise Problem(403, "path_not_allowed", str(error)) from None
    except BusyError:
        raise _busy() from None
    response.headers["Location"] = f"/index/jobs/{job.id}"
    return StartedResponse(job=job.id, status=job.status)


@router.get("/index/jobs/{id}", responses={**NOT_FOUND, **NOT_READY})
async def read_job(id: str, state: State) -> JobResponse:
    """How far a build is, and how it ended; the last 20 are known."""
    return job_response(state, state.jobs.get(id))


@router.delete(
    "/index/jobs/{id}",
    dependencies=LOCAL_ONLY,
    responses={**LOCAL, **NOT_FOUND, **NOT_READY},
)
async def cancel_job(id: str, state: State) -> JobResponse:
    """Cancels a build, which leaves the index as it was; one that has ended stays as it is."""
    return job_response(state, await state.jobs.cancel(id))


def _kept(index: Path, id: str | None) -> str | None:
    """The id of the kept snapshot that begins so; None for None. Raises Problem 404."""
    try:
        return None if id is None else find_id(index, id)
    except UsageError:
        detail = "no one kept snapshot has an id that begins so: see GET /index/versions"
        raise Problem(404, "unknown_version", detail) from None


def job_response(state: AppState, job: Job | None) -> JobResponse:
    """The job as a response, without the path of the index. Raises Problem 404 for None."""
    if job is None:
        raise Problem(404, "unknown_job", "no job has this id; only the last 20 are known")
    if job.failure is not None:
        told = state.upkeep.folder.unplaced(job.failure.detail)
        job = replace(job, failure=replace(job.failure, detail=told))
    return JobResponse.of(job)


def _busy() -> Problem:
    return Problem(409, "build_in_progress", "a build is running: wait until it is done")
