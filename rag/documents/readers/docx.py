"""Word documents (DOCX), read from their XML.

Read: paragraphs, headings by style or outline level, lists with their numbers, tables, text boxes,
footnotes and endnotes below the paragraph that refers to them, alternative texts of pictures, and
what tracked changes insert. Left out: what they delete, comments, headers and footers of pages, and
hidden text, which is counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from rag.documents.readers.archive import Archive, title_in
from rag.documents.readers.draft import Draft, squeezed
from rag.documents.readers.facts import xml_facts
from rag.documents.readers.reading import Reading
from rag.types.errors import CorpusError

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MAIN = "officeDocument"
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_CODE = re.compile(r"\bcode\b|preformatted|source text", re.IGNORECASE)
_MOST_PARAGRAPHS = 200_000
_DEEPEST_STYLE = 16
_BODY_LEVEL = 9
_SMALLEST = 3
_WRAPPERS = frozenset(
    f"{_W}{name}" for name in ("sdt", "sdtContent", "customXml", "ins", "smartTag")
)
_SKIPPED = frozenset(
    [*(f"{_W}{name}" for name in ("del", "moveFrom", "rPr", "pPr", "instrText")), _FALLBACK]
)
_SIGNS = {f"{_W}tab": "\t", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", f"{_W}ptab": "\t"}
_MOST_SPAN = 50

# In half points, as Word counts.
_USUAL_SIZE = 22
_LARGER = 1.2
_LONGEST_HEADING = 200


@dataclass(slots=True)
class _Style:
    """What a paragraph's style says; `numbering` is the list that it belongs to, "" for none."""

    level: int = 0
    is_title: bool = False
    is_code: bool = False
    numbering: str = ""


@dataclass(slots=True)
class _Text:
    """The text of a paragraph, and what hangs on it."""

    words: list[str] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    is_bold: bool = True
    size: int = 0


def read_docx(raw: bytes) -> Reading:
    """The document in a DOCX file. Raises CorpusError if it cannot be read or holds no text."""
    with Archive(raw) as archive:
        return _Reader(archive).read()


