"""`rag ask --generate`: what a language model writes from the passages, sentence by sentence."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
from rag.types import Answer, Ending, GeneratedSentence, GenerationEnd, Passage, Support
from rag.types.errors import RagError, UsageError
from rag.types.settings import Settings

# Why a sentence is not supported, in words.
REASONS = {
    "no_citation": "cites no passage",
    "unknown_passage": "cites a passage that it was not given",
    "not_in_passage": "its passage does not say so",
}
DECLINED = "The model finds no answer in the passages."
TITLE = "Written by {model} from the passages, not quoted:"


class GenerationFailed(RagError):
    """The endpoint wrote no answer, or not all of it."""


def endpoint_in(settings: Settings) -> Endpoint:
    """The endpoint that the settings name. Raises UsageError if they name none."""
    endpoint = endpoint_of(settings)
    if endpoint is None:
        raise UsageError("--generate requires RAG_GENERATE_URL and RAG_GENERATE_MODEL: set them")
    return endpoint


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written: its sentences, how it ended, and why if it failed."""

    sentences: tuple[GeneratedSentence, ...]
    status: Ending
    error: Failure | None


def generated(
    endpoint: Endpoint | None,
    answer: Answer,
    snapshot: Snapshot,
    encoder: Encoder,
    tell: Callable[[GenerationEvent], None] = lambda event: None,
) -> Generated | None:
    """What is written from an answer, each event told as it comes; None without an endpoint.

    An answer that abstains has no sentences.
    """
    if endpoint is None:
        return None
    if answer.abstained:
        return Generated((), "abstained", None)
    check = functools.partial(support, snapshot, encoder)

    async def checked(sentence: str, passages: Sequence[Passage]) -> Support:
        return await asyncio.to_thread(check, sentence, passages)

    async def told() -> list[GenerationEvent]:
        passages = [cited.hit.passage for cited in answer.passages]
        events = []
        async for event in generate(endpoint, answer.question, passages, checked):
            tell(event)
            events.append(event)
        return events

    return _of(asyncio.run(told()))


def _of(events: Sequence[GenerationEvent]) -> Generated:
    [end] = (event for event in events if isinstance(event, GenerationEnd))
    return Generated(
        tuple(event for event in events if isinstance(event, GeneratedSentence)),
        end.status,
        next((event for event in events if isinstance(event, Failure)), None),
    )


def check_complete(written: Generated | None) -> None:
    """Raises GenerationFailed if not all of it was written."""
    if written and written.error:
        raise GenerationFailed(written.error.detail)


def show_generated(
    endpoint: Endpoint | None,
    answer: Answer,
    snapshot: Snapshot,
    encoder: Encoder,
    console: Console,
) -> Generated | None:
    """Prints what is written from an answer, sentence by sentence, below a title."""
    if endpoint and not answer.abstained:
        title = Text(TITLE.format(model=on_one_line(endpoint.model)), style="bold magenta")
        console.print()
        console.print(title, soft_wrap=True)

    def tell(event: GenerationEvent) -> None:
        match event:
            case GeneratedSentence():
                said, doubt = sentence_parts(event)
                console.print(Text(said).append(doubt, style="yellow"), soft_wrap=True)
            case GenerationEnd(status="declined"):
                console.print(Text(DECLINED, style="yellow"), soft_wrap=True)

    return generated(endpoint, answer, snapshot, encoder, tell)


def markdown_generated(endpoint: Endpoint | None, written: Generated | None) -> Iterator[str]:
    """What was written as Markdown: a title, and an item for each sentence."""
    if not endpoint or not written or written.status == "abstained":
        return
    yield from ("", f"**{TITLE.format(model=on_one_line(endpoint.model))}**", "")
    if written.status == "declined":
        yield DECLINED
    for sentence in written.sentences:
        said, doubt = sentence_parts(sentence)
        yield f"- {said}{doubt}"


def sentence_parts(sentence: GeneratedSentence) -> tuple[str, str]:
    """A sentence with the numbers that it cites, and why it is not supported; empty if it is."""
    marks = "".join(f"[{rank}]" for rank in sentence.citations)
    said = f"{on_one_line(sentence.text)} {marks}".rstrip()
    if sentence.reason is None:
        return said, ""
    missing = f": {', '.join(map(on_one_line, sentence.missing))}" if sentence.missing else ""
    return said, f" (not supported: {REASONS[sentence.reason]}{missing})"
