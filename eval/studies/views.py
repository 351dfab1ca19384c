"""What a reader made of a document, in one form for all readers: text, headings, tables, items."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser, LexborNode

from eval.studies.tree_similarity import Heading
from rag.types import Block, ParsedDocument

_CELL = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[\s|:-]+")
_ITEM_MARK = re.compile(r"^\s*(?:[^\w\s(]|\(?\w{1,3}[.)])\s+")
_HEADINGS = "h1,h2,h3,h4,h5,h6"


@dataclass(frozen=True, slots=True)
class View:
    """A document, or a page of one."""

    text: str
    headings: tuple[Heading, ...]
    tables: tuple[tuple[tuple[str, ...], ...], ...]
    items: tuple[str, ...]


def view_of(parsed: ParsedDocument, page: int = 0) -> View:
    """What this project reads; of one page, if a page is given."""
    document = parsed.document
    blocks = [block for block in parsed.blocks if not page or _is_on(parsed, block, page)]
    pieces = [_on_page(parsed, block, page) for block in blocks]
    return View(
        "\n".join(pieces),
        tuple((block.level, block.label) for block in blocks if block.level),
        tuple(_rows(piece) for block, piece in zip(blocks, pieces, strict=True) if _is(block)),
        tuple(
            without_mark(line)
            for block in blocks
            if block.kind == "list"
            for start, end in block.parts
            for line in document.text[start:end].split("\n")
        ),
    )


def view_of_html(markup: str) -> View:
    """What a converter wrote as HTML."""
    body = LexborHTMLParser(markup).body
    if body is None:
        return View("", (), (), ())
    return View(
        body.text(separator=" "),
        tuple((int((node.tag or "h1")[1]), node.text()) for node in body.css(_HEADINGS)),
        tuple(
            tuple(tuple(cell.text() for cell in row.css("td,th")) for row in table.css("tr"))
            for table in body.css("table")
        ),
        tuple(_own_text(item) for item in body.css("li")),
    )


def view_of_markdown(text: str) -> View:
    """What a converter wrote as Markdown."""
    return view_of_html(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def without_mark(item: str) -> str:
    """The item of a list without its bullet or number."""
    return _ITEM_MARK.sub("", item)


def _is(block: Block) -> bool:
    return block.kind == "table"


def _is_on(parsed: ParsedDocument, block: Block, page: int) -> bool:
    first, last = (parsed.document.place_at(at) for at in (block.start, block.end - 1))
    return bool(first and last and first.number <= page <= last.number)


def _on_page(parsed: ParsedDocument, block: Block, page: int) -> str:
    """The text of a block, or the part of it that stands on the page."""
    document = parsed.document
    start, end = block.start, block.end
    for place in document.places if page else ():
        if start < place.start < end and place.number == page:
            start = place.start
        elif start < place.start < end and place.number > page:
            end = place.start
    return document.text[start:end]


def _rows(table: str) -> tuple[tuple[str, ...], ...]:
    """The cells of a table that this project wrote, or that stands in Markdown."""
    rows = []
    for line in table.split("\n"):
        if line.strip() and not _RULE.fullmatch(line):
            cells = [cell.strip() for cell in _CELL.split(line)]
            rows.append(cells[1:-1] if line.lstrip().startswith("| ") and not cells[-1] else cells)
    width = max(map(len, rows), default=0)
    return tuple((*row, *[""] * (width - len(row))) for row in rows)


def _own_text(item: LexborNode) -> str:
    """The text of an item without that of the lists inside of it."""
    parts = []
    node = item.first_child
    while node is not None:
        if node.tag not in ("ul", "ol"):
            parts.append(node.text() if node.is_element_node else node.text_content or "")
        node = node.next
    return " ".join(parts)