class _Reader:
    def __init__(self, archive: Archive) -> None:
        main = [name for kind, name in archive.targets("").values() if kind == _MAIN]
        self._main = main[0] if main else "word/document.xml"
        parts = {kind: name for kind, name in archive.targets(self._main).values()}
        self._draft = Draft()
        self._body = archive.xml(self._main)
        if sum(1 for _ in self._body.iter(f"{_W}p")) > _MOST_PARAGRAPHS:
            raise CorpusError(
                f"parse_limit: the document has over {_MOST_PARAGRAPHS} paragraphs; split it"
            )
        core = archive.optional_xml("docProps/core.xml")
        self._title, self._draft.facts = title_in(core), xml_facts(core)
        self._styles = _styles(archive.optional_xml(parts.get("styles", "")))
        self._numbers = _Numbers(archive.optional_xml(parts.get("numbering", "")))
        self._notes = {
            kind: _notes(archive.optional_xml(parts.get(f"{kind}s", "")))
            for kind in ("footnote", "endnote")
        }
        self._has_title = False
        self._hidden = 0
        self._items: list[str] = []
        self._code: list[str] = []
        self._bold_questions: set[str] = set()
        # Of a document whose author made headings without styles, from the largest.
        self._heading_sizes: list[int] = []

    def read(self) -> Reading:
        styles = [self._style(paragraph) for paragraph in self._body.iter(f"{_W}p")]
        self._has_title = any(style.is_title for style in styles)
        if not any(style.is_title or style.level for style in styles):
            self._heading_sizes = self._large_sizes()
        self._blocks(self._body)
        self._end_code()
        self._end_list()
        if self._hidden:
            self._draft.notes.append(
                f"hidden_text: {self._hidden} characters that nobody sees are left out"
            )
        if len(self._bold_questions) > 1:
            self._draft.mark_questions(self._bold_questions)
        return self._draft.reading(self._draft.title() or self._title)

    def _blocks(self, parent: etree._Element) -> None:
        for child in parent:
            if child.tag == f"{_W}p":
                self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                self._table(child)
            elif child.tag == f"{_W}body" or child.tag in _WRAPPERS:
                self._blocks(child)

    def _paragraph(self, paragraph: etree._Element) -> None:
        text = self._text(paragraph)
        words = "".join(text.words)
        style = self._style(paragraph)
        if not style.is_code:
            self._end_code()
        if not squeezed(words):
            pass
        elif style.is_title or style.level:
            self._end_list()
            self._draft.heading(words, 1 if style.is_title else style.level + self._has_title)
        elif style.is_code:
            self._code.append(words)
        elif style.numbering:
            level = int(_value(paragraph, "pPr/numPr/ilvl") or 0)
            mark = self._numbers.mark(style.numbering, level)
            lines = "\n  ".join(squeezed(line) for line in words.split("\n"))
            self._items.append(f"{'  ' * level}{mark} {lines}")
        else:
            self._end_list()
            if text.is_bold and text.size in self._heading_sizes and len(words) < _LONGEST_HEADING:
                self._draft.heading(words, self._heading_sizes.index(text.size) + 1)
            else:
                self._draft.paragraph(words)
            if text.is_bold and words.strip().endswith(("?", "？")):
                self._bold_questions.add(squeezed(words))
        for box in text.boxes:
            self._end_list()
            self._blocks(box)
        for kind, number in text.notes:
            note = self._notes[kind].get(number)
            if note is not None:
                self._end_list()
                self._draft.paragraph("\n".join(self._lines(note)))

    def _end_list(self) -> None:
        """Adds the items that have come; an item inside of another goes with it."""
        whole: list[str] = []
        for item in self._items:
            if whole and item.startswith(" "):
                whole[-1] += f"\n{item}"
            else:
                whole.append(item)
        self._draft.items(whole)
        self._items.clear()

    def _end_code(self) -> None:
        if self._code:
            self._end_list()
            self._draft.code("\n".join(self._code))
            self._code.clear()

    def _style(self, paragraph: etree._Element) -> _Style:
        properties = paragraph.find(f"{_W}pPr")
        if properties is None:
            return _Style()
        found = self._styles.get(_value(properties, "pStyle"), _Style())
        level = _value(properties, "outlineLvl")
        numbering = _value(properties, "numPr/numId")
        return _Style(
            _level(level) if level else found.level,
            found.is_title,
            found.is_code,
            "" if numbering == "0" else numbering or found.numbering,
        )

    def _text(self, paragraph: etree._Element) -> _Text:
        found = _Text()
        self._add_text(paragraph, found)
        return found

    def _add_text(self, parent: etree._Element, found: _Text) -> None:
        for child in parent:
            tag = child.tag
            if tag in _SKIPPED:
                continue
            if tag in (f"{_W}t", _MATH):
                found.words.append(child.text or "")
            elif tag in _SIGNS:
                found.words.append(_SIGNS[tag])
            elif tag == f"{_W}br":
                found.words.append("\n")
            elif tag == f"{_W}txbxContent":
                found.boxes.append(child)
            elif tag == f"{_W}r" and _is_hidden(child):
                self._hidden += len("".join(child.itertext(f"{_W}t")))
            elif tag in (f"{_W}footnoteReference", f"{_W}endnoteReference"):
                kind = tag.removeprefix(_W).removesuffix("Reference")
                found.notes.append((kind, child.get(f"{_W}id", "")))
            elif etree.QName(tag).localname == "docPr" and child.get("descr"):
                found.words.append(f" {child.get('descr')} ")
            else:
                if tag == f"{_W}r" and found.is_bold and child.find(f"{_W}t") is not None:
                    found.is_bold = child.find(f"{_W}rPr/{_W}b") is not None
                    found.size = max(found.size, _size(child))
                self._add_text(child, found)

    def _large_sizes(self) -> list[int]:
        """The sizes of runs that are larger than most of the text, from the largest."""
        letters: Counter[int] = Counter()
        for run in self._body.iter(f"{_W}r"):
            letters[_size(run)] += sum(len(text.text or "") for text in run.iter(f"{_W}t"))
        body = max(letters, key=lambda size: letters[size], default=0) or _USUAL_SIZE
        return sorted((size for size in letters if size > _LARGER * body), reverse=True)

    def _lines(self, parent: etree._Element) -> Iterator[str]:
        """The paragraphs inside of a cell or a note, in boxes and tables too."""
        for paragraph in parent.iter(f"{_W}p"):
            yield squeezed("".join(self._text(paragraph).words))

    def _table(self, table: etree._Element) -> None:
        self._end_code()
        self._end_list()
        rows: list[list[str]] = []
        header = 0
        for row in _inner(table, "tr"):
            above = rows[-1] if rows else []
            rows.append(self._row(row, above))
            if _on(row.find(f"{_W}trPr/{_W}tblHeader")) and header == len(rows) - 1:
                header += 1
        if max(map(len, rows), default=0) < 2:
            for cell in (cell for row in _inner(table, "tr") for cell in _inner(row, "tc")):
                self._blocks(cell)
        else:
            self._draft.table(rows, header or None)

    def _row(self, row: etree._Element, above: list[str]) -> list[str]:
        cells: list[str] = []
        for cell in _inner(row, "tc"):
            words = " ".join(filter(None, self._lines(cell)))
            merge = cell.find(f"{_W}tcPr/{_W}vMerge")
            if merge is not None and merge.get(f"{_W}val", "continue") == "continue":
                words = above[len(cells)] if len(cells) < len(above) else words
            span = _value(cell, "tcPr/gridSpan")
            width = min(int(span), _MOST_SPAN) if span.isdecimal() else 1
            cells += [words, *[""] * (width - 1)]
        return cells


