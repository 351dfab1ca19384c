"""The routes that answer questions and check saved citations."""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.answering import verify
from rag.errors import CorruptIndex, TookTooLong
from rag.schemas import (
    AskRequest,
    AskResponse,
    VerifyRequest,
    VerifyResponse,
    answer_json,
    timed,
)
from rag.serving import Figure, Serving
from rag.web.bodies import json_body
from rag.web.problems import NOT_READY, Problem, bad_body, not_ready, refusal
from rag.web.state import AppState, State, state_of

# Saved citations hold whole passages.
MAX_VERIFY_BYTES = 512 * 1024
VERIFY_SECONDS = 10.0

router = APIRouter()


read_question = json_body(AskRequest)


@router.post("/ask", response_model=AskResponse, responses={**bad_body("16 KB"), **NOT_READY})
async def ask_documents(request: Request) -> Response:
    """The passages that answer a question, best first, each cited to the character.

    If the documents do not seem to answer it, the response says so; that is no error.
    """
    asked = await read_question(request)
    state = state_of(request)
    started = time.perf_counter()
    written = await _answered(request, state, asked)
    took_ms = (time.perf_counter() - started) * 1000
    return Response(timed(written, took_ms), media_type="application/json")


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
    written = state.remembered.get((serving.snapshot.id, asked.key))
    state.board.add(Figure.MISSES if written is None else Figure.HITS, 1)
    if written is not None:
        return written
    try:
        written = await _worked_out(request, state, serving, asked)
    except CorruptIndex as error:
        # The mapped file was altered in place: what is intact is live from now on.
        retreat = await state.live.retreat(serving, error)
        if retreat is None:
            raise not_ready() from None
        serving = retreat
        written = await _worked_out(request, state, serving, asked)
    state.remembered.put((serving.snapshot.id, asked.key), written)
    return written


async def _worked_out(
    request: Request, state: AppState, serving: Serving, asked: AskRequest
) -> bytes:
    return await state.asking.run(request, functools.partial(_answer, serving, asked))


def _answer(serving: Serving, asked: AskRequest) -> bytes:
    """The answer as JSON; a note says how many ids of the filter name no document, if any do."""
    filters = asked.filters.filters()
    found = [serving.snapshot.document(id) for id in filters.document_id]
    known = tuple(document.id for document in found if document)
    answer = serving.ask(
        asked.question,
        top_k=asked.top_k,
        mode=asked.mode,
        filters=replace(filters, document_id=known) if known else filters,
        explained=asked.explain,
    )
    unknown = found.count(None)
    note = f"{unknown} of {len(found)} ids in filters.document_id name no document of the index."
    return answer_json(answer, serving.snapshot, note if unknown else None)


@router.post(
    "/verify",
    responses={
        **bad_body("512 KB"),
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
    snapshot = state.serving.snapshot
    saved = [citation.saved for citation in asked.citations]
    work = functools.partial(verify, snapshot, saved, VERIFY_SECONDS)
    try:
        verdicts = await state.verifying.run(request, work)
    except TookTooLong as error:
        raise Problem(503, "took_too_long", str(error)) from None
    return VerifyResponse.of(verdicts, snapshot)
