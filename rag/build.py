"""Build: documents in, snapshot out."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag import dense, late, lexical
from rag.encoder import Encoder
from rag.errors import CorpusError
from rag.manifest import FORMAT, Counts, FaqPolicy, Manifest, Model, Recipe
from rag.passages import passages_of
from rag.readers import Corpus, read_corpus
from rag.sections import sections_of
from rag.snapshot import Snapshot, contents, entries, probe_vectors
from rag.types import ParsedDocument, Passage, Section

# Raised when readers, sections or passages come to cut differently, so that indexes built by an
# older version are seen to be stale.
SPLITTER = 1
SPECIAL_PIECES = 2
BATCH = 64

# Called with what is being done, how much is done, and how much there is.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Reports nothing."""


@dataclass(frozen=True, slots=True)
class Split:
    """A corpus cut up: documents, sections and passages, each in order of document id."""

    documents: tuple[ParsedDocument, ...]
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]


def build_snapshot(
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    faq: FaqPolicy = "with",
    skip_unreadable: bool = False,
    progress: Progress = silent,
) -> Snapshot:
    """A snapshot, in memory, of the documents under the paths.

    Raises CorpusError where a path or file cannot be read, or where nothing is left to index.
    """
    corpus = read_corpus(paths, skip_unreadable=skip_unreadable)
    return index_corpus(corpus, encoder, faq=faq, progress=progress)


def index_corpus(
    corpus: Corpus, encoder: Encoder, *, faq: FaqPolicy = "with", progress: Progress = silent
) -> Snapshot:
    """A snapshot, in memory, of documents already read. Raises CorpusError where none has text."""
    split = split_corpus(corpus.documents, encoder, faq)
    if not split.passages:
        raise CorpusError(_nothing_left(split, faq))
    pooled, tokens = _encode(split.passages, encoder, progress)
    index = lexical.index_texts([f"{p.context}\n{p.text}" for p in split.passages])
    snapshot = Snapshot(
        manifest=_manifest(split, encoder, faq, len(tokens.vectors)),
        documents={parsed.document.id: parsed.document for parsed in split.documents},
        sections={section.id: section for section in split.sections},
        passages=split.passages,
        dense=dense.index_vectors(pooled),
        lexical=index,
        tokens=tokens,
        probes=probe_vectors(encoder),
    )
    return replace(snapshot, manifest=replace(snapshot.manifest, files=entries(contents(snapshot))))


def split_corpus(
    documents: Sequence[ParsedDocument], encoder: Encoder, faq: FaqPolicy = "with"
) -> Split:
    """The documents' sections, and the passages of those that the FAQ policy indexes."""
    limit = passage_pieces(encoder)
    sections: list[Section] = []
    passages: list[Passage] = []
    for parsed in documents:
        found = sections_of(parsed)
        sections += found
        passages += passages_of(parsed, _indexed(found, faq), encoder.word_pieces, limit)
    return Split(tuple(documents), tuple(sections), tuple(passages))


def passage_pieces(encoder: Encoder) -> int:
    """How many word pieces a passage and its context may have together."""
    return encoder.window - SPECIAL_PIECES


def corpus_sha256(documents: Sequence[ParsedDocument]) -> str:
    """One hash over each document's id and the sha256 of its raw bytes, in whatever order."""
    listed = sorted(
        f"{parsed.document.source_sha256} {parsed.document.id}\n" for parsed in documents
    )
    return hashlib.sha256("".join(listed).encode()).hexdigest()


def recipe(encoder: Encoder, faq: FaqPolicy) -> Recipe:
    """What decides, beside corpus and model, how the index comes out."""
    return Recipe(
        faq=faq,
        splitter=SPLITTER,
        passage_pieces=passage_pieces(encoder),
        bm25_k1=lexical.K1,
        bm25_b=lexical.B,
        token_scale=late.SCALE,
    )


def model(encoder: Encoder) -> Model:
    """The encoder as the manifest names it."""
    return Model(encoder.name, encoder.sha256, encoder.dim, encoder.window)


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
    passages: Sequence[Passage], encoder: Encoder, progress: Progress
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], late.TokenStore]:
    pooled, tokens = [], []
    for start in range(0, len(passages), BATCH):
        batch = passages[start : start + BATCH]
        encoded = encoder.encode_passages([p.text for p in batch], [p.context for p in batch])
        pooled.append(encoded.pooled)
        tokens += [late.quantise(matrix) for matrix in encoded.tokens]
        progress("passages encoded", start + len(batch), len(passages))
    return np.concatenate(pooled), late.store(tokens, encoder.dim)


def _manifest(split: Split, encoder: Encoder, faq: FaqPolicy, tokens: int) -> Manifest:
    return Manifest(
        format=FORMAT,
        corpus_sha256=corpus_sha256(split.documents),
        model=model(encoder),
        recipe=recipe(encoder, faq),
        counts=Counts(
            documents=len(split.documents),
            sections=sum(section.kind == "body" for section in split.sections),
            faq_pairs=sum(section.kind == "faq" for section in split.sections),
            passages=len(split.passages),
            tokens=tokens,
        ),
        software=dict(_versions()),
        files={},
    )


def _versions() -> Iterator[tuple[str, str]]:
    for package in ("bm25s", "faiss-cpu", "numpy", "onnxruntime", "PyStemmer", "tokenizers"):
        yield package, importlib.metadata.version(package)
