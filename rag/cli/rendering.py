"""A passage as a document: without the signs of Markdown, and with its tables in columns.

The words and their styles stay as they are. A style may begin and end anywhere, so the sentences
that answer are still marked.

>>> rendered(Text("See [the **plan**](https://example.org)."), 80, is_markdown=True).plain
'See the plan.'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, zip_longest

from rich.style import Style
from rich.text import Text

from rag.cli.terminal import printable

# Deeper emphasis stays as it is written.
_DEEPEST = 3
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?=\S)")
_DIVIDER = re.compile(r"\s*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?\s*")
_BAR = re.compile(r"(?<!\\)\|")
_EDGE_BARS = re.compile(r"\A\s*\||(?<!\\)\|\s*\Z")
_INLINE = re.compile(
    r"\\(?P<sign>[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`+)(?P<code>[^`\n]+)(?P=ticks)(?!`)"
    r"|!?\[(?P<label>[^\[\]\n]*)\]\((?P<url>(?:[^()\s]|\([^()\s]*\))*)(?:[ ]+\"[^\"\n]*\")?\)"
    r"|<(?P<address>https?://[^\s<>]+)>"
    r"|(?P<two>\*\*|(?<!\w)__)(?=\S)(?P<bold>[^\n]+?)(?<=\S)(?P=two)"
    r"|(?<![\w*])(?P<one>[*_])(?=[^\s*_])(?P<italic>[^\n*_]+?)(?<=\S)(?P=one)(?!\w)"
)
_SHOWN = ("sign", "code", "label", "address", "bold", "italic")
_STYLES = {"code": "cyan", "bold": "bold", "italic": "italic"}


def rendered(text: Text, width: int, *, is_markdown: bool) -> Text:
    """The text as it is shown in `width` columns. Lines are not wrapped."""
    shown: list[Text] = []
    in_code = False
    for is_row, lines in groupby(text.split("\n", allow_blank=True), _has_cells):
        block = list(lines)
        if is_row and not in_code and (table := _table(block, width, is_markdown)):
            shown += table
            continue
        for line in block:
            if is_markdown and _FENCE.match(line.plain):
                in_code = not in_code
            else:
                shown.append(line if in_code or not is_markdown else _line(line))
    return Text("\n").join(shown)


def _has_cells(line: Text) -> bool:
    return _BAR.search(line.plain) is not None


def _line(line: Text) -> Text:
    if heading := _HEADING.match(line.plain):
        title = _inline(line[heading.end() :])
        title.stylize("bold")
        return title
    return _inline(line)


def _inline(text: Text, depth: int = 0) -> Text:
    """The text without the signs of code, emphasis, links and escapes."""
    parts, at = [], 0
    for found in _INLINE.finditer(text.plain):
        name = next(name for name in _SHOWN if found[name] is not None)
        part = text[slice(*found.span(name))]
        if name in ("label", "bold", "italic") and depth < _DEEPEST:
            part = _inline(part, depth + 1)
        parts += [text[at : found.start()], _styled(part, name, found["url"] or found["address"])]
        at = found.end()
    return Text().join([*parts, text[at:]])


def _styled(part: Text, name: str, url: str | None) -> Text:
    """The part in its style. A link is one for web addresses alone, which hold no controls."""
    if url and printable(url) == url and url.startswith(("https://", "http://", "mailto:")):
        part.stylize(Style(link=url, underline=True))
    elif style := _STYLES.get(name):
        part.stylize(style)
    return part


def _table(lines: Sequence[Text], width: int, is_markdown: bool) -> list[Text]:
    """The rows in columns; as they are if they are too wide, and nothing if they are no table."""
    if is_markdown:
        has_header = len(lines) > 1 and _DIVIDER.fullmatch(lines[1].plain) is not None
        if not has_header and not all(line.plain.lstrip().startswith("|") for line in lines):
            return []
        rows = [_cells(line) for line in lines if not _DIVIDER.fullmatch(line.plain)]
        rows = [[_inline(cell) for cell in row] for row in rows]
    else:
        has_header, rows = False, [_cells(line) for line in lines]
        if len(rows) < 2:
            return []
    if not rows:
        return []
    widths = [max(map(_width, column)) for column in zip_longest(*rows)]
    if sum(widths) + 3 * (len(widths) - 1) > width:
        widths = [0] * len(widths)
    table = [_row(row, widths) for row in rows]
    if has_header:
        table[0].stylize("bold")
    return table


def _cells(line: Text) -> list[Text]:
    bare, edges = line, [*_EDGE_BARS.finditer(line.plain)]
    for edge in reversed(edges):
        bare = bare[: edge.start()] if edge.start() else bare[edge.end() :]
    bars = [found.start() for found in _BAR.finditer(bare.plain)]
    starts, ends = [0, *(bar + 1 for bar in bars)], [*bars, len(bare)]
    return [_stripped(bare[start:end]) for start, end in zip(starts, ends, strict=True)]


def _stripped(text: Text) -> Text:
    before = len(text.plain) - len(text.plain.lstrip())
    return text[before : max(before, len(text.plain.rstrip()))]


def _width(cell: Text | None) -> int:
    return cell.cell_len if cell else 0


def _row(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    padded = [
        Text.assemble(cell, " " * (width - cell.cell_len))
        for cell, width in zip(cells[:-1], widths, strict=False)
    ]
    return Text(" | ").join([*padded, *cells[-1:]])
