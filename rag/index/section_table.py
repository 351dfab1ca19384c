"""The sections of a snapshot in columns; a section is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import get_args

import msgspec
import numpy as np

from rag.index.columns import (
    Array,
    Buffer,
    Kinds,
    LazyRows,
    Texts,
    check_rows,
    check_starts,
    demand,
    pack,
    row_of,
    rows,
    starts_of,
    text_columns,
    text_kinds,
    unpack,
)
from rag.index.document_table import Documents
from rag.types import Document, Section, SectionKind

REMEMBERED = 2048
SECTION_KINDS: tuple[SectionKind, ...] = get_args(SectionKind)
FAQ = SECTION_KINDS.index("faq")

KINDS: Kinds = {
    **text_kinds("ids", "paths"),
    "order": (np.int32, 1),
    "document": (np.int32, 1),
    "document_starts": (np.int64, 1),
    "start": (np.int32, 1),
    "body_start": (np.int32, 1),
    "end": (np.int32, 1),
    "kind": (np.uint8, 1),
}

_ENCODER = msgspec.json.Encoder()
_PATH = msgspec.json.Decoder(tuple[str, ...])


def pack_sections(sections: Sequence[Section], documents: Sequence[Document]) -> memoryview:
    """The content of the file of these sections, in order of the documents."""
    number = {document.id: row for row, document in enumerate(documents)}
    of = rows(number[section.document_id] for section in sections)
    ids = [section.id.encode() for section in sections]
    return pack(
        {
            **text_columns("ids", ids),
            **text_columns(
                "paths", (_ENCODER.encode(section.heading_path) for section in sections)
            ),
            "order": rows(sorted(range(len(ids)), key=ids.__getitem__)),
            "document": of,
            "document_starts": grouped(of, len(documents)),
            "start": rows(section.start for section in sections),
            "body_start": rows(section.body_start for section in sections),
            "end": rows(section.end for section in sections),
            "kind": np.array([SECTION_KINDS.index(each.kind) for each in sections], dtype=np.uint8),
        }
    )


def grouped(of: Array, count: int) -> Array:
    """Where the rows of each of `count` owners start, if they are in order of these."""
    return starts_of(np.bincount(of, minlength=count).tolist())


def check_grouped(starts: Array, of: Array, documents: int, what: str) -> None:
    """Raises ValueError unless the rows are in order of their documents, and start there."""
    check_starts(starts, documents, len(of), f"the documents' {what}")
    in_order = (np.diff(of) >= 0).all() and np.array_equal(starts, grouped(of, documents))
    demand(in_order, f"the {what} are not in order")


class Sections(Mapping[str, Section]):
    """The sections by id, in order of the documents. Row i is the i-th of them."""

    def __init__(self, raw: Buffer, documents: Documents) -> None:
        self.columns = columns = unpack(raw, KINDS)
        self._documents = documents
        self._ids, self._paths = Texts(columns, "ids"), Texts(columns, "paths")
        # Not methods: they would hold references to themselves.
        views = {name: columns[name].data for name in KINDS}
        self.at = lru_cache(REMEMBERED)(
            partial(_section, views, self._ids, self._paths, documents.ids)
        )
        self._row = lru_cache(REMEMBERED)(partial(_row, views["order"], self._ids.raw))

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, id: str) -> Section:
        row = self._row(id)
        if row is None:
            raise KeyError(id)
        return self.at(row)

    def id(self, row: int) -> str:
        """The id of a section."""
        return self._ids[row]

    def document_id(self, row: int) -> str:
        """The id of a section's document."""
        return self._documents.ids[int(self.columns["document"][row])]

    def of(self, document: int) -> LazyRows[Section]:
        """The sections of the document of that row, in order."""
        starts = self.columns["document_starts"]
        return LazyRows(self.at, range(starts[document], starts[document + 1]))

    def faq_pairs(self) -> Iterator[Section]:
        """The sections that are FAQ pairs, in order."""
        return map(self.at, np.flatnonzero(self.columns["kind"] == FAQ).tolist())

    def check(self) -> None:
        """Raises ValueError unless all columns agree with each other and with the documents."""
        c, count, documents = self.columns, len(self._ids), len(self._documents)
        self._ids.check("the sections' ids", count)
        self._paths.check("the sections' headings", count)
        for name in ("order", "document", "start", "body_start", "end", "kind"):
            demand(len(c[name]) == count, f"the sections have {len(c[name])} of {name}")
        check_rows(c["order"], 0, count, "a section does not exist")
        ids = self._ids.all_raw()
        in_order = [ids[row] for row in c["order"].tolist()]
        demand(all(a < b for a, b in pairwise(in_order)), "an id is there twice")
        check_rows(c["document"], 0, documents, "a section has no document")
        check_grouped(c["document_starts"], c["document"], documents, "sections")
        check_rows(c["kind"], 0, len(SECTION_KINDS), "a section is of no kind")
        start, body, end, of = c["start"], c["body_start"], c["end"], c["document"]
        lengths = np.concatenate(
            [rows([]), *(np.diff(firsts) for _, firsts in self._documents.texts.characters())]
        )
        inside = (start >= 0) & (start <= body) & (body <= end) & (end <= lengths[of])
        demand(inside.all(), "a section is outside its document")
        apart = (start[1:] >= end[:-1]) | (of[1:] != of[:-1])
        demand(apart.all(), "the sections of a document are not in order")
        has_path = np.array(list(map(bool, map(_PATH.decode, self._paths.all_raw()))), dtype=bool)
        demand(has_path[c["kind"] == FAQ].all(), "an FAQ pair has no question")


def _section(
    columns: Mapping[str, memoryview],
    ids: LazyRows[str],
    paths: Texts,
    documents: LazyRows[str],
    row: int,
) -> Section:
    return Section(
        ids[row],
        documents[columns["document"][row]],
        _PATH.decode(paths.raw(row)),
        columns["start"][row],
        columns["end"][row],
        SECTION_KINDS[columns["kind"][row]],
        columns["body_start"][row],
    )


def _row(order: memoryview, raw: Callable[[int], bytes], id: str) -> int | None:
    """The row of the section of that id; None if there is none."""
    return row_of(order, id.encode("utf-8", "surrogatepass"), raw)
