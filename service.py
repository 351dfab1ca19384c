"""The HTTP service: `uvicorn service:app`, or `rag serve`."""

from __future__ import annotations

import asyncio
import functools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from rag import __version__
from rag.answering import cite, verify_all
from rag.encoders import open_encoder, set_torch_environment
from rag.errors import CorruptIndex, TookTooLong
from rag.index import Snapshot
from rag.schemas import (
    ASK_EXAMPLE,
    ASK_FIELDS,
    REBUILD_FIELDS,
    ROLLBACK_FIELDS,
    VERIFY_FIELDS,
    AskRequest,
    AskResponse,
    DocumentEntry,
    DocumentResponse,
    DocumentsResponse,
    Fields,
    HealthResponse,
    PassageResponse,
    ReadyResponse,
    VerifyRequest,
    VerifyResponse,
    ask_response,
    citation_model,
    document_pieces,
    index_model,
    verify_response,
)
from rag.serving import Follower, Jobs, Library, Serving, build_command, roots_of, sweep_uploads
from rag.settings import Settings
from rag.store import sweep_if_idle
from rag.types import Answer, Document
from rag.web import (
    BAD_BODY,
    LOCAL_HOSTS,
    NOT_FOUND,
    NOT_READY,
    Edge,
    JsonRoute,
    Problem,
    Upkeep,
    WideJsonRoute,
    Worker,
    allowed_hosts,
    ended_quietly,
    example,
    greeting,
    invalid_request,
    listen,
    not_in_time,
    not_ready,
    prepare,
    problem_response,
    reference,
    refusal,
    server_of,
    too_large,
)
from rag.web import ROUTERS as UPKEEP_ROUTERS

# The names that a refusal may repeat, by path.
FIELDS: Mapping[str, Fields] = {
    "/ask": ASK_FIELDS,
    "/documents": {"": frozenset({"limit", "after"})},
    "/index/rebuild": REBUILD_FIELDS,
    "/index/rollback": ROLLBACK_FIELDS,
    "/verify": VERIFY_FIELDS,
}

# How many documents are listed at once.
PAGE = 100
MAX_PAGE = 1000
# How long the check of saved citations may take.
VERIFY_SECONDS = 10.0

PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/app.js": ("app.js", "text/javascript"),
    "/style.css": ("style.css", "text/css"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}


class Application(FastAPI):
    """FastAPI, whose own way drops every null from an example."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description, with an example answer."""
        description = super().openapi()
        description["components"]["schemas"]["AskResponse"]["examples"] = [ASK_EXAMPLE]
        return description


def upkeep_of(settings: Settings) -> Upkeep:
    """What the settings let the service do to its index; opens nothing."""
    opening = functools.partial(open_encoder, settings.model, settings.runtime, settings.threads)
    roots = roots_of(settings.corpus, settings.roots)
    return Upkeep(
        library=Library(settings.index, opening),
        command=build_command(settings.index, roots),
        roots=roots,
        host=settings.host,
        verify_seconds=settings.verify_hours * 3600,
        job_hours=settings.job_hours,
    )


def serve(settings: Settings) -> None:
    """Serves the current index until it is interrupted; prints the address and an example.

    Raises RagError where the index cannot be opened or the address cannot be bound.
    """
    with listen(settings.host, settings.port) as listener, ended_quietly():
        upkeep = upkeep_of(settings)
        serving = upkeep.library.open()
        app = create_app(serving, upkeep=upkeep, hosts=allowed_hosts(settings.host))
        print(greeting(serving.snapshot, settings.host, listener.getsockname()[1]), flush=True)
        server_of(app).run(sockets=[listener])


def create_app(
    serving: Serving | None = None,
    *,
    upkeep: Upkeep | None = None,
    hosts: frozenset[str] = LOCAL_HOSTS,
) -> Application:
    """The application over `serving`, which from its start on follows the index of `upkeep`.

    While neither gives anything it stays alive, not ready. `hosts` are the host names, without
    port, under which it answers.
    """
    app = Application(
        title="Ask the documents",
        version=__version__,
        description="Passages that answer a question, each cited to the character.",
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan,
        responses={"default": refusal("Any refusal or failure")},
    )
    follower = Follower(upkeep.library if upkeep else None, serving)
    app.state.follower = follower
    app.state.upkeep = upkeep
    app.state.jobs = Jobs(upkeep.command, follower.catch_up, upkeep.job_hours) if upkeep else None
    # One thread: the model is never used by two at once. Another, so that no question waits for it.
    app.state.asking = Worker("ask")
    app.state.verifying = Worker("verify")
    app.add_middleware(Edge, hosts=hosts)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    for router in ROUTERS:
        app.include_router(router)
    _add_page(app)
    _add_reference(app)
    return app


