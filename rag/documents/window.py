"""What a passage must fit into, and the text that is divided, both counted in word pieces."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from rag.types import Block

WordPieces = Callable[[str], list[tuple[int, int]]]

LONGEST_PIECE = 100


@dataclass(frozen=True, slots=True)
class Region:
    """The text of a section below its heading, and where its word pieces begin, sorted."""

    text: str
    start: int
    end: int
    pieces: array[int]

    def count(self, start: int, end: int) -> int:
        """How many word pieces begin in a span."""
        return bisect_left(self.pieces, end) - bisect_left(self.pieces, start)


@dataclass(frozen=True, slots=True)
class Window:
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
        text = text[: room * LONGEST_PIECE]
        pieces = self.word_pieces(text)
        if len(pieces) <= room:
            return text
        head = text[: pieces[room][0]]
        if not head[-1:].isspace() and " " in head:
            head = head[: head.rindex(" ")]
        return head.rstrip()


def region_of(text: str, blocks: list[Block], window: Window) -> Region:
    """The region of the blocks; a long piece counts as several, so that no passage is endless."""
    start, end = blocks[0].start, blocks[-1].end
    pieces = array("i")
    for a, b in window.word_pieces(text[start:end]):
        pieces.append(start + a)
        if b - a > LONGEST_PIECE:
            pieces.extend(range(start + a + LONGEST_PIECE, start + b, LONGEST_PIECE))
    return Region(text, start, end, pieces)
