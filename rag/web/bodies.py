"""Request bodies, read strictly: small, UTF-8, and JSON as RFC 8259 has it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from email.message import Message
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from rag import schemas
from rag.web.problems import CLOSE, Problem, invalid_request

M = TypeVar("M", bound=schemas.Request)

MAX_BYTES = 16 * 1024
# Of the documents that an index is to be built from, in base64.
MAX_UPLOAD_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_SECONDS = 10.0

# Objects, lists and their members: ten times what any request needs. So many are parsed in
# milliseconds; eight megabytes of empty lists would take seconds, and hold the interpreter's lock.
MAX_VALUES = 20_000
# Members of one object: an unknown one takes as long to refuse as a hundred known ones to read.
MAX_MEMBERS = 200

# So many bytes are counted at a time, so that other threads run in between.
_STEP = 64 * 1024


def json_body(model: type[M], max_bytes: int = MAX_BYTES) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads a body of at most `max_bytes` as that model. It raises Problem.

    A body that FastAPI reads itself is read whole, and parsed, before any dependency is called.
    """

    async def read(request: Request) -> M:
        check_type(request)
        body = await read_body(request, max_bytes=max_bytes)
        large = len(body) > MAX_BYTES
        return await asyncio.to_thread(_parsed, model, body) if large else _parsed(model, body)

    return read


def _parsed(model: type[M], body: bytes) -> M:
    return validated(model, parse_json(body))


def validated(model: type[M], value: object) -> M:
    """The value as that model. Raises Problem 422."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid_request(error.errors(), model.known_fields()) from None


def check_type(request: Request) -> None:
    """Raises Problem 415 unless the body is declared as plain UTF-8 JSON."""
    declared_type = request.headers.get("content-type", "application/octet-stream")
    if declared_type == "application/json" and "content-encoding" not in request.headers:
        # What most clients send. The rest takes a tenth of a millisecond.
        return
    encodings = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    if not {encoding.strip() for encoding in encodings} <= {"", "identity"}:
        raise Problem(415, "unsupported_encoding", "send the body without Content-Encoding", CLOSE)
    declared = Message()
    declared["content-type"] = declared_type
    charset = declared.get_content_charset("utf-8")
    if declared.get_content_type() != "application/json" or not _is_utf8(charset):
        detail = "send JSON in UTF-8, with the header Content-Type: application/json"
        raise Problem(415, "unsupported_media_type", detail, CLOSE)


def _is_utf8(charset: str) -> bool:
    """Whether a name is one of UTF-8's, or empty. codecs.lookup would cache every unknown name."""
    name = normalize_encoding(charset.strip("' ")).lower()
    return aliases.get(name, name) in ("utf_8", "")


async def read_body(
    request: Request, seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES
) -> bytes:
    """The body, of at most `max_bytes`. Raises Problem 400, 408, 413.

    A body whose declared length is greater is not read at all.
    """
    body = bytearray()
    stream = request.stream()
    try:
        async with asyncio.timeout(seconds):
            while max(len(body), _declared_length(request)) <= max_bytes:
                chunk = await anext(stream, None)
                if chunk is None:
                    return bytes(body)
                body += chunk
    except TimeoutError:
        detail = f"the body did not arrive within {seconds:g} seconds"
        raise Problem(408, "request_timeout", detail, CLOSE) from None
    except ClientDisconnect:
        raise Problem(400, "incomplete_body", "the connection ended within the body") from None
    raise Problem(413, "body_too_large", f"the body is over {max_bytes} bytes", CLOSE)


def parse_json(body: bytes) -> object:
    """The value that the body states.

    Raises Problem: 400 if it is no JSON in UTF-8, has a number that is too large for a float, is
    nested deeper than `MAX_DEPTH` or has more than `MAX_VALUES`; 422 if a key is given twice or
    text has a lone surrogate. The detail says where, and never repeats the input.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        raise _malformed("it begins with a byte-order mark")
    _check_count(body)
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
        _check_value(value, depth=0)
    except UnicodeDecodeError as error:
        detail = f"the body is not UTF-8: see byte {error.start + 1}"
        raise Problem(400, "not_utf8", detail) from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
        raise _malformed(f"{reason} at line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise _malformed("a number has too many digits") from None
    return value


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared[:19]) if declared.isascii() and declared.isdigit() else 0


def _check_count(body: bytes) -> None:
    """Raises Problem if the body has too many values: counts `[`, `{`, `,` outside of strings."""
    count, inside, rest = 0, False, b""
    for at in range(0, len(body), _STEP):
        piece = rest + body[at : at + _STEP]
        piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
        rest = b"\\" if piece.endswith(b"\\") else b""
        parts = piece.removesuffix(b"\\").split(b'"')
        outside = b"".join(parts[inside::2])
        inside ^= len(parts) % 2 == 0
        count += sum(map(outside.count, (b"[", b"{", b",")))
        if count > MAX_VALUES:
            raise Problem(400, "too_many_values", f"the body holds over {MAX_VALUES} values")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_MEMBERS:
        raise Problem(400, "too_many_values", f"an object has over {MAX_MEMBERS} members")
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
    raise _malformed("NaN and Infinity are no numbers of it")


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
    try:
        text.encode()
    except UnicodeEncodeError:
        detail = "text holds a lone surrogate, which is no character"
        raise Problem(422, "invalid_unicode", detail) from None


def _malformed(why: str) -> Problem:
    return Problem(400, "malformed_json", f"the body is not JSON (RFC 8259): {why}")


def _too_deep() -> Problem:
    return Problem(400, "too_deep", f"the body is nested deeper than {MAX_DEPTH}")
