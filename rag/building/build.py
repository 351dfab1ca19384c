"""Build: documents in, snapshot out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.answering import uncalibrated
from rag.building.calibrate import calibrated
from rag.building.reuse import (
    NOTHING,
    Content,
    Cuts,
    Markable,
    Reuse,
    Vectors,
    content_of,
    markable_of,
    reuse_of,
)
from rag.documents import (
    LENIENT,
    Corpus,
    ReadOptions,
    passages_of,
    read_corpus,
    sections_of,
    skip_lines,
)
from rag.encoders import Encoder
from rag.errors import CorpusError
from rag.index import (
    BITS,
    FORMAT,
    Counts,
    FaqPolicy,
    Headings,
    Manifest,
    Marks,
    Model,
    Recipe,
    Sentences,
    Snapshot,
    TokenStore,
    contents,
    entries,
    headings_of,
    marks,
    probe_vectors,
    quantise,
    question_above,
    sentences_of,
    software,
    store,
)
from rag.index import bm25 as lexical
from rag.index import vectors as dense
from rag.text import STOP_WORDS
from rag.types import Document, ParsedDocument, Passage, Progress, Section, silent

log = logging.getLogger("rag.building.build")

SPECIAL_PIECES = 2
BATCH = 64

# The wanted share of wrong answers, were half of the questions without one: see `confidence`.
# People mostly ask what their documents do answer, and a passage withheld helps nobody.
RISK = 0.3


@dataclass(frozen=True, slots=True)
class Split:
    """A corpus cut up: documents, sections and passages, each in order of document id."""

    documents: tuple[Document, ...]
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]


def build_snapshot(
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    faq: FaqPolicy = "with",
    options: ReadOptions = LENIENT,
    previous: Snapshot | None = None,
    risk: float = RISK,
    progress: Progress = silent,
) -> Snapshot:
    """A snapshot, in memory, of the documents under the paths.

    It is the same, bit for bit, with an opened `previous` one and without; that only saves work.
    Files that cannot be read are skipped and logged. Raises CorpusError if a path cannot be read,
    if nothing is left to index, and at the first file to skip if the `options` are strict.
    """
    reuse = reusable(previous, encoder, faq)
    corpus = read_corpus(paths, reuse.known, options)
    for line in skip_lines(corpus.skipped):
        log.warning("%s", line)
    return index_corpus(corpus, encoder, faq=faq, reuse=reuse, risk=risk, progress=progress)


def reusable(previous: Snapshot | None, encoder: Encoder, faq: FaqPolicy = "with") -> Reuse:
    """What a build by that encoder may take over from an opened snapshot, if there is one."""
    if previous is None:
        return NOTHING
    return reuse_of(previous, model(encoder), recipe(encoder, faq), probe_vectors(encoder))


def index_corpus(
    corpus: Corpus,
    encoder: Encoder,
    *,
    faq: FaqPolicy = "with",
    reuse: Reuse = NOTHING,
    risk: float = RISK,
    progress: Progress = silent,
) -> Snapshot:
    """A snapshot, in memory, of documents already read. Raises CorpusError where none has text.

    A corpus read with `known` documents needs the `reuse` that these came from.
    """
    split = split_corpus(corpus, encoder, faq, reuse)
    if not split.passages:
        raise CorpusError(_nothing_left(split, faq))
    pooled, tokens = _encode(split.passages, encoder, reuse, progress)
    index = lexical.index_texts([f"{p.context}\n{p.text}" for p in split.passages])
    snapshot = Snapshot(
        manifest=_manifest(split, encoder, faq, risk, len(tokens.vectors)),
        documents={document.id: document for document in split.documents},
        sections={section.id: section for section in split.sections},
        passages=split.passages,
        dense=dense.index_vectors(pooled),
        lexical=index,
        tokens=tokens,
        headings=_headings(questions_above(split, faq), encoder, reuse, progress),
        marks=_marks(split, tokens, encoder, reuse),
        probes=probe_vectors(encoder),
    )
    files = entries(contents(snapshot))
    whole = replace(snapshot, manifest=replace(snapshot.manifest, files=files))
    return calibrated(whole, encoder, risk)


def split_corpus(
    corpus: Corpus, encoder: Encoder, faq: FaqPolicy = "with", reuse: Reuse = NOTHING
) -> Split:
    """The documents' sections, and the passages of those that the FAQ policy indexes."""
    cuts = [
        reuse.cuts[parsed.document.id]
        if parsed.document.id in corpus.unchanged
        else _cut(parsed, encoder, faq)
        for parsed in corpus.documents
    ]
    return Split(
        tuple(parsed.document for parsed in corpus.documents),
        tuple(section for cut in cuts for section in cut.sections),
        tuple(passage for cut in cuts for passage in cut.passages),
    )


def passage_pieces(encoder: Encoder) -> int:
    """How many word pieces a passage and its context may have together."""
    return encoder.window - SPECIAL_PIECES


def corpus_sha256(documents: Sequence[ParsedDocument]) -> str:
    """One hash over each document's id and the sha256 of its raw bytes, in whatever order."""
    return _corpus_sha256([parsed.document for parsed in documents])


