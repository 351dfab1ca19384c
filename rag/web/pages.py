"""The static responses: the page, and the API description in JSON and HTML."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import Any, cast
from weakref import proxy

from fastapi import FastAPI, Response
from pydantic.json_schema import models_json_schema

from rag.documents import SUFFIXES
from rag.schemas import (
    AskRequest,
    FeedbackRequest,
    RebuildRequest,
    Request,
    RerankRequest,
    RetrievalRequest,
    RollbackRequest,
    SessionRequest,
    VectorStoreSearchRequest,
    VerifyRequest,
    ask_example,
)
from rag.web.bodies import MAX_UPLOAD_BYTES
from rag.web.reference import reference
from rag.web.state import AppState

MEDIA_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
START = "index.html"
# The bodies, by path. FastAPI does not describe them, as dependencies read them.
BODIES: Mapping[str, type[Request]] = {
    "/ask": AskRequest,
    "/feedback": FeedbackRequest,
    "/verify": VerifyRequest,
    "/index/rebuild": RebuildRequest,
    "/index/rollback": RollbackRequest,
    "/retrieval": RetrievalRequest,
    "/v1/rerank": RerankRequest,
    "/v2/rerank": RerankRequest,
    "/v1/vector_stores/{id}/search": VectorStoreSearchRequest,
    "/session": SessionRequest,
}
REF = "#/components/schemas/{model}"


def page_paths() -> list[str]:
    """The paths of the page's own files."""
    return [_path(file) for file in _files()]


def _files() -> list[Traversable]:
    return sorted((files("rag.web") / "page").iterdir(), key=lambda file: file.name)


def _path(file: Traversable) -> str:
    return "/" if file.name == START else f"/{file.name}"


def add_pages(app: FastAPI) -> None:
    """Adds the page, and the API reference of the routes that the app has so far."""
    for file in _files():
        _add(app, _path(file), file.read_bytes(), MEDIA_TYPES[PurePath(file.name).suffix])
    _add(app, "/page.json", _json(offer(app.state.service)), "application/json")
    # FastAPI keeps all endpoints that it has seen; they would keep the application and its index.
    described = cache(partial(description, cast(FastAPI, proxy(app))))
    _add_made(app, "/openapi.json", lambda: _json(described()), "application/json")
    _add_made(app, "/docs", lambda: reference(described()).encode(), "text/html")


def offer(state: AppState) -> dict[str, Any]:
    """What the page must know of the service: its limits, and what not each one does."""
    return {
        "feedback": state.takes_feedback,
        "generation": state.endpoint is not None,
        "upload": {"endings": SUFFIXES, "bytes": MAX_UPLOAD_BYTES // 4 * 3},
    }


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description: FastAPI's, with the bodies and a real answer added."""
    described = app.openapi()
    schemas = described["components"]["schemas"]
    _, bodies = models_json_schema(
        [(model, "validation") for model in BODIES.values()], ref_template=REF
    )
    schemas |= bodies["$defs"]
    # Added here because FastAPI removes every null from the examples of a model.
    schemas["AskResponse"]["examples"] = [ask_example()]
    described["components"]["schemas"] = dict(sorted(schemas.items()))
    for path, model in BODIES.items():
        if path not in described["paths"]:
            continue
        schema = {"$ref": REF.format(model=model.__name__)}
        described["paths"][path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _add(app: FastAPI, path: str, content: bytes, media_type: str) -> None:
    async def static() -> Response:
        return _response(content, media_type)

    app.add_api_route(path, static, include_in_schema=False)


def _add_made(app: FastAPI, path: str, make: Callable[[], bytes], media_type: str) -> None:
    """Adds what is made for its first request: it would be a tenth of the time to the first answer.

    It is made in a thread, as others wait for the event loop.
    """
    made = cache(make)

    async def static() -> Response:
        return _response(await asyncio.to_thread(made), media_type)

    app.add_api_route(path, static, include_in_schema=False)


def _response(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})


def _json(described: dict[str, Any]) -> bytes:
    return json.dumps(described, ensure_ascii=False).encode()
