"""Divides sections into passages that fit the encoder's window, by its own word pieces.

A section that fits is one passage. A longer one is divided at the largest units that fit: lines
that no blank line parts, blocks, the items of a list or the rows of a table, sentences, lines,
words and at last word pieces. Where each line is a record of its own, lines come before sentences.
A list keeps its lead-in, and a paragraph that closes with a colon or asks keeps what follows it.
The parts are packed into the smallest number of passages, as even in size as they will go. The rows
of a long table are divided even if they fit: many rows in one passage hide the one that answers.

Every word that is not hidden lies in exactly one passage or in a heading. A heading is in the
passage too if nothing is below it, or if its label had to be cut short.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from rag.documents.cuts import MOST_ROWS, has_many_rows, part_starts
from rag.documents.line_kinds import is_boilerplate, is_question
from rag.documents.readers.labels import LONGEST
from rag.documents.window import LONGEST_PIECE, Region, Window, WordPieces, region_of
from rag.text import line_spans, sentences, trimmed
from rag.types import Block, Document, Hidden, ParsedDocument, Passage, Section, Table

_SMALLEST_LIMIT = 8
_LONGEST_QUESTION = 300
_WORD = re.compile(r"[^\W_]")
# Around what is hidden, tags are left that hold nothing: `<p>`.
_WORD_OUTSIDE_TAGS = re.compile(r"[^\W_](?![a-z]*>)")
_TAG = re.compile(r"<[^<>]*>")
_CUT_SHORT = ("…", "…?")
_BELOW = " > "


@dataclass(frozen=True, slots=True)
class _Atom:
    """Where a part that stays whole begins; `header` is that of the table that it was cut off.

    A row of a long table counts as `least` word pieces.
    """

    start: int
    header: str = ""
    least: int = 0


def passages_of(
    parsed: ParsedDocument, sections: Sequence[Section], word_pieces: WordPieces, limit: int
) -> list[Passage]:
    r"""The passages of the sections, in order.

    `word_pieces` gives the spans of the word pieces of a text, in order. Of a passage,
    `f"{context}\n{text}"` has at most `limit` word pieces; `limit` is 8 or more.
    """
    assert limit >= _SMALLEST_LIMIT, limit
    window = Window(word_pieces, limit)
    starts = [block.start for block in parsed.blocks]
    unseen = [each for each in parsed.hidden if each.start < each.end]
    unseen_at = [each.start for each in unseen]
    found: list[Passage] = []
    for section in sections:
        first, after = bisect_left(starts, section.start), bisect_left(starts, section.end)
        blocks = parsed.blocks[first:after]
        gaps = unseen[bisect_left(unseen_at, section.start) : bisect_left(unseen_at, section.end)]
        for run in _runs(parsed.document.text, blocks, gaps):
            found.extend(_passages(parsed.document, section, run, window))
    return found


def _runs(text: str, blocks: Sequence[Block], hidden: Sequence[Hidden]) -> Iterator[list[Block]]:
    """The blocks in runs with nothing hidden inside; those without words are left out."""
    body = [block for block in blocks if block.kind != "heading" or _is_cut_short(block)]
    runs = list(_parted(text, body, hidden)) if hidden else [body]
    has_words = _WORD_OUTSIDE_TAGS if hidden else _WORD
    worded = [run for run in runs if run and has_words.search(text, run[0].start, run[-1].end)]
    if not worded and blocks[0].kind == "heading":
        yield [blocks[0]]
    elif worded or not hidden:
        yield from worded or runs


def _is_cut_short(heading: Block) -> bool:
    return len(heading.label) >= LONGEST - 1 and heading.label.endswith(_CUT_SHORT)


def _parted(text: str, blocks: Sequence[Block], hidden: Sequence[Hidden]) -> Iterator[list[Block]]:
    """The blocks in runs that end where something is hidden, inside a block too."""
    run: list[Block] = []
    waiting = deque(hidden)
    for block in blocks:
        start = block.start
        while waiting and waiting[0].start < block.end:
            gap = waiting.popleft()
            if gap.start > start:
                run += _fragment(text, block, start, gap.start)
            if run:
                yield run
            run, start = [], max(start, gap.end)
        run += _fragment(text, block, start, block.end)
    if run:
        yield run


def _fragment(text: str, block: Block, start: int, end: int) -> list[Block]:
    start, end = trimmed(text, start, end)
    if start >= end:
        return []
    if (start, end) == (block.start, block.end):
        return [block]
    parts = [(max(a, start), min(b, end)) for a, b in block.parts]
    return [replace(block, start=start, end=end, parts=tuple((a, b) for a, b in parts if a < b))]


def _passages(
    document: Document, section: Section, blocks: list[Block], window: Window
) -> Iterator[Passage]:
    region = region_of(document.text, blocks, window)
    # A title that only repeats the id adds nothing.
    title = "" if document.title == document.id else document.title
    context, pieces = _context((title, *section.heading_path), window)
    opening = context
    if is_boilerplate(document.text[region.start : region.end]):
        opening, context, pieces = "", "", 0
    elif blocks[0].kind == "heading" or (blocks[0].kind == "question" and section.kind == "faq"):
        opening, pieces = _context((title, *section.heading_path[:-1]), window)
    has_rows = any(map(has_many_rows, blocks))
    # A tokenizer may find some more pieces in the whole than in its parts, but not twice as many.
    if not has_rows and 2 * (pieces + len(region.pieces)) <= window.limit:
        yield _passage(document, section, region.start, region.end, opening)
        return
    room = window.limit - max(window.count(context), window.count(opening))
    atoms = [_Atom(region.start)]
    if has_rows or region.count(region.start, region.end) > window.limit - window.count(opening):
        atoms = _atoms(region, blocks, room, window)
    cuts = [atom.start for atom in atoms]
    for start, end, header in _packed(region, atoms, room, window):
        above = opening if start < blocks[0].end else context
        above = f"{above}\n{header}" if header else above
        for a, b in _fitting(region, cuts, start, end, above, window):
            yield _passage(document, section, a, b, above)


def _context(headings: Sequence[str], window: Window) -> tuple[str, int]:
    """The headings joined, in at most a quarter of the window, and how many word pieces that is.

    The outermost are left out first.
    """
    longest = window.limit * LONGEST_PIECE
    parts = [heading[:longest] for heading in headings if heading]
    kept: list[str] = []
    pieces = 0
    for part in reversed(parts):
        more = window.count_again(part) + (window.count_again(_BELOW) if kept else 0)
        if pieces + more > window.limit // 4:
            break
        kept.append(part)
        pieces += more
    if parts and not kept:
        return window.cut(parts[-1]), window.limit // 4
    return _BELOW.join(reversed(kept)), pieces


def _atoms(region: Region, blocks: list[Block], room: int, window: Window) -> list[_Atom]:
    """The parts of a region in order, each of at most `room` word pieces."""
    atoms: list[_Atom] = []
    for lines in _tied(blocks, _tight(region.text, blocks)):
        if _is_whole(region, lines, room):
            atoms.append(_Atom(lines[0].start))
            continue
        for group in _tied(lines, [_leads(region.text, *two) for two in pairwise(lines)]):
            if _is_whole(region, group, room):
                atoms.append(_Atom(group[0].start))
            else:
                atoms += _group_atoms(region, group, room, window)
    return atoms


def _is_whole(region: Region, blocks: list[Block], room: int) -> bool:
    fits = region.count(blocks[0].start, blocks[-1].end) <= room
    return fits and not any(map(has_many_rows, blocks))


def _group_atoms(region: Region, group: list[Block], room: int, window: Window) -> list[_Atom]:
    """The parts of a group that is too long; the last sentence of a lead-in leads to the next."""
    atoms = _block_atoms(region, group[0], room, window)
    for above, block in pairwise(group):
        if above.kind != "question":
            last, _ = sentences(region.text, atoms[-1].start, above.end)[-1]
            atoms += [_Atom(last)] if last > atoms[-1].start else []
        lead = region.count(atoms[-1].start, block.start)
        if 2 * lead <= room:
            atoms += _block_atoms(region, block, room - lead, window)[1:]
        else:
            atoms += _block_atoms(region, block, room, window)
    return atoms


def _tied(blocks: list[Block], ties: list[bool]) -> list[list[Block]]:
    """The blocks in groups; `ties` tells of each but the last whether the next is in its group."""
    groups = [blocks[:1]]
    for tie, block in zip(ties, blocks[1:], strict=True):
        if tie:
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def _tight(text: str, blocks: list[Block]) -> list[bool]:
    """Which blocks lead to the next, or are paragraphs with no blank line below.

    If a document never puts a blank line between blocks, its absence means nothing: none are tied.
    """
    gaps = [len(line_spans(text, a.end, b.start)) < 3 for a, b in pairwise(blocks)]
    pairs = list(pairwise(blocks))
    tight = [
        gap and a.kind == b.kind == "paragraph" for gap, (a, b) in zip(gaps, pairs, strict=True)
    ]
    if all(gaps):
        tight = [False] * len(pairs)
    return [tie or _leads(text, *two) for tie, two in zip(tight, pairs, strict=True)]


def _leads(text: str, block: Block, below: Block) -> bool:
    """Whether a block introduces the next one: a question its answer, a lead-in a list.

    Boilerplate stays with its neighbours.
    """
    if block.kind == "question":
        return True
    if any(is_boilerplate(text[each.start : each.end]) for each in (block, below)):
        return True
    if _is_lone_question(text, block):
        return not _is_lone_question(text, below)
    closing = text[max(block.start, block.end - 4) : block.end].rstrip("*_")
    return block.kind == "paragraph" and (below.kind == "list" or closing.endswith((":", "：")))


def _is_lone_question(text: str, block: Block) -> bool:
    """Whether a block, or the item of a list, is a single line that asks a question."""
    if block.end - block.start > _LONGEST_QUESTION or block.kind not in ("paragraph", "list"):
        return False
    line = text[block.start : block.end]
    return is_question(line) and not set("\r\n") & set(line)


def _block_atoms(region: Region, block: Block, room: int, window: Window) -> list[_Atom]:
    headers = [(table, _header(region.text, table, window)) for table in block.tables]
    cost = max((window.count(header) for _, header in headers), default=0)
    least = room // MOST_ROWS if has_many_rows(block) else 0
    return [
        _Atom(start, _header_over(headers, start), least)
        for start in part_starts(region, block, room - cost)
    ]


def _header(text: str, table: Table, window: Window) -> str:
    return window.cut(" ".join(_TAG.sub(" ", text[table.start : table.header_end]).split()))


def _header_over(headers: list[tuple[Table, str]], start: int) -> str:
    """The header of the table that has a row there, "" if none has."""
    over = (header for table, header in headers if table.header_end <= start < table.end)
    return next(over, "")


def _packed(
    region: Region, atoms: list[_Atom], room: int, window: Window
) -> list[tuple[int, int, str]]:
    """The atoms joined into as few spans as will hold them, the largest as small as can be."""
    header_costs = {header: window.count(header) for header in {atom.header for atom in atoms}}
    costs = [header_costs[atom.header] for atom in atoms]
    ends = [*(atom.start for atom in atoms[1:]), region.end]
    sizes = [
        max(atom.least, region.count(atom.start, end))
        for atom, end in zip(atoms, ends, strict=True)
    ]
    at = [0, *accumulate(sizes)]
    low, high = 1, room
    fewest = len(_filled(at, costs, room))
    while low < high:
        middle = (low + high) // 2
        if len(_filled(at, costs, middle)) <= fewest:
            high = middle
        else:
            low = middle + 1
    bounds = [*_filled(at, costs, low), len(atoms)]
    return [(atoms[i].start, ends[j - 1], atoms[i].header) for i, j in pairwise(bounds)]


def _filled(at: list[int], costs: list[int], room: int) -> list[int]:
    """The first atom of each span, where each span takes as many atoms as fit into `room`."""
    firsts = []
    i = 0
    while i < len(costs):
        firsts.append(i)
        i = max(i + 1, bisect_right(at, at[i] + room - costs[i]) - 1)
    return firsts


def _fitting(
    region: Region, cuts: list[int], start: int, end: int, context: str, window: Window
) -> Iterator[tuple[int, int]]:
    """The span, or parts that fit if a cut inside a word has made more word pieces of it."""
    waiting = [(start, end)]
    while waiting:
        start, end = trimmed(region.text, *waiting.pop())
        if end - start > 1 and not _fits(region.text[start:end], context, window):
            middle = _middle(region, cuts, start, end)
            waiting += [(middle, end), (start, middle)]
        elif start < end:
            yield start, end


def _fits(text: str, context: str, window: Window) -> bool:
    return window.count(f"{context}\n{text}" if context else text) <= window.limit


def _middle(region: Region, cuts: list[int], start: int, end: int) -> int:
    """A cut near the middle of a span: the start of an atom, else of a piece, else a character."""
    half = (start + end) // 2
    for places in (cuts, region.pieces):  # type: list[int] | array[int]
        i = bisect_left(places, half)
        for at in places[max(0, i - 1) : i + 1]:
            if start < at < end:
                return at
    return half


def _passage(document: Document, section: Section, start: int, end: int, context: str) -> Passage:
    key = f"{document.id}\n{document.sha256}\n{start}\n{end}"
    return Passage(
        id="p" + hashlib.sha256(key.encode()).hexdigest()[:16],
        document_id=document.id,
        section_id=section.id,
        start=start,
        end=end,
        text=document.text[start:end],
        context=context,
    )
