"""What is counted of requests, answers and builds."""

from __future__ import annotations

from rag.serving import Counted, Tally
from rag.types import Answer

# By the first part of a path, so that no client makes new ones.
PATHS = (
    *("/", "/ask", "/documents", "/feedback", "/healthz", "/index", "/mcp", "/metrics"),
    *("/passages", "/readyz", "/retrieval", "/session", "/v1", "/v2", "/verify", "other"),
)
STATUSES = (
    *("200", "201", "202", "204", "206", "304", "400", "401", "403", "404", "405", "408", "409"),
    *("410", "413", "415", "416", "421", "422", "429", "431", "499", "500", "503", "504", "other"),
)
# `made_room`: it waited longest when there were too many connections. `silent`: nothing came.
REASONS = (
    *("overloaded", "too_many_connections", "made_room", "request_timeout", "silent"),
    *("malformed_request", "headers_too_large", "unsupported_encoding", "other"),
)
STAGES = ("encode", "search", "cite")

REQUESTS = Counted(
    "rag_http_requests",
    "Requests, by path and status; 499 if the client left before the response.",
    {"path": PATHS, "status": STATUSES},
)
REQUEST_SECONDS = Counted(
    "rag_http_request_seconds", "Seconds until a response was sent.", {"path": PATHS}, timed=True
)
ANSWERS = Counted(
    "rag_answers",
    "Questions that were worked on, by verdict.",
    {"verdict": ("answered", "maybe", "not_found")},
)
STAGE_SECONDS = Counted(
    "rag_ask_seconds",
    "Seconds that a question took on its thread, by stage.",
    {"stage": STAGES},
    timed=True,
)
BUILDS = Counted(
    "rag_builds",
    "Rebuilds over HTTP that have ended, by result.",
    {"result": ("done", "failed", "cancelled")},
)
REFUSED = Counted(
    "rag_refused_unread",
    "Questions and connections that were refused before there was a request, by reason.",
    {"reason": REASONS},
)
COUNTED = (REQUESTS, REQUEST_SECONDS, ANSWERS, STAGE_SECONDS, BUILDS, REFUSED)


def count_request(tally: Tally, path: str, status: str, seconds: float) -> None:
    """Counts a request, by the first part of its path."""
    place = "/" + path[1:].partition("/")[0]
    tally.add(REQUESTS.name, place, status)
    tally.time(REQUEST_SECONDS.name, place, seconds=seconds)


def count_answer(tally: Tally, answer: Answer) -> None:
    """Counts an answer, and what its stages took."""
    tally.add(ANSWERS.name, answer.verdict)
    took = answer.stages
    for stage, seconds in zip(STAGES, (took.encode, took.search, took.cite), strict=True):
        tally.time(STAGE_SECONDS.name, stage, seconds=seconds)


def count_build(tally: Tally, result: str) -> None:
    """Counts a build that has ended."""
    tally.add(BUILDS.name, result)


def count_refusal(tally: Tally, reason: str) -> None:
    """Counts what was refused before there was a request."""
    tally.add(REFUSED.name, reason)
