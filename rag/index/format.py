"""A snapshot as files, and what must hold of those that are read back.

<index>/<id>/manifest.json + the files that it lists, each with size and sha256
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from rag.index.bm25 import LexicalIndex, languages_of, stemmings_of
from rag.index.invariants import check
from rag.index.manifest import FileEntry, Manifest
from rag.index.mapped_file import FileStamp, MappedFile, array_in, stamp_at
from rag.index.originals import ORIGINALS, Originals, stored_at
from rag.index.question_vectors import Headings
from rag.index.sentence_spans import Marks
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import TokenStore
from rag.index.vectors import from_bytes
from rag.types import Document, FileReport, Passage, Section

# Memory-mapped if a snapshot is loaded. `ORIGINALS` stays on disk; the others are read whole.
MAPPED = "tokens.npy"

Row = TypeVar("Row")
Named = TypeVar("Named", Document, Section)


def sealed(snapshot: Snapshot) -> Snapshot:
    """The snapshot with its files serialised, and listed in its manifest."""
    files = contents(snapshot)
    manifest = replace(snapshot.manifest, files=entries(files))
    return replace(snapshot, manifest=manifest, serialised=files)


def contents(snapshot: Snapshot) -> dict[str, bytes | memoryview]:
    """The snapshot's files by name, without the manifest; the same snapshot, the same bytes."""
    lexical, tokens = snapshot.lexical, snapshot.tokens
    return {
        "bm25_impacts.npy": _array(lexical.impacts),
        "bm25_passages.npy": _array(lexical.passages),
        "bm25_starts.npy": _array(lexical.starts),
        "bm25_terms.json": _JSON.encode(lexical.terms),
        "dense.faiss": snapshot.dense.to_bytes(),
        "documents.jsonl": _JSON.encode_lines(snapshot.documents.values()),
        "heading_rows.npy": _array(snapshot.headings.rows),
        "headings.npy": _array(snapshot.headings.vectors),
        "mark_starts.npy": _array(snapshot.marks.starts),
        "marks.npy": _array(snapshot.marks.sentences),
        ORIGINALS: snapshot.originals.whole(),
        "passages.jsonl": _JSON.encode_lines(map(_place, snapshot.passages)),
        "probes.npy": _array(snapshot.probes),
        "report.jsonl": _JSON.encode_lines(snapshot.files),
        "sections.jsonl": _JSON.encode_lines(snapshot.sections.values()),
        "token_starts.npy": _array(tokens.starts),
        MAPPED: _array(tokens.vectors),
    }


def entries(files: Mapping[str, bytes | memoryview]) -> dict[str, FileEntry]:
    """The manifest's entries for these files."""
    return {
        name: FileEntry(len(content), hashlib.sha256(content).hexdigest())
        for name, content in sorted(files.items())
    }


def read_snapshot(folder: Path, verified: Callable[[Path], Manifest]) -> Snapshot:
    """The snapshot in a folder. `verified` checks its files by the manifest that it returns.

    Raises what `verified` raises; ValueError if a part cannot be decoded, or does not agree with
    the manifest or another part; OSError.
    """
    # Taken before the checksum, so that a later change of the file is noticed.
    stamp = stamp_at(folder / MAPPED)
    manifest = verified(folder)
    if missing := {MAPPED, ORIGINALS} - set(manifest.files):
        raise ValueError(f"the manifest does not list {', '.join(sorted(missing))}")
    snapshot = _decoded(folder, manifest, stamp)
    check(snapshot)
    return snapshot


def _decoded(folder: Path, manifest: Manifest, stamp: FileStamp | None) -> Snapshot:
    def array(name: str, kind: type[np.generic], dimensions: int = 1) -> npt.NDArray[Any]:
        return array_in((folder / name).read_bytes(), kind, dimensions)

    documents = _by_id(_rows(_DOCUMENTS, folder / "documents.jsonl"))
    passages = [_passage(place, documents) for place in _rows(_PLACES, folder / "passages.jsonl")]
    languages = languages_of(documents.values())
    files = tuple(_rows(_FILES, folder / "report.jsonl"))
    mapped = MappedFile(folder / MAPPED, manifest.files[MAPPED].sha256, stamp)
    return Snapshot(
        manifest=manifest,
        documents=documents,
        sections=_by_id(_rows(_SECTIONS, folder / "sections.jsonl")),
        passages=tuple(passages),
        dense=from_bytes((folder / "dense.faiss").read_bytes()),
        lexical=LexicalIndex(
            terms=_TERMS.decode((folder / "bm25_terms.json").read_bytes()),
            impacts=array("bm25_impacts.npy", np.float32),
            passages=array("bm25_passages.npy", np.int32),
            starts=array("bm25_starts.npy", np.int64),
            count=len(passages),
            stemmings=stemmings_of(languages[passage.document_id] for passage in passages),
        ),
        tokens=TokenStore(
            vectors=array_in(mapped.content(), np.uint8, 2),
            starts=array("token_starts.npy", np.int64),
            file=mapped,
        ),
        headings=Headings(
            array("headings.npy", np.float32, 2), array("heading_rows.npy", np.int64)
        ),
        marks=Marks(array("marks.npy", np.int32, 2), array("mark_starts.npy", np.int64)),
        probes=array("probes.npy", np.float32, 2),
        files=files,
        originals=Originals(files, stored_at(folder / ORIGINALS)),
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


_JSON = msgspec.json.Encoder()
_DOCUMENTS = msgspec.json.Decoder(Document)
_FILES = msgspec.json.Decoder(FileReport)
_SECTIONS = msgspec.json.Decoder(Section)
_PLACES = msgspec.json.Decoder(_Place)
_TERMS = msgspec.json.Decoder(tuple[str, ...])


def _rows(decoder: msgspec.json.Decoder[Row], path: Path) -> list[Row]:
    try:
        return decoder.decode_lines(path.read_bytes())
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deep") from error


def _by_id(rows: Sequence[Named]) -> dict[str, Named]:
    found = {row.id: row for row in rows}
    if len(found) != len(rows):
        raise ValueError("an id is there twice")
    return found


def _place(passage: Passage) -> _Place:
    p = passage
    return _Place(p.id, p.document_id, p.section_id, p.start, p.end, p.context)


def _passage(place: _Place, documents: Mapping[str, Document]) -> Passage:
    p = place
    if p.document_id not in documents:
        raise ValueError(f"passage {p.id} is of no document")
    text = documents[p.document_id].text[p.start : p.end]
    return Passage(p.id, p.document_id, p.section_id, p.start, p.end, text, p.context)


def _array(array: npt.NDArray[Any]) -> memoryview:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getbuffer()
