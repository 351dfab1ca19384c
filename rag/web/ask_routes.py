"""The routes that answer questions and check saved citations."""

from __future__ import annotations

import functools
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.answering import verify
from rag.schemas import (
    AskRequest,
    AskResponse,
    VerifyRequest,
    VerifyResponse,
    answer_json,
    timed,
)
from rag.serving import Figure, Serving
from rag.types import Answer, Verdict
from rag.types.errors import TookTooLong
from rag.web.asking import answered
from rag.web.bodies import json_body
from rag.web.problems import BUSY, NOT_READY, Problem, bad_body, generation_off, refusal
from rag.web.state import AppState, State, state_of
from rag.web.watched import Asked, record_of

# Saved citations hold whole passages.
MAX_VERIFY_BYTES = 512 * 1024
VERIFY_SECONDS = 10.0
# A question of so many characters takes 2 to 3 times as long as a usual one, the longest 10 to 20
# times.
SHORT = 200

router = APIRouter()


read_question = json_body(AskRequest)


@router.post(
    "/ask",
    response_model=AskResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **bad_body("16 KB"),
        **BUSY,
        **NOT_READY,
    },
)
async def ask_documents(request: Request) -> Response:
    """The passages that answer a question, best first, each cited to the character.

    If the documents do not seem to answer it, the response says so; that is no error. With
    `generate`, it is followed by what a language model writes from the passages: see docs/http.md.
    """
    asked = await read_question(request)
    state = state_of(request)
    if asked.generate and state.endpoint is None:
        raise generation_off()
    started = time.perf_counter()
    written = await _answered(request, state, asked)
    took_ms = (time.perf_counter() - started) * 1000
    answer = timed(written, took_ms)
    if asked.generate:
        return _generated(request, state, answer)
    return Response(answer, media_type="application/json")


def _generated(request: Request, state: AppState, answer: bytes) -> Response:
    # Imported only here: few services generate.
    from rag.web.generation import stream

    return stream(request, state, answer)


class AskFirst:
    """ASGI middleware: answers `POST /ask` without FastAPI, which describes the route.

    FastAPI's routing and dependencies would take longer than reading the question and writing its
    answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/ask"):
            response = await ask_documents(Request(scope, receive, send))
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def _answered(request: Request, state: AppState, asked: AskRequest) -> bytes:
    """The answer as JSON: one that was given before, or a new one."""
    serving = state.serving
    written = state.remembered.get(_key(serving, asked))
    state.board.add(Figure.MISSES if written is None else Figure.HITS, 1)
    if written is not None:
        _record(request, serving, asked, None)
        return written
    is_short = len(asked.question) <= SHORT
    found: tuple[Serving, Answer, bytes] = await state.on_live(
        functools.partial(_answer, asked),
        functools.partial(state.asking.run, request, is_short=is_short),
    )
    serving, answer, written = found
    _record(request, serving, asked, answer)
    state.remembered.put(_key(serving, asked), written)
    return written


def _key(serving: Serving, asked: AskRequest) -> tuple[object, ...]:
    return (serving.opened, serving.snapshot.id, asked.key)


def _answer(asked: AskRequest, serving: Serving) -> tuple[Serving, Answer, bytes]:
    """The answer, also as JSON, and what gave it."""
    answer, snapshot, note = answered(serving, asked)
    return serving, answer, answer_json(answer, snapshot, note)


def _record(request: Request, serving: Serving, asked: AskRequest, answer: Answer | None) -> None:
    record = record_of(request.scope)
    if record is not None:
        model = serving.snapshot.manifest.model.name
        record.asked = Asked(asked.question, asked.top_k, serving.snapshot.id, model, answer)


@router.post(
    "/verify",
    responses={
        **bad_body("512 KB"),
        **BUSY,
        503: refusal("No index is loaded, or the search for the quotes takes too long"),
    },
)
async def verify_citations(
    asked: Annotated[VerifyRequest, Depends(json_body(VerifyRequest, MAX_VERIFY_BYTES))],
    request: Request,
    state: State,
) -> VerifyResponse:
    """Whether saved citations are still in the documents: valid, moved, changed or gone.

    What is valid or moved is quoted exactly, to the character.
    """
    saved = [citation.saved for citation in asked.citations]

    def work(serving: Serving) -> tuple[Serving, list[Verdict]]:
        return serving, verify(serving.snapshot, saved, VERIFY_SECONDS)

    try:
        run = functools.partial(state.verifying.run, request)
        serving, verdicts = await state.on_live(work, run)
    except TookTooLong as error:
        raise Problem(503, "took_too_long", str(error)) from None
    return VerifyResponse.of(verdicts, serving.snapshot)
