"""Divides sections into passages that fit the encoder's window, by its own word pieces.

A section that fits is one passage. Else it is taken apart where it hurts least: between blocks,
then between the items of a list or the rows of a table, between sentences, between words and at
last between word pieces; each finer cut only in what would not fit otherwise. A list keeps its
lead-in, and a paragraph that closes with a colon keeps what follows it. The parts are put together
again into the smallest number of passages, as even in size as they will go.

Every character that is not blank lies in exactly one passage, but for those of headings.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rag.text import sentences, trimmed
from rag.types import Block, Document, ParsedDocument, Passage, Section

WordPieces = Callable[[str], list[tuple[int, int]]]

_SMALLEST_LIMIT = 8
_LONGEST_PIECE = 100
_STEPS = 8
_BELOW = " > "


@dataclass(frozen=True, slots=True)
class _Atom:
    """Where a part that stays whole begins; `header` is that of the table that it was cut off."""

    start: int
    header: str = ""


@dataclass(frozen=True, slots=True)
class _Region:
    """The text of a section below its heading, and where its word pieces begin, sorted."""

    text: str
    start: int
    end: int
    pieces: array[int]

    def count(self, start: int, end: int) -> int:
        """How many word pieces begin in a span."""
        return bisect_left(self.pieces, end) - bisect_left(self.pieces, start)


@dataclass(frozen=True, slots=True)
class _Window:
    """What the encoder takes: at most `limit` word pieces, of context and text together."""

    word_pieces: WordPieces
    limit: int
    known: dict[str, int] = field(default_factory=dict)

    def count(self, text: str) -> int:
        """How many word pieces a text of its own has."""
        return len(self.word_pieces(text))

    def count_again(self, label: str) -> int:
        """The same of a label, which many sections share: counted once."""
        if label not in self.known:
            self.known[label] = self.count(label)
        return self.known[label]

    def cut(self, text: str) -> str:
        """The text, or as much of it as fits into a quarter of the window, cut between words."""
        room = self.limit // 4
        text = text[: room * _LONGEST_PIECE]
        pieces = self.word_pieces(text)
        if len(pieces) <= room:
            return text
        head = text[: pieces[room][0]]
        if not head[-1:].isspace() and " " in head:
            head = head[: head.rindex(" ")]
        return head.rstrip()


def passages_of(
    parsed: ParsedDocument, sections: Sequence[Section], word_pieces: WordPieces, limit: int
) -> list[Passage]:
    r"""The passages of the sections, in order.

    `word_pieces` gives the spans of the word pieces of a text, in order. Of a passage,
    `f"{context}\n{text}"` has at most `limit` word pieces; `limit` is 8 or more.
    """
    assert limit >= _SMALLEST_LIMIT, limit
    window = _Window(word_pieces, limit)
    starts = [block.start for block in parsed.blocks]
    found: list[Passage] = []
    for section in sections:
        first, after = bisect_left(starts, section.start), bisect_left(starts, section.end)
        blocks = [block for block in parsed.blocks[first:after] if block.kind != "heading"]
        found.extend(_passages(parsed.document, section, blocks, window))
    return found


def _passages(
    document: Document, section: Section, blocks: list[Block], window: _Window
) -> Iterator[Passage]:
    region = _region(document.text, blocks, window)
    # A title that is merely the id, for want of one, says nothing.
    title = "" if document.title == document.id else document.title
    context, pieces = _context((title, *section.heading_path), window)
    opening = context
    if section.kind == "faq":
        opening, pieces = _context((title, *section.heading_path[:-1]), window)
    # A tokenizer may find some more pieces in the whole than in its parts, but not twice as many.
    if 2 * (pieces + len(region.pieces)) <= window.limit:
        yield _passage(document, section, region.start, region.end, opening)
        return
    room = window.limit - max(window.count(context), window.count(opening))
    atoms = [_Atom(region.start)]
    if region.count(region.start, region.end) > window.limit - window.count(opening):
        atoms = _atoms(region, blocks, room, window)
    cuts = [atom.start for atom in atoms]
    for start, end, header in _packed(region, atoms, room, window):
        above = opening if start < section.body_start else context
        above = f"{above}\n{header}" if header else above
        for a, b in _fitting(region, cuts, start, end, above, window):
            yield _passage(document, section, a, b, above)


def _region(text: str, blocks: list[Block], window: _Window) -> _Region:
    """The region of the blocks; a long piece counts as several, so that no passage is endless."""
    start, end = blocks[0].start, blocks[-1].end
    pieces = array("i")
    for a, b in window.word_pieces(text[start:end]):
        pieces.append(start + a)
        if b - a > _LONGEST_PIECE:
            pieces.extend(range(start + a + _LONGEST_PIECE, start + b, _LONGEST_PIECE))
    return _Region(text, start, end, pieces)


def _context(headings: Sequence[str], window: _Window) -> tuple[str, int]:
    """The headings joined, in at most a quarter of the window, and how many word pieces that is.

    The outermost are left out first.
    """
    longest = window.limit * _LONGEST_PIECE
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


def _atoms(region: _Region, blocks: list[Block], room: int, window: _Window) -> list[_Atom]:
    """The parts of a region in order, each of at most `room` word pieces."""
    atoms: list[_Atom] = []
    for group in _groups(region.text, blocks):
        if region.count(group[0].start, group[-1].end) <= room:
            atoms.append(_Atom(group[0].start))
        else:
            atoms += _group_atoms(region, group, room, window)
    return atoms


def _group_atoms(region: _Region, group: list[Block], room: int, window: _Window) -> list[_Atom]:
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


def _groups(text: str, blocks: list[Block]) -> list[list[Block]]:
    """The blocks, each lead-in together with what it leads to."""
    groups: list[list[Block]] = []
    for i, block in enumerate(blocks):
        if i and _leads(text, blocks[i - 1], block):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def _leads(text: str, block: Block, below: Block) -> bool:
    if block.kind == "question":
        return True
    closing = text[max(block.start, block.end - 4) : block.end].rstrip("*_")
    return block.kind == "paragraph" and (below.kind == "list" or closing.endswith((":", "：")))


def _block_atoms(region: _Region, block: Block, room: int, window: _Window) -> list[_Atom]:
    header = ""
    if block.header_end > block.start:
        header = window.cut(" ".join(region.text[block.start : block.header_end].split()))
    starts = _cut(region, block, room - (window.count(header) if header else 0))
    return [_Atom(starts[0]), *(_Atom(start, header) for start in starts[1:])]


def _cut(region: _Region, block: Block, room: int) -> list[int]:
    """Where the parts of a block begin, cut only as finely as each of them needs to fit."""
    if region.count(block.start, block.end) <= room:
        return [block.start]
    spans = [(block.start, block.end)]
    for starts_in in (_part_starts, _sentence_starts, _word_starts, _piece_starts):
        finer = []
        for start, end in spans:
            if region.count(start, end) <= room:
                finer.append((start, end))
            else:
                inner = [at for at in starts_in(region, block, start, end, room) if at > start]
                finer.extend(pairwise([start, *inner, end]))
        spans = finer
    return [start for start, _ in spans]


def _part_starts(region: _Region, block: Block, start: int, end: int, room: int) -> list[int]:
    return [a for a, _ in block.parts[1:]]


def _sentence_starts(region: _Region, block: Block, start: int, end: int, room: int) -> list[int]:
    return [a for a, _ in sentences(region.text, start, end)]


def _word_starts(region: _Region, block: Block, start: int, end: int, room: int) -> list[int]:
    """The starts of words, no closer to each other than is of use."""
    text, pieces = region.text, region.pieces
    first, after = bisect_left(pieces, start), bisect_left(pieces, end)
    words = [i for i in range(first + 1, after) if text[pieces[i] - 1].isspace()]
    found: list[int] = []
    last = first
    for word, following in pairwise([*words, after]):
        if word - last >= room // _STEPS or following - last > room:
            found.append(pieces[word])
            last = word
    return found


def _piece_starts(region: _Region, block: Block, start: int, end: int, room: int) -> list[int]:
    first, after = bisect_left(region.pieces, start), bisect_left(region.pieces, end)
    step = max(1, room // _STEPS)
    return region.pieces[first + step : after : step].tolist()


def _packed(
    region: _Region, atoms: list[_Atom], room: int, window: _Window
) -> list[tuple[int, int, str]]:
    """The atoms joined into as few spans as will hold them, the largest as small as can be."""
    header_costs = {header: window.count(header) for header in {atom.header for atom in atoms}}
    costs = [header_costs[atom.header] for atom in atoms]
    at = [bisect_left(region.pieces, atom.start) for atom in atoms] + [len(region.pieces)]
    low, high = 1, room
    fewest = len(_filled(at, costs, room))
    while low < high:
        middle = (low + high) // 2
        if len(_filled(at, costs, middle)) <= fewest:
            high = middle
        else:
            low = middle + 1
    bounds = [*_filled(at, costs, low), len(atoms)]
    ends = [*(atom.start for atom in atoms), region.end]
    return [(atoms[i].start, ends[j], atoms[i].header) for i, j in pairwise(bounds)]


def _filled(at: list[int], costs: list[int], room: int) -> list[int]:
    """The first atom of each span, where every span takes as many atoms as fit into `room`."""
    firsts = []
    i = 0
    while i < len(costs):
        firsts.append(i)
        i = max(i + 1, bisect_right(at, at[i] + room - costs[i]) - 1)
    return firsts


def _fitting(
    region: _Region, cuts: list[int], start: int, end: int, context: str, window: _Window
) -> Iterator[tuple[int, int]]:
    """The span; or, where a cut inside a word has made more pieces of it, parts that do fit."""
    waiting = [(start, end)]
    while waiting:
        start, end = trimmed(region.text, *waiting.pop())
        if end - start > 1 and not _fits(region.text[start:end], context, window):
            middle = _middle(region, cuts, start, end)
            waiting += [(middle, end), (start, middle)]
        elif start < end:
            yield start, end


def _fits(text: str, context: str, window: _Window) -> bool:
    return window.count(f"{context}\n{text}" if context else text) <= window.limit


def _middle(region: _Region, cuts: list[int], start: int, end: int) -> int:
    """A cut near the middle of a span: where an atom begins, else a piece, else a character."""
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
