"""The documents of a snapshot in columns; a document is made when it is asked for."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain

import msgspec
import numpy as np

from rag.index.bm25 import main_language
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
    rows,
    starts_of,
    text_columns,
    text_kinds,
    unpack,
)
from rag.text import LineIndex, line_spans
from rag.types import Document, PageWords, Place

# So many documents are remembered with their texts, which may be a megabyte each.
REMEMBERED = 64
# Normalising takes time by the square of the length; file names are shorter.
MAX_ID = 4096

KINDS: Kinds = {
    **text_kinds("ids", "facts", "texts", "forms"),
    "form_rows": (np.int32, 1),
    "digests": (np.uint64, 1),
    "lines": (np.int32, 1),
    "line_starts": (np.int64, 1),
    "main_language": (np.uint8, 1),
}


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is stored of a document besides its id and its text."""

    title: str
    source: str
    media_type: str
    sha256: str
    source_sha256: str
    places: tuple[Place, ...]
    words: tuple[PageWords, ...]
    language: str | None
    created: str | None
    modified: str | None
    notice: str | None = None


class _Dates(msgspec.Struct):
    """The dates alone, without the places and words of a long PDF."""

    created: str | None
    modified: str | None


_DATES = msgspec.json.Decoder(_Dates)
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Facts)


def pack_documents(documents: Sequence[Document]) -> memoryview:
    """The content of the file of these documents, ordered by id."""
    lines = [_lines(document.text) for document in documents]
    forms = _forms(document.id for document in documents)
    main = main_language(document.language for document in documents)
    return pack(
        {
            **text_columns("ids", (document.id for document in documents)),
            **text_columns("facts", map(_facts, documents)),
            **text_columns("texts", (document.text for document in documents)),
            **text_columns("forms", (form for form, _ in forms)),
            "form_rows": rows(row for _, row in forms),
            "digests": np.array([_digest(each.sha256) for each in documents], dtype=np.uint64),
            "lines": rows(chain.from_iterable(lines)),
            "line_starts": starts_of(map(len, lines)),
            "main_language": np.frombuffer(main.encode(), dtype=np.uint8),
        }
    )


