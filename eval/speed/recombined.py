"""Builds an index of passages that are put together from sentences, each of which is encoded once.

Encoding a million passages takes hours, all that follows minutes. Here a passage's pooled vector
is the mean of its sentences', weighted by their tokens; its token vectors are theirs, one sentence
after another, which know nothing of their neighbours. From there on the index is made, written and
read back as in any build. Reading, cutting and encoding are left out: figures of such a build say
nothing about these.

`python -m eval.speed.recombined CORPUS INDEX SENTENCES` builds from what `write_sentences` wrote.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from eval.speed.corpora import SHORTEST_SENTENCE, Planted
from eval.speed.opened import THREADS
from rag.answering import uncalibrated
from rag.building.encode import write_vectors
from rag.building.journal import Journal
from rag.building.reuse import Content, PassageVectors
from rag.documents.readers.jsonl import JsonRecord, records
from rag.encoders import Encoder, open_encoder
from rag.index import NEW, Encodings, ModelInfo, Split, assemble, bits_of, mapped_zeros, zero_store
from rag.store import publish, writing
from rag.types import (
    DEFAULT_CAUTION,
    Document,
    FileReport,
    Passage,
    Progress,
    Section,
    silent,
)

# The files of the encoded sentences.
TEXTS, VECTORS = "sentences.json", "vectors"
# The first characters of a sentence, and the sentences that begin so, the longest first.
Beginnings = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class EncodedSentences:
    """The sentences that are encoded, by their beginnings, and the vectors."""

    beginnings: Beginnings
    vectors: Journal

    def parts(self, passage: Passage) -> list[Content]:
        """What the passage is made of: encoded sentences, or itself if it is encoded."""
        parts = [] if passage.context else parts_of(passage.text, self.beginnings)
        return [("", part) for part in parts] or [(passage.context, passage.text)]

    def read(self, passage: Passage) -> PassageVectors:
        """The pooled vector of a passage, and its token vectors as stored."""
        read = [self.vectors.read(part) for part in self.parts(passage)]
        weights = np.array([[max(1, len(tokens))] for _, tokens in read], np.float32)
        pooled = (np.array([pooled for pooled, _ in read]) * weights).sum(axis=0)
        return pooled / np.linalg.norm(pooled), np.concatenate([tokens for _, tokens in read])

    def sentences(self, passage: Passage) -> list[tuple[int, int, int, int]]:
        """Each part's span in characters and in tokens."""
        found, at, row = [], 0, 0
        for context, text in self.parts(passage):
            count = self.vectors.tokens((context, text))
            found.append((at, at + len(text), row, row + count))
            at, row = at + len(text) + 1, row + count
        return found


def parts_of(text: str, beginnings: Beginnings) -> list[str]:
    """The known sentences that make up the text, a blank between them; none if it has others."""
    parts, at = [], 0
    while at < len(text):
        known = beginnings.get(text[at : at + SHORTEST_SENTENCE], ())
        ends = (at + len(each) for each in known if text.startswith(each, at))
        end = next((end for end in ends if text[end : end + 1] in ("", " ")), 0)
        if not end:
            return []
        parts.append(text[at:end])
        at = end + 1
    return parts


def beginnings_of(sentences: Iterable[str]) -> Beginnings:
    """The sentences by their beginnings."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for sentence in sorted(set(sentences), key=lambda each: (-len(each), each)):
        found[sentence[:SHORTEST_SENTENCE]].append(sentence)
    return found


def write_sentences(
    sentences: Iterable[str], planted: Iterable[Planted], folder: Path, progress: Progress = silent
) -> None:
    """Encodes the sentences and the planted passages into the folder; what it holds already is not
    encoded again."""
    folder.mkdir(parents=True, exist_ok=True)
    distinct = list(dict.fromkeys(sentences))
    (folder / TEXTS).write_text(json.dumps(distinct), encoding="utf-8")
    encoder = open_encoder("bundled", "onnx", THREADS)
    contents = [(made.title, made.text) for made in planted]
    contents += [("", sentence) for sentence in distinct]
    with opened(folder / VECTORS) as file:
        write_vectors(contents, encoder, Journal(file, encoder), "sentences encoded", progress)


def build(corpus: Path, index: Path, sentences: Path) -> None:
    """Builds the index of a corpus that `eval.speed.corpora` wrote."""
    encoder = open_encoder("bundled", "onnx", THREADS)
    texts = json.loads((sentences / TEXTS).read_text(encoding="utf-8"))
    with opened(sentences / VECTORS) as file, writing(index):
        encoded = EncodedSentences(beginnings_of(texts), Journal(file, encoder))
        split = split_of(corpus)
        public = uncalibrated(ModelInfo.of(encoder), DEFAULT_CAUTION)
        snapshot = assemble(split, encodings(split, encoded, encoder), encoder, "with", public)
        publish(index, snapshot, encoder)


def split_of(corpus: Path) -> Split:
    """The corpus, each line a document of one section and one passage."""
    raw = {path.name: path.read_bytes() for path in sorted(corpus.iterdir())}
    documents = sorted(
        (_document(name, each) for name, content in raw.items() for each in _lines(content)),
        key=lambda document: document.id,
    )
    sections = tuple(map(_section, documents))
    return Split(
        hashlib.sha256(b"".join(raw.values())).hexdigest(),
        tuple(documents),
        sections,
        tuple(map(_passage, documents, sections)),
        tuple(_report(name, content) for name, content in raw.items()),
        memoryview(b"".join(raw.values())),
        np.full(len(documents), NEW),
    )


def encodings(split: Split, encoded: EncodedSentences, encoder: Encoder) -> Encodings:
    """The vectors and sentences of the passages."""
    sentences = [np.array(encoded.sentences(each), np.int32) for each in split.passages]
    counts = [int(each[-1, 3]) for each in sentences]
    tokens = zero_store(counts, encoder.token_dim, bits_of(len(counts)))
    pooled = mapped_zeros((len(split.passages), encoder.dim), np.float32)
    for row, passage in enumerate(split.passages):
        pooled[row], quantised = encoded.read(passage)
        tokens.put(row, quantised)
    above = [""] * len(split.passages)
    return Encodings(pooled, tokens, above, {}, sentences, reused=0)


def opened(path: Path) -> BinaryIO:
    """The file, which is made if it is missing, without a buffer."""
    path.touch()
    return path.open("r+b", buffering=0)


def _lines(raw: bytes) -> Iterator[JsonRecord]:
    return (each for each in records(raw) if isinstance(each, JsonRecord))


def _document(name: str, line: JsonRecord) -> Document:
    sha256 = hashlib.sha256(line.text.encode()).hexdigest()
    source = f"{name}:{line.line}"
    return Document(
        line.id, line.title, source, "text/plain", line.text, sha256, line.sha256, language="en"
    )


def _section(document: Document) -> Section:
    return Section(f"{document.id}#top", document.id, (), 0, len(document.text), "body", 0)


def _passage(document: Document, section: Section) -> Passage:
    id = "p" + hashlib.sha256(document.id.encode()).hexdigest()[:16]
    context = "" if document.title == document.id else document.title
    spans = (section.start, section.end, document.text, context)
    return Passage(id, document.id, section.id, *spans)


def _report(name: str, raw: bytes) -> FileReport:
    lines, sha256 = raw.count(b"\n"), hashlib.sha256(raw).hexdigest()
    return FileReport(name, "application/jsonl", len(raw), sha256, documents=lines, sections=lines)


if __name__ == "__main__":
    build(*map(Path, sys.argv[1:]))
