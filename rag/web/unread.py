"""Questions that are refused unread, because as many wait as may wait.

Under ten times the load that can be served, nine of ten requests are refused. Reading one, only to
refuse it, takes a twentieth of the time of an answer, so half of the service would do nothing else.
"""

from __future__ import annotations

import re
import uuid
from http import HTTPStatus

from rag.web.edge import safe_headers
from rag.web.problems import Problem, overloaded, problem_response

# A whole question that is sent in one piece, and nothing after it.
_ASKED = re.compile(rb"POST /ask HTTP/1\.1\r\n(?:[!-9;-~]+:[^\r\n]*\r\n)+\r\n", re.ASCII)
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,6}) *(?=\r\n)", re.IGNORECASE)
_UNUSUAL = re.compile(rb"\r\n(?:transfer-encoding|expect|connection|upgrade) *:", re.IGNORECASE)

_ID = "0" * 32


def is_question(sent: bytes) -> bool:
    """Whether the bytes are one whole `POST /ask` on a connection that stays open.

    Whatever is unusual about it is left to be read.
    """
    head = _ASKED.match(sent)
    if head is None or _UNUSUAL.search(head[0]):
        return False
    lengths = _LENGTH.findall(head[0])
    return len(lengths) == 1 and len(sent) == head.end() + int(lengths[0])


def refusals() -> list[bytes]:
    """The refusals as bytes on the wire, each with another time to come back; see `refusal`."""
    made = {str(problem.headers): problem for problem in (overloaded() for _ in range(200))}
    return [_written(made[each]) for each in sorted(made)]


def refusal(template: bytes) -> bytes:
    """The refusal with an id of its own."""
    return template.replace(_ID.encode(), uuid.uuid4().hex.encode())


def _written(problem: Problem) -> bytes:
    response = problem_response(problem, _ID)
    safe = [(name.encode(), value.encode()) for name, value in safe_headers(_ID).items()]
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode(),
        *(name + b": " + value for name, value in [*response.raw_headers, *safe]),
    ]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
