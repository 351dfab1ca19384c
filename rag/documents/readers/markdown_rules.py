"""markdown-it's parser with rules of our own for headings, definitions and formulas."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, heading, reference
from markdown_it.token import Token

from rag.documents.readers.labels import UNSEEN

# The parser copies the title of a definition for each of its lines.
_DEFINITION_LINES = 50
# A heading that the parser's own rule leaves out: an invisible character before the hashes, a blank
# other than a space behind them, or none.
_HEADING_OPENS = re.compile(rf"[#\s{UNSEEN}]")
_HEADING = re.compile(
    rf"[\s{UNSEEN}]*(?P<hashes>#{{1,6}})(?!#)(?P<blank>[\s{UNSEEN}]*)(?P<label>.*)", re.DOTALL
)
_CLOSING_HASHES = re.compile(r"\s#+\s*\Z")
_TIGHT = re.compile(r"^##+[^\W\d_]", re.MULTILINE)
_FORMULA = re.compile(r"\$\$|\\\[|\\begin\{(?P<name>[\w*]{1,30})\}")
_FORMULA_LINES = 30
_CLOSED_BY = {"$$": "$$", "\\[": "\\]"}


class Outline(list[Token]):
    """The tokens that blocks are made from, and those of all code.

    Tokens inside of items, cells and quotations are many, at half a kilobyte each, and left out.
    """

    def __init__(self) -> None:
        super().__init__()
        # A token is given its lines after it is kept.
        self.code: list[Token] = []

    def append(self, token: Token) -> None:
        """Keeps a token of the outline; lets go of another."""
        if token.type in ("fence", "code_block"):
            self.code.append(token)
        if token.level < 2 or token.type in ("tr_open", "table_open"):
            super().append(token)


def outline(text: str, references: dict[str, Any]) -> Outline:
    """The outline's tokens; inline markup is parsed later, and only if it is needed."""
    parser = parser_of(_TIGHT.search(text) is not None)
    tokens = Outline()
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    parser.block.parse(lines, parser, references, tokens)
    return tokens


@cache
def parser_of(tight: bool) -> MarkdownIt:
    """The parser, for texts that are `tight` or not. Making one takes as long as a short text."""
    parser = MarkdownIt("commonmark").enable("table")
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    parser.block.ruler.at("reference", _definition)
    parser.block.ruler.at("heading", _heading_rule(tight), interrupts)
    parser.block.ruler.before("fence", "formula", _formula, interrupts)
    # It arranges its rules for the first text; another thread might see some of them only.
    parser.parse("any")
    return parser


def _definition(state: StateBlock, first: int, after: int, silent: bool) -> bool:
    """The parser's rule for the definition of a link reference, which reads 50 lines at most."""
    last = state.lineMax
    state.lineMax = min(last, first + _DEFINITION_LINES)
    try:
        return reference(state, first, after, silent)
    finally:
        state.lineMax = last


def _heading_rule(tight: bool) -> Callable[[StateBlock, int, int, bool], bool]:
    """The parser's rule for headings; it sees hashes beside unusual blanks, `tight` without any.

    Only a text that has `##Fares` elsewhere may have `#Top`, which else is a tag.
    """

    def rule(state: StateBlock, first: int, after: int, silent: bool) -> bool:
        if heading(state, first, after, silent):
            return True
        start = state.bMarks[first] + state.tShift[first]
        if state.is_code_block(first) or not _HEADING_OPENS.match(state.src, start):
            return False
        found = _HEADING.match(state.src[start : state.eMarks[first]])
        if not found or not found["label"]:
            return False
        if not found["blank"] and (silent or not tight or not _is_tight(state, first, found)):
            return False
        if not silent:
            _push_heading(state, first, found)
        return True

    return rule


def _is_tight(state: StateBlock, first: int, found: re.Match[str]) -> bool:
    """Whether `##Fares` stands alone and opens with a letter, unlike `#1`, and holds no tags."""
    alone = first == 0 or state.isEmpty(first - 1)
    return alone and found["label"][0].isalpha() and " #" not in found["label"]


def _push_heading(state: StateBlock, first: int, found: re.Match[str]) -> None:
    tag = f"h{len(found['hashes'])}"
    state.line = first + 1
    state.push("heading_open", tag, 1).map = [first, first + 1]
    inline = state.push("inline", "", 0)
    label = found["label"] if found["blank"] else found["label"].removesuffix(found["hashes"])
    inline.content = _CLOSING_HASHES.sub("", label).strip()
    inline.map, inline.children = [first, first + 1], []
    state.push("heading_close", tag, -1)


def _formula(state: StateBlock, first: int, after: int, silent: bool) -> bool:
    """A rule of the parser: a formula on lines of its own, without blank ones, is one block."""
    lines = range(first, min(after, first + _FORMULA_LINES))
    opening = _FORMULA.match(state.src, state.bMarks[first] + state.tShift[first])
    if not opening or state.is_code_block(first):
        return False
    closer = f"\\end{{{opening['name']}}}" if opening["name"] else _CLOSED_BY[opening[0]]
    for line in lines:
        start = opening.end() if line == first else state.bMarks[line]
        if state.isEmpty(line):
            return False
        if state.src[start : state.eMarks[line]].rstrip().endswith(closer):
            if not silent:
                state.line = line + 1
                state.push("formula", "", 0).map = [first, line + 1]
            return True
    return False
