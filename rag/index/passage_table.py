"""The passages of a snapshot in columns; a passage is made when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from rag.index.columns import (
    Buffer,
    Kinds,
    LazyRows,
    Texts,
    character_places,
    check_rows,
    check_starts,
    demand,
    pack,
    row_of,
    rows,
    text_columns,
    text_kinds,
    unpack,
)
from rag.index.document_table import Documents
from rag.index.section_table import FAQ, Sections, check_grouped, grouped
from rag.types import Document, Passage, Section

REMEMBERED = 2048

KINDS: Kinds = {
    "keys": (np.uint64, 1),
    "order": (np.int32, 1),
    "section": (np.int32, 1),
    "document_starts": (np.int64, 1),
    "start": (np.int32, 1),
    "end": (np.int32, 1),
    "first_byte": (np.int64, 1),
    "last_byte": (np.int64, 1),
    "context": (np.int32, 1),
    **text_kinds("contexts", "headings"),
    "heading_starts": (np.int64, 1),
    "heading_rows": (np.int32, 1),
}


def pack_passages(
    passages: Sequence[Passage], sections: Sequence[Section], documents: Sequence[Document]
) -> memoryview:
    """The content of the file of these passages, in order of the documents."""
    section = {each.id: row for row, each in enumerate(sections)}
    number = {each.id: row for row, each in enumerate(documents)}
    of = rows(number[passage.document_id] for passage in passages)
    keys = np.array([_key(passage.id) for passage in passages], dtype=np.uint64)
    contexts = {text: row for row, text in enumerate(dict.fromkeys(p.context for p in passages))}
    paths = {each.id: each.heading_path for each in sections}
    under = sorted(
        {
            (heading.casefold(), row)
            for row, passage in enumerate(passages)
            for heading in paths[passage.section_id]
        }
    )
    headings = list(dict.fromkeys(heading for heading, _ in under))
    place = {heading: at for at, heading in enumerate(headings)}
    first, last = _bytes_of(passages, documents)
    return pack(
        {
            "keys": keys,
            "order": np.argsort(keys, kind="stable").astype(np.int32),
            "section": rows(section[passage.section_id] for passage in passages),
            "document_starts": grouped(of, len(documents)),
            "start": rows(passage.start for passage in passages),
            "end": rows(passage.end for passage in passages),
            "first_byte": first,
            "last_byte": last,
            "context": rows(contexts[passage.context] for passage in passages),
            **text_columns("contexts", contexts),
            **text_columns("headings", headings),
            "heading_starts": grouped(rows(place[each] for each, _ in under), len(headings)),
            "heading_rows": rows(row for _, row in under),
        }
    )


class Passages(LazyRows[Passage]):
    """The passages in order. Row i of every other index belongs to `passages[i]`."""

    def __init__(self, raw: Buffer, documents: Documents, sections: Sections) -> None:
        self._columns = columns = unpack(raw, KINDS)
        self._documents, self._sections = documents, sections
        self._contexts, self._headings = Texts(columns, "contexts"), Texts(columns, "headings")
        views = {name: columns[name].data for name in KINDS}
        texts = documents.texts.bytes.data
        # Not methods: they would hold references to themselves.
        make = partial(_passage, views, texts, self._contexts, sections)
        super().__init__(lru_cache(REMEMBERED)(make), range(len(columns["keys"])))
        self._row = lru_cache(REMEMBERED)(
            partial(row_of, views["order"], key=views["keys"].__getitem__)
        )

    @property
    def keys(self) -> npt.NDArray[np.uint64]:
        """A number for each passage, uint64 (n,), in the order of their ids."""
        found: npt.NDArray[np.uint64] = self._columns["keys"]
        return found

    @property
    def is_faq(self) -> npt.NDArray[np.bool_]:
        """Whether each passage is of an FAQ pair, bool (n,)."""
        found: npt.NDArray[np.bool_] = (
            self._sections.columns["kind"][self._columns["section"]] == FAQ
        )
        return found

    @property
    def lengths(self) -> npt.NDArray[np.int32]:
        """How many characters each passage has, int32 (n,)."""
        found: npt.NDArray[np.int32] = self._columns["end"] - self._columns["start"]
        return found

    def id(self, row: int) -> str:
        """The id of a passage."""
        return _id(int(self._columns["keys"][row]))

    def row(self, id: str) -> int | None:
        """The row of the passage of that id, or None."""
        return self._row(_key(id)) if _ID.fullmatch(id) else None

    def of(self, document: int) -> range:
        """The rows of the passages of the document of that row."""
        starts = self._columns["document_starts"]
        return range(starts[document], starts[document + 1])

    def document(self, row: int) -> int:
        """The row of a passage's document."""
        return int(self._sections.columns["document"][self._columns["section"][row]])

    def under(self, heading: str) -> npt.NDArray[np.int64]:
        """The rows of the passages under a heading, whatever its case."""
        at = self._headings.row(heading.casefold())
        if at is None:
            return np.zeros(0, dtype=np.int64)
        starts = self._columns["heading_starts"]
        return self._columns["heading_rows"][starts[at] : starts[at + 1]].astype(np.int64)

    def check(self) -> None:
        """Raises ValueError unless all columns agree with each other, with sections and texts."""
        c, s, count = self._columns, self._sections.columns, len(self)
        for name in ("order", "section", "start", "end", "first_byte", "last_byte", "context"):
            demand(len(c[name]) == count, f"the passages have {len(c[name])} of {name}")
        check_rows(c["order"], 0, count, "a passage does not exist")
        keys = c["keys"][c["order"]]
        demand((keys[1:] > keys[:-1]).all(), "two passages have the same id")
        check_rows(c["section"], 0, len(self._sections), "a passage has no section")
        section, start, end = c["section"], c["start"], c["end"]
        inside = (s["start"][section] <= start) & (start < end) & (end <= s["end"][section])
        demand(inside.all(), "a passage is outside its section")
        of, documents = s["document"][section], len(self._documents)
        check_grouped(c["document_starts"], of, documents, "passages")
        self._contexts.check("the contexts", len(self._contexts))
        check_rows(c["context"], 0, len(self._contexts), "a passage's context does not exist")
        self._headings.check("the headings", len(self._headings))
        self._headings.check_order("the headings")
        check_starts(
            c["heading_starts"], len(self._headings), len(c["heading_rows"]), "the headings' rows"
        )
        check_rows(c["heading_rows"], 0, count, "a heading is above no passage")
        self._check_bytes()

    def _check_bytes(self) -> None:
        """That each passage's bytes are those of its characters."""
        c, document = self._columns, 0
        for places, firsts in self._documents.texts.characters():
            starts = c["document_starts"][document : document + len(firsts)]
            part = slice(starts[0], starts[-1])
            base = np.repeat(firsts[:-1], np.diff(starts))
            demand(
                np.array_equal(c["first_byte"][part], places[base + c["start"][part]])
                and np.array_equal(c["last_byte"][part], places[base + c["end"][part]]),
                "a passage's bytes are not its characters",
            )
            document += len(firsts) - 1


