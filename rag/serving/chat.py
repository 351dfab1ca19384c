"""A client of chat completions, as OpenAI's API streams them: only text comes through.

Whatever goes wrong is a `WritingFailed`. It never repeats what the endpoint said, which might hold
the key or the question.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec

from rag.serving.endpoint import Endpoint

_DATA = b"data:"
_END = b"[DONE]"
# Why an endpoint refuses, by its status: a code, and what to do.
_REFUSALS = {
    401: ("endpoint_refused_key", "the endpoint refuses the key: check RAG_GENERATE_KEY"),
    403: ("endpoint_refused_key", "the endpoint refuses the key: check RAG_GENERATE_KEY"),
    404: (
        "endpoint_not_found",
        "the endpoint knows no such path or model: check RAG_GENERATE_URL and RAG_GENERATE_MODEL",
    ),
    429: ("endpoint_busy", "the endpoint takes no more requests for now: ask again later"),
}


class WritingFailed(Exception):
    """No text, or no more of it: a code for programs, a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    error: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)


async def written(endpoint: Endpoint, messages: Sequence[dict[str, str]]) -> AsyncGenerator[str]:
    """The text that the model writes, in parts as they come. Raises WritingFailed.

    The request ends when the generator is closed.
    """
    limits = endpoint.limits
    deadline = asyncio.get_running_loop().time() + limits.whole
    length = 0
    async with _response(endpoint, messages, deadline) as response:
        async for event in _events(response, limits.most_bytes, deadline):
            if event == _END:
                return
            chunk = _decoded(event)
            for choice in chunk.choices[:1]:
                text = choice.delta.content or ""
                length += len(text)
                if length > limits.characters:
                    raise WritingFailed("text_too_long", "the endpoint writes more than is shown")
                yield text
                if choice.finish_reason == "stop":
                    return
                if choice.finish_reason:
                    raise WritingFailed("text_cut", "the endpoint ended the text before its end")
    raise WritingFailed("endpoint_broke_off", "the endpoint broke off within the text")


@asynccontextmanager
async def _response(
    endpoint: Endpoint, messages: Sequence[dict[str, str]], deadline: float
) -> AsyncIterator[httpx2.Response]:
    """The endpoint's response, its head read. Raises WritingFailed, also within."""
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    body = {"model": endpoint.model, "messages": messages, "stream": True, "temperature": 0}
    try:
        # In a thread, because the certificates take a while to load.
        async with await asyncio.to_thread(_client, endpoint) as client:
            request = client.build_request("POST", endpoint.url, json=body, headers=headers)
            async with asyncio.timeout_at(deadline):
                response = await client.send(request, stream=True)
            try:
                _check(response)
                yield response
            finally:
                await response.aclose()
    except (httpx2.TimeoutException, TimeoutError):
        detail = "the endpoint did not go on in time: ask again, or choose a faster model"
        raise WritingFailed("endpoint_timed_out", detail) from None
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeEncodeError):
        detail = "the endpoint cannot be reached, or its answer is no HTTP: check RAG_GENERATE_URL"
        raise WritingFailed("endpoint_unreachable", detail) from None


def _client(endpoint: Endpoint) -> httpx2.AsyncClient:
    limits = endpoint.limits
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(limits.silence, connect=limits.connecting),
        # Without TLS there are no certificates to load.
        verify=endpoint.url.startswith("https:"),
        # No proxy and no netrc: key and passages go to this endpoint alone.
        trust_env=False,
    )


def _check(response: httpx2.Response) -> None:
    """Raises WritingFailed unless the response is a stream of events."""
    status = response.status_code
    if status != 200:
        other = ("endpoint_failed", f"the endpoint answers {status}: see its log")
        raise WritingFailed(*_REFUSALS.get(status, other))
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise _malformed()


async def _events(response: httpx2.Response, most: int, deadline: float) -> AsyncGenerator[bytes]:
    """The data of each event, in a response of at most so many bytes."""
    rest, received = b"", 0
    parts = response.aiter_bytes()
    while True:
        async with asyncio.timeout_at(deadline):
            part = await anext(parts, None)
        if part is None:
            return
        received += len(part)
        if received > most:
            raise WritingFailed("text_too_long", "the endpoint sends more than is read")
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            event = line.strip().removeprefix(_DATA).strip()
            if line.startswith(_DATA) and event:
                yield event


def _decoded(event: bytes) -> _Chunk:
    try:
        chunk = _CHUNK.decode(event)
    except (msgspec.DecodeError, RecursionError):
        raise _malformed() from None
    if chunk.error is not None:
        raise WritingFailed("endpoint_failed", "the endpoint failed within the text: see its log")
    return chunk


def _malformed() -> WritingFailed:
    detail = "the endpoint does not stream chat completions as OpenAI's API does"
    return WritingFailed("endpoint_malformed", detail)
