"""Rerank: how likely each of some texts answers a question. The texts are in no index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.answering.alignment import align_rows
from rag.answering.confidence import confidence_in_text
from rag.answering.search import encode_query
from rag.encoders import Encoder
from rag.index import LateInteraction, Manifest, marks, quantise, sentences_of, store

# So many parts of texts are encoded at a time: all of a large batch are in memory.
BATCH = 16
# Word pieces of the window that are not of the text: special tokens, and what a cut may add.
MARGIN = 8


def rerank(
    manifest: Manifest, encoder: Encoder, question: str, texts: Sequence[str]
) -> list[float]:
    """The confidence, from 0 to 1, that each text answers, in their order.

    It is that of a passage without a document, calibrated by the index of that manifest. A text
    longer than the encoder's window is read in parts and has the confidence of its best one. A
    blank text has 0, and so have all if the encoder cannot read the question.
    """
    query = encode_query(question, encoder)
    best = [0.0] * len(texts)
    if not query.readable:
        return best
    parts = [(at, part) for at, text in enumerate(texts) for part in _parts(text, encoder)]
    for first in range(0, len(parts), BATCH):
        batch = parts[first : first + BATCH]
        read = [part for _, part in batch]
        tokens = encoder.encode_passages(read, [""] * len(read)).tokens
        spans = [
            sentences_of(part, 0, encoder.word_pieces(part), len(rows))
            for part, rows in zip(read, tokens, strict=True)
        ]
        stored = store(map(quantise, tokens), encoder.token_dim)
        interaction = LateInteraction(query.tokens, stored)
        aligned = align_rows(marks(spans), interaction, list(enumerate(read)))
        for (at, part), alignment in zip(batch, aligned, strict=True):
            sure = confidence_in_text(question, part, alignment, manifest)
            best[at] = max(best[at], sure)
    return best


def _parts(text: str, encoder: Encoder) -> Iterator[str]:
    """The text in parts that fit into the encoder's window; none of a blank one."""
    pieces = encoder.word_pieces(text)
    size = max(1, encoder.window - MARGIN)
    for first in range(0, len(pieces), size):
        last = first + size
        yield text[pieces[first][0] : pieces[last][0] if last < len(pieces) else len(text)]
