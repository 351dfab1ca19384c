"""Questions that are refused unread, because as many wait as may wait.

Under ten times the load that can be served, nine of ten requests are refused. Reading one, only to
refuse it, takes twenty times as long as refusing it unread.
"""

from __future__ import annotations

import asyncio
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from rag.web.bodies import MAX_BYTES
from rag.web.edge import safe_headers
from rag.web.problems import CLOSE, Problem, overloaded, problem_response

# What every question begins with.
ASK = b"POST /ask HTTP/1.1\r\n"

_HEAD = re.compile(re.escape(ASK) + rb"(?:[\w!#$%&'*+.^`|~-]+:[\t -~]*\r\n)+\r\n", re.ASCII)
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,6}) *(?=\r\n)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close *\r\n", re.IGNORECASE)
_UNUSUAL = re.compile(
    rb"\r\n(?:transfer-encoding:|expect:|upgrade:|connection:(?! *(?:close|keep-alive) *\r\n)"
    rb"|content-length:(?! *[0-9]{1,6} *\r\n))",
    re.IGNORECASE,
)

_ID = "0" * 32


@dataclass(frozen=True, slots=True)
class UnreadQuestion:
    """The head of a question: how much of its body has not come, and whether it is the last one."""

    missing: int
    is_last: bool


def question_in(sent: bytes) -> UnreadQuestion | None:
    """The `POST /ask` that the bytes begin, if its head is whole and nothing follows its body.

    None if anything about it is unusual: then it must be read.
    """
    head = _HEAD.match(sent)
    if head is None or _UNUSUAL.search(head[0]):
        return None
    lengths = _LENGTH.findall(head[0])
    if len(lengths) != 1 or int(lengths[0]) > MAX_BYTES:
        return None
    missing = head.end() + int(lengths[0]) - len(sent)
    return UnreadQuestion(missing, _CLOSE.search(head[0]) is not None) if missing >= 0 else None


class Admission:
    """Says whether a question is refused unread, and counts what is refused before it is a request.

    `free` gives how many more questions may wait, `count` counts a refusal by its reason. A
    question takes its place one round of the loop after it was let in; it is kept until then, so
    that those that arrive in the same round do not all get the last one.
    """

    def __init__(
        self,
        free: Callable[[], float] = lambda: math.inf,
        count: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._free = free
        self._coming = 0
        self.count = count

    @property
    def is_full(self) -> bool:
        """Whether the next question is refused."""
        return self._free() <= self._coming

    def let_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keeps a place for a question whose task has been created on the loop."""
        self._coming += 1
        # It runs after the first step of the task, which takes the place.
        loop.call_soon(self._has_come)

    def _has_come(self) -> None:
        self._coming -= 1


def refusals(is_last: bool) -> list[bytes]:
    """The refusals as bytes on the wire, each with another time to come back; see `refusal`."""
    closing = CLOSE if is_last else {}
    made = {str(problem.headers): problem for problem in (overloaded() for _ in range(200))}
    return [written(made[each], closing) for each in sorted(made)]


def refusal(template: bytes) -> bytes:
    """The refusal with an id of its own."""
    return template.replace(_ID.encode(), uuid.uuid4().hex.encode())


def written(problem: Problem, more: dict[str, str]) -> bytes:
    """The problem's response as bytes on the wire, with these headers; see `refusal` for its id."""
    response = problem_response(problem, _ID)
    added = {**safe_headers(_ID), **more}
    lines = [
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode(),
        *(name + b": " + value for name, value in response.raw_headers),
        *(f"{name}: {value}".encode() for name, value in added.items()),
    ]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
