"""Inputs that make a careless reader slow or large, and how time and memory grow with them.

`python tests/linear.py` prints seconds, megabytes and exponent of each at 1 MB; names of inputs or
readers that follow restrict the table.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import re
import sys
import time
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from rag.answering.edits import edits, most_alike
from rag.documents.passages import passages_of
from rag.documents.readers.jsonl import JsonRecord, records
from rag.documents.readers.markdown import markdown_blocks
from rag.documents.readers.plain_text import paragraph_blocks, plain_blocks
from rag.documents.sections import sections_of
from rag.encoders.bundled import bundled_model
from rag.encoders.onnx import open_tokenizer, word_pieces
from rag.index.sentence_spans import sentences_of
from rag.text.sentences import sentences
from rag.text.stems import stems
from rag.text.words import words
from rag.types import Block, Document, ParsedDocument

LIMIT = 254

# What a text begins with, what is repeated up to its length, and what it ends with.
Shape = tuple[str, str, str]
DEEP = "".join(f"{'#' * level} {'deep heading ' * 25}\n\n" for level in range(1, 7))
NUMBERED = "".join(f"{'.'.join('1' * n)} {'Ab ' * 9}\n\nText.\n\n" for n in range(1, 30))
SHAPES: dict[str, Shape] = {
    "marked pairs on one line": ("", "Q: a? A: b\n\n", ""),
    "marked questions without answers": ("", "Q: a? ", ""),
    "marked items": ("", "- Q: a?\n- A: b\n", ""),
    "items that ask": ("# FAQ\n\n", "- a?\n", ""),
    "bold questions with answers": ("# FAQ\n\n", "**a?** b\n", ""),
    "emphasis that never closes": ("# FAQ\n\n", "**a? ", ""),
    "summaries that never close": ("", "<summary>a?", ""),
    "terms that never close": ("", "<dt>", ""),
    "components with titles": ("", '<A title="a?" ', ""),
    "folds that close": ("", "<details><summary>a?</summary></details>", ""),
    "tables of questions": ("", "| Question | Answer |\n|---|---|\n| a? | b |\n\n", ""),
    "named FAQs": ("", "# a FAQ\n\nb\n\n", ""),
    "blanks in a heading": ("# a", " ", "b"),
    "tabs in a heading": ("# a", "\t", "b #"),
    "signs that close a heading": ("# a ", "# ", "b"),
    "anchors in a heading": ("# a ", "{#", ""),
    "anchor that never ends": ("# a {#", "x", ""),
    "anchors that end": ("# a ", "{#}", " b"),
    "stars in a heading": ("# ", "*a ", ""),
    "emphasis in a heading": ("# ", "**a_b", ""),
    "brackets in a heading": ("# ", "[", ""),
    "brackets": ("", "[", "]"),
    "closing brackets": ("", "]", ""),
    "links in a heading": ("# ", "[a](", ""),
    "titles of links in a heading": ("# ", '[a](b "', ""),
    "images in a heading": ("# ", "![a][", ""),
    "backticks in a heading": ("# ", "`a``", ""),
    "comments in a heading": ("# ", "<!--", ""),
    "declarations in a heading": ("# ", "<!A ", ">"),
    "instructions in a heading": ("# ", "<?", ""),
    "tags in a heading": ("# ", "<a b='", ""),
    "autolinks in a heading": ("# ", "<a:b", ""),
    "entities in a heading": ("# ", "&amp", ""),
    "escapes in a heading": ("# ", "\\", ""),
    "brackets in many headings": ("", f"# {'[' * 99}\n", ""),
    "images in many headings": ("", f"# {'![' * 29}\n", ""),
    "brackets in many questions": ("# FAQ\n\n", f"**{'[' * 60}?**\n\nb\n\n", ""),
    "a heading underlined": ("", "a", "\n==="),
    "a long underline": ("Ab\n", "=", ""),
    "many headings": ("", "# a\n", ""),
    "many sections": ("", "# a\n\nb\n\n", ""),
    "many sections of text": ("", "Ab\n\nCd efgh.\n\n", ""),
    "headings that stand deep": (DEEP, "###### a\n\nb b b b b b b b b b b b b\n\n", ""),
    "numbers that stand deep": (NUMBERED, f"{'.'.join('1' * 30)} A\n\nText.\n\n", ""),
    "underlined lines": ("", "a\n---\n", ""),
    "front matter with blanks": ("---\ntitle: a", " ", "b\n---\nc"),
    "front matter that never ends": ("---\n", "a: b\n", ""),
    "front matter of titles": ("---\n", "title :\n", "---\n"),
    "comments that never end": ("", "<!-- a\n", ""),
    "comments that never end in a line": ("a ", "<!-- b ", ""),
    "comments over text": ("", "<!-- a -->\n\nb\n\n", ""),
    "comments in a line": ("a ", "<!-- a --> ", ""),
    "remarks of all kinds": ("", "{/* a\n{% comment %}\n<script>\n<style>\n`b\n", ""),
    "remarks of more kinds": ("", "%% a\n%%\n{# b\n<?c\n<template>\n<p hidden>\n", ""),
    "hidden elements": ("", "<a style='b' hidden>c</a> d\n\n", ""),
    "backticks of many lengths": ("", "".join("`" * n + "a " for n in range(1, 12)), ""),
    "remarks as definitions": ("", "[//]: # (a)\n\nb\n\n", ""),
    "titles of definitions": ("", '[a]: # "', ""),
    "data URIs": ("", "![a](data:image/png;base64,iVBORw0KGgo/+) b\n\n", ""),
    "data URIs without data": ("", "data:image/png;base64 ", ""),
    "base64 in lines": ("a\n", f"{'Ab1/' * 19}\n", ""),
    "formulas that never end": ("", "$$\na b c d e f g h i j k l m\n\n", ""),
    "openings of formulas": ("", "\\[ a b c d e f g h i j\n", ""),
    "tight hashes": ("", "##a b c d e f g h i j k\n\n", ""),
    "tables that never end": ("", "<table><tr><th>a</th></tr>\n", ""),
    "tables in tables": ("", "<table><tr><th>a<tr>", "</table>"),
    "tables in HTML": ("", "<table><tr><th>a</th></tr><tr><td>b</td></tr></table>\n\n", ""),
    "tables in a list": (
        "",
        "- a\n\n  | b b b b b | c c c c |\n  |---|---|\n  | d | e |\n\n",
        "",
    ),
    "grids": ("", "+---+---+\n| a | b |\n+===+===+\n| c | d |\n+---+---+\n\n", ""),
    "columns of tabs": ("Key\tValue\n", "a word\t1\n", ""),
    "boilerplate": ("", "Source: http://a.b/c\n\nLast reviewed: 3 May 2024\n\n", ""),
    "boilerplate without end": ("Source: ", "a ", ""),
    "questions alone": ("", "Why so?\n\nSo it is and was.\n\n", ""),
    "lettered lines": ("", "A. Ann\n\nb c d e f g h i j k l.\n\n", ""),
    "lines that break off": ("Ab c. De\n", "2 f g h. I j k l m\n", ""),
    "sentences on two lines": ("Ab.\nCd\nE", "f g. H ", "."),
    "records": ("", "Ann Bell, room 12\n", ""),
    "front matter": ("---\n", "a: b\n", "---\nc"),
    "stops with blanks": ("", "A. ", ""),
    "stops without blanks": ("", "A.", ""),
    "short sentences": ("", "Ab. ", ""),
    "numbers with stops": ("", "1. ", ""),
    "numbers after blanks": ("", "               1. A", ""),
    "stops alone": ("", ".", ""),
    "stops and closers": ("A", '."]', " B"),
    "footnotes": ("A.", "[1]", " B"),
    "Chinese stops": ("", "。", ""),
    "Chinese": ("", "中", ""),
    "Chinese sentences": ("", "中。", ""),
    "one word": ("", "a", ""),
    "short words": ("", "a ", ""),
    "accents": ("", "é", ""),
    "accents of their own": ("a", "\u0301\u0323", ""),
    "accents after a heading": ("# a", "\u0323\u0301", "\n\nb"),
    "letters with accents": ("", "a\u0301", ""),
    "ligatures": ("", "\ufdfa", ""),
    "invisible": ("a", "\u200b", "b"),
    "marks of joined files": ("", "\ufeff# a\n", ""),
    "marks alone": ("", "\ufeff", "a"),
    "blanks": ("a", " ", "b"),
    "blank lines": ("a", "\n", "b"),
    "blank lines of blanks": ("a", "   \n", "b"),
    "carriage returns": ("a", "\r", "b"),
    "line ends of two": ("a", "\r\n", "b"),
    "short lines": ("", "a\n", ""),
    "short paragraphs": ("", "a\n\n", ""),
    "indented lines": ("", "    a\n", ""),
    "items": ("", "- a\n", ""),
    "items apart": ("", "- a\n\n", ""),
    "items without text": ("", "-\n", ""),
    "items in one line": ("", "- ", ""),
    "items in each other": ("", f"{'- ' * 12}a\n", ""),
    "numbered items in quotations": ("", f"{'> 1. ' * 9}abc\n", ""),
    "items in quotations": ("", "> - > - > - > - a\n", ""),
    "numbered items": ("", "1. a\n", ""),
    "numbered items in each other": ("", "1. 1. 1. 1. 1. a\n", ""),
    "quotations": ("", "> a\n", ""),
    "quotations in one line": ("", "> ", "a"),
    "quotations without blanks": ("", ">", "a"),
    "quotations in each other": ("", f"{'> ' * 20}a\n", ""),
    "quotations without text": ("", ">\n", ""),
    "lazy quotations": ("> > > > > > > > > a\n", "b\n", ""),
    "code that never ends": ("", "```\n", ""),
    "code of tildes": ("", "~~~ a\n", ""),
    "fences of growing length": ("", "``` `\n", ""),
    "rules": ("", "***\n", ""),
    "rules of blanks": ("", "- - -\n", ""),
    "definitions": ("", "[a]: b\n", ""),
    "definitions that break off": ("", "[a]: b 'c\n", ""),
    "definitions in brackets": ("", "[a\n", ""),
    "definitions with titles": ("", "[a]: b\n'c\n", ""),
    "definition of many lines": ("[a]: b '", "title goes on and on\n", ""),
    "label of many lines": ("[", "label goes on and on\n", "]: b"),
    "definition of escapes": ("[a", "\\\n", "]: b"),
    "comments": ("", "<!--\n", ""),
    "comments that end": ("", "<!-- -->\n\n", ""),
    "tags": ("", "<div>\n", ""),
    "tags apart": ("", "</div>\n\n", ""),
    "tag that never ends": ("<a", " b", "\n"),
    "tag of blanks": ("<a", " ", "\n\n"),
    "tags with values": ("<a", " b='c'", "\n\n"),
    "bars": ("", "|", ""),
    "cells in a row": ("|a", "|a", "\n|-|\n"),
    "columns of a table": ("|a|b|\n|-|-|\n", "|c|d|\n", ""),
    "wide table": (f"{'|a' * 500}\n{'|-' * 500}\n", "|b\n", ""),
    "tables": ("", "a|b\n-|-\n", ""),
    "tables apart": ("", "|a|\n|-|\n\n", ""),
    "rules of tables": ("", "|-|\n", ""),
    "headings of tables": ("", "a|", "\n-|-\nb|c\n"),
    "escaped bars": ("a", "\\|", "|b\n-|-|-\n"),
    "questions": ("# FAQ\n\n", "## a?\n\nb\n\n", ""),
    "groups of questions": ("# FAQ\n\n", "## a\n\nb\n\n### c\n\nd\n\n", ""),
    "groups without an end": ("# FAQ\n\n", "###### a\n\nb\n\n", "# c?"),
    "bold questions": ("# FAQ\n\n", "**a?**\n\nb\n\n", ""),
    "bold question that never ends": ("# FAQ\n\n**a", "? ", "\n\nb"),
    "bold question of blanks": ("# FAQ\n\n**a?", " ", "\n\nb"),
    "bold openings": ("# FAQ\n\n", "**a?\n", "\n\nb"),
    "marked questions": ("", "Q: a\nA: b\n", ""),
    "marked questions alone": ("", "Q: a\n", ""),
    "marked answers alone": ("", "A: b\n", ""),
    "marked question of blanks": ("Q:", " ", "a\nA: b"),
    "marked question of markup": ("Q: ", "[*<", "\n\nA: b"),
    "marked stars": ("", "**Q", ""),
    "brackets after FAQ": ("# ", "FAQ (", ")"),
    "names of FAQs": ("", "FAQ (((((((((((((((((((((((((((((((((((((\n\na\n\n", ""),
    "lead-ins": ("", "a:\n\n", ""),
    "bold lead-ins": ("", "A a:**\n", ""),
    "lead-in of lists": ("", "a:\n- b\n\n", ""),
    "opened quotations": ("", "“a\n", ""),
    "attributed quotations": ("", "“a” – B\n", ""),
    "attributions": ("“a", "” – ", "b"),
    "quotation marks": ("", "“", ""),
    "dashes": ("“a”\n", "– ", "b"),
    "names and values": ("", "Name: value\n", ""),
    "numbered headings": ("", "1.1 Ab\n\nCd e.\n\n", ""),
    "capitals": ("", "AB\n", ""),
    "addresses": ("", "a@b.c ", ""),
    "surrounded by blanks": ("\n", "   a   \n", ""),
}


def made(shape: Shape, size: int) -> str:
    """A text of that shape and of so many characters, but for a part of what is repeated."""
    first, unit, last = shape
    return first + unit * ((size - len(first) - len(last)) // len(unit)) + last


def _markdown(text: str) -> None:
    _divide(text, *markdown_blocks(text)[:2])


def _plain(text: str) -> None:
    _divide(text, "", plain_blocks(text))


def _jsonl(text: str) -> None:
    raw = json.dumps({"_id": "a", "title": text[: len(text) // 4], "text": text}).encode()
    for record in records(raw):
        assert isinstance(record, JsonRecord)
        _divide(record.text, record.title, paragraph_blocks(record.text))


def _divide(text: str, title: str, blocks: tuple[Block, ...]) -> None:
    document = Document("d", title or "d", "d", "text/plain", text, "s", "s")
    parsed = ParsedDocument(document, blocks)
    passages_of(parsed, sections_of(parsed), _pieces, LIMIT)


def _sentences(text: str) -> None:
    sentences(text)
    sentences(f"{' ' * len(text)}- a\n{text}")


def _marks(text: str) -> None:
    sentences_of(text, 0, _pieces(text), len(text))


def _words(text: str) -> None:
    stems(words(text))


def _wording(text: str) -> None:
    edits(text, text[1:] + "b")
    most_alike(text, text[len(text) // 2 :], 0)
    most_alike(text, "a b c d", len(text))


def _pieces(text: str) -> list[tuple[int, int]]:
    return word_pieces(_tokenizer(), text)


@cache
def _tokenizer() -> object:
    return open_tokenizer(bundled_model())


WAYS: dict[str, Callable[[str], None]] = {
    "Markdown": _markdown,
    "text": _plain,
    "JSON lines": _jsonl,
    "sentences": _sentences,
    "marks": _marks,
    "words": _words,
    "wording": _wording,
}


def seconds(way: Callable[[str], None], text: str) -> float:
    """The CPU seconds that this process took."""
    start = time.process_time()
    way(text)
    return time.process_time() - start


def times_an_article(way: str, shape: Shape, size: int) -> float:
    """The CPU seconds that such a text takes, by those of the sample article at that length."""
    article = ("", next(Path("corpus").glob("*.md")).read_text(encoding="utf-8"), "")
    read = WAYS[way]
    read("a")
    return seconds(read, made(shape, size)) / seconds(read, made(article, size))


def peak(way: str, shape: Shape, size: int) -> float:
    """The most memory in MB that this process has taken, after reading such a text (Linux)."""
    WAYS[way](made(shape, size))
    # What `getrusage` says began with the size of the process that started this one.
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "no VmHWM"
    return int(found[1]) / 1024


def exponent(less: float, more: float, factor: float) -> float:
    """The power of the size by which the time grows."""
    return math.log(more / less) / math.log(factor)


def main() -> None:
    """Prints the table."""
    wanted = set(sys.argv[1:])
    shapes, ways = wanted & SHAPES.keys() or SHAPES, wanted & WAYS.keys() or WAYS
    print("| input | read as | s | MB | exponent |\n| --- | --- | --- | --- | --- |")
    worst = np.zeros(3)
    for name, way in product(sorted(shapes), sorted(ways)):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(_row, (way, SHAPES[name]))
        worst = np.maximum(worst, found)
        print(f"| {name} | {way} | {found[0]:.2f} | {found[1]:.0f} | {found[2]:.2f} |", flush=True)
    print(f"| worst | | {worst[0]:.2f} | {worst[1]:.0f} | {worst[2]:.2f} |")


def _row(way: str, shape: Shape) -> tuple[float, float, float]:
    """Seconds and peak memory in MB for 1 MB of UTF-8, and the exponent from a quarter of it."""
    size = len(made(shape, 1_000_000).encode()[:1_000_000].decode(errors="ignore"))
    WAYS[way]("a")
    less = seconds(WAYS[way], made(shape, size // 4))
    more = seconds(WAYS[way], made(shape, size))
    return more, peak(way, shape, 1), exponent(less, more, 4)


if __name__ == "__main__":
    main()
