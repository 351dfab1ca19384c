"""Everything that is HTTP, and the page."""

from rag.web.bodies import JsonRoute, WideJsonRoute
from rag.web.edge import LOCAL_HOSTS, Edge, allowed_hosts
from rag.web.index_routes import ROUTERS, Upkeep
from rag.web.problems import Problem, invalid_request, problem_response
from rag.web.reference import reference
from rag.web.refusals import (
    BAD_BODY,
    NOT_FOUND,
    NOT_READY,
    not_in_time,
    not_ready,
    refusal,
    too_large,
)
from rag.web.server import ended_quietly, example, greeting, listen, prepare, server_of
from rag.web.worker import Worker

__all__ = [
    "BAD_BODY",
    "LOCAL_HOSTS",
    "NOT_FOUND",
    "NOT_READY",
    "ROUTERS",
    "Edge",
    "JsonRoute",
    "Problem",
    "Upkeep",
    "WideJsonRoute",
    "Worker",
    "allowed_hosts",
    "ended_quietly",
    "example",
    "greeting",
    "invalid_request",
    "listen",
    "not_in_time",
    "not_ready",
    "prepare",
    "problem_response",
    "reference",
    "refusal",
    "server_of",
    "too_large",
]
