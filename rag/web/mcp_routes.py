"""`/mcp`: the Model Context Protocol over HTTP, and `rag mcp`: the same on stdin and stdout.

The protocol's own package is imported with the first message, so that the service starts as fast as
without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec

from fastapi import APIRouter, Depends, Request, Response

from rag.serving import upkeep_of
from rag.types.errors import UsageError
from rag.types.settings import Settings
from rag.web.bodies import check_type, parse_json, read_body
from rag.web.local_only import check_site
from rag.web.problems import Problem
from rag.web.state import AppState, State

router = APIRouter()


@router.post("/mcp", include_in_schema=False, dependencies=[Depends(check_site)])
async def mcp(request: Request, state: State) -> Response:
    """One message of the protocol, answered as JSON. There are no sessions."""
    try:
        check_installed("mcp")
    except UsageError as missing:
        raise Problem(501, "not_installed", str(missing)) from None
    check_type(request)
    body = await read_body(request)
    parse_json(body)
    answer = await asyncio.to_thread(_answering)
    return answer(state, request, body)


def serve_mcp(settings: Settings) -> None:
    """Answers on stdin and stdout about the index of the settings, until stdin ends.

    Raises UsageError if the protocol's package is not installed.
    """
    check_installed("mcp")
    from rag.web.mcp_server import serve_stdio

    asyncio.run(serve_stdio(AppState(None, upkeep_of(settings))))


def check_installed(extra: str) -> None:
    """Raises UsageError unless the package of that name, and of the extra, can be imported."""
    if find_spec(extra) is None:
        raise UsageError(f"the package {extra} is not installed: pip install 'rag[{extra}]'")


def _answering() -> Callable[[AppState, Request, bytes], Response]:
    # In a thread: it takes most of a second, the first time.
    from rag.web.mcp_server import McpResponse

    return McpResponse
