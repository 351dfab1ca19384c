"""A snapshot: one immutable index, in memory and as the files that hold it.

    <index>/<id>/manifest.json + the files that it lists, each with size and sha256

A snapshot is loaded only when every checksum, the model, the counts and the probe vectors agree.
Where the current one is damaged, the one before it answers; where it was built with another
model nothing does, since that is no damage and an older one would only hide it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import logging
import os
import unicodedata
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import faiss
import msgspec
import numpy as np
import numpy.typing as npt

from rag.encoders.base import Encoder
from rag.errors import CorruptIndex, NoIndex
from rag.index import invariants
from rag.index import vectors as dense
from rag.index.bm25 import LexicalIndex
from rag.index.manifest import MANIFEST_BYTES, FileEntry, Manifest, id_of, parse_manifest
from rag.index.mapped_file import MappedFile, stamp_at
from rag.index.question_vectors import Headings
from rag.index.sentence_spans import Marks
from rag.index.token_vectors import TokenStore, width
from rag.store.integrity import MANIFEST, MAPPED, damage
from rag.store.regular import read_regular
from rag.store.versions import (
    CURE,
    CURRENT,
    answering,
    current_id,
    newest_first,
    predecessor,
    read_versions,
    snapshot_ids,
)
from rag.text.lines import LineIndex
from rag.types import Document, Passage, Section

log = logging.getLogger("rag.index.snapshot")

# Encoded at build and again at load: the weights' hash does not see a changed runtime.
PROBES = ("Which procedure collects the T cells?", "a", "85 % – größer als 60 %, 细胞")
PROBE_TOLERANCE = 1e-4

# Normalising takes time by the square of the length; file names are shorter.
MAX_ID = 4096

# What the libraries raise when they are fed what they did not write.
UNREADABLE = (
    OSError,
    EOFError,
    MemoryError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


Row = TypeVar("Row", Document, Section)


@dataclass(frozen=True)
class Snapshot:
    """A loaded, read-only index. Row i of every index belongs to `passages[i]`."""

    manifest: Manifest
    documents: Mapping[str, Document]
    sections: Mapping[str, Section]
    passages: tuple[Passage, ...]
    dense: faiss.IndexFlatIP
    lexical: LexicalIndex
    tokens: TokenStore
    headings: Headings
    marks: Marks
    probes: npt.NDArray[np.float32]

    @cached_property
    def id(self) -> str:
        """The snapshot's id, by which every answer names it."""
        return self.manifest.id

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each passage, by its id."""
        return {passage.id: row for row, passage in enumerate(self.passages)}

    @cached_property
    def lines(self) -> Mapping[str, LineIndex]:
        """The line index of each document, by its id."""
        return {id: LineIndex(document.text) for id, document in self.documents.items()}

    @cached_property
    def sections_of(self) -> Mapping[str, tuple[Section, ...]]:
        """The sections of each document that has some, in order, by the document's id."""
        found: dict[str, list[Section]] = {}
        for section in self.sections.values():
            found.setdefault(section.document_id, []).append(section)
        return {id: tuple(sections) for id, sections in found.items()}

    @cached_property
    def document_ids(self) -> tuple[str, ...]:
        """The ids of the documents, in order."""
        return tuple(self.documents)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each document stands in their order, by its id."""
        return {id: place for place, id in enumerate(self.documents)}

    @cached_property
    def passage_counts(self) -> Mapping[str, int]:
        """How many passages each document has, by its id."""
        return Counter(passage.document_id for passage in self.passages)

    @cached_property
    def ids_by_text(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the documents of each text, in order, by the text's sha256."""
        return _grouped((document.sha256, id) for id, document in self.documents.items())

    @cached_property
    def _ids_by_form(self) -> Mapping[str, tuple[str, ...]]:
        """The ids that are the same but for their Unicode normal form, by their form NFC."""
        return _grouped((unicodedata.normalize("NFC", id), id) for id in self.documents)

    def make_lookups(self) -> None:
        """Makes what is otherwise made when it is first asked for."""
        for name, member in vars(Snapshot).items():
            if isinstance(member, cached_property):
                getattr(self, name)

    def document(self, id: str) -> Document | None:
        """The document of that id, or else the only one whose id is canonically equivalent.

        One system writes file names composed (NFC), another decomposed (NFD).
        """
        found = self.documents.get(id)
        if found is None and len(id) <= MAX_ID:
            same = self._ids_by_form.get(unicodedata.normalize("NFC", id), ())
            found = self.documents[same[0]] if len(same) == 1 else None
        return found

    def passage(self, id: str) -> Passage | None:
        """The passage of that id, or None."""
        row = self.rows.get(id)
        return None if row is None else self.passages[row]


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, id in pairs:
        found.setdefault(key, []).append(id)
    return {key: tuple(ids) for key, ids in found.items()}


