"""All routes, and the refusals of requests that no route takes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from rag.web import (
    ask_routes,
    document_routes,
    evaluation_routes,
    feedback_routes,
    health_routes,
    index_routes,
    job_event_routes,
    llms_routes,
    mcp_routes,
    metrics,
    page_image_routes,
    plug_routes,
    session_routes,
)
from rag.web.problems import Problem, Responses, invalid_request, not_found, refusal
from rag.web.server import example

Handlers = dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]

ROUTERS = (
    ask_routes.router,
    # Before the documents, whose ids may hold slashes.
    page_image_routes.router,
    document_routes.router,
    feedback_routes.router,
    health_routes.router,
    index_routes.router,
    llms_routes.router,
    mcp_routes.router,
    metrics.router,
    evaluation_routes.router,
    job_event_routes.router,
    plug_routes.router,
    session_routes.router,
)

DEFAULT: Responses = {"default": refusal("Any refusal or failure")}
router = APIRouter(responses=DEFAULT)
# An application that takes no feedback leaves these out.
feedback_router = APIRouter(responses=DEFAULT)
for each in ROUTERS:
    (feedback_router if each is feedback_routes.router else router).include_router(each)


async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    """Raises the Problem for parameters that FastAPI found to be wrong; bodies raise their own."""
    # The first part of a place tells query from path; the rest are names of ours.
    errors = [{**each, "loc": each["loc"][1:]} for each in error.errors()]
    names = frozenset(str(part) for each in errors for part in each["loc"])
    raise invalid_request(errors, {"": names})


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answers or refuses what routing refuses: an unknown path (404) or method (405)."""
    if error.status_code != 405:
        raise not_found()
    allow = {"Allow": _allowed(request)}
    if request.method == "OPTIONS" and "GET" in allow["Allow"]:
        # Load balancers ask by OPTIONS whether a service is well.
        return Response(status_code=204, headers=allow)
    detail = f"this path answers {allow['Allow']}"
    if request.scope["path"] == "/ask":
        address = str(request.base_url).rstrip("/")
        detail = f"{detail}; ask by {example(address, 'What is this?')}"
    raise Problem(405, "method_not_allowed", detail, allow)


# `Edge` turns the problems that these raise into responses.
HANDLERS: Handlers = {RequestValidationError: on_invalid_request, HTTPException: on_http_exception}


def _allowed(request: Request) -> str:
    """All methods of the path; a route knows only its own."""
    routes = (
        route
        for router in (request.app, *ROUTERS)
        for route in router.routes
        if isinstance(route, Route)
    )
    at_path = (route for route in routes if route.matches(request.scope)[0] != Match.NONE)
    methods = {method for route in at_path for method in route.methods or ()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
