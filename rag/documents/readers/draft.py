"""The canonical text of a file whose own bytes are no text, written block by block.

    draft = Draft()
    draft.heading("Opening hours", 2)
    draft.paragraph("Monday to Friday.")
    draft.reading("A title")   -> the text, and blocks with their offsets in it

A blank line stands between blocks. A list has a line for each item, a table a line for each row,
with its cells parted by ` | `.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from rag.documents.readers.facts import NO_FACTS
from rag.documents.readers.faq import with_questions
from rag.documents.readers.labels import shortened
from rag.documents.readers.reading import Reading
from rag.types import Block, BlockKind, Place, PlaceKind, Table
from rag.types.errors import CorpusError

CELL = " | "
_BLANK_LINES = re.compile(r"\n\s*\n")
_GAP = "\n\n"
_LONGEST_HEADER_CELL = 80
# Soft hyphens, zero-width and direction marks, tags and control characters: nobody sees them, and
# they hide words from a search. Joiners (U+200C, U+200D) are part of words and stay.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u115f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BROKEN = re.compile("[\ud800-\udfff]")
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ſt", "ﬆ": "st"}
)


def visible(text: str) -> str:
    """The text without characters that nobody sees, and with ligatures as letters."""
    if text.isascii() and text.isprintable():
        return text
    return _BROKEN.sub("\ufffd", _UNSEEN.sub("", text.translate(_LIGATURES)))


def squeezed(text: str) -> str:
    """The visible text on one line."""
    return " ".join(visible(text).split())


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row of a table names its columns: short, different, none of them a number.

    A reader whose source marks the header does not need to guess.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = rows[0]
    return len(set(first)) == len(first) and all(
        0 < len(cell) <= _LONGEST_HEADER_CELL and any(map(str.isalpha, cell)) for cell in first
    )


class Draft:
    """A text that grows, with its blocks and places, and the facts of the file."""

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.notes: list[str] = []
        self.facts = NO_FACTS
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._places: list[Place] = []
        self._end = 0

    def place(self, kind: PlaceKind, number: int = 0, name: str = "") -> None:
        """What is written next stands at this place of the source, up to the next place."""
        start = self._end + len(_GAP) if self._pieces else 0
        if self._places and self._places[-1].start == start:
            self._places.pop()
        self._places.append(Place(start, kind, number, shortened(squeezed(name))))

    def heading(self, text: str, level: int) -> None:
        """Adds a heading, if the text is not blank."""
        line = squeezed(text)
        self.add("heading", [line], level=level, label=shortened(line))

    def question(self, text: str, level: int = 0) -> None:
        """Adds a question that what follows answers."""
        line = squeezed(text)
        self.add("question", [line], level=level, label=shortened(line))

    def paragraph(self, text: str, kind: BlockKind = "paragraph") -> None:
        """Adds a paragraph, or a quotation; its line ends are kept, and a blank line ends it."""
        for part in _BLANK_LINES.split(text):
            self.add(kind, [squeezed(line) for line in part.split("\n")])

    def items(self, items: Sequence[str]) -> None:
        """Adds a list. An item may have several lines."""
        self.add("list", [visible(item).rstrip() for item in items], parted=True)

    def code(self, text: str) -> None:
        """Adds code as it stands."""
        lines = [visible(line).rstrip() for line in text.expandtabs(4).split("\n")]
        self.add("code", lines, parted=True)

    def table(self, rows: Iterable[Sequence[str]], header: int | None = None) -> None:
        """Adds a table whose first `header` rows name its columns; by default it is guessed."""
        cells = without_blank([[squeezed(cell) for cell in row] for row in rows])
        count = int(has_header(cells)) if header is None else header
        self.rows(cells, count if count < len(cells) else 0)

    def rows(
        self, cells: Sequence[Sequence[str]], header: int, places: Sequence[Place] = ()
    ) -> None:
        """Adds a table of rows that are clean already. The start of a place is its row, from 0."""
        lines = row_lines(cells)
        starts = [0, *accumulate(len(line) + 1 for line in lines)]
        own = [replace(place, start=starts[place.start]) for place in places]
        self.add("table", lines, header=header, parted=True, places=own)

    def last(self) -> Block:
        """The block that was added last."""
        return self._blocks[-1]

    def is_empty(self) -> bool:
        """Whether nothing has been added."""
        return not self._blocks

    def mark_questions(self, questions: set[str]) -> set[str]:
        """Makes questions of the headings and paragraphs that say one of them; those it holds."""
        found = set()
        text = "".join(self._pieces)
        for i, block in enumerate(self._blocks[:-1]):
            said = text[block.start : block.end]
            if said in questions and block.kind in ("heading", "paragraph", "question"):
                found.add(said)
                self._blocks[i] = replace(block, kind="question", label=shortened(said))
        return found

    def title(self) -> str:
        """The one heading of level 1, if it is the first of the headings; else ""."""
        headings = [block for block in self._blocks if block.kind == "heading"]
        top = [block.label for block in headings if block.level == 1]
        return top[0] if len(top) == 1 and headings[0].level == 1 else ""

    def reading(self, title: str = "", is_faq: bool = False) -> Reading:
        """The text with its blocks, FAQ pairs found.

        Raises CorpusError if it holds no text, unless OCR can add it.
        """
        needs_ocr = any(why.startswith("no_text_layer:") for why in self.left_out)
        if not self._blocks and not needs_ocr:
            why = (
                "; ".join(self.left_out)
                or "no_text: the file holds no text; write some or remove it"
            )
            raise CorpusError(why)
        text = "".join(self._pieces)
        title = shortened(squeezed(title)) or self.title()
        blocks = tuple(with_questions(text, self._blocks, "FAQ" if is_faq else title))
        places = tuple(place for place in self._places if place.start < len(text))
        left_out, notes = tuple(self.left_out), tuple(self.notes)
        return Reading(
            title, text, blocks, places, left_out=left_out, notes=notes, facts=self.facts
        )

    def add(
        self,
        kind: BlockKind,
        lines: Sequence[str],
        level: int = 0,
        label: str = "",
        header: int = 0,
        parted: bool = False,
        places: Sequence[Place] = (),
    ) -> None:
        """Adds a block of lines that are clean already; nothing, if all are blank.

        `header` lines are a table's header, and each other line is one of its parts, if `parted`.
        The `places` in the block count from its start.
        """
        kept = _without_blank_ends(lines) if kind == "code" else [line for line in lines if line]
        if not kept:
            return
        if self._pieces:
            self._pieces.append(_GAP)
            self._end += len(_GAP)
        start = self._end
        parts = []
        for line in kept:
            parts.append((self._end, self._end + len(line)))
            self._end += len(line) + 1
        self._end -= 1
        self._pieces.append("\n".join(kept))
        self._places += [replace(place, start=start + place.start) for place in places]
        own = tuple(part for part in parts[header:] if part[0] < part[1]) if parted else ()
        below = tuple(row for row, _ in own)
        tables = (Table(start, parts[header - 1][1], below, self._end),) if header else ()
        self._blocks.append(Block(kind, start, self._end, level, label, own, tables))


def row_lines(cells: Iterable[Sequence[str]]) -> list[str]:
    """The lines that a table's rows are written as."""
    return [CELL.join(row).rstrip(" |") for row in cells]


def without_blank(rows: list[list[str]]) -> list[list[str]]:
    """The rows and columns that are not blank, all rows as wide as each other."""
    rows = [row for row in rows if any(row)]
    width = max(map(len, rows), default=0)
    used = [i for i in range(width) if any(i < len(row) and row[i] for row in rows)]
    return [[row[i] if i < len(row) else "" for i in used] for row in rows]


def _without_blank_ends(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1]:
        kept.pop()
    while kept and not kept[0]:
        kept.pop(0)
    return kept
