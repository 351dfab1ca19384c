"""A refusal as HTTP gives it: RFC 9457 problem details, the one error shape of the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"

# For a refusal that leaves the rest of the request unread.
CLOSE = {"Connection": "close"}

# Types of the errors that our own validators raise; they serve as codes.
OWN_TYPES = frozenset(
    {"ambiguous_field", "bad_name", "empty_question", "nul_character", "one_source"}
)


class Problem(Exception):
    """A refusal with its HTTP status. `code` is for programs, `detail` for people.

    Neither ever holds what the client sent.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


def problem_response(problem: Problem, request_id: str) -> JSONResponse:
    """The response that tells a client of the problem."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
    }
    return JSONResponse(content, problem.status, problem.headers, MEDIA_TYPE)


def invalid_request(errors: Iterable[Mapping[str, Any]], fields: frozenset[str]) -> Problem:
    """The 422 for pydantic's errors. Only names among `fields` are named back to the client."""
    reasons = sorted({_reason(error, fields) for error in errors})
    codes = {code for code, _ in reasons}
    code = codes.pop() if len(codes) == 1 else "invalid_request"
    return Problem(422, code, "; ".join(detail for _, detail in reasons))


def _reason(error: Mapping[str, Any], fields: frozenset[str]) -> tuple[str, str]:
    if error["type"] == "extra_forbidden":
        return "unknown_field", f"an unknown field was given; known are {', '.join(sorted(fields))}"
    code = error["type"] if error["type"] in OWN_TYPES else "invalid_request"
    place = ".".join(part for part in error["loc"] if part in fields)
    message = error["msg"][:1].lower() + error["msg"][1:]
    return code, f"{place}: {message}" if place else message