def probe_vectors(encoder: Encoder) -> npt.NDArray[np.float32]:
    """The pooled vectors of `PROBES`, float32 (len(PROBES), dim)."""
    return encoder.encode_queries(PROBES).pooled


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


def read_manifest(index: Path) -> Manifest:
    """The current snapshot's manifest, checked against its own id."""
    folder = index / current_id(index)
    try:
        return _manifest(folder)
    except (OSError, ValueError) as error:
        raise CorruptIndex(f"{folder / MANIFEST} cannot be read ({error}): {CURE}") from error


@dataclass(frozen=True)
class Opened:
    """A snapshot, and why each that should have answered before it was refused."""

    snapshot: Snapshot
    refused: tuple[str, ...]


def open_current(index: Path, encoder: Encoder) -> Snapshot:
    """The snapshot that answers, loaded and verified: `open_newest`, with each refusal logged."""
    return open_logged(index, encoder).snapshot


def open_logged(index: Path, encoder: Encoder) -> Opened:
    """`open_newest`, with each refusal logged."""
    opened = open_newest(index, encoder)
    for refusal in opened.refused:
        log.warning("%s; %s answers instead", refusal, opened.snapshot.id)
    return opened


def open_newest(index: Path, encoder: Encoder) -> Opened:
    """The current snapshot; where it is damaged, the one before it, then the newest published.

    Raises NoIndex where nothing has been built, and CorruptIndex where nothing can be loaded or
    the current snapshot was built with another model.
    """
    named, refused = _current_or_why(index)
    if named:
        try:
            snapshot = load_snapshot(index, named)
        except CorruptIndex as error:
            if answering(index) not in (named, None):
                return open_newest(index, encoder)  # a build has replaced it meanwhile
            refused = [str(error)]
        else:
            check_encoder(index / named, snapshot, encoder)
            return Opened(snapshot, ())
    for id in _fallbacks(index, named):
        try:
            return Opened(open_snapshot(index, id, encoder), tuple(refused))
        except CorruptIndex as error:
            refused.append(str(error))
    raise CorruptIndex("; ".join(refused))


def open_snapshot(index: Path, id: str, encoder: Encoder) -> Snapshot:
    """The snapshot of that id, loaded and verified. Raises CorruptIndex."""
    snapshot = load_snapshot(index, id)
    check_encoder(index / id, snapshot, encoder)
    return snapshot


def load_snapshot(index: Path, id: str) -> Snapshot:
    """The snapshot of that id, verified against all but its model. Raises CorruptIndex.

    While the object lives, builds leave its folder where it is.
    """
    folder = index / id
    try:
        with ExitStack() as held:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            stamp = stamp_at(folder / MAPPED)
            manifest = check_files(folder)
            mapped = MappedFile(folder / MAPPED, manifest.files[MAPPED].sha256, stamp)
            snapshot = _load(folder, manifest, mapped)
            _check_counts(folder, snapshot)
            _check_parts(folder, snapshot)
            weakref.finalize(snapshot, held.pop_all().close)
            return snapshot
    except UNREADABLE as error:
        raise CorruptIndex(f"{folder} cannot be read ({error}): {CURE}") from error


