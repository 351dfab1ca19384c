"""What a reader makes of a file's bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rag.documents.readers.facts import NO_FACTS, Facts
from rag.types import Block, Hidden, PageWords, Place


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as text, with its blocks and places, and what is `hidden` in the text.

    `left_out` names text that was lost or could not be read, and why. `notes` are remarks about
    text that was read. Both begin with a code: `no_text_layer: page 3 is without text`. `words` say
    where on the pages of a PDF the text stands.
    """

    title: str
    text: str
    blocks: tuple[Block, ...]
    places: tuple[Place, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    words: tuple[PageWords, ...] = ()
    facts: Facts = NO_FACTS


# Raises CorpusError for bytes that cannot be read or hold no text.
Reader = Callable[[bytes], Reading]
