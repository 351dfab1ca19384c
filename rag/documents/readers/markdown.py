"""Markdown, read by markdown-it's CommonMark rules with tables and front matter.

The parser tells the lines of each block; offsets are those of the lines in the text as it stands.
Front matter is no part of the body. Whatever the parser consumes without a trace (definitions of
link references) is kept as a paragraph, so that nothing of the body is lost.

Bounds keep time and memory in proportion to the text. A text of more than 20,000 lines of less
than 20 characters each, on average, is read as plain text, which is quicker; four cells of a table
count as a line, and so do twelve characters that open quotations or items in each other. The
definition of a link reference has at most 50 lines. Of a heading or question the first 2,000
characters are read; with more than 100 signs of markup in them it stays as it is, and so do those
that come after so much markup that reading theirs too would be slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, reference
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from rag.documents.readers.faq import with_questions
from rag.documents.readers.labels import shortened, without_marks
from rag.documents.readers.plain_text import plain_blocks
from rag.text import line_ends, line_spans, trimmed
from rag.types import Block, BlockKind

_TITLE = re.compile(r"^title[ \t]*:(?P<value>.*)$", re.MULTILINE)
_MARKUP = re.compile(r"[\[\]<&*_`\\]")
_LONGEST_HEADING = 2000
# The parser's inline rules take time by the square of the markup: a microsecond or less for each
# unit of the squares' sum, which may be as large as the text is long, or so large.
_MOST_MARKUP = 100
_LEAST_ALLOWED = 200_000
# A line costs the parser some 30 microseconds, a table's cell a quarter of that.
_FEW_LINES = 20_000
# The parser copies the title of a definition for each of its lines.
_DEFINITION_LINES = 50
_CELLS_A_LINE = 4
# A quotation or item inside of several others costs it some five microseconds.
_NESTED = re.compile(r"^(?:> ?|[-*+] |\d{1,3}[.)] ){4,}", re.MULTILINE)
_NESTED_A_LINE = 12
_SHORTEST_LINE = 20
_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "blockquote_open": "quote",
    "fence": "code",
    "code_block": "code",
}
_PARTS = {"list": ("list_item_open", 1), "table": ("tr_open", 2)}

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Source:
    """A text with the spans of its lines, and what reads the markup of its headings."""

    text: str
    lines: list[Span]
    labels: _Labels

    def span(self, first: int, after: int) -> Span:
        """The span of some lines, without the blank around it."""
        return trimmed(self.text, self.lines[first][0], self.lines[after - 1][1])


class _Labels:
    """Reads the markup of headings and questions, as long as it is in proportion to the text."""

    def __init__(self, text: str, references: dict[str, Any]) -> None:
        self._inline = MarkdownIt("commonmark")
        self._references = references
        self._allowed = max(_LEAST_ALLOWED, len(text))

    def of(self, content: str) -> str:
        """The words without markup, shortened."""
        content = content[:_LONGEST_HEADING]
        signs = len(_MARKUP.findall(content))
        if signs > _MOST_MARKUP or signs**2 > self._allowed:
            return shortened(content)
        self._allowed -= signs**2
        inline = self._inline.parseInline(content, self._references)
        words = _words([child for token in inline for child in token.children or []])
        return shortened(_without_anchor(words))


class _Outline(list[Token]):
    """The tokens that blocks are made from, without those inside of items, cells and quotations.

    They are many, at half a kilobyte each.
    """

    def append(self, token: Token) -> None:
        """Keeps a token of the outline; lets go of another."""
        if token.level < 2 or token.type == "tr_open":
            super().append(token)


def markdown_blocks(text: str) -> tuple[str, tuple[Block, ...]]:
    """The title ("" where there is none) and the blocks of a Markdown text, in order.

    A byte-order mark inside, where files were joined, counts as a line end; a form feed as a blank,
    so that a heading may stand at the top of a page.
    """
    text = without_marks(text).replace("\f", " ")
    if _is_dense(text):
        return "", plain_blocks(text)
    references: dict[str, Any] = {}
    tokens = _outline(text, references)
    source = _Source(text, line_spans(text), _Labels(text, references))
    blocks = list(_blocks(source, tokens))
    title = _front_title(tokens) or leading_title(blocks)
    found = with_questions(text, blocks, title)
    return title, tuple(_with_plain_label(source, block) for block in found)


def leading_title(blocks: list[Block]) -> str:
    """The label of the one heading of level 1, if it is the first of the headings; else ""."""
    headings = [block for block in blocks if block.kind == "heading"]
    top = [block for block in headings if block.level == 1]
    return top[0].label if len(top) == 1 and top[0] is headings[0] else ""


def _is_dense(text: str) -> bool:
    nested = sum(map(len, _NESTED.findall(text)))
    lines = line_ends(text) + text.count("|") // _CELLS_A_LINE + nested // _NESTED_A_LINE
    return lines > max(_FEW_LINES, len(text) // _SHORTEST_LINE)


def _outline(text: str, references: dict[str, Any]) -> _Outline:
    """The outline's tokens; inline markup is left alone, and parsed where it is wanted."""
    parser = MarkdownIt("commonmark").enable("table").use(front_matter_plugin)
    parser.block.ruler.at("reference", _definition)
    tokens = _Outline()
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    parser.block.parse(lines, parser, references, tokens)
    return tokens


