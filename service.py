"""The HTTP service: `uvicorn service:app`, or `rag serve`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI

from rag import __version__
from rag.encoders import set_torch_environment
from rag.serving import Board, Endpoint, Serving, Tally, Upkeep, endpoint_of, upkeep_of
from rag.types.settings import Settings
from rag.web import (
    HANDLERS,
    Access,
    AppState,
    AskFirst,
    Capacity,
    Door,
    Edge,
    Views,
    Watched,
    Watcher,
    add_pages,
    allowed_hosts,
    capacity_of,
    door_of,
    feedback_router,
    router,
    watchers_of,
)


def create_app(
    serving: Serving | None = None,
    *,
    upkeep: Upkeep | None = None,
    hosts: frozenset[str] | None = None,
    capacity: Capacity | None = None,
    board: Board | None = None,
    tally: Tally | None = None,
    door: Door | None = None,
    watchers: Sequence[Watcher] = (),
    endpoint: Endpoint | None = None,
) -> FastAPI:
    """The application over `serving`, which follows the index of `upkeep` while it runs.

    If neither gives an index, it is alive but not ready. `hosts` are the host names, without port,
    under which it can be reached: by default those of this machine, of the door and the bound
    address. Workers of one service share a `board` and a `tally`. `watchers` hear of each request.
    """
    door = door or Door()
    state = AppState(serving, upkeep, capacity or Capacity(), board, tally, endpoint)
    app = FastAPI(
        title="Ask the documents",
        version=__version__,
        description="Passages that answer a question, each cited to the character.",
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lambda _: state.running(),
        exception_handlers=HANDLERS,
    )
    app.state.service = state
    app.state.door = door
    app.add_middleware(AskFirst)
    app.add_middleware(Access, door=door, views=Views(state))
    app.add_middleware(Edge, hosts=hosts or allowed_hosts(state.host) | door.hosts)
    app.add_middleware(Watched, tally=state.tally, watchers=watchers)
    app.include_router(router)
    if state.takes_feedback:
        app.include_router(feedback_router)
    add_pages(app)
    return app


def __getattr__(name: str) -> FastAPI:
    """`app`, made when a server asks for it: importing this module reads no settings."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    settings = Settings()
    set_torch_environment()
    return create_app(
        upkeep=upkeep_of(settings),
        capacity=capacity_of(settings),
        door=door_of(settings),
        watchers=watchers_of(settings),
        endpoint=endpoint_of(settings),
    )
