"""`"generate": true`: the answer, and then what a language model writes from it, as events.

The events are those of `text/event-stream`; docs/http.md lists them.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.responses import StreamingResponse

from rag.serving import (
    GIVEN,
    Endpoint,
    Failure,
    GenerationEvent,
    Serving,
    generate,
)
from rag.types import GeneratedSentence, GenerationEnd, Passage, Support
from rag.types.errors import CorruptIndex
from rag.web.problems import Problem
from rag.web.state import AppState

MEDIA_TYPE = "text/event-stream"
# Proxies are asked to pass on each event at once.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class _Asked(msgspec.Struct):
    """What of an `AskResponse` the rest is made of."""

    class Hit(msgspec.Struct):
        passage_id: str

    class Index(msgspec.Struct):
        version: str

    question: str
    abstained: bool
    passages: list[Hit]
    index: Index


def stream(request: Request, state: AppState, written: bytes) -> StreamingResponse:
    """The answer, given as JSON, as the first event, and what the endpoint writes from it."""
    assert state.endpoint is not None
    events = _events(request, state, state.endpoint, written)
    return StreamingResponse(events, media_type=MEDIA_TYPE, headers=HEADERS)


async def _events(
    request: Request, state: AppState, endpoint: Endpoint, written: bytes
) -> AsyncIterator[bytes]:
    yield _event("answer", written)
    events = _written(request, state, endpoint, msgspec.json.decode(written, type=_Asked))
    try:
        async with aclosing(events):
            async for event in events:
                yield _encoded(event)
    except Problem as problem:
        # No index is live, or the threads have too much to do.
        yield _encoded(Failure(problem.code, problem.detail))
        yield _encoded(GenerationEnd("failed"))


async def _written(
    request: Request, state: AppState, endpoint: Endpoint, answer: _Asked
) -> AsyncGenerator[GenerationEvent]:
    """What is written from the passages of an answer. Raises Problem."""
    if answer.abstained:
        yield GenerationEnd("abstained")
        return
    serving = state.serving
    found = [serving.snapshot.passage(hit.passage_id) for hit in answer.passages[:GIVEN]]
    passages = [passage for passage in found if passage]
    if serving.snapshot.id != answer.index.version or len(passages) < len(found):
        raise _replaced()
    if state.generating.locked():
        detail = "too many answers are being written: ask again later"
        raise Problem(503, "generation_busy", detail)
    check = functools.partial(_checked, request, state, serving)
    async with state.generating:
        try:
            events = generate(endpoint, answer.question, passages, check)
            async with aclosing(events):
                async for event in events:
                    yield event
        except CorruptIndex as error:
            await state.retreat(serving, error)
            raise _replaced() from None


async def _checked(
    request: Request,
    state: AppState,
    serving: Serving,
    sentence: str,
    passages: Sequence[Passage],
) -> Support:
    """Whether the passages support a sentence, worked out on a thread that answers questions."""
    assert serving.support is not None
    return await state.asking.run(request, functools.partial(serving.support, sentence, passages))


def _replaced() -> Problem:
    return Problem(409, "index_replaced", "the documents have been indexed again: ask again")


def _encoded(event: GenerationEvent) -> bytes:
    name = "error"
    if isinstance(event, GeneratedSentence):
        name = "sentence"
    elif isinstance(event, GenerationEnd):
        name = "end"
    return _event(name, msgspec.json.encode(event))


def _event(name: str, content: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), content)