def __getattr__(name: str) -> Application:
    """`app`, made when a server asks for it, so that importing this module reads no settings."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    settings = Settings()
    set_torch_environment()
    return create_app(upkeep=upkeep_of(settings), hosts=allowed_hosts(settings.host))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    prepare(asyncio.get_running_loop())
    async with _kept_up(app):
        yield
    app.state.asking.drop()
    app.state.verifying.drop()


@asynccontextmanager
async def _kept_up(app: FastAPI) -> AsyncIterator[None]:
    upkeep: Upkeep | None = app.state.upkeep
    if upkeep is None:
        yield
        return
    follower: Follower = app.state.follower
    await asyncio.to_thread(sweep_if_idle, upkeep.library.index)
    await asyncio.to_thread(sweep_uploads)
    await follower.catch_up()
    tasks = [asyncio.create_task(follower.follow(upkeep.seconds))]
    if upkeep.verify_seconds:
        tasks.append(asyncio.create_task(follower.recheck_every(upkeep.verify_seconds)))
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await app.state.jobs.close()


def _serving(request: Request) -> Serving:
    serving: Serving | None = request.app.state.follower.serving
    if serving is None:
        raise not_ready()
    return serving


class IdConvertor(StringConvertor):
    """The rest of a path as an id, which may hold whatever a file name may, line ends too."""

    regex = "(?s:.*)"


register_url_convertor("id", IdConvertor())

api = APIRouter()
asking = APIRouter(route_class=JsonRoute)
verifying = APIRouter(route_class=WideJsonRoute)


@asking.post("/ask", responses={**BAD_BODY, **too_large("16 KB"), **NOT_READY})
async def ask_documents(asked: AskRequest, request: Request) -> AskResponse:
    """The passages that answer a question, best first, each cited to the character.

    Where the documents do not seem to answer it, the response says so: that is no error.
    """
    started = time.perf_counter()
    serving = _serving(request)
    try:
        answer, note = await _asked(request, serving, asked)
    except CorruptIndex as error:
        # The mapped file was altered in place: what is whole answers, this question too.
        follower: Follower = request.app.state.follower
        retreat = await follower.retreat(serving, error)
        if retreat is None:
            raise not_ready() from None
        serving = retreat
        answer, note = await _asked(request, serving, asked)
    return ask_response(
        answer, index_model(serving.snapshot), (time.perf_counter() - started) * 1000, note
    )


async def _asked(
    request: Request, serving: Serving, asked: AskRequest
) -> tuple[Answer, str | None]:
    worker: Worker = request.app.state.asking
    return await worker.run(request, functools.partial(_answer, serving, asked))


def _answer(serving: Serving, asked: AskRequest) -> tuple[Answer, str | None]:
    """The answer, and how many ids of the filter name no document, if any do."""
    filters = asked.filters.filters()
    found = [serving.snapshot.document(id) for id in filters.document_id]
    known = tuple(document.id for document in found if document)
    answer = serving.ask(
        asked.question,
        top_k=asked.top_k,
        mode=asked.mode,
        filters=replace(filters, document_id=known) if known else filters,
        explained=asked.explain,
    )
    unknown = found.count(None)
    note = f"{unknown} of {len(found)} ids in filters.document_id name no document of the index."
    return answer, note if unknown else None


@verifying.post(
    "/verify",
    responses={**BAD_BODY, **too_large("256 KB"), **not_in_time("the search for the quotes")},
)
async def verify_citations(asked: VerifyRequest, request: Request) -> VerifyResponse:
    """Whether saved citations still stand in the documents: valid, moved, changed or gone.

    What is valid or moved is quoted exactly, to the character.
    """
    serving = _serving(request)
    saved = [citation.saved for citation in asked.citations]
    work = functools.partial(verify_all, serving.snapshot, saved, VERIFY_SECONDS)
    try:
        verdicts = await request.app.state.verifying.run(request, work)
    except TookTooLong as error:
        raise Problem(503, "took_too_long", str(error)) from None
    return verify_response(verdicts, index_model(serving.snapshot))


@api.get("/documents", responses={**NOT_FOUND, **NOT_READY})
async def list_documents(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="how many at most")] = PAGE,
    after: Annotated[str | None, Query(description="the id that the list goes on after")] = None,
) -> DocumentsResponse:
    """The documents of the index, so many at a time, in the order of the index."""
    snapshot = _serving(request).snapshot
    return await asyncio.to_thread(_listed, snapshot, limit, after)


def _listed(snapshot: Snapshot, limit: int, after: str | None) -> DocumentsResponse:
    place = -1 if after is None else _place(snapshot, after)
    ids = snapshot.document_ids[place + 1 : place + 1 + limit]
    more = place + 1 + limit < len(snapshot.document_ids)
    return DocumentsResponse(
        documents=tuple(_entry(snapshot, snapshot.documents[id]) for id in ids),
        next=ids[-1] if more else None,
    )


def _place(snapshot: Snapshot, id: str) -> int:
    document = snapshot.document(id)
    if document is None:
        detail = "no document has the id in `after`: list them again from the first one"
        raise Problem(404, "unknown_document", detail)
    return snapshot.places[document.id]


def _entry(snapshot: Snapshot, document: Document) -> DocumentEntry:
    return DocumentEntry(
        id=document.id,
        title=document.title,
        source=document.source,
        sha256=document.sha256,
        characters=len(document.text),
        sections=len(snapshot.sections_of.get(document.id, ())),
        passages=snapshot.passage_counts[document.id],
    )


@api.get(
    "/documents/{id:id}",
    response_model=DocumentResponse,
    responses={**NOT_FOUND, **NOT_READY},
)
async def read_document(id: str, request: Request) -> StreamingResponse:
    """A document's canonical text and its sections.

    An id in another Unicode normal form than the document's finds it too.
    """
    snapshot = _serving(request).snapshot
    document = snapshot.document(id)
    if document is None:
        raise _unknown_document()
    pieces = document_pieces(document, snapshot.sections_of.get(document.id, ()))
    return StreamingResponse(_in_turns(pieces), media_type="application/json")


@api.get("/passages/{id}", responses={**NOT_FOUND, **NOT_READY})
async def read_passage(id: str, request: Request) -> PassageResponse:
    """A passage and its citation."""
    return await asyncio.to_thread(_passage, _serving(request).snapshot, id)


def _passage(snapshot: Snapshot, id: str) -> PassageResponse:
    passage = snapshot.passage(id)
    if passage is None:
        raise Problem(404, "unknown_passage", "no passage of this index has this id")
    return PassageResponse(
        passage_id=passage.id,
        section_id=passage.section_id,
        text=passage.text,
        citation=citation_model(cite(snapshot, passage)),
    )


@api.get("/index", responses=NOT_READY)
async def read_index(request: Request) -> dict[str, Any]:
    """The manifest of the index, with its id: what it was built from and with."""
    manifest = _serving(request).snapshot.manifest
    return {"id": manifest.id, **manifest.to_json()}


@api.get("/healthz")
async def is_alive() -> HealthResponse:
    """The process is alive, whether or not it has an index."""
    return HealthResponse()


@api.get("/readyz", responses=NOT_READY)
async def is_ready(request: Request) -> ReadyResponse:
    """Questions can be asked; `degraded` says what is wrong with the index all the same."""
    serving = _serving(request)
    return ReadyResponse(
        index=index_model(serving.snapshot),
        degraded=(*serving.refused, *serving.damage),
        verified=serving.verified,
    )


ROUTERS = (asking, verifying, api, *UPKEEP_ROUTERS)


def _add_page(app: FastAPI) -> None:
    folder = files("rag.web") / "page"
    for path, (name, media_type) in PAGE_FILES.items():
        content = (folder / name).read_bytes()
        app.add_api_route(path, _static(content, media_type), include_in_schema=False)


def _static(content: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def static() -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return static


def _add_reference(app: FastAPI) -> None:
    description = app.openapi()
    # FastAPI's own route would make it again at the first request, and all others wait for that.
    raw = json.dumps(description, ensure_ascii=False)
    parts = (
        ("/openapi.json", raw, "application/json"),
        ("/docs", reference(description), "text/html"),
    )
    for path, content, media_type in parts:
        app.add_api_route(path, _static(content.encode(), media_type), include_in_schema=False)


async def _in_turns(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces; between two of them others are answered."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


def _unknown_document() -> Problem:
    return Problem(404, "unknown_document", "no document has this id: see GET /documents")


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, request.state.request_id)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = FIELDS.get(request.scope["path"], {"": frozenset()})
    return await _on_problem(request, invalid_request(error.errors(), fields))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """What routing refuses: an unknown path (404) or method (405)."""
    assert isinstance(error, HTTPException)
    if error.status_code != 405:
        return await _on_problem(
            request, Problem(404, "not_found", "there is nothing at this path")
        )
    allow = {"Allow": _allowed(request)}
    if request.method == "OPTIONS" and "GET" in allow["Allow"]:
        # As load balancers ask by default whether a service is well.
        return Response(status_code=204, headers=allow)
    detail = f"this path answers {allow['Allow']}"
    if request.scope["path"] == "/ask":
        address = str(request.base_url).rstrip("/")
        detail = f"{detail}; ask by {example(address, 'What is this?')}"
    return await _on_problem(request, Problem(405, "method_not_allowed", detail, allow))


def _allowed(request: Request) -> str:
    """All methods that the path answers; its routes know only their own."""
    routes = (
        route
        for router in (request.app, *ROUTERS)
        for route in router.routes
        if isinstance(route, Route)
    )
    at_path = (route for route in routes if route.matches(request.scope)[0] != Match.NONE)
    methods = {method for route in at_path for method in route.methods or ()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
