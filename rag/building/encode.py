"""Encodes a corpus: each distinct content once, and none that an earlier snapshot holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rag.building.reuse import Content, PassageVectors, Reuse, content_of, markable_of
from rag.building.split import questions_above
from rag.encoders import Encoder
from rag.index import Encodings, Sentences, Split, quantise, sentences_of
from rag.types import FaqPolicy, Passage, Progress

BATCH = 64

Item = TypeVar("Item")


def encode(
    split: Split, encoder: Encoder, faq: FaqPolicy, reuse: Reuse, progress: Progress
) -> Encodings:
    """The vectors and sentences of the passages, and the vectors of the questions above them."""
    vectors = _vectors(split.passages, encoder, reuse, progress)
    tokens = [packed for _, packed in vectors]
    above = questions_above(split, faq)
    return Encodings(
        pooled=np.array([pooled for pooled, _ in vectors], dtype=np.float32),
        tokens=tokens,
        above=above,
        headings=_headings(above, encoder, reuse, progress),
        sentences=_sentences(split, tokens, encoder, reuse),
    )


def _vectors(
    passages: Sequence[Passage], encoder: Encoder, reuse: Reuse, progress: Progress
) -> list[PassageVectors]:
    wanted = [content_of(passage) for passage in passages]
    new = [content for content in dict.fromkeys(wanted) if content not in reuse.vectors]
    made: dict[Content, PassageVectors] = {}
    for batch in _batches(new, "passages encoded", progress):
        contexts, texts = zip(*batch, strict=True)
        encoded = encoder.encode_passages(texts, contexts)
        packed = map(quantise, encoded.tokens)
        made.update(zip(batch, zip(encoded.pooled, packed, strict=True), strict=True))
    return [made.get(content) or reuse.vectors[content] for content in wanted]


def _headings(
    above: Sequence[str], encoder: Encoder, reuse: Reuse, progress: Progress
) -> Mapping[str, npt.NDArray[np.float32]]:
    found = dict(reuse.headings)
    new = [text for text in dict.fromkeys(above) if text and text not in found]
    for batch in _batches(new, "headings encoded", progress):
        encoded = encoder.encode_passages(batch, [""] * len(batch))
        found.update(zip(batch, encoded.pooled, strict=True))
    return found


def _sentences(
    split: Split, tokens: Sequence[npt.NDArray[np.uint8]], encoder: Encoder, reuse: Reuse
) -> list[Sentences]:
    sections = {section.id: section for section in split.sections}
    wanted = [markable_of(passage, sections[passage.section_id]) for passage in split.passages]
    found = dict(reuse.sentences)
    for markable, packed in zip(wanted, tokens, strict=True):
        if markable not in found:
            (_, text), start = markable
            found[markable] = sentences_of(text, start, encoder.word_pieces(text), len(packed))
    return [found[markable] for markable in wanted]


def _batches(items: Sequence[Item], what: str, progress: Progress) -> Iterator[Sequence[Item]]:
    """The items, `BATCH` at a time; reports progress before it gives the next."""
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        yield batch
        progress(what, start + len(batch), len(items))
