"""Request bodies, read strictly: small, UTF-8, and JSON as RFC 8259 has it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from email.message import Message
from typing import Any

import anyio
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message as Event
from starlette.types import Receive

from rag.problem import CLOSE, Problem

MAX_BYTES = 16 * 1024
MAX_WIDE_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_SECONDS = 10.0

_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonRoute(APIRoute):
    """A route whose body is read and checked here before FastAPI sees it."""

    max_bytes = MAX_BYTES

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """The route's handler, behind the checks. It raises Problem."""
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            check_type(request)
            body = await read_body(request, max_bytes=self.max_bytes)
            parse_json(body)
            return await handler(Request(request.scope, _replay(body, request.receive)))

        return checked


class WideJsonRoute(JsonRoute):
    """The same for bodies that hold passages."""

    max_bytes = MAX_WIDE_BYTES


def check_type(request: Request) -> None:
    """None where the body is declared as plain UTF-8 JSON; raises Problem 415 otherwise."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported_encoding", "send the body without Content-Encoding", CLOSE)
    declared = Message()
    declared["content-type"] = request.headers.get("content-type", "application/octet-stream")
    charset = declared.get_content_charset("utf-8")
    if declared.get_content_type() != "application/json" or charset != "utf-8":
        detail = "send JSON in UTF-8, with the header Content-Type: application/json"
        raise Problem(415, "unsupported_media_type", detail, CLOSE)


async def read_body(
    request: Request, seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES
) -> bytes:
    """The body, of at most `max_bytes`; reading stops beyond. Raises Problem 400, 408, 413."""
    body = bytearray()
    try:
        _check_size(_declared_length(request), max_bytes)
        with anyio.fail_after(seconds):
            async for chunk in request.stream():
                body += chunk
                _check_size(len(body), max_bytes)
    except TimeoutError:
        detail = f"the body did not arrive within {seconds:g} seconds"
        raise Problem(408, "request_timeout", detail, CLOSE) from None
    except ClientDisconnect:
        raise Problem(400, "incomplete_body", "the connection ended within the body") from None
    return bytes(body)


def parse_json(body: bytes) -> object:
    """The value that the body states.

    Raises Problem: 400 where it is no JSON in UTF-8, holds a number that no float can hold, or is
    nested deeper than `MAX_DEPTH`; 422 where a key is given twice or text holds a lone surrogate.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
        _check_value(value, depth=0)
    except UnicodeDecodeError:
        raise Problem(400, "not_utf8", "the body is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise Problem(400, "malformed_json", "the body is not JSON (RFC 8259)") from None
    return value


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared[:19]) if declared.isascii() and declared.isdigit() else 0


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise Problem(413, "body_too_large", f"the body is over {max_bytes} bytes", CLOSE)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive channel that gives the body once more, then what the first one gives."""
    events: list[Event] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Event:
        return events.pop() if events else await receive()

    return replayed


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Problem(422, "duplicate_key", "a key is given twice")
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if number in (float("inf"), float("-inf")):
        raise Problem(400, "number_out_of_range", "a number is too large")
    return number


def _refuse_constant(name: str) -> object:
    raise Problem(400, "malformed_json", "NaN and Infinity are no JSON")


def _check_value(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, member in value.items():
            _check_text(key)
            _check_value(member, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_value(item, depth + 1)


def _check_text(text: str) -> None:
    if _SURROGATE.search(text):
        raise Problem(422, "invalid_unicode", "text holds a lone surrogate, which is no character")


def _too_deep() -> Problem:
    return Problem(400, "too_deep", f"the body is nested deeper than {MAX_DEPTH}")
