"""Encodes a corpus: each distinct content once, and none that an earlier snapshot holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag.building.journal import Journal
from rag.building.reuse import NOTHING, Content, Reuse, content_of
from rag.building.split import questions_above
from rag.encoders import Encoder
from rag.index import (
    NEW,
    Encodings,
    Sentences,
    Split,
    TokenStore,
    bits_of,
    mapped_zeros,
    markable_from,
    quantise,
    sentences_of,
    zero_store,
)
from rag.types import FaqPolicy, Progress

BATCH = 64


def encode(
    split: Split,
    encoder: Encoder,
    faq: FaqPolicy,
    reuse: Reuse,
    journal: Journal,
    progress: Progress,
) -> Encodings:
    """The vectors and sentences of the passages, and the vectors of the questions above them."""
    rows, wanted = split.kept.copy(), {}
    if reuse.earlier and reuse.earlier.tokens.bits < bits_of(len(rows)):
        # What it dropped cannot be had back.
        reuse, rows = NOTHING, np.full(len(rows), NEW)
    for row in np.flatnonzero(rows == NEW).tolist():
        wanted[row] = content_of(split.passages[row])
    found = reuse.rows(wanted.values())
    rows[list(wanted)] = [found.get(content, NEW) for content in wanted.values()]
    new = [content for content in dict.fromkeys(wanted.values()) if content not in found]
    write_vectors(new, encoder, journal, "passages encoded", progress)
    pooled, tokens = _vectors(rows, wanted, encoder, reuse, journal)
    above = questions_above(split, faq)
    return Encodings(
        pooled=pooled,
        tokens=tokens,
        above=above,
        headings=_headings(above, encoder, reuse, journal, progress),
        sentences=_sentences(split, np.diff(tokens.starts).tolist(), encoder, reuse),
        reused=int((rows != NEW).sum()),
    )


def write_vectors(
    contents: Sequence[Content], encoder: Encoder, journal: Journal, what: str, progress: Progress
) -> None:
    """Encodes what the journal does not hold, `BATCH` contents at a time, and adds it.

    The progress counts all of them: most may have been encoded while files were read.
    """
    new = [content for content in contents if content not in journal]
    done = len(contents) - len(new)
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        contexts, texts = zip(*batch, strict=True)
        encoded = encoder.encode_passages(texts, contexts)
        journal.add(batch, list(zip(encoded.pooled, map(quantise, encoded.tokens), strict=True)))
        done += len(batch)
        progress(what, done, len(contents))


def _vectors(
    rows: npt.NDArray[np.int64],
    wanted: Mapping[int, Content],
    encoder: Encoder,
    reuse: Reuse,
    journal: Journal,
) -> tuple[npt.NDArray[np.float32], TokenStore]:
    """The vectors of each passage, from its row in the earlier snapshot or from the journal."""
    new, counts = np.flatnonzero(rows == NEW).tolist(), np.zeros(len(rows), dtype=np.int64)
    pooled = mapped_zeros((len(rows), encoder.dim), np.float32)
    taken = np.flatnonzero(rows != NEW)
    if reuse.earlier:
        counts[taken] = np.diff(reuse.earlier.tokens.starts)[rows[taken]]
        pooled[taken] = reuse.earlier.dense.vectors(rows[taken])
    counts[new] = [journal.tokens(wanted[row]) for row in new]
    tokens = zero_store(counts, encoder.token_dim, bits_of(len(rows)))
    for row in new:
        pooled[row], quantised = journal.read(wanted[row])
        tokens.put(row, quantised)
    if reuse.earlier:
        earlier = reuse.earlier.tokens
        for row in taken.tolist():
            tokens.put(row, earlier.rows(rows[row]), earlier.bits)
    return pooled, tokens


def _headings(
    above: Sequence[str], encoder: Encoder, reuse: Reuse, journal: Journal, progress: Progress
) -> Mapping[str, npt.NDArray[np.float32]]:
    found = reuse.headings()
    new = [text for text in dict.fromkeys(above) if text and text not in found]
    contents = [("", text) for text in new]
    write_vectors(contents, encoder, journal, "headings encoded", progress)
    return found | {text: journal.read(("", text))[0] for text in new}


def _sentences(
    split: Split, tokens: Sequence[int], encoder: Encoder, reuse: Reuse
) -> list[Sentences]:
    """The sentences of each passage, which has so many tokens."""
    sections = {section.id: section for section in split.sections}
    found = []
    for passage, row, count in zip(split.passages, split.kept.tolist(), tokens, strict=True):
        if reuse.earlier is None or row == NEW:
            start = markable_from(passage, sections[passage.section_id])
            pieces = encoder.word_pieces(passage.text)
            found.append(sentences_of(passage.text, start, pieces, count))
        else:
            found.append(reuse.earlier.marks.of(row))
    return found
