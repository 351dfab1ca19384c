"""`rag ask --generate`: what a language model writes from the passages, sentence by sentence."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from rag.answering import support
from rag.cli.terminal import on_one_line
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.serving import (
    Endpoint,
    Failure,
    GenerationEvent,
    endpoint_of,
    generate,
)
from rag.types import Answer, GeneratedSentence, GenerationEnd, Passage, Support
from rag.types.errors import RagError, UsageError
from rag.types.settings import Settings

# Why a sentence is not supported, in words.
REASONS = {
    "no_citation": "cites no passage",
    "unknown_passage": "cites a passage that it was not given",
    "not_in_passage": "its passage does not say so",
}
DECLINED = "The model finds no answer in the passages."


class GenerationFailed(RagError):
    """The endpoint wrote no answer, or not all of it."""


def endpoint_in(settings: Settings) -> Endpoint:
    """The endpoint that the settings name. Raises UsageError if they name none."""
    endpoint = endpoint_of(settings)
    if endpoint is None:
        raise UsageError("--generate requires RAG_GENERATE_URL and RAG_GENERATE_MODEL: set them")
    return endpoint


def generate_answer(
    endpoint: Endpoint,
    answer: Answer,
    snapshot: Snapshot,
    encoder: Encoder,
    tell: Callable[[GenerationEvent], None],
) -> None:
    """Tells each event as it comes. An answer that abstains has none."""
    if answer.abstained:
        return
    check = functools.partial(support, snapshot, encoder)

    async def checked(sentence: str, passages: Sequence[Passage]) -> Support:
        return await asyncio.to_thread(check, sentence, passages)

    async def tell_all() -> None:
        passages = [cited.hit.passage for cited in answer.passages]
        async for event in generate(endpoint, answer.question, passages, checked):
            tell(event)

    asyncio.run(tell_all())


def show_event(console: Console, event: GenerationEvent) -> None:
    """Prints a sentence, or what it ended with. Raises GenerationFailed for a failure."""
    match event:
        case GeneratedSentence():
            console.print(_sentence(event), soft_wrap=True)
        case Failure():
            raise GenerationFailed(event.detail)
        case GenerationEnd(status="declined"):
            console.print(Text(DECLINED, style="yellow"), soft_wrap=True)


def _sentence(event: GeneratedSentence) -> Text:
    marks = "".join(f"[{rank}]" for rank in event.citations)
    shown = Text(f"{on_one_line(event.text)} {marks}".rstrip())
    if event.reason:
        missing = f": {', '.join(map(on_one_line, event.missing))}" if event.missing else ""
        shown.append(f" (not supported: {REASONS[event.reason]}{missing})", style="yellow")
    return shown