def check_files(folder: Path) -> Manifest:
    """The manifest of a snapshot's folder, all of whose files are as it says.

    Raises CorruptIndex, which names the first file that is not; OSError where one cannot be
    read; ValueError where the manifest is whole but of another format.
    """
    manifest = _manifest(folder)
    for found in damage(folder, manifest):
        if found:
            raise CorruptIndex(f"{folder / found.name} {found.what}: {CURE}")
    return manifest


def check_encoder(folder: Path, snapshot: Snapshot, encoder: Encoder) -> None:
    """None where the snapshot was built with this encoder, to the vector. Raises CorruptIndex."""
    check_model(folder, snapshot, encoder)
    check_probes(folder, snapshot, encoder)


def _current_or_why(index: Path) -> tuple[str | None, list[str]]:
    """The id that CURRENT names, or why it names none. Raises NoIndex where nothing was built."""
    try:
        return current_id(index), []
    except NoIndex:
        if not _fallbacks(index, None):
            raise
        return None, [f"{index / CURRENT} is missing: {CURE}"]
    except CorruptIndex as error:
        return None, [str(error)]


def _fallbacks(index: Path, named: str | None) -> list[str]:
    """The other published snapshots that are there: the one before, then newest first.

    Where no record of what was published is left, all that are there, newest first.
    """
    versions, there = read_versions(index), snapshot_ids(index)
    known = [version.id for version in newest_first(versions)]
    before = predecessor(versions, named) if named else None
    order = [before, *known] if versions else sorted(there, key=lambda id: _age(index / id))
    return [id for id in dict.fromkeys(order) if id in there and id != named]


def _age(folder: Path) -> tuple[float, str]:
    return -folder.stat().st_mtime, folder.name


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        raw = read_regular(path, MANIFEST_BYTES)
    except FileNotFoundError:
        raise CorruptIndex(f"{path} is missing: {CURE}") from None
    if id_of(raw) != folder.name:
        raise CorruptIndex(
            f"{path} was altered: expected id {folder.name}, found {id_of(raw)}: {CURE}"
        )
    return parse_manifest(raw)


def check_model(folder: Path, snapshot: Snapshot, encoder: Encoder) -> None:
    """None where the snapshot was built with these weights. Raises CorruptIndex."""
    built, given = snapshot.manifest.model, encoder
    if (built.sha256, built.dim) != (given.sha256, given.dim):
        raise CorruptIndex(
            f"{folder} was built with model {built.name} ({built.sha256[:12]}), "
            f"the settings say {given.name} ({given.sha256[:12]}): {CURE}, or set RAG_MODEL"
        )
    if (built.head_sha256, built.token_dim) != (given.head_sha256, given.token_dim):
        raise CorruptIndex(
            f"{folder} was built with late-interaction head {built.head_sha256[:12] or 'none'}, "
            f"this version has {given.head_sha256[:12] or 'none'}: {CURE}"
        )


def _check_counts(folder: Path, snapshot: Snapshot) -> None:
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
            raise CorruptIndex(f"{folder} holds {number} {what}, expected {expected}: {CURE}")


def _check_parts(folder: Path, snapshot: Snapshot) -> None:
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
        raise CorruptIndex(f"{folder} does not agree with itself ({error}): {CURE}") from error


def check_probes(folder: Path, snapshot: Snapshot, encoder: Encoder) -> None:
    """None where the encoder gives the probe vectors as at build time. Raises CorruptIndex."""
    found = probe_vectors(encoder)
    if found.shape != snapshot.probes.shape:
        raise CorruptIndex(f"{folder / 'probes.npy'} has shape {snapshot.probes.shape}: {CURE}")
    apart = float(np.abs(found - snapshot.probes).max())
    if not apart <= PROBE_TOLERANCE:
        raise CorruptIndex(
            f"{folder}: the model gives other vectors than at build time (probe vectors are "
            f"{apart:.2g} apart, at most {PROBE_TOLERANCE:g} is allowed): {CURE}"
        )


def _load(folder: Path, manifest: Manifest, mapped: MappedFile) -> Snapshot:
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
