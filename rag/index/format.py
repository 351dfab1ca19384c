"""A snapshot as files: each is made, read and checked by the module of its part.

<index>/<id>/manifest.json + the files that it lists, each with size and sha256
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.index.bm25 import LexicalIndex
from rag.index.columns import Buffer, joined
from rag.index.document_table import Documents, pack_documents
from rag.index.lexical_table import open_lexical, pack_lexical
from rag.index.manifest import FileEntry, Manifest
from rag.index.mapped_file import MappedFile, array_in, stamp_at
from rag.index.originals import ORIGINALS, Originals, ReadRange, held_in, stored_at
from rag.index.passage_table import Passages, pack_passages
from rag.index.question_vectors import Headings, open_headings, pack_headings
from rag.index.report_table import Reports, pack_reports
from rag.index.section_table import Sections, pack_sections
from rag.index.sentence_spans import Marks, open_marks, pack_marks
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import TokenStore
from rag.index.vectors import VectorIndex, from_bytes
from rag.types import Document, FileReport, Passage, Section

# Used where they lie; `ORIGINALS` is only read when a file is asked for.
MAPPED = (
    *("bm25.bin", "dense.faiss", "documents.bin", "headings.bin", "marks.bin", "passages.bin"),
    *("probes.npy", "report.bin", "sections.bin", "token_starts.npy", "tokens.npy"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a snapshot is made of, before it is written. Documents are ordered by id; sections and
    passages in order of the documents; `originals` the bytes of the files."""

    documents: Sequence[Document]
    sections: Sequence[Section]
    passages: Sequence[Passage]
    dense: VectorIndex
    lexical: LexicalIndex
    tokens: TokenStore
    headings: Headings
    marks: Marks
    probes: npt.NDArray[np.float32]
    files: Sequence[FileReport]
    originals: Buffer


def contents(parts: Parts) -> dict[str, Buffer]:
    """The snapshot's files by name, without the manifest; the same parts, the same bytes."""
    p = parts
    return {
        "bm25.bin": pack_lexical(p.lexical),
        "dense.faiss": p.dense.content,
        "documents.bin": pack_documents(p.documents),
        "headings.bin": pack_headings(p.headings),
        "marks.bin": pack_marks(p.marks),
        ORIGINALS: p.originals,
        "passages.bin": pack_passages(p.passages, p.sections, p.documents),
        "probes.npy": _saved(p.probes),
        "report.bin": pack_reports(p.files),
        "sections.bin": pack_sections(p.sections, p.documents),
        "token_starts.npy": _saved(p.tokens.starts),
        "tokens.npy": _saved(p.tokens.vectors),
    }


def entries(files: Mapping[str, Buffer]) -> dict[str, FileEntry]:
    """The manifest's entries for these files."""
    return {
        name: FileEntry(len(content), hashlib.sha256(content).hexdigest())
        for name, content in sorted(files.items())
    }


def sealed(manifest: Manifest, parts: Parts) -> Snapshot:
    """The snapshot of these parts, which is not yet on disk; its manifest lists its files."""
    content = contents(parts)
    listed = replace(manifest, files=entries(content))
    return _decoded(listed, content, held_in(memoryview(content[ORIGINALS])))


def read_snapshot(folder: Path, verified: Callable[[Path], Manifest]) -> Snapshot:
    """The snapshot in a folder. `verified` checks its files and returns its manifest.

    Raises what `verified` raises; ValueError if a part is of another shape than it should be; and
    OSError. Whether the parts agree is not checked here: `invariants.check_parts` does.
    """
    # Taken before the checksums, so that a later change of a file is noticed.
    stamps = {name: stamp_at(folder / name) for name in MAPPED}
    manifest = verified(folder)
    if missing := {*MAPPED, ORIGINALS} - set(manifest.files):
        raise ValueError(f"the manifest does not list {', '.join(sorted(missing))}")
    mapped = {
        name: MappedFile(folder / name, manifest.files[name].sha256, stamps[name])
        for name in MAPPED
    }
    content = {name: file.content() for name, file in mapped.items()}
    original = stored_at(folder / ORIGINALS)
    return _decoded(manifest, content, original, tuple(mapped.values()))


def _decoded(
    manifest: Manifest,
    content: Mapping[str, Buffer],
    original: ReadRange,
    mapped: Sequence[MappedFile] = (),
) -> Snapshot:
    def array(name: str, kind: type[np.generic], dimensions: int) -> npt.NDArray[Any]:
        return array_in(content[name], kind, dimensions)

    documents = Documents(content["documents.bin"])
    sections = Sections(content["sections.bin"], documents)
    passages = Passages(content["passages.bin"], documents, sections)
    files = Reports(content["report.bin"])
    return Snapshot(
        manifest=manifest,
        documents=documents,
        sections=sections,
        passages=passages,
        dense=from_bytes(content["dense.faiss"]),
        lexical=open_lexical(content["bm25.bin"], len(passages)),
        tokens=TokenStore(
            array("tokens.npy", np.uint8, 2),
            array("token_starts.npy", np.int64, 1),
            manifest.recipe.token_bits,
        ),
        headings=open_headings(content["headings.bin"]),
        marks=open_marks(content["marks.bin"]),
        probes=array("probes.npy", np.float32, 2),
        files=files,
        originals=Originals(files, original),
        content=content,
        mapped=mapped,
    )


def _saved(array: npt.NDArray[Any]) -> memoryview:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    return joined([header.getvalue(), array])
