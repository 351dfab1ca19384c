"""Documents and their parts.

Every offset is a 0-based, half-open character offset into `Document.text`, the canonical text.
Lines and pages are 1-based.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

SectionKind = Literal["body", "faq"]
PlaceKind = Literal["page", "slide", "row", "anchor"]
BlockKind = Literal["heading", "paragraph", "list", "table", "code", "quote", "question"]
# Metadata is front matter that is used in full: title, language, dates and notice.
HiddenKind = Literal["front matter", "metadata", "comment", "script or style", "encoded data"]
# Left, top, right and bottom in points, from the top left corner of a page as it is displayed.
Box = tuple[float, float, float, float]
# What is indexed of FAQ pairs: the whole pairs, nothing, or the answers without their questions.
FaqPolicy = Literal["with", "without", "answers"]


@dataclass(frozen=True, slots=True)
class Place:
    """The place in the source file of the text from `start` up to the next place.

    `number` counts pages, slides or rows from 1. `name` is that of an anchor, or of a row's sheet.
    """

    start: int
    kind: PlaceKind
    number: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class PageWords:
    """The words of a PDF's text from `start` up to the next entry: all are on one page.

    `width` and `height` are those of the page as it is displayed, in points. `words` holds the
    offset and the box of each, packed by `rag.documents.boxes`.
    """

    start: int
    number: int
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class PageBoxes:
    """Where a quote is on a page of a PDF: a box for each line, in the order of the quote.

    `width` and `height` are those of the page as it is displayed, in points.
    """

    page: int
    width: float
    height: float
    lines: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One source document.

    `text` is canonical: for text formats, the file as decoded (line ends kept, byte-order mark
    removed, encoded images replaced by `…`); for others, what their reader makes of them. `places`,
    ordered by start, are those of the text in the source file. `sha256` is of `text` in UTF-8;
    `source_sha256` of the raw bytes of the file, or of the document's line in a corpus.jsonl.
    `words`, ordered by start, give the boxes of a PDF's text on its pages. `language` is the
    code that the file declares (`en`), else the one detected; `created` and `modified` are dates
    (`2026-03-01`); `notice` is what the file wants readers of an answer from it to know. Each is
    None if it is not known.
    """

    id: str
    title: str
    source: str
    media_type: str
    text: str
    sha256: str
    source_sha256: str
    places: tuple[Place, ...] = ()
    words: tuple[PageWords, ...] = ()
    language: str | None = None
    created: str | None = None
    modified: str | None = None
    notice: str | None = None

    @property
    def file(self) -> str:
        """The id of its file: its own, or that of the corpus.jsonl of which it is a line."""
        return self.id if self.source == self.id else self.source.rpartition(":")[0]

    def place_at(self, offset: int) -> Place | None:
        """The place of a character; None before the first, and in a document without places."""
        before = bisect_right(self.places, offset, key=attrgetter("start"))
        return self.places[before - 1] if before else None


@dataclass(frozen=True, slots=True)
class Table:
    """A table: where its header starts and ends, where each row below starts, and where it ends."""

    start: int
    header_end: int
    rows: tuple[int, ...]
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """What a reader saw in a document, in order and without overlap: `text[start:end]`.

    `level` is a heading's depth from 1, else 0. `label` is a heading's or question's plain text,
    without markup, else "". A question goes up to where its answer begins, `A:` included. `parts`
    are the spans of a list's items, a table's rows or code's lines, where a block that is too long
    may be divided. `tables` are those in the block, whose later rows need the header.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    label: str = ""
    parts: tuple[tuple[int, int], ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Hidden:
    """A part of a document that its author's readers do not see: it is in no passage.

    Encoded data is not in the text either: its span is empty, at the place of the data.
    """

    start: int
    end: int
    kind: HiddenKind


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document, the blocks that its reader found, and what is hidden in it, both in order.

    What lies between blocks is blank, hidden or a line without words.
    """

    document: Document
    blocks: tuple[Block, ...]
    hidden: tuple[Hidden, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part of a document, the unit of judgment: `text[start:end]` with its heading.

    Sections of a document are in order and do not overlap; a heading's section ends where the
    next heading, of whatever level, begins. `body_start` is where the text under the heading
    begins; in an FAQ pair, where the answer begins. `heading_path` goes from the outermost
    heading to the section's own, without the document's title; it is empty for the text before
    the first heading. In an FAQ pair its last element is the question.
    """

    id: str
    document_id: str
    heading_path: tuple[str, ...]
    start: int
    end: int
    kind: SectionKind
    body_start: int


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit of retrieval: `document.text[start:end] == text`, always, within one section.

    `context` (title and headings, and the header of a table that had to be split) is given to
    the encoder and to BM25 before the text; it is no part of the text and is never quoted.
    """

    id: str
    document_id: str
    section_id: str
    start: int
    end: int
    text: str
    context: str

    @property
    def in_context(self) -> str:
        """The text after its context."""
        return f"{self.context}\n{self.text}"


@dataclass(frozen=True, slots=True)
class FaqPair:
    """A question and its answer, which are a section of their own."""

    question: str
    answer: str
    section_id: str
