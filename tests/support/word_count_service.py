"""A small index that answers by counting shared words: real types, no model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from rag.answering.citations import cite
from rag.answering.confidence import uncalibrated
from rag.answering.quotes import quotes
from rag.index.bm25 import LexicalIndex
from rag.index.format import Parts, sealed
from rag.index.manifest import Counts, Manifest, ModelInfo, Recipe
from rag.index.question_vectors import Headings
from rag.index.sentence_spans import marks
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import store
from rag.index.vectors import index_vectors
from rag.serving.live import Serving
from rag.types import (
    Answer,
    Caution,
    CitedPassage,
    Document,
    FileReport,
    Filters,
    Mode,
    Passage,
    ScoredPassage,
    Scores,
    Section,
    Span,
)

MODEL = ModelInfo("word-counter", "0" * 64, "", "float32", dim=2, token_dim=2, window=256)
# Nothing on disk is to be verified.
VERIFIED = datetime(2026, 1, 1, tzinfo=UTC)
GUIDE = (
    "# Trains 🚂 and 汽车\n\nIntro.\n\n## Fares\n\nChildren travel free. 🎟 Adults pay 3 euros.\n\n"
    "## FAQ\n\nQ: May I take a dog?\nA: Dogs travel on a lead.\n"
)


def serving_of(texts: dict[str, str]) -> Serving:
    """A serving over these texts by document id; each paragraph is a passage."""
    snapshot = _snapshot(texts)

    def ask(question: str, *, top_k: int, mode: Mode, filters: Filters, explained: bool) -> Answer:
        hits = _hits(snapshot, question, filters)[:top_k]
        cited = tuple(_cited(snapshot, rank, hit) for rank, hit in enumerate(hits, start=1))
        best = hits[0].score if hits else 0.0
        if not best:
            return Answer(question, cited, confidence=0.0, verdict="not_found")
        return Answer(question, cited, best, "answered", quotes(cited))

    def rerank(question: str, texts: Sequence[str]) -> list[float]:
        asked = set(question.lower().split())
        return [len(asked & set(text.lower().split())) / len(asked) for text in texts]

    def limited(sees: Callable[[str], bool]) -> Serving:
        return serving_of({id: text for id, text in texts.items() if sees(id)})

    return Serving(snapshot, ask, rerank, verified=VERIFIED, limited=limited)


def _snapshot(texts: dict[str, str]) -> Snapshot:
    documents = {id: _document(id, text) for id, text in sorted(texts.items())}
    parts = [part for document in documents.values() for part in _parts(document)]
    passages = tuple(passage for _, passage in parts)
    written = Parts(
        documents=list(documents.values()),
        sections=[section for section, _ in parts],
        passages=passages,
        dense=index_vectors(np.zeros((0, 2), np.float32)),
        lexical=LexicalIndex(
            (), np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(1, np.int64), count=0
        ),
        tokens=store([], 2),
        headings=Headings(np.zeros((0, 2), np.float32), np.zeros(0, np.int64)),
        marks=marks([]),
        probes=np.zeros((1, 2), np.float32),
        files=tuple(_report(document) for document in documents.values()),
        originals=b"",
    )
    return sealed(_manifest(len(documents), len(passages)), written)


def _document(id: str, text: str) -> Document:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(id, f"Title of {id}", id, "text/markdown", text, digest, digest)


def _report(document: Document) -> FileReport:
    return FileReport(
        document.id,
        documents=1,
        characters=len(document.text),
        faq_pairs=document.text.count("\nQ: "),
    )


def _parts(document: Document) -> Iterable[tuple[Section, Passage]]:
    """Each paragraph as a section and a passage of its own, under the heading above it."""
    heading: tuple[str, ...] = ()
    start = 0
    for paragraph in document.text.split("\n\n"):
        end = start + len(paragraph.rstrip("\n"))
        if paragraph.startswith("#"):
            heading = (paragraph.lstrip("# "),)
        elif paragraph:
            yield _part(document, heading, start, end)
        start += len(paragraph) + 2


def _part(
    document: Document, heading: tuple[str, ...], start: int, end: int
) -> tuple[Section, Passage]:
    text = document.text[start:end]
    is_pair = text.startswith("Q: ")
    path = (*heading, text[3:].split("\n")[0]) if is_pair else heading
    section_id, passage_id = (
        kind + hashlib.sha256(f"{kind}{document.id}{start}".encode()).hexdigest()[:16]
        for kind in "sp"
    )
    section = Section(
        section_id, document.id, path, start, end, "faq" if is_pair else "body", start
    )
    return section, Passage(passage_id, document.id, section_id, start, end, text, "")


def _manifest(documents: int, passages: int) -> Manifest:
    return Manifest(
        format=1,
        corpus_sha256="0" * 64,
        model=MODEL,
        recipe=Recipe("with", 254, 1.2, 0.75, 33, 2, 32),
        counts=Counts(documents, passages, 1, passages, 0),
        calibration=uncalibrated(MODEL, Caution(0.25)),
        software={},
        files={},
    )


def _hits(snapshot: Snapshot, question: str, filters: Filters) -> list[ScoredPassage]:
    words = set(question.lower().rstrip("?").split())
    scored = []
    for passage in snapshot.passages:
        if filters.document_id and passage.document_id not in filters.document_id:
            continue
        score = len(words & set(passage.text.lower().split())) / max(1, len(words))
        scored.append(ScoredPassage(passage, score, Scores(score, None, None, None, score)))
    return sorted(scored, key=lambda hit: (-hit.score, hit.passage.id))


def _cited(snapshot: Snapshot, rank: int, hit: ScoredPassage) -> CitedPassage:
    """The hit with its last sentence marked, if it shares a word."""
    passage = hit.passage
    last = passage.start + max(passage.text.rfind(". ") + 2, 0)
    spans = (Span(last, passage.end),) if last < passage.end and hit.score else ()
    return CitedPassage(rank, hit, cite(snapshot, passage), spans)
