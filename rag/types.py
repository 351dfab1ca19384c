"""The nouns of the system: frozen, plain, and the same words in code, JSON and docs.

Every offset is a 0-based, half-open character offset into `Document.text`, the canonical text.
Lines and pages are 1-based.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

SectionKind = Literal["body", "faq"]
PlaceKind = Literal["page", "slide", "row", "anchor"]
BlockKind = Literal["heading", "paragraph", "list", "table", "code", "quote", "question"]
HiddenKind = Literal["front matter", "comment", "script or style", "encoded data"]
# Left, top, right and bottom in points, from the top left corner of a page as it is displayed.
Box = tuple[float, float, float, float]
Mode = Literal["hybrid", "dense", "bm25"]
# What is indexed of FAQ pairs: the whole pairs, nothing, or the answers without their questions.
FaqPolicy = Literal["with", "without", "answers"]

# An answer shows at most so many passages, so as many are candidates.
MAX_TOP_K = 50
# The largest share of wrong answers that can be allowed, and the default: people mostly ask what
# their documents do answer, and a passage that is withheld helps nobody.
MAX_RISK = 0.3
# People mostly ask what their documents answer: say nine questions of ten.
ANSWERABLE = 0.9

NO_ANSWER = "The documents do not seem to answer this question."
UNREADABLE = "The model does not know the characters of this question, so it cannot answer it."
NEAREST = "The nearest passages follow."


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
    (`2026-03-01`). Each is None if it is not known.
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
class Remark:
    """Something that happened when a file was read: a code, and a sentence for people.

    `is_loss`: the file, or a part of it that was meant to be read, could not be read.
    """

    code: str
    text: str
    is_loss: bool = False

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Lines of a text file, from 1, that are in no passage because its readers do not see them."""

    kind: HiddenKind
    first_line: int
    last_line: int

    def __str__(self) -> str:
        first, last = self.first_line, self.last_line
        return f"{f'line {first}' if first == last else f'lines {first}-{last}'} ({self.kind})"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What a build made of a file.

    `id` is its path below the folder that was given. `documents` is 0 for a file that was skipped;
    `size` and `sha256` are of its bytes, 0 and "" for one that was skipped. `pages` counts pages or
    slides. `sections` and `faq_pairs` are those that the index holds.
    """

    id: str
    media_type: str = ""
    size: int = 0
    sha256: str = ""
    documents: int = 0
    pages: int = 0
    characters: int = 0
    sections: int = 0
    tables: int = 0
    faq_pairs: int = 0
    remarks: tuple[Remark, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def verdict(self) -> str:
        """`indexed`, `indexed_with_warning:<codes>` or `skipped:<code>`; codes joined by commas."""
        codes = ",".join(dict.fromkeys(remark.code for remark in self.remarks))
        if not self.documents:
            return f"skipped:{codes}"
        return f"indexed_with_warning:{codes}" if codes else "indexed"

    @property
    def has_loss(self) -> bool:
        """Whether the file or a part of it could not be read."""
        return any(remark.is_loss for remark in self.remarks)


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
class Span:
    """A part of a document's text, `text[char_start:char_end]`, with its boxes in a PDF."""

    char_start: int
    char_end: int
    boxes: tuple[PageBoxes, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """The signals behind a hit and their fusion; None for a signal that `mode` leaves out.

    `heading` is the cosine of the question above the passage; its own if there is none.
    """

    dense: float | None
    bm25: float | None
    late: float | None
    heading: float | None
    fused: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a signal counts for a hit: its rank among the candidates, from 1, and its share.

    The shares of a hit's signals add up to its fused score. That of dense is 0 unless it is the
    only signal: it finds candidates, and the heading's cosine ranks them.
    """

    rank: int
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit has its rank; None for a signal that `mode` leaves out.

    `matched` are the question's words, in order, that BM25 found in the passage or its context;
    `missing` are those that neither holds in any form.
    """

    dense: Contribution | None
    bm25: Contribution | None
    late: Contribution | None
    heading: Contribution | None
    matched: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A hit. Lists of hits are best first, ordered by (-score, passage.id)."""

    passage: Passage
    score: float
    scores: Scores


@dataclass(frozen=True, slots=True)
class Citation:
    """The place of a passage. `quote` is `document.text[char_start:char_end]`.

    `sha256` is of the document's canonical text, so that the citation can be checked later. `page`
    is that of a paged file, and `place` the slide, row or anchor in others that have them: of the
    first sentence that answers, or of where the quote begins. `boxes` are the quote's in a PDF.
    """

    document_id: str
    title: str
    heading_path: tuple[str, ...]
    sha256: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    page: int | None
    place: Place | None
    quote: str
    boxes: tuple[PageBoxes, ...] = ()


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A hit with its citation, the spans of the sentences that answer, and, if asked for, why."""

    rank: int
    hit: ScoredPassage
    citation: Citation
    highlights: tuple[Span, ...]
    explanation: Explanation | None = None


# Whether the passages answer: surely enough for the risk that is allowed, perhaps, or not.
Finding = Literal["answered", "maybe", "not_found"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The passages for a question, best first.

    `confidence` is the probability in [0, 1] that they answer it, and `verdict` says it in a word.
    If it is `not_found`, the passages are only the nearest, and `missing` is what the first one
    lacks, in the question's words. `unreadable`: the model does not know the question's characters.
    """

    question: str
    passages: tuple[CitedPassage, ...]
    confidence: float
    verdict: Finding
    missing: tuple[str, ...] = ()
    unreadable: bool = False

    @property
    def abstained(self) -> bool:
        """Whether the documents do not seem to answer."""
        return self.verdict == "not_found"

    @property
    def message(self) -> str | None:
        """An abstention in plain words; None if the passages seem to answer."""
        if not self.abstained:
            return None
        said = [UNREADABLE if self.unreadable else NO_ANSWER]
        if self.missing:
            said.append(f"Not found: {', '.join(self.missing)}.")
        return " ".join([*said, NEAREST] if self.passages else said)


@dataclass(frozen=True, slots=True)
class Caution:
    """When to abstain, and what a confidence means.

    `risk` is the share of wrong answers that is allowed for if half of the questions have no
    answer; `answerable` is the share of questions that the documents are expected to answer.
    """

    risk: float = MAX_RISK
    answerable: float = ANSWERABLE


DEFAULT_CAUTION = Caution()


@dataclass(frozen=True, slots=True)
class Filters:
    """Restricts a search; an empty tuple or None does not. `section` is a heading, in any case."""

    document_id: tuple[str, ...] = ()
    section: str | None = None


NO_FILTERS = Filters()

# Called with what is being done, how much is done, and how much there is.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Reports nothing."""