class Documents(Mapping[str, Document]):
    """The documents by id, in order of their ids. Row i is the i-th of them."""

    def __init__(self, raw: Buffer) -> None:
        columns = unpack(raw, KINDS)
        self._columns = columns
        self.ids, self.texts = Texts(columns, "ids"), Texts(columns, "texts")
        self._facts, self._forms = Texts(columns, "facts"), Texts(columns, "forms")
        self.main_language = bytes(columns["main_language"]).decode()
        # Not a method: it would hold a reference to itself, and be freed only by the collector.
        self.at = lru_cache(REMEMBERED)(partial(_document, self.ids, self._facts, self.texts))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, id: str) -> Document:
        return self.at(self.row(id))

    def row(self, id: str) -> int:
        """The row of the document of that id. Raises KeyError."""
        found = self.ids.row(id)
        if found is None:
            raise KeyError(id)
        return found

    def with_text(self, sha256: str) -> list[str]:
        """The ids of the documents whose text has that sha256, in order."""
        found = np.flatnonzero(self._columns["digests"] == _digest(sha256)).tolist()
        return [self.ids[row] for row in found if self.at(row).sha256 == sha256]

    def equivalent(self, id: str) -> Document | None:
        """The only document whose id is canonically equivalent to this one.

        One system writes file names composed (NFC), another decomposed (NFD).
        """
        if len(id) > MAX_ID:
            return None
        form = unicodedata.normalize("NFC", id)
        composed = self.ids.row(form)
        others = self._of_form(form)
        same = [*([] if composed is None else [composed]), *others]
        return self.at(same[0]) if len(same) == 1 else None

    def dated(self, id: str) -> str | None:
        """The date of a document's last change, or else of its writing; None if none is known."""
        row = self.ids.row(id)
        dates = None if row is None else _DATES.decode(self._facts.raw(row))
        return None if dates is None else dates.modified or dates.created

    def language(self, id: str) -> str:
        """The language by which the words of a document are stemmed.

        One whose language is not known has that of most of the others.
        """
        return self[id].language or self.main_language

    def lines(self, id: str) -> LineIndex:
        """The line index of a document."""
        row, starts = self.row(id), self._columns["line_starts"]
        return LineIndex(self._columns["lines"][starts[row] : starts[row + 1]].data)

    def check(self) -> None:
        """Raises ValueError unless all columns agree; reads all texts."""
        columns, count = self._columns, len(self.ids)
        self.ids.check("the documents' ids", count)
        self.ids.check_order("the documents' ids")
        self._facts.check("the documents' facts", count)
        self.texts.check("the documents' texts", count)
        self._forms.check("the composed ids", len(columns["form_rows"]))
        check_rows(columns["form_rows"], 0, count, "a composed id is of no document")
        demand(len(columns["digests"]) == count, "a digest is of no document")
        check_starts(columns["line_starts"], count, len(columns["lines"]), "the lines")
        forms = list(zip(self._forms, columns["form_rows"].tolist(), strict=True))
        demand(forms == _forms(self.ids), "a composed id is not that of its document")
        for row, (facts, digest) in enumerate(
            zip(
                map(_DECODER.decode, self._facts.all_raw()),
                columns["digests"].tolist(),
                strict=True,
            )
        ):
            found = hashlib.sha256(self.texts.raw(row)).hexdigest()
            demand(found == facts.sha256, "a document's text is not that of its sha256")
            demand(_digest(found) == digest, "a digest is not that of its text")
        self._check_lines()

    def _check_lines(self) -> None:
        """That the lines of each document start where those of its text do."""
        lines, starts, row = self._columns["lines"], self._columns["line_starts"], 0
        for places, firsts in self.texts.characters():
            count = len(firsts) - 1
            text = self.texts.bytes[places[0] : places[-1]]
            ends = np.searchsorted(places, places[0] + _line_ends(text, places[firsts] - places[0]))
            of = np.searchsorted(firsts, ends, side="right") - 1
            own = starts[row : row + count + 1] - starts[row]
            expected = starts_of((1 + np.bincount(of, minlength=count)).tolist())
            is_first = np.zeros(expected[-1], dtype=bool)
            is_first[expected[:-1]] = True
            found = lines[starts[row] : starts[row + count]]
            demand(
                np.array_equal(own, expected)
                and not found[is_first].any()
                and np.array_equal(found[~is_first], ends + 1 - firsts[of]),
                "the lines are not those of the text",
            )
            row += count

    def _of_form(self, form: str) -> list[int]:
        first = self._forms.first(form)
        found = []
        while first < len(self._forms) and self._forms[first] == form:
            found.append(int(self._columns["form_rows"][first]))
            first += 1
        return found


def _forms(ids: Iterable[str]) -> list[tuple[str, int]]:
    """The composed form of each id that is not composed, and the id's row, in order."""
    listed = ((unicodedata.normalize("NFC", id), id, row) for row, id in enumerate(ids))
    return sorted((form, row) for form, id, row in listed if form != id)


def _line_ends(text: Array, starts: Array) -> Array:
    """The last byte of each line end in texts that start there, in order; CRLF is one line end."""
    feed, back = text == ord("\n"), text == ord("\r")
    joined = np.append(feed[1:], False)
    # A line feed that begins the next text is not of the same line end.
    joined[starts[(starts > 0) & (starts < len(text))] - 1] = False
    return np.flatnonzero(feed | (back & ~joined))


def _lines(text: str) -> list[int]:
    return [start for start, _ in line_spans(text)]


def _facts(document: Document) -> bytes:
    d = document
    return _ENCODER.encode(
        _Facts(
            *(d.title, d.source, d.media_type, d.sha256, d.source_sha256),
            *(d.places, d.words, d.language, d.created, d.modified),
            notice=d.notice,
        )
    )


def _document(ids: LazyRows[str], facts: Texts, texts: LazyRows[str], row: int) -> Document:
    f = _DECODER.decode(facts.raw(row))
    return Document(
        *(ids[row], f.title, f.source, f.media_type, texts[row], f.sha256, f.source_sha256),
        *(f.places, f.words, f.language, f.created, f.modified),
        notice=f.notice,
    )


def _digest(sha256: str) -> int:
    """A short key of any text; texts with the same key are compared."""
    return int.from_bytes(hashlib.sha256(sha256.encode("utf-8", "replace")).digest()[:8], "little")
