"""Pools other than what is served: passages of another length, or read with another context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from eval.signals import Pool, Vectors, headings, with_contexts
from rag.build import SPECIAL_PIECES, Progress
from rag.encoder import Encoded, Encoder, WrappedEncoder

SignalName = Literal["dense", "bm25", "late", "heading"]


@dataclass(frozen=True, slots=True, eq=False)
class NarrowEncoder(WrappedEncoder):
    """An encoder for passages of at most that many word pieces, context included."""

    pieces: int

    @property
    def window(self) -> int:
        """The longest passage in word pieces, special tokens included."""
        return self.pieces + SPECIAL_PIECES

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """The vectors of questions, which may be longer."""
        return self.encoder.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        """The vectors of passages, each read after its context ("" for none)."""
        return self.encoder.encode_passages(texts, contexts)


def without_context(pool: Pool, encoder: Encoder, cache: Path, progress: Progress) -> Pool:
    """The pool with its passages read alone, and no question above them."""
    nothing = [""] * len(pool.passages)
    bare = with_contexts(pool, nothing, encoder, cache, progress)
    return replace(bare, headings=headings(nothing, encoder, cache, progress))


def with_every_heading(pool: Pool, encoder: Encoder, cache: Path, progress: Progress) -> Pool:
    """The pool with all that stands above a passage as its heading, question or not."""
    above = [passage.context.partition("\n")[0] for passage in pool.passages]
    return replace(
        pool,
        name=f"{pool.name}, every heading",
        headings=headings(above, encoder, cache, progress),
    )


def with_title(pool: Pool, encoder: Encoder, cache: Path, progress: Progress) -> Pool:
    """The pool with its passages read after their document's title, not after headings."""
    titles = [passage.context.split(" > ")[0] for passage in pool.passages]
    return with_contexts(pool, titles, encoder, cache, progress)


def mixed(pool: Pool, other: Pool, signals: Sequence[SignalName]) -> Pool:
    """The pool, some of whose signals see the passages as the other pool has them."""
    tokens = other.stored if "late" in signals else pool.stored
    pooled = (other if "dense" in signals else pool).stored.pooled
    return replace(
        pool,
        name=f"{pool.name}, other {' '.join(signals)}",
        stored=replace(tokens, pooled=pooled),
        lexical=(other if "bm25" in signals else pool).lexical,
        headings=(other if "heading" in signals else pool).headings,
    )


def without_context_tokens(pool: Pool, encoder: Encoder) -> Pool:
    """The pool with the passages' own token vectors alone, though read after their context."""
    ends = pool.stored.starts[1:].tolist()
    own = [
        pool.stored.tokens[first:end]
        for first, end in zip(own_starts(pool, encoder), ends, strict=True)
    ]
    starts = np.cumsum([0, *(len(block) for block in own)], dtype=np.int64)
    stored = Vectors(pool.stored.pooled, np.concatenate(own), starts)
    return replace(pool, name=f"{pool.name}, own tokens", stored=stored)


def own_starts(pool: Pool, encoder: Encoder) -> list[int]:
    """The row of each passage's first token that is not its context's."""
    return [
        max(first, end - len(encoder.word_pieces(passage.text)))
        for passage, (first, end) in zip(
            pool.passages, pairwise(pool.stored.starts.tolist()), strict=True
        )
    ]
