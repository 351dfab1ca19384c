"""What is left of an error of the protocol's package."""

from __future__ import annotations

import asyncio

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Scope

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from rag.web.mcp_errors import NO_TOOL, ErrorsWithoutInput, without_input
from rag.web.problems import Problem


def passed_on(response: Response) -> tuple[int, bytes]:
    """The status and body of the response as the client gets it."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        held = ErrorsWithoutInput(send)
        scope: Scope = {"type": "http", "method": "POST", "headers": []}
        await response(scope, None, held.hold)  # type: ignore[arg-type]
        await held.pass_on()

    asyncio.run(run())
    start, body = sent
    lengths = [value for name, value in start["headers"] if name == b"content-length"]
    assert lengths in ([], [str(len(body["body"])).encode()])
    return start["status"], body["body"]


def test_an_answer_is_passed_on_as_it_is() -> None:
    assert passed_on(JSONResponse({"id": 1, "result": "Türme"})) == (
        200,
        '{"id":1,"result":"Türme"}'.encode(),
    )
    assert passed_on(Response(status_code=202)) == (202, b"")


def test_an_error_keeps_its_code_and_nothing_of_the_input() -> None:
    error = {"code": -32601, "message": "Method not found: evil", "data": "evil"}
    assert passed_on(JSONResponse({"id": 1, "error": error}, 404)) == (
        404,
        b'{"id": 1, "error": {"code": -32601, "message": "there is no such method"}}',
    )


def test_own_errors_keep_their_text_and_unknown_ones_get_one() -> None:
    own = {"id": 1, "error": {"code": -32602, "message": NO_TOOL}}
    assert without_input(own) == own
    other = without_input({"id": 1, "error": {"code": 7, "message": "evil"}})
    assert other["error"] == {"code": 7, "message": "the message is refused"}


def test_version_that_is_none_is_not_repeated() -> None:
    data = {"supported": ["2026-07-28"], "requested": "evil"}
    error = {"code": -32022, "message": "evil", "data": data}
    kept = without_input({"id": 1, "error": error})["error"]["data"]
    assert kept == {"supported": ["2026-07-28"], "requested": ""}


@pytest.mark.parametrize("body", ["Invalid evil", "[1]", "3"])
def test_refusal_that_is_not_of_the_protocol_is_a_problem(body: str) -> None:
    with pytest.raises(Problem) as refused:
        passed_on(PlainTextResponse(body, 421))
    assert (refused.value.status, refused.value.code) == (421, "malformed_message")
