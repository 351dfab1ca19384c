"""Markdown, read by markdown-it's CommonMark rules with tables and front matter.

The parser tells the lines of each block; offsets are those of the lines in the text as it stands.
Front matter (YAML or TOML), comments and scripts are hidden: blanks to the parser, and in no
passage. Definitions of link references, which the parser consumes without a trace, are kept as
paragraphs. A rule (`***`) has no words and is dropped.

Unlike CommonMark, a line underlined by `---` is a heading only if it reads like one: short, alone
in its paragraph, without a stop at its end or a `|` in it, over at least three signs. Hashes may be
followed by any kind of blank, or (`##Fares`) by none, in a paragraph of its own. A formula between
`$$`, `\\[` or `\\begin` and its end is one block.

Bounds keep time and memory in proportion to the text. A text of more than 20,000 lines of less
than 20 characters each, on average, is read as plain text, which is quicker; four cells of a table
count as a line, and so do twelve characters that open quotations or items in each other. The
definition of a link reference has at most 50 lines. Of a heading or question the first 2,000
characters are read; with more than 100 signs of markup in them it stays as it is, and so do those
that come after so much markup that reading theirs too would be slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

from markdown_it.common.html_blocks import block_names
from markdown_it.token import Token

from rag.documents.readers.faq import with_questions
from rag.documents.readers.hidden import Offsets, comments, front_matter, without
from rag.documents.readers.labels import shortened, without_marks
from rag.documents.readers.markdown_rules import Outline, outline, parser_of
from rag.documents.readers.plain_text import line_ends, plain_blocks
from rag.documents.readers.tables import html_parts, html_tables, line_tables, with_tables
from rag.text import line_spans, trimmed
from rag.types import Block, BlockKind, Hidden, Table

_MARKUP = re.compile(r"[\[\]<&*_`\\]")
_LONGEST_HEADING = 2000
# The parser's inline rules take time by the square of the markup: a microsecond or less for each
# unit of the squares' sum, which may be as large as the text is long, or so large.
_MOST_MARKUP = 100
_LEAST_ALLOWED = 200_000
# A line costs the parser some 30 microseconds, a table's cell a quarter of that.
_FEW_LINES = 20_000
_CELLS_A_LINE = 4
# A quotation or item inside of several others costs it some five microseconds.
_NESTED = re.compile(r"^(?:> ?|[-*+] |\d{1,3}[.)] ){4,}", re.MULTILINE)
_NESTED_A_LINE = 12
_SHORTEST_LINE = 20
_SHORTEST_UNDERLINE = 3
_MOST_WORDS = 20
_LONGEST_UNDERLINED = 120
# What stands behind a stop, and what a paragraph that is a heading never ends with. Short shouts do
# end in `!`: `Welcome!`
_BEHIND_STOP = re.compile(r"(?:[\s*_~`\"'”’»)\]】」』]|\[\^[^\]]*\])+\Z")
_SETEXT_ENDS = tuple(".,;:…。．，、；：।۔،؛።")
_MOST_SHOUTED = 4
_GOES_ON = frozenset({"and", "or", "but", "nor", "the", "a", "an", "und", "oder", "et", "ou"})
# Tags that a heading may hold; any other is a placeholder, as `<name>` is, and so a word.
_INLINE_TAGS = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "br", "button", "cite", "code", "del", "dfn", "em"}
    | {"font", "i", "img", "input", "ins", "kbd", "label", "mark", "nobr", "picture", "q", "s"}
    | {"samp", "small", "span", "strike", "strong", "sub", "sup", "svg", "tt", "u", "var", "wbr"}
)
_LEADING_MARKS = re.compile(r"(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]+)*")
_TAG_NAME = re.compile(r"</?([A-Za-z][\w-]*)")
_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "blockquote_open": "quote",
    "fence": "code",
    "code_block": "code",
    "formula": "code",
}


@dataclass(frozen=True, slots=True)
class _Source:
    """A text with the spans of its lines, and what reads the markup of its headings."""

    text: str
    lines: list[Offsets]
    labels: _Labels

    def span(self, first: int, after: int) -> Offsets:
        """The span of some lines, without the blank around it."""
        return trimmed(self.text, self.lines[first][0], self.lines[after - 1][1])


class _Labels:
    """Reads the markup of headings and questions, as long as it is in proportion to the text."""

    def __init__(self, text: str, references: dict[str, Any]) -> None:
        self._inline = parser_of(False)
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


class Markdown(NamedTuple):
    """What is read from a Markdown text: its title, "" if it has none, its blocks in order, and
    what is hidden."""

    title: str
    blocks: tuple[Block, ...]
    hidden: tuple[Hidden, ...] = ()


def markdown_blocks(text: str) -> Markdown:
    """The title, the blocks and the hidden parts of a Markdown text.

    A byte-order mark inside, where files were joined, counts as a line end; a form feed as a blank,
    so that a heading may stand at the top of a page.
    """
    text = without_marks(text).replace("\f", " ")
    front = front_matter(text)
    hidden = [front[1]] if front else []
    text = without(text, hidden)
    if _is_dense(text):
        return Markdown("", plain_blocks(text), tuple(hidden))
    references: dict[str, Any] = {}
    tokens = outline(text, references)
    if commented := _commented(text, tokens):
        text = without(text, commented)
        references = {}
        tokens = outline(text, references)
    source = _Source(text, line_spans(text), _Labels(text, references))
    tables = sorted([*html_tables(text), *line_tables(text)], key=lambda table: table.start)
    blocks = with_tables(list(_blocks(source, tokens)), tables)
    title = (shortened(front[0]) if front else "") or leading_title(blocks)
    found = with_questions(text, blocks, title)
    labelled = tuple(_with_plain_label(source, block) for block in found)
    return Markdown(title, labelled, (*hidden, *commented))


def _commented(text: str, tokens: Outline) -> tuple[Hidden, ...]:
    lines = line_spans(text)
    code = [(lines[t.map[0]][0], lines[t.map[1] - 1][1]) for t in tokens.code if t.map]
    return comments(text, code)


def leading_title(blocks: list[Block]) -> str:
    """The label of the one heading of level 1, if it is the first of the headings; else ""."""
    headings = [block for block in blocks if block.kind == "heading"]
    top = [block for block in headings if block.level == 1]
    return top[0].label if len(top) == 1 and top[0] is headings[0] else ""


def _is_dense(text: str) -> bool:
    nested = sum(map(len, _NESTED.findall(text)))
    lines = line_ends(text) + text.count("|") // _CELLS_A_LINE + nested // _NESTED_A_LINE
    return lines > max(_FEW_LINES, len(text) // _SHORTEST_LINE)


def _blocks(source: _Source, tokens: list[Token]) -> Iterator[Block]:
    done = 0
    for own in _top_level(tokens):
        first, after = own[0].map or (done, done)
        first = max(first, done)
        yield from _left_over(source, done, first)
        done = max(after, done)
        if own[0].type != "hr" and first < done:
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
            yield Block("paragraph", start, end)


def _block(source: _Source, own: list[Token], first: int, after: int) -> Iterator[Block]:
    opening = own[0]
    kind = _KINDS.get(opening.type, "paragraph")
    if kind == "heading" and not _is_heading(source, opening, own[1].content, after):
        kind, after = "paragraph", after - 1
    start, end = source.span(first, after)
    if start == end:
        return
    if kind == "heading":
        if label := source.labels.of(own[1].content):
            yield Block("heading", start, end, int(opening.tag[1:]), label)
            return
        kind = "paragraph"
    parts = tuple(_parts(source, kind, own, first, after))
    if opening.type == "html_block":
        parts = html_parts(source.text, start, end)
    yield Block(kind, start, end, parts=parts, tables=tuple(_tables(source, own)))


def _is_heading(source: _Source, opening: Token, content: str, after: int) -> bool:
    """Whether what is underlined reads like a heading; with hashes, anything does."""
    if opening.markup not in ("=", "-"):
        return True
    start, end = source.span(after - 1, after)
    alone = not {"\n", "|", "\t"}.intersection(content)
    return alone and end - start >= _SHORTEST_UNDERLINE and not _is_sentence(content)


def _is_sentence(line: str) -> bool:
    """Whether a line is too long for a heading, closes with a stop or breaks off."""
    words = line.split()
    if len(words) > _MOST_WORDS or len(line) > _LONGEST_UNDERLINED or words[-1] in _GOES_ON:
        return True
    bare = _BEHIND_STOP.sub("", line)
    return bare.endswith(_SETEXT_ENDS) or (
        bare.endswith(("!", "！")) and len(words) > _MOST_SHOUTED
    )


def _tables(source: _Source, own: list[Token]) -> Iterator[Table]:
    """The tables of a block, inside items and quotations too."""
    openings = [i for i, token in enumerate(own) if token.type == "table_open"]
    for i, following in pairwise([*openings, len(own)]):
        first, after = own[i].map or (0, 0)
        lines = [t.map[0] for t in own[i:following] if t.type == "tr_open" and t.map]
        rows = tuple(source.span(line, line + 1)[0] for line in lines if line > first)
        start, end = source.span(first, first + 1)
        mark = _LEADING_MARKS.match(source.text, start, end)
        yield Table(mark.end() if mark else start, end, rows, source.span(first, after)[1])


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
        elif token.type != "html_inline" or _is_placeholder(token.content):
            parts.append(token.content)
    return "".join(parts)


def _is_placeholder(tag: str) -> bool:
    name = _TAG_NAME.match(tag)
    return name is not None and name[1].lower() not in _INLINE_TAGS.union(block_names)


def _parts(
    source: _Source, kind: BlockKind, own: list[Token], first: int, after: int
) -> Iterator[Offsets]:
    """The spans of a list's items, a table's rows below its header, or the lines of code."""
    ranges: list[list[int]] = []
    if kind == "code":
        ranges = [[i, i + 1] for i in range(first, after)]
    elif kind == "table":
        ranges = _lines_of(own, "tr_open", 2)[1:]
    elif kind == "list":
        ranges = _lines_of(own, "list_item_open", 1)
    for a, b in ranges:
        start, end = source.span(a, b) if a < b else (0, 0)
        if start < end:
            yield start, end


def _lines_of(own: list[Token], kind: str, level: int) -> list[list[int]]:
    return [t.map for t in own if t.type == kind and t.level == level and t.map]