def _corpus_sha256(documents: Sequence[Document]) -> str:
    listed = sorted(f"{document.source_sha256} {document.id}\n" for document in documents)
    return hashlib.sha256("".join(listed).encode()).hexdigest()


def recipe(encoder: Encoder, faq: FaqPolicy) -> Recipe:
    """What decides, beside corpus and model, how the index comes out."""
    return Recipe(
        faq=faq,
        passage_pieces=passage_pieces(encoder),
        bm25_k1=lexical.K1,
        bm25_b=lexical.B,
        bm25_stop_words=len(STOP_WORDS),
        token_bits=BITS,
    )


def model(encoder: Encoder) -> Model:
    """The encoder as the manifest names it."""
    return Model(
        name=encoder.name,
        sha256=encoder.sha256,
        head_sha256=encoder.head_sha256,
        dim=encoder.dim,
        token_dim=encoder.token_dim,
        window=encoder.window,
    )


def _cut(parsed: ParsedDocument, encoder: Encoder, faq: FaqPolicy) -> Cuts:
    sections = sections_of(parsed)
    limit = passage_pieces(encoder)
    passages = passages_of(parsed, _indexed(sections, faq), encoder.word_pieces, limit)
    return Cuts(tuple(sections), tuple(passages))


def _indexed(sections: Sequence[Section], faq: FaqPolicy) -> list[Section]:
    if faq == "with":
        return list(sections)
    if faq == "without":
        return [section for section in sections if section.kind == "body"]
    return [_answer_alone(section) for section in sections]


def _answer_alone(section: Section) -> Section:
    if section.kind == "body":
        return section
    return replace(
        section, start=section.body_start, heading_path=section.heading_path[:-1], kind="body"
    )


def _nothing_left(split: Split, faq: FaqPolicy) -> str:
    pairs = sum(section.kind == "faq" for section in split.sections)
    if faq == "without" and pairs:
        return f"the corpus holds only FAQ pairs ({pairs}): build it without --no-faq"
    return "no document of the corpus has any text: add some"


def _encode(
    passages: Sequence[Passage], encoder: Encoder, reuse: Reuse, progress: Progress
) -> tuple[npt.NDArray[np.float32], TokenStore]:
    """The vectors of the passages; those of a content that stands twice are made once."""
    wanted = [content_of(passage) for passage in passages]
    new = [content for content in dict.fromkeys(wanted) if content not in reuse.vectors]
    made = _encode_new(new, encoder, progress)
    found = [made.get(content) or reuse.vectors[content] for content in wanted]
    pooled = np.array([vector for vector, _ in found], dtype=np.float32)
    return pooled, store([tokens for _, tokens in found], encoder.token_dim)


def questions_above(split: Split, faq: FaqPolicy) -> list[str]:
    """The question that each passage stands under, "" for none.

    An FAQ of which the answers alone are indexed has no questions.
    """
    documents = {document.id: document for document in split.documents}
    above = {
        section.id: ""
        if faq == "answers" and section.kind == "faq"
        else question_above(documents[section.document_id], section)
        for section in split.sections
    }
    return [above[passage.section_id] for passage in split.passages]


def _headings(above: Sequence[str], encoder: Encoder, reuse: Reuse, progress: Progress) -> Headings:
    def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        made = []
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            made.append(encoder.encode_passages(batch, [""] * len(batch)).pooled)
            progress("headings encoded", start + len(batch), len(texts))
        return np.concatenate(made)

    return headings_of(above, reuse.headings, encode, encoder.dim)


def _marks(split: Split, tokens: TokenStore, encoder: Encoder, reuse: Reuse) -> Marks:
    """The sentences of the passages; those of a content that stands twice are made once."""
    sections = {section.id: section for section in split.sections}
    found: dict[Markable, Sentences] = {}
    wanted = [markable_of(passage, sections[passage.section_id]) for passage in split.passages]
    for row, markable in enumerate(wanted):
        if markable not in found:
            (_, text), start = markable
            found[markable] = (
                reuse.sentences[markable]
                if markable in reuse.sentences
                else sentences_of(text, start, encoder.word_pieces(text), len(tokens.rows(row)))
            )
    return marks(found[markable] for markable in wanted)


def _encode_new(
    new: Sequence[Content], encoder: Encoder, progress: Progress
) -> dict[Content, Vectors]:
    made: dict[Content, Vectors] = {}
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        encoded = encoder.encode_passages(
            [text for _, text in batch], [above for above, _ in batch]
        )
        for content, pooled, tokens in zip(batch, encoded.pooled, encoded.tokens, strict=True):
            made[content] = (pooled, quantise(tokens))
        progress("passages encoded", start + len(batch), len(new))
    return made


def _manifest(split: Split, encoder: Encoder, faq: FaqPolicy, risk: float, tokens: int) -> Manifest:
    return Manifest(
        format=FORMAT,
        corpus_sha256=_corpus_sha256(split.documents),
        model=model(encoder),
        recipe=recipe(encoder, faq),
        counts=Counts(
            documents=len(split.documents),
            sections=sum(section.kind == "body" for section in split.sections),
            faq_pairs=sum(section.kind == "faq" for section in split.sections),
            passages=len(split.passages),
            tokens=tokens,
        ),
        calibration=uncalibrated(risk),
        software=software(),
        files={},
    )
