"""A refusal as HTTP gives it: RFC 9457 problem details, the one error shape of the service."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from rag.schemas import Fields, ProblemModel

MEDIA_TYPE = "application/problem+json"

# For a refusal that leaves the rest of the request unread.
CLOSE = {"Connection": "close"}
# The longest time, in seconds, after which a refused client is told to try again.
RETRY_SECONDS = 5

# Types of the errors that our own validators raise; they serve as codes.
OWN_TYPES = frozenset(
    {
        *("ambiguous_field", "bad_base64", "bad_name", "bad_span", "empty_question"),
        *("half_a_place", "nul_character", "one_source"),
    }
)

# At most this many errors are named in a refusal.
MAX_REASONS = 5

_WORDS = (
    ("valid dictionary or object to extract fields from", "object"),
    ("a object", "an object"),
    ("valid dictionary", "object"),
    ("valid tuple", "list"),
    ("Tuple", "List"),
    ("Input", "input"),
)

# Codes of Dify's API for external knowledge.
BAD_AUTHORIZATION, NOT_AUTHORIZED, NO_KNOWLEDGE = 1001, 1002, 2001

# What the OpenAPI description says of refusals, by status.
Responses = dict[int | str, dict[str, Any]]


class Problem(Exception):
    """A refusal with its HTTP status. `code` is for programs, `detail` for people.

    Neither ever contains what the client sent. `members` are further ones of the response, for
    clients of another service's shape.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        self.members = members or {}


def problem_response(problem: Problem, request_id: str) -> JSONResponse:
    """The response for a problem."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
        **problem.members,
    }
    return JSONResponse(content, problem.status, problem.headers, MEDIA_TYPE)


def retry_after() -> dict[str, str]:
    """The header Retry-After: a few seconds, not the same for all, so that they do not come back
    together."""
    return {"Retry-After": str(random.randint(1, RETRY_SECONDS))}


def overloaded() -> Problem:
    """The refusal of a request that finds the queue full."""
    detail = "as many requests wait as may wait: ask again after Retry-After seconds"
    return Problem(429, "overloaded", detail, retry_after())


def draining() -> Problem:
    """The answer to a probe of a service that is about to end."""
    return Problem(503, "draining", "the service is about to end: ask another one", retry_after())


def not_ready() -> Problem:
    """The refusal of a request that needs an index, while none is loaded."""
    detail = "no index is loaded: run `rag build`, and the service picks it up"
    return Problem(503, "not_ready", detail, retry_after())


def preparing() -> Problem:
    """The refusal of a request of a limited key whose documents are being indexed."""
    detail = "the index of the documents that this key sees is being made: ask again soon"
    return Problem(503, "preparing", detail, retry_after())


def not_found() -> Problem:
    """The refusal of a path that no route has."""
    return Problem(404, "not_found", "there is nothing at this path")


def dify_error(code: int, message: str) -> dict[str, object]:
    """The members of a refusal by which Dify's clients tell what is wrong."""
    return {"error_code": code, "error_msg": message}


def generation_off() -> Problem:
    """The refusal of `generate` by a service whose settings name no endpoint."""
    detail = (
        "nothing writes answers here: set RAG_GENERATE_URL and RAG_GENERATE_MODEL, or leave "
        "`generate` out"
    )
    return Problem(422, "generation_off", detail)


def refusal(description: str) -> dict[str, Any]:
    """A refusal in the OpenAPI description."""
    content = {MEDIA_TYPE: {"schema": ProblemModel.model_json_schema()}}
    return {"description": description, "content": content}


NOT_FOUND: Responses = {404: refusal("There is none of this id")}
NOT_READY: Responses = {503: refusal("No index is loaded")}
BUSY: Responses = {
    429: refusal("As many requests wait as may wait, or this client sends too many"),
    504: refusal("There was no answer in time"),
}


def bad_body(limit: str) -> Responses:
    """The refusals of a route that reads a JSON body of at most that size."""
    return {
        400: refusal("The body is no JSON in UTF-8, is nested too deep or holds too many values"),
        408: refusal("The body did not arrive in time"),
        413: refusal(f"The body is over {limit}"),
        415: refusal("The body is not declared as JSON"),
        422: refusal("A field is missing, unknown or out of its range"),
    }


def invalid_request(errors: Iterable[Mapping[str, Any]], fields: Fields) -> Problem:
    """The 422 for pydantic's errors. It repeats no name that is not among `fields`."""
    reasons = sorted({_reason(error, fields) for error in errors})
    codes = {code for code, _ in reasons}
    code = codes.pop() if len(codes) == 1 else "invalid_request"
    named = [detail for _, detail in reasons[:MAX_REASONS]]
    if more := len(reasons) - len(named):
        named.append(f"and {more} more")
    return Problem(422, code, "; ".join(named))


def _reason(error: Mapping[str, Any], fields: Fields) -> tuple[str, str]:
    place, named = _place(error, fields)
    if error["type"] == "extra_forbidden":
        known = ", ".join(sorted(fields.get(named, ())))
        code, message = "unknown_field", f"an unknown field was given; known are {known}"
    else:
        code = error["type"] if error["type"] in OWN_TYPES else "invalid_request"
        message = _in_json(error["msg"])
    return code, f"{place}: {message}" if place else message


def _place(error: Mapping[str, Any], fields: Fields) -> tuple[str, str]:
    """Where the error is, as `filters.section` or `files[2].name`; and the last name in it.

    It leaves out the members of a union, and the name of a field that is unknown.
    """
    names = frozenset().union(*fields.values())
    parts = error["loc"][:-1] if error["type"] == "extra_forbidden" else error["loc"]
    kept = [part for part in parts if isinstance(part, int) or part in names]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in kept)
    named = [part for part in kept if isinstance(part, str)]
    return place.removeprefix("."), named[-1] if named else ""


def _in_json(message: str) -> str:
    """pydantic's message in the words of JSON."""
    for python, json in _WORDS:
        message = message.replace(python, json)
    return message[:1].lower() + message[1:]
