"""An answer that a language model writes from the cited passages, checked sentence by sentence."""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from rag.serving.endpoint import Endpoint
from rag.serving.job_table import Failure
from rag.types import (
    GeneratedSentence,
    GenerationEnd,
    Passage,
    Quote,
    Support,
    Unsupported,
)

# An endpoint is given at most this many passages.
GIVEN = 10

# Whether passages support a sentence: `rag.answering.support`, wherever it runs.
SupportCheck = Callable[[str, Sequence[Passage]], Awaitable[Support]]
GenerationEvent = GeneratedSentence | Failure | GenerationEnd


async def generate(
    endpoint: Endpoint, question: str, passages: Sequence[Passage], check: SupportCheck
) -> AsyncGenerator[GenerationEvent]:
    """The sentences as they come; a failure if something goes wrong; then how it ended.

    It is written from the first `GIVEN` passages, which are in the order of their ranks. The
    request to the endpoint ends when the generator is closed.
    """
    # Few services generate. The first time the HTTP client takes a fifth of a second to load: in a
    # thread, so that other requests do not wait for it.
    await asyncio.to_thread(importlib.import_module, "rag.serving.chat")
    from rag.serving.chat import WritingFailed, written
    from rag.serving.prompt import NOT_FOUND, messages
    from rag.serving.written_sentences import split_off

    given = passages[:GIVEN]
    prompt = messages(question, [each.in_context for each in given], secrets.token_hex(8))
    text, said = "", False
    try:
        async with aclosing(written(endpoint, prompt)) as parts:
            async for part in parts:
                text += part
                if not said and NOT_FOUND.startswith(text.strip()[: len(NOT_FOUND)]):
                    # It may become the word for that.
                    continue
                complete, text = split_off(text)
                for each in complete:
                    said = True
                    yield await _judged(each.text, each.numbers, given, check)
    except WritingFailed as error:
        yield Failure(error.code, error.detail)
        yield GenerationEnd("failed")
        return
    if not said and text.strip().rstrip(".") in ("", NOT_FOUND):
        yield GenerationEnd("declined")
        return
    for each in split_off(text, ended=True)[0]:
        yield await _judged(each.text, each.numbers, given, check)
    yield GenerationEnd("complete")


async def _judged(
    text: str, numbers: tuple[int, ...], given: Sequence[Passage], check: SupportCheck
) -> GeneratedSentence:
    known = tuple(number for number in numbers if 1 <= number <= len(given))
    if not known:
        reason: Unsupported = "unknown_passage" if numbers else "no_citation"
        return GeneratedSentence(text, (), supported=False, score=0.0, reason=reason)
    found = await check(text, [given[number - 1] for number in known])
    score = round(found.score, 4)
    if len(known) < len(numbers):
        return GeneratedSentence(text, known, False, score, "unknown_passage", found.missing)
    if not found.holds:
        return GeneratedSentence(text, known, False, score, "not_in_passage", found.missing)
    passage, start, end = found.passage, found.nearest.char_start, found.nearest.char_end
    quote = Quote(
        passage.text[start - passage.start : end - passage.start],
        given.index(passage) + 1,
        passage.id,
        passage.document_id,
        start,
        end,
    )
    return GeneratedSentence(text, known, True, score, quotes=(quote,))
