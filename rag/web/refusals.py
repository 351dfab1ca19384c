"""The refusals that several routes share, and how the OpenAPI description tells of each."""

from __future__ import annotations

from typing import Any

from rag.schemas import ProblemModel
from rag.web.problems import MEDIA_TYPE, Problem

Responses = dict[int | str, dict[str, Any]]

RETRY_AFTER = {"Retry-After": "5"}


def refusal(description: str) -> dict[str, Any]:
    """How the description tells of a refusal."""
    content = {MEDIA_TYPE: {"schema": ProblemModel.model_json_schema()}}
    return {"description": description, "content": content}


NOT_FOUND: Responses = {404: refusal("There is none of this id")}
NOT_READY: Responses = {503: refusal("No index is loaded")}
# Whatever the size that a route allows: it says so itself under 413.
BAD_BODY: Responses = {
    400: refusal("The body is no JSON in UTF-8, is nested too deep or holds too many values"),
    408: refusal("The body did not arrive in time"),
    415: refusal("The body is not declared as JSON"),
    422: refusal("A field is missing, unknown or out of its range"),
}


def not_in_time(what: str) -> Responses:
    """How the description tells of what is given up, or cannot be begun."""
    return {503: refusal(f"No index is loaded, or {what} takes too long")}


def too_large(limit: str) -> Responses:
    """How the description tells of the size that a body may have."""
    return {413: refusal(f"The body is over {limit}")}


def not_ready() -> Problem:
    """The refusal of what needs an index, where none is loaded."""
    detail = "no index is loaded: run `rag build`, and the service picks it up"
    return Problem(503, "not_ready", detail, RETRY_AFTER)