def _definition(state: StateBlock, first: int, after: int, silent: bool) -> bool:
    """The parser's rule for the definition of a link reference, which reads 50 lines at most."""
    last = state.lineMax
    state.lineMax = min(last, first + _DEFINITION_LINES)
    try:
        return reference(state, first, after, silent)
    finally:
        state.lineMax = last


def _front_title(tokens: list[Token]) -> str:
    if not tokens or tokens[0].type != "front_matter":
        return ""
    found = _TITLE.search(tokens[0].content)
    value = found["value"].strip(" \t") if found else ""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return "" if value in (">", "|", ">-", "|-") else shortened(value)


def _blocks(source: _Source, tokens: list[Token]) -> Iterator[Block]:
    done = 0
    for own in _top_level(tokens):
        first, after = own[0].map or (done, done)
        first = max(first, done)
        yield from _left_over(source, done, first)
        done = max(after, done)
        if own[0].type != "front_matter" and first < done:
            yield from _block(source, own, first, done)
    yield from _left_over(source, done, len(source.lines))


def _top_level(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens of each top-level block."""
    first = 0
    for i, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            yield tokens[first : i + 1]
            first = i + 1


def _left_over(source: _Source, first: int, after: int) -> Iterator[Block]:
    """Paragraphs of the lines that no token covers."""
    for i in range(first, after):
        start, end = source.span(i, i + 1)
        if start < end:
            yield Block("paragraph", start, end, header_end=start)


def _block(source: _Source, own: list[Token], first: int, after: int) -> Iterator[Block]:
    start, end = source.span(first, after)
    kind = _KINDS.get(own[0].type, "paragraph")
    label = source.labels.of(own[1].content) if kind == "heading" else ""
    if start == end:
        return
    if label:
        yield Block("heading", start, end, int(own[0].tag[1:]), label)
        return
    header_end = source.span(first, first + 1)[1] if kind == "table" else start
    parts = tuple(_parts(source, kind, own, first, after))
    kind = "paragraph" if kind == "heading" else kind
    yield Block(kind, start, end, parts=parts, header_end=header_end)


def _without_anchor(words: str) -> str:
    """The words without an anchor's name, `{#name}`, at their end."""
    bare = words.rstrip()
    if not bare.endswith("}"):
        return words
    at = bare.find("{#", bare.rfind("}", 0, -1) + 1)
    return words if at < 0 else bare[:at]


def _with_plain_label(source: _Source, block: Block) -> Block:
    """A question that is no heading still has the markup of its paragraph."""
    if block.kind != "question" or block.level:
        return block
    return replace(block, label=source.labels.of(block.label))


def _words(tokens: list[Token]) -> str:
    parts: list[str] = []
    anchor = 0
    for token in tokens:
        if token.type == "link_open":
            anchor = len(parts) + 1 if str(token.attrs.get("href", "")).startswith("#") else 0
        elif token.type == "link_close":
            if anchor and not any(map(str.isalnum, "".join(parts[anchor - 1 :]))):
                del parts[anchor - 1 :]
            anchor = 0
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "image":
            parts.append(_words(token.children or []))
        elif token.type != "html_inline":
            parts.append(token.content)
    return "".join(parts)


def _parts(
    source: _Source, kind: BlockKind, own: list[Token], first: int, after: int
) -> Iterator[Span]:
    """The spans of a list's items, a table's rows below its header, or the lines of code."""
    ranges: Iterable[Sequence[int]] = []
    if kind == "code":
        ranges = [(i, i + 1) for i in range(first, after)]
    elif kind in _PARTS:
        opening, level = _PARTS[kind]
        ranges = [t.map for t in own if t.type == opening and t.level == level and t.map]
    for a, b in list(ranges)[1 if kind == "table" else 0 :]:
        start, end = source.span(a, b) if a < b else (0, 0)
        if start < end:
            yield start, end
