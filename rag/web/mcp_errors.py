"""Errors of the Model Context Protocol that repeat nothing of what the client sent.

The protocol's package quotes the request in some of its errors. They keep their code, by which
programs tell them apart, and get a text of ours.
"""

from __future__ import annotations

import json
import re
from typing import Any

import mcp_types as types
from starlette.types import Message, Send

from rag.web.problems import Problem

# The texts of our own errors.
NO_TOOL = "there is no such tool: tools/list names them"
NO_CURSOR = "the cursor is no longer valid: list again"
NO_DOCUMENT = "no document is at this address: resources/list names them"
FAILED = "the server failed: see its log"
_OWN = frozenset({NO_TOOL, NO_CURSOR, NO_DOCUMENT, FAILED})

_TEXTS = {
    types.PARSE_ERROR: "the message is not JSON",
    types.INVALID_REQUEST: "the message is no request of the protocol",
    types.METHOD_NOT_FOUND: "there is no such method",
    types.INVALID_PARAMS: "the parameters are not those of the method",
    types.INTERNAL_ERROR: FAILED,
    types.HEADER_MISMATCH: "the headers and the message disagree, or a header is missing",
    types.UNSUPPORTED_PROTOCOL_VERSION: "the server does not speak this version of the protocol",
}
_OTHER = "the message is refused"
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def without_input(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of JSON-RPC; of an error only the code, a text of ours and the versions stay."""
    if "error" not in answer:
        return answer
    error = answer["error"]
    code = error["code"]
    own = error["message"] in _OWN
    kept = {"code": code, "message": error["message"] if own else _TEXTS.get(code, _OTHER)}
    if code == types.UNSUPPORTED_PROTOCOL_VERSION:
        # Clients choose another version by these.
        requested = str(error["data"]["requested"])
        shown = requested if _VERSION.fullmatch(requested) else ""
        kept["data"] = {"supported": error["data"]["supported"], "requested": shown}
    return {**answer, "error": kept}


class ErrorsWithoutInput:
    """Passes an answer on, in one piece, once its errors are `without_input`.

    Usage: give `hold` as the `send` of an application, then call `pass_on`.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message = {}
        self._body = b""

    async def hold(self, message: Message) -> None:
        """Keeps a message of the answer."""
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")

    async def pass_on(self) -> None:
        """Sends the answer. Raises Problem for a refusal that is not of the protocol."""
        if self._body or self._start["status"] >= 400:
            self._rewrite()
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": self._body})

    def _rewrite(self) -> None:
        answer = _object(self._body)
        if self._start["status"] >= 400 and "error" not in answer:
            detail = "the request is not as the Model Context Protocol has it"
            raise Problem(self._start["status"], "malformed_message", detail)
        if "error" in answer:
            self._body = json.dumps(without_input(answer), ensure_ascii=False).encode()
            length = (b"content-length", str(len(self._body)).encode())
            others = [each for each in self._start["headers"] if each[0] != length[0]]
            self._start = {**self._start, "headers": [*others, length]}


def _object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, empty if it is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
