"""OpenDocument texts (ODT), read from their XML.

Headings have their outline level. Left out: what tracked changes delete, comments, and headers and
footers of pages. Notes stand below the paragraph that refers to them.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from rag.documents.readers.archive import Archive, title_in
from rag.documents.readers.draft import Draft, squeezed
from rag.documents.readers.facts import xml_facts
from rag.documents.readers.reading import Reading

_NAMES = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_TEXT, _TABLE, _OFFICE, _STYLE = (_NAMES % each for each in ("text", "table", "office", "style"))
_SKIPPED = frozenset(
    [f"{_TEXT}tracked-changes", f"{_OFFICE}annotation", f"{_TEXT}note", f"{_TEXT}bookmark"]
)
_MOST_SPAN = 50
_MOST_BLANKS = 100


def read_odt(raw: bytes) -> Reading:
    """The document in an ODT file. Raises CorpusError if it cannot be read or holds no text."""
    with Archive(raw) as archive:
        content = archive.xml("content.xml")
        meta = archive.optional_xml("meta.xml")
    titles = {"Title"} | {
        style.get(f"{_STYLE}name", "")
        for style in content.iter(f"{_STYLE}style")
        if style.get(f"{_STYLE}parent-style-name") == "Title"
    }
    draft = Draft()
    draft.facts = xml_facts(meta)
    body = content.find(f"{_OFFICE}body/{_OFFICE}text")
    if body is not None:
        has_title = any(_style(each) in titles for each in body.iter(f"{_TEXT}p"))
        _write(draft, body, titles, int(has_title))
    return draft.reading(draft.title() or title_in(meta))


def _write(draft: Draft, parent: etree._Element, titles: set[str], deeper: int) -> None:
    for child in parent:
        if child.tag == f"{_TEXT}h":
            level = child.get(f"{_TEXT}outline-level", "1")
            draft.heading(_words(child), (int(level) if level.isdecimal() else 1) + deeper)
        elif child.tag == f"{_TEXT}p":
            if _style(child) in titles:
                draft.heading(_words(child), 1)
            else:
                draft.paragraph(_words(child))
        elif child.tag == f"{_TEXT}list":
            draft.items([item for item in _items(child, 0) if squeezed(item)])
        elif child.tag == f"{_TABLE}table":
            _write_table(draft, child)
        elif child.tag not in _SKIPPED:
            _write(draft, child, titles, deeper)
            continue
        for note in child.iter(f"{_TEXT}note-body"):
            draft.paragraph(" ".join(_words(each) for each in note))


def _style(paragraph: etree._Element) -> str:
    return str(paragraph.get(f"{_TEXT}style-name", ""))


def _words(element: etree._Element) -> str:
    return "".join(_texts(element))


def _texts(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == f"{_TEXT}s":
            count = child.get(f"{_TEXT}c", "1")
            yield " " * (min(int(count), _MOST_BLANKS) if count.isdecimal() else 1)
        elif child.tag == f"{_TEXT}tab":
            yield "\t"
        elif child.tag == f"{_TEXT}line-break":
            yield "\n"
        elif child.tag not in _SKIPPED:
            yield from _texts(child)
            if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                yield "\n"
        yield child.tail or ""


def _items(parent: etree._Element, level: int) -> Iterator[str]:
    """The items of a list, each with those inside of it."""
    for item in parent.iter(f"{_TEXT}list-item", f"{_TEXT}list-header"):
        if next(item.iterancestors(f"{_TEXT}list")) is not parent:
            continue
        lines = []
        for child in item:
            if child.tag == f"{_TEXT}list":
                lines += list(_items(child, level + 1))
            elif words := squeezed(_words(child)):
                mark = "- " if not lines else "  "
                lines.append(f"{'  ' * level}{mark}{words}")
        yield "\n".join(lines)


def _write_table(draft: Draft, table: etree._Element) -> None:
    rows: list[list[str]] = []
    header = 0
    for row in table.iter(f"{_TABLE}table-row"):
        if next(row.iterancestors(f"{_TABLE}table")) is not table:
            continue
        parent = row.getparent()
        if parent is not None and parent.tag == f"{_TABLE}table-header-rows":
            header = len(rows) + 1
        cells: list[str] = []
        for cell in row:
            repeat = cell.get(f"{_TABLE}number-columns-repeated", "1")
            words = squeezed(" ".join(_words(each) for each in cell))
            if cell.tag == f"{_TABLE}covered-table-cell" and rows and len(cells) < len(rows[-1]):
                words = words or ("" if cells else rows[-1][len(cells)])
            cells += [words] * (min(int(repeat), _MOST_SPAN) if repeat.isdecimal() else 1)
        rows.append(cells)
    draft.table(rows, header or None)