class _Numbers:
    """Counts the items of numbered lists."""

    def __init__(self, numbering: etree._Element | None) -> None:
        self._formats: dict[str, dict[int, str]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        if numbering is None:
            return
        abstract = {
            each.get(f"{_W}abstractNumId", ""): {
                int(level.get(f"{_W}ilvl", 0)): _value(level, "numFmt")
                for level in each.iter(f"{_W}lvl")
            }
            for each in numbering.iter(f"{_W}abstractNum")
        }
        for each in numbering.iter(f"{_W}num"):
            formats = abstract.get(_value(each, "abstractNumId"), {})
            self._formats[each.get(f"{_W}numId", "")] = formats

    def mark(self, numbering: str, level: int) -> str:
        """What stands before the next item: its number, or a dash."""
        if self._formats.get(numbering, {}).get(level, "bullet") in ("bullet", "none"):
            return "-"
        counts = self._counts[numbering]
        counts[level] = counts.get(level, 0) + 1
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        return f"{counts[level]}."


def _styles(root: etree._Element | None) -> dict[str, _Style]:
    """What each style of paragraphs says, by its id."""
    if root is None:
        return {}
    elements = {each.get(f"{_W}styleId", ""): each for each in root.iter(f"{_W}style")}
    return {name: _style_of(elements, name) for name in elements}


def _style_of(elements: dict[str, etree._Element], name: str) -> _Style:
    found = _Style()
    for _ in range(_DEEPEST_STYLE):
        element = elements.get(name)
        if element is None:
            break
        called = _value(element, "name")
        heading = _HEADING.fullmatch(called)
        level = _value(element, "pPr/outlineLvl")
        found.level = found.level or (int(heading[1]) if heading else _level(level))
        found.is_title = found.is_title or called.lower() == "title"
        found.is_code = found.is_code or _CODE.search(called) is not None
        found.numbering = found.numbering or _value(element, "pPr/numPr/numId")
        name = _value(element, "basedOn")
    if found.level or found.is_title:
        found.numbering = ""
    return found


def _notes(root: etree._Element | None) -> dict[str, etree._Element]:
    if root is None:
        return {}
    return {
        each.get(f"{_W}id", ""): each
        for each in root
        if each.get(f"{_W}type", "normal") == "normal"
    }


def _inner(parent: etree._Element, name: str) -> Iterator[etree._Element]:
    """The rows of a table, or the cells of a row, also those that something is wrapped around."""
    for child in parent:
        if child.tag == f"{_W}{name}":
            yield child
        elif child.tag in _WRAPPERS:
            yield from _inner(child, name)


def _level(outline: str) -> int:
    """The level of a heading, from 1; 0 for body text."""
    return int(outline) + 1 if outline.isdecimal() and int(outline) < _BODY_LEVEL else 0


def _value(element: etree._Element, path: str) -> str:
    """The value of an element below; "" if there is none."""
    found = element.find("/".join(f"{_W}{name}" for name in path.split("/")))
    return found.get(f"{_W}val", "") if found is not None else ""


def _on(element: etree._Element | None) -> bool:
    return element is not None and element.get(f"{_W}val", "1") not in ("0", "false", "off")


def _size(run: etree._Element) -> int:
    """The size of a run's letters in half points; 0 if its style tells."""
    size = _value(run, "rPr/sz")
    return int(size) if size.isdecimal() else 0


def _is_hidden(run: etree._Element) -> bool:
    """Whether nobody sees the text of a run: hidden, tiny, or white on no colour."""
    if _on(run.find(f"{_W}rPr/{_W}vanish")):
        return True
    size = _value(run, "rPr/sz")
    if size.isdecimal() and int(size) < _SMALLEST:
        return True
    return _value(run, "rPr/color").upper() == "FFFFFF" and not any(
        above.find(f"{_W}{properties}/{_W}shd") is not None
        for above in (run, *run.iterancestors())
        for properties in ("rPr", "pPr", "tcPr", "tblPr")
    )
