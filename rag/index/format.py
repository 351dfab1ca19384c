"""A snapshot as files, and what must hold of those that are read back.

<index>/<id>/manifest.json + the files that it lists, each with size and sha256
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from rag.errors import REBUILD, CorruptIndex
from rag.index import invariants
from rag.index import vectors as dense
from rag.index.bm25 import LexicalIndex
from rag.index.manifest import FileEntry, Manifest
from rag.index.mapped_file import MappedFile
from rag.index.question_vectors import Headings
from rag.index.sentence_spans import Marks
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import TokenStore, width
from rag.types import Document, Passage, Section

# Memory-mapped if a snapshot is loaded; all other files are read whole.
MAPPED = "tokens.npy"

Row = TypeVar("Row", Document, Section)


def contents(snapshot: Snapshot) -> dict[str, bytes | memoryview]:
    """The snapshot's files by name, without the manifest; the same snapshot, the same bytes."""
    lexical, tokens = snapshot.lexical, snapshot.tokens
    return {
        "bm25_impacts.npy": _array(lexical.impacts),
        "bm25_passages.npy": _array(lexical.passages),
        "bm25_starts.npy": _array(lexical.starts),
        "bm25_terms.json": json.dumps(lexical.terms, ensure_ascii=False).encode(),
        "dense.faiss": dense.to_bytes(snapshot.dense),
        "documents.jsonl": _lines(Document, snapshot.documents.values()),
        "heading_rows.npy": _array(snapshot.headings.rows),
        "headings.npy": _array(snapshot.headings.vectors),
        "mark_starts.npy": _array(snapshot.marks.starts),
        "marks.npy": _array(snapshot.marks.sentences),
        "passages.jsonl": _lines(Passage, snapshot.passages, left_out="text"),
        "probes.npy": _array(snapshot.probes),
        "sections.jsonl": _lines(Section, snapshot.sections.values()),
        "token_starts.npy": _array(tokens.starts),
        MAPPED: _array(tokens.vectors),
    }


def entries(files: Mapping[str, bytes | memoryview]) -> dict[str, FileEntry]:
    """The manifest's entries for these files."""
    return {
        name: FileEntry(len(content), hashlib.sha256(content).hexdigest())
        for name, content in sorted(files.items())
    }


def check_counts(folder: Path, snapshot: Snapshot) -> None:
    """None if there is as much of everything as the manifest says. Raises CorruptIndex."""
    counts, tokens, marks = snapshot.manifest.counts, snapshot.tokens, snapshot.marks
    kinds = [section.kind for section in snapshot.sections.values()]
    found = {
        "documents": (len(snapshot.documents), counts.documents),
        "sections": (kinds.count("body"), counts.sections),
        "FAQ pairs": (kinds.count("faq"), counts.faq_pairs),
        "passages": (len(snapshot.passages), counts.passages),
        "vectors": (snapshot.dense.ntotal, counts.passages),
        "BM25 passages": (snapshot.lexical.count, counts.passages),
        "token rows": (len(tokens.starts) - 1, counts.passages),
        "tokens": (len(tokens.vectors), counts.tokens),
        "heading rows": (len(snapshot.headings.rows), counts.passages),
        "mark rows": (len(marks.starts) - 1, counts.passages),
        "marks": (len(marks.sentences), int(marks.starts[-1])),
        "last token": (int(tokens.starts[-1]), counts.tokens),
        "dimensions": (snapshot.dense.d, snapshot.manifest.model.dim),
        "dimensions of headings": (
            snapshot.headings.vectors.shape[1],
            snapshot.manifest.model.dim,
        ),
        "bytes a token": (tokens.vectors.shape[1], width(snapshot.manifest.model.token_dim)),
    }
    for what, (number, expected) in found.items():
        if number != expected:
            raise CorruptIndex(f"{folder} holds {number} {what}, expected {expected}: {REBUILD}")


def check_parts(folder: Path, snapshot: Snapshot) -> None:
    """None if the parts agree with each other. Raises CorruptIndex."""
    count = len(snapshot.passages)
    try:
        invariants.check_texts(snapshot.documents, snapshot.sections, snapshot.passages)
        invariants.check_lexical(snapshot.lexical)
        invariants.check_dense(snapshot.dense)
        invariants.check_tokens(snapshot.tokens, count)
        invariants.check_headings(snapshot.headings, count)
        invariants.check_marks(snapshot.marks, snapshot.tokens, snapshot.passages)
        invariants.check_probes(snapshot.probes, snapshot.manifest.model.dim)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise CorruptIndex(f"{folder} does not agree with itself ({error}): {REBUILD}") from error


def read_files(folder: Path, manifest: Manifest, mapped: MappedFile) -> Snapshot:
    """The snapshot in a folder\'s files. Raises whatever the libraries raise at what they did not
    write."""
    documents = _by_id(_DOCUMENTS.decode_lines((folder / "documents.jsonl").read_bytes()))
    sections = _by_id(_SECTIONS.decode_lines((folder / "sections.jsonl").read_bytes()))
    places = _PLACES.decode_lines((folder / "passages.jsonl").read_bytes())
    passages = tuple(_passage(place, documents) for place in places)
    lexical = LexicalIndex(
        terms=_TERMS.decode((folder / "bm25_terms.json").read_bytes()),
        impacts=_read(folder / "bm25_impacts.npy"),
        passages=_read(folder / "bm25_passages.npy"),
        starts=_read(folder / "bm25_starts.npy"),
        count=len(passages),
    )
    tokens = TokenStore(mapped.array(), _read(folder / "token_starts.npy"), mapped)
    return Snapshot(
        manifest=manifest,
        documents=documents,
        sections=sections,
        passages=passages,
        dense=dense.from_bytes((folder / "dense.faiss").read_bytes()),
        lexical=lexical,
        tokens=tokens,
        headings=Headings(_read(folder / "headings.npy"), _read(folder / "heading_rows.npy")),
        marks=Marks(_read(folder / "marks.npy"), _read(folder / "mark_starts.npy")),
        probes=_read(folder / "probes.npy"),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A passage as it is stored: without its text, which the document holds."""

    id: str
    document_id: str
    section_id: str
    start: int
    end: int
    context: str


_DOCUMENTS = msgspec.json.Decoder(Document)


_SECTIONS = msgspec.json.Decoder(Section)


_PLACES = msgspec.json.Decoder(_Place)


_TERMS = msgspec.json.Decoder(tuple[str, ...])


def _by_id(rows: Sequence[Row]) -> dict[str, Row]:
    found = {row.id: row for row in rows}
    if len(found) != len(rows):
        raise ValueError("an id stands twice")
    return found


def _passage(place: _Place, documents: Mapping[str, Document]) -> Passage:
    return Passage(
        id=place.id,
        document_id=place.document_id,
        section_id=place.section_id,
        start=place.start,
        end=place.end,
        text=documents[place.document_id].text[place.start : place.end],
        context=place.context,
    )


def _lines(
    kind: type[Document | Section | Passage],
    rows: Iterable[Document | Section | Passage],
    left_out: str = "",
) -> bytes:
    """A line of JSON for each row. A passage's text is left out: the document holds it."""
    names = [field.name for field in fields(kind) if field.name != left_out]
    values = attrgetter(*names)
    encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
    return "".join(
        f"{encode(dict(zip(names, values(row), strict=True)))}\n" for row in rows
    ).encode()


def _array(array: npt.NDArray[Any]) -> memoryview:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getbuffer()


def _read(path: Path) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    return array
