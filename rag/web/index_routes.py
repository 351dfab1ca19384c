"""The routes that look after the index: its versions, rollback, and builds as jobs.

There are no keys yet, so what changes the index answers only where nobody else can reach it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from rag.errors import BusyError, IndexNotWritable, UnusableIndex, UsageError
from rag.schemas import (
    JobResponse,
    RebuildRequest,
    RollbackRequest,
    RollbackResponse,
    StartedResponse,
    VersionsResponse,
    job_response,
    version_model,
)
from rag.serving import Command, Follower, Job, Jobs, Library, allowed_path
from rag.store import find_id, list_versions, snapshot_ids
from rag.web.bodies import JsonRoute
from rag.web.edge import is_loopback
from rag.web.problems import Problem
from rag.web.refusals import (
    BAD_BODY,
    NOT_FOUND,
    NOT_READY,
    Responses,
    not_ready,
    refusal,
    too_large,
)

log = logging.getLogger("rag.web.index_routes")

MAX_UPLOAD_BYTES = 8 * 1024 * 1024
# What Sec-Fetch-Site says of a page of this service, and of the address bar.
OWN_SITE = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the service may do to its index, and how.

    `roots` are the folders, resolved, that a rebuild may read; `host` is the address that is
    bound; CURRENT is looked at every `seconds`, and the served files are verified again every
    `verify_seconds`, 0 for never; a rebuild may take `job_hours`.
    """

    library: Library
    command: Command
    roots: tuple[Path, ...]
    host: str = "127.0.0.1"
    seconds: float = 1.0
    verify_seconds: float = 0.0
    job_hours: float = 4.0


class LocalRoute(APIRoute):
    """A route that answers only where the service is bound to the loopback address."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """The route's handler, behind the check. It raises Problem."""
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            check_local(request)
            check_site(request)
            return await handler(request)

        return checked


class LocalJsonRoute(LocalRoute, JsonRoute):
    """The same with a small body of JSON."""


class UploadRoute(LocalRoute, JsonRoute):
    """The same with a body that holds documents."""

    max_bytes = MAX_UPLOAD_BYTES


def check_local(request: Request) -> None:
    """None where both the bound address and the caller's way here are local; else Problem 403."""
    upkeep: Upkeep | None = request.app.state.upkeep
    # A server started by other means than `rag serve` may have bound another address.
    reached = (request.scope.get("server") or ("",))[0]
    if not is_loopback(reached) or not is_loopback(upkeep.host if upkeep else reached):
        detail = (
            "the index is changed only by a service that is bound to 127.0.0.1: "
            "bind it there, or use `rag build` and `rag rollback`"
        )
        raise Problem(403, "not_local", detail)


def check_site(request: Request) -> None:
    """None where no page of another site has sent the request; else Problem 403.

    Browsers say of each request that changes something where the page that sends it comes from;
    programs, which say nothing, may change the index.
    """
    own = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", "").lower()
    site = request.headers.get("sec-fetch-site", "none").lower()
    if origin not in ("", f"http://{own}", f"https://{own}") or site not in OWN_SITE:
        raise Problem(403, "cross_site", "a page of another site may not change the index")


looking = APIRouter()
changing = APIRouter(route_class=LocalJsonRoute)
uploading = APIRouter(route_class=UploadRoute)
cancelling = APIRouter(route_class=LocalRoute)

LOCAL: Responses = {
    403: refusal("The service is bound to more than the loopback address, or another site asks")
}


@looking.get("/index/versions", responses=NOT_READY)
async def list_index_versions(request: Request) -> VersionsResponse:
    """The snapshots that were published and are still there, newest first."""
    index = _upkeep(request).library.index
    listed = await asyncio.to_thread(list_versions, index)
    there = (each for each in listed if each.state != "removed")
    return VersionsResponse(versions=tuple(version_model(each) for each in there))


