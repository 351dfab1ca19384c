"""Web pages, parsed by Lexbor (HTML5): what a person sees of them, in order.

Left out: navigation, which an element, a role or a name tells (`html_clutter`), unless the page has
nothing else; scripts, forms' controls and cookie notices; headers and footers of a page that marks
its main part; and what is hidden (`hidden`, `aria-hidden`, `display:none` and the like in an
element's own style), unless a control unfolds it. The length of hidden text is reported.

Questions: the summary of `details`, a `dt` that asks, and those of a schema.org FAQPage. What such
a page tells search engines alone is added at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.documents.encodings import decoded_html
from rag.documents.readers.draft import Draft, squeezed
from rag.documents.readers.facts import html_facts
from rag.documents.readers.html_clutter import hides, is_navigation, is_notice
from rag.documents.readers.html_schema import add_schema_pairs
from rag.documents.readers.nesting import DEEPEST, flattened
from rag.documents.readers.reading import Reading
from rag.types import BlockKind

_Event = tuple[Literal["open", "close", "text"], LexborNode]

_UNREAD_NAMES = """
    script style noscript template head nav svg iframe object canvas audio video select
    textarea input datalist progress meter map dialog
"""
_UNREAD = frozenset(_UNREAD_NAMES.split())
_BLOCKS_NAMES = """
    address article aside blockquote body caption center dd details dialog div dl dt
    fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main
    ol p pre section summary table tbody td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCKS_NAMES.split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# An element right behind a button that asks is its answer.
_ANSWERS = ("div", "p", "section", "ul", "ol")
_LABELS = (*_HEADINGS, "dt", "summary")
# A list or cell that holds one of these is more than a list or cell.
_RICH = "h1,h2,h3,h4,h5,h6,table,details,pre,dl"
_CLUTTER_ROLES = ("navigation", "search", "menu", "menubar", "tablist", "alertdialog")
_BLANK = re.compile(r"\s+")
_MOST_SPAN = 50
# Deeper tables arrange a page; deeper items are indented no further.
_DEEPEST_TABLE = 8
_DEEPEST_ITEM = 8


def read_html(raw: bytes) -> Reading:
    """The document in a page's bytes. Raises CorpusError if it shows no text."""
    text, note = decoded_html(raw)
    draft = Draft()
    if note:
        draft.notes.append(note)
    title = write_html(draft, text)
    return draft.reading(draft.title() or title)


def write_html(draft: Draft, markup: str, anchor: str = "") -> str:
    """Adds what a page shows to the draft; returns its title. `anchor` goes before its anchors."""
    markup, renamed = flattened(markup, _BLOCKS)
    if renamed:
        draft.notes.append(f"depth: {renamed} elements nest deeper than {DEEPEST}; read as lines")
    tree = LexborHTMLParser(markup)
    title = tree.css_first("title")
    draft.facts = html_facts(tree)
    writer = _Writer(draft, tree, anchor)
    if tree.body is not None:
        writer.write(tree.body)
        if draft.is_empty():
            writer = _Writer(draft, tree, anchor, keeps_links=True)
            writer.write(tree.body)
    if writer.hidden:
        draft.notes.append(f"hidden_text: {writer.hidden} characters that nobody sees are left out")
    add_schema_pairs(draft, tree)
    return title.text() if title else ""