_ID = re.compile(r"p[0-9a-f]{16}")


def _key(id: str) -> int:
    if not _ID.fullmatch(id):
        raise ValueError(f"{id!r} is not the id of a passage")
    return int(id[1:], 16)


def _id(key: int) -> str:
    return f"p{key:016x}"


def _passage(
    columns: Mapping[str, memoryview],
    texts: memoryview,
    contexts: Texts,
    sections: Sections,
    row: int,
) -> Passage:
    section = columns["section"][row]
    return Passage(
        _id(columns["keys"][row]),
        sections.document_id(section),
        sections.id(section),
        columns["start"][row],
        columns["end"][row],
        str(texts[columns["first_byte"][row] : columns["last_byte"][row]], "utf-8"),
        contexts[columns["context"][row]],
    )


def _bytes_of(
    passages: Sequence[Passage], documents: Sequence[Document]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where the text of each passage starts and ends in the texts of all documents, in bytes."""
    first, last = (np.zeros(len(passages), dtype=np.int64) for _ in range(2))
    at, base = 0, 0
    for document, own in _of_each(passages, documents):
        part, raw = slice(at, at := at + len(own)), document.text.encode()
        spans = np.array([(each.start, each.end) for each in own], dtype=np.int64).reshape(-1, 2)
        if len(raw) > len(document.text):
            spans = character_places(np.frombuffer(raw, dtype=np.uint8))[spans]
        first[part], last[part] = base + spans.T
        base += len(raw)
    return first, last


def _of_each(
    passages: Sequence[Passage], documents: Sequence[Document]
) -> Iterator[tuple[Document, list[Passage]]]:
    """Each document with its passages, which are in order of the documents."""
    groups = {id: list(own) for id, own in groupby(passages, key=attrgetter("document_id"))}
    for document in documents:
        yield document, groups.get(document.id, [])