@changing.post(
    "/index/rollback",
    responses={
        **BAD_BODY,
        **LOCAL,
        **NOT_FOUND,
        409: refusal("A build is running, or the snapshot cannot answer"),
        **too_large("16 KB"),
        **NOT_READY,
        507: refusal("The index cannot be written"),
    },
)
async def roll_index_back(asked: RollbackRequest, request: Request) -> RollbackResponse:
    """Lets an older snapshot answer again, as `rag rollback` does."""
    library = _upkeep(request).library
    if not snapshot_ids(library.index):
        raise not_ready()
    try:
        version = await asyncio.to_thread(library.roll_back, _kept(library.index, asked.id))
    except BusyError:
        raise _busy() from None
    except IndexNotWritable as error:
        log.error("no rollback: %s", error)
        raise Problem(507, "index_not_writable", library.unplaced(str(error))) from None
    except (UsageError, UnusableIndex) as error:
        log.warning("no rollback: %s", error)
        raise Problem(409, "not_rolled_back", library.unplaced(str(error))) from None
    await _follower(request).catch_up()
    return RollbackResponse(id=version.id, before=version.before)


@uploading.post(
    "/index/rebuild",
    status_code=202,
    responses={
        **BAD_BODY,
        403: refusal(
            "The service is not local, another site asks, or the path is in no folder that may be "
            "read"
        ),
        409: refusal("A build is running"),
        **too_large("8 MB"),
        **NOT_READY,
    },
)
async def rebuild_index(
    asked: RebuildRequest, request: Request, response: Response
) -> StartedResponse:
    """Starts a build of the index from a path or from the texts that are sent, all of them.

    The old index answers until the new one is ready, and on where the build fails or the gate finds
    that the new one is worse.
    """
    upkeep = _upkeep(request)
    try:
        source = allowed_path(asked.path, upkeep.roots) if asked.path else asked.texts
        job = _jobs(request).start(source, asked.force)
    except UsageError as error:
        raise Problem(403, "path_not_allowed", str(error)) from None
    except BusyError:
        raise _busy() from None
    response.headers["Location"] = f"/index/jobs/{job.id}"
    return StartedResponse(job=job.id, status=job.status)


@looking.get("/index/jobs/{id}", responses={**NOT_FOUND, **NOT_READY})
async def read_job(id: str, request: Request) -> JobResponse:
    """How far a build is, and how it ended; the last 20 are known."""
    return _job(request, _jobs(request).get(id))


@cancelling.delete("/index/jobs/{id}", responses={**LOCAL, **NOT_FOUND, **NOT_READY})
async def cancel_job(id: str, request: Request) -> JobResponse:
    """Cancels a build, which leaves the index as it was; one that has ended stays as it is."""
    return _job(request, await _jobs(request).cancel(id))


ROUTERS = (looking, changing, uploading, cancelling)


def _upkeep(request: Request) -> Upkeep:
    upkeep: Upkeep | None = request.app.state.upkeep
    if upkeep is None:
        raise not_ready()
    return upkeep


def _jobs(request: Request) -> Jobs:
    _upkeep(request)
    jobs: Jobs = request.app.state.jobs
    return jobs


def _follower(request: Request) -> Follower:
    follower: Follower = request.app.state.follower
    return follower


def _kept(index: Path, id: str | None) -> str | None:
    """The id of the kept snapshot that begins so; None for None. Raises Problem 404."""
    try:
        return None if id is None else find_id(index, id)
    except UsageError:
        detail = "no one kept snapshot has an id that begins so: see GET /index/versions"
        raise Problem(404, "unknown_version", detail) from None


def _job(request: Request, job: Job | None) -> JobResponse:
    """What the job is, without the place of the index. Raises Problem 404."""
    if job is None:
        raise Problem(404, "unknown_job", "no job has this id; only the last 20 are known")
    if job.failure is not None:
        told = _upkeep(request).library.unplaced(job.failure.detail)
        job = replace(job, failure=replace(job.failure, detail=told))
    return job_response(job)


def _busy() -> Problem:
    return Problem(409, "build_in_progress", "a build is running: wait until it is done")