class _Writer:
    """Goes through a page without recursion: pages may nest deeper than Python's stack."""

    def __init__(
        self, draft: Draft, tree: LexborHTMLParser, anchor: str, keeps_links: bool = False
    ) -> None:
        self.hidden = 0
        self._draft = draft
        self._anchor = anchor
        self._keeps_links = keeps_links
        self._line: list[str] = []
        self._quotes = 0
        self._tables = 0
        self._unfolded = {
            name
            for node in tree.css("[aria-controls]")
            for name in (node.attributes.get("aria-controls") or "").split()
        }
        self._has_main = tree.css_first("main,[role=main],article") is not None

    def write(self, body: LexborNode) -> None:
        """Adds the body's blocks."""
        events = self._events(body)
        for what, node in events:
            if what == "text":
                self._line.append(_BLANK.sub(" ", node.text_content or ""))
            elif what == "open":
                self._open(node, events)
            else:
                self._close(node)
        self._flush()

    def _open(self, node: LexborNode, events: Iterator[_Event]) -> None:
        tag = node.tag or ""
        if tag == "br":
            self._line.append("\n")
        elif tag == "img":
            self._line.append(f" {node.attributes.get('alt') or ''} ")
        is_fold = tag == "summary" or (tag == "button" and _unfolds(node))
        if tag not in _BLOCKS and not is_fold:
            self._mark(node)
            return
        self._flush()
        self._mark(node)
        if tag in _HEADINGS:
            self._draft.heading(self._words(node, events), _HEADINGS[tag])
        elif is_fold or (tag == "dt" and _asks(node)):
            self._draft.question(self._words(node, events))
        elif tag == "pre":
            self._draft.code(self._inner(node, events).strip("\n"))
        elif tag in ("ul", "ol") and node.css_first(_RICH) is None:
            self._draft.items(self._items(node, events))
        elif tag == "dl" and not any(map(_asks, node.css("dt"))):
            self._draft.items(self._terms(node, events))
        elif tag == "table":
            self._tables += 1
            if self._tables < _DEEPEST_TABLE and not _is_layout(node):
                self._table(node, events)
                self._tables -= 1
        elif tag == "blockquote":
            self._quotes += 1

    def _close(self, node: LexborNode) -> None:
        if node.tag in _BLOCKS:
            self._flush()
        if node.tag == "blockquote":
            self._quotes -= 1
        elif node.tag == "table":
            self._tables -= 1

    def _flush(self) -> None:
        kind: BlockKind = "quote" if self._quotes else "paragraph"
        self._draft.paragraph("".join(self._line), kind)
        self._line.clear()

    def _mark(self, node: LexborNode) -> None:
        """The place of an element that a link can lead to."""
        attributes = node.attributes
        name = attributes.get("id") or (node.tag == "a" and attributes.get("name"))
        if name and not any(map(str.strip, self._line)):
            self._draft.place("anchor", name=f"{self._anchor}#{name}")

    def _words(self, node: LexborNode, events: Iterator[_Event]) -> str:
        return squeezed(self._inner(node, events))

    def _inner(self, node: LexborNode, events: Iterator[_Event]) -> str:
        """The text inside of an element, which the events are then past."""
        parts = []
        for what, inner in events:
            if what == "text":
                parts.append(inner.text_content or "")
            elif what == "close" and inner.mem_id == node.mem_id:
                break
            elif what == "open" and inner.tag == "img":
                parts.append(f" {inner.attributes.get('alt') or ''} ")
            elif inner.tag == "br" or inner.tag in _BLOCKS:
                parts.append("\n")
        return "".join(parts)

    def _items(self, node: LexborNode, events: Iterator[_Event]) -> list[str]:
        """The items of a list, each with the items inside of it on lines of their own."""
        # A string that grows is copied each time: an item is kept in pieces.
        items: list[list[str]] = []
        numbers = [_first_number(node)]
        line: list[str] = []
        depth = 0

        def indent() -> str:
            return "  " * min(depth, _DEEPEST_ITEM)

        def end_line() -> None:
            words = squeezed("".join(line))
            line.clear()
            if words and items:
                is_marked = items[-1][-1].endswith(" ")
                items[-1].append(words if is_marked else f"\n{indent()}  {words}")
            elif words:
                items.append([words])

        for what, inner in events:
            if what == "text":
                line.append(inner.text_content or "")
                continue
            if inner.tag == "br" or inner.tag in _BLOCKS:
                end_line()
            if what == "close" and inner.mem_id == node.mem_id:
                break
            if inner.tag in ("ul", "ol"):
                depth += 1 if what == "open" else -1
                numbers = [*numbers, _first_number(inner)] if what == "open" else numbers[:-1]
            elif inner.tag == "li" and what == "open":
                mark = f"{numbers[-1]}. " if numbers[-1] else "- "
                numbers[-1] += 1 if numbers[-1] else 0
                if depth and items:
                    items[-1].append(f"\n{indent()}{mark}")
                else:
                    items.append([mark])
            elif inner.tag == "img" and what == "open":
                line.append(f" {inner.attributes.get('alt') or ''} ")
        return [item for item in map("".join, items) if item.strip(" -0123456789.")]

    def _terms(self, node: LexborNode, events: Iterator[_Event]) -> list[str]:
        """The items of a list of terms, each with what it means."""
        items: list[str] = []
        for what, inner in events:
            if what == "close" and inner.mem_id == node.mem_id:
                break
            if what == "open" and inner.tag == "dt":
                items.append(self._words(inner, events))
            elif what == "open" and inner.tag == "dd":
                meaning = self._words(inner, events)
                if items and "\n" not in items[-1] and not items[-1].endswith(":"):
                    items[-1] = f"{items[-1]}: {meaning}"
                else:
                    items.append(meaning)
        return items

    def _table(self, node: LexborNode, events: Iterator[_Event]) -> None:
        rows: list[list[str]] = []
        heads: list[bool] = []
        # What a cell above says of the next rows: by column, its text and for how many rows.
        below: dict[int, tuple[str, int]] = {}
        is_head = False
        for what, inner in events:
            if what == "close" and inner.mem_id == node.mem_id:
                break
            if inner.tag == "thead":
                is_head = what == "open"
            elif what == "open" and inner.tag == "caption":
                self._draft.paragraph(self._words(inner, events))
            elif what == "open" and inner.tag == "tr":
                rows.append([])
                heads.append(True)
                _fill(rows[-1], below)
            elif what == "open" and inner.tag in ("td", "th"):
                if not rows:
                    rows.append([])
                    heads.append(True)
                words = self._words(inner, events)
                heads[-1] = heads[-1] and (is_head or inner.tag == "th")
                columns, high = _span(inner, "colspan"), _span(inner, "rowspan")
                for column in range(len(rows[-1]), len(rows[-1]) + columns):
                    if high > 1:
                        below[column] = (words, high - 1)
                rows[-1] += [words, *([""] * (columns - 1))]
                _fill(rows[-1], below)
        self._add_table(rows, heads)

    def _add_table(self, rows: list[list[str]], heads: list[bool]) -> None:
        kept = [(row, head) for row, head in zip(rows, heads, strict=True) if any(row)]
        rows = [row for row, _ in kept]
        if not rows:
            return
        width = max(map(len, rows))
        header = next((i for i, (_, head) in enumerate(kept) if not head), len(kept))
        self._draft.table([[*row, *[""] * (width - len(row))] for row in rows], header or None)

    def _events(self, root: LexborNode) -> Iterator[_Event]:
        """The elements that are shown, opened and closed, and the texts between, in order."""
        node: LexborNode | None = root
        yield "open", root
        node = root.first_child
        at = root
        while True:
            if node is None:
                yield "close", at
                if at.mem_id == root.mem_id:
                    return
                parent = at.parent
                assert parent is not None
                node, at = at.next, parent
            elif node.is_text_node:
                yield "text", node
                node = node.next
            elif not node.is_element_node or not self._is_shown(node):
                node = node.next
            else:
                yield "open", node
                at, node = node, node.first_child

    def _is_shown(self, node: LexborNode) -> bool:
        tag, attributes = node.tag or "", node.attributes
        if tag in _UNREAD or attributes.get("role") in _CLUTTER_ROLES:
            return False
        if tag in ("header", "footer") and self._has_main:
            return _is_inside_main(node)
        if tag == "button":
            return _is_in_label(node) or _unfolds(node)
        if not attributes:
            return True
        if self._is_hidden(node):
            self.hidden += len(squeezed(node.text()))
            return False
        return not is_notice(node) and (self._keeps_links or not is_navigation(node))

    def _is_hidden(self, node: LexborNode) -> bool:
        attributes = node.attributes
        style = attributes.get("style") or ""
        hidden = (
            ("hidden" in attributes and attributes["hidden"] != "until-found")
            or attributes.get("aria-hidden") == "true"
            or (style and hides(style))
        )
        return bool(hidden) and attributes.get("id") not in self._unfolded


def _is_inside_main(node: LexborNode) -> bool:
    above = node.parent
    while above is not None:
        if above.tag in ("main", "article") or above.attributes.get("role") == "main":
            return True
        above = above.parent
    return False


def _is_layout(table: LexborNode) -> bool:
    """Whether a table only arranges a page: it has one column, or more than words in its cells."""
    if table.attributes.get("role") in ("presentation", "none"):
        return True
    if all(len(row.css("td,th")) < 2 for row in table.css("tr")):
        return True
    return table.css_first("th") is None and any(
        cell.css_first(_RICH) is not None for cell in table.css("td")
    )


def _is_in_label(button: LexborNode) -> bool:
    """Whether a button stands in a heading, a term or a summary, whose words it holds."""
    return (button.parent and button.parent.tag) in _LABELS


def _unfolds(button: LexborNode) -> bool:
    """Whether a button by itself is a question that unfolds its answer."""
    if _is_in_label(button) or not _asks(button):
        return False
    if {"aria-controls", "aria-expanded"} & set(button.attributes):
        return True
    after = button.next
    while after is not None and after.tag == "-text" and not after.text().strip():
        after = after.next
    return after is not None and after.tag in _ANSWERS


def _asks(term: LexborNode) -> bool:
    return squeezed(term.text()).endswith(("?", "？"))


def _first_number(items: LexborNode) -> int:
    """The number of the first item; 0 for a list without numbers."""
    start = items.attributes.get("start") or "1"
    return 0 if items.tag == "ul" else int(start) if start.isdecimal() else 1


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or "1"
    return max(1, min(int(value), _MOST_SPAN)) if value.isdecimal() else 1


def _fill(row: list[str], below: dict[int, tuple[str, int]]) -> None:
    """Adds the cells that reach down into a row."""
    while len(row) in below:
        words, rows = below.pop(len(row))
        if rows > 1:
            below[len(row)] = (words, rows - 1)
        row.append(words)
