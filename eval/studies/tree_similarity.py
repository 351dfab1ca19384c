"""How alike two texts, two outlines of headings and two tables are, each from 0 to 1.

- Texts: normalised indel similarity, twice the longest common subsequence over both lengths.
- Trees: 1 - distance / nodes of the larger tree, with the edit distance of Zhang and Shasha (1989).
  Inserting or deleting a node costs 1, renaming one the dissimilarity of both texts. Of tables
  (table, rows, cells) this is TEDS (Zhong et al. 2020); of headings, each below the nearest higher
  one before it, the similarity of heading structures.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Heading = tuple[int, str]
GridRow = Sequence[str]


def plain(text: str) -> str:
    """The letters and digits of a text, with a blank for all that stands between."""
    letters = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


def text_similarity(a: str, b: str) -> float:
    """The normalised indel similarity; 1 for two empty texts."""
    return 2 * _common(a, b) / (len(a) + len(b)) if a or b else 1.0


def heading_similarity(a: Iterable[Heading], b: Iterable[Heading]) -> float:
    """How alike two outlines are in their texts, their order and their levels."""
    return _tree_similarity(_outline(a), _outline(b))


def table_similarity(a: Sequence[GridRow], b: Sequence[GridRow]) -> float:
    """How alike two tables are in their rows, cells and texts."""
    return _tree_similarity(_grid(a), _grid(b))


def _common(a: str, b: str) -> int:
    """The length of the longest common subsequence, by bits in parallel (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for i, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << i
    whole = (1 << len(a)) - 1
    row = whole
    for letter in b:
        matched = row & places.get(letter, 0)
        row = (row + matched | row - matched) & whole
    return len(a) - row.bit_count()


@dataclass(slots=True)
class _Node:
    text: str
    children: list[_Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Tree:
    """The nodes' texts in postorder, the first leaf below each, and the last node of each first
    leaf."""

    texts: list[str]
    leaves: list[int]
    roots: list[int]


def _outline(headings: Iterable[Heading]) -> _Node:
    root = _Node("")
    above = [(0, root)]
    for level, text in headings:
        while above[-1][0] >= level:
            above.pop()
        node = _Node(plain(text))
        above[-1][1].children.append(node)
        above.append((level, node))
    return root


def _grid(rows: Sequence[GridRow]) -> _Node:
    return _Node("", [_Node("", [_Node(plain(cell)) for cell in row]) for row in rows])


def _tree(root: _Node) -> _Tree:
    texts: list[str] = []
    leaves: list[int] = []

    def walk(node: _Node) -> int:
        firsts = [walk(child) for child in node.children]
        texts.append(node.text)
        leaves.append(firsts[0] if firsts else len(texts) - 1)
        return leaves[-1]

    walk(root)
    return _Tree(texts, leaves, sorted({leaf: i for i, leaf in enumerate(leaves)}.values()))


def _tree_similarity(a: _Node, b: _Node) -> float:
    """1 for trees without a node below the root."""
    one, two = _tree(a), _tree(b)
    larger = max(len(one.texts), len(two.texts)) - 1
    return 1 - _distance(one, two) / larger if larger else 1.0


def _distance(a: _Tree, b: _Tree) -> float:
    found = [[0.0] * len(b.texts) for _ in a.texts]
    costs: dict[tuple[str, str], float] = {}
    for i in a.roots:
        for j in b.roots:
            _subtrees(a, b, i, j, found, costs)
    return found[-1][-1]


def _subtrees(
    a: _Tree,
    b: _Tree,
    i: int,
    j: int,
    found: list[list[float]],
    costs: dict[tuple[str, str], float],
) -> None:
    """Fills in the distances between the subtrees on the left paths of nodes i and j."""
    first, other = a.leaves[i], b.leaves[j]
    rows, columns = i - first + 2, j - other + 2
    forest = [[float(x + y) if not (x and y) else 0.0 for y in range(columns)] for x in range(rows)]
    for x in range(1, rows):
        for y in range(1, columns):
            one, two = first + x - 1, other + y - 1
            least = min(forest[x - 1][y], forest[x][y - 1]) + 1
            if a.leaves[one] == first and b.leaves[two] == other:
                pair = (a.texts[one], b.texts[two])
                if pair not in costs:
                    costs[pair] = 1 - text_similarity(*pair)
                forest[x][y] = found[one][two] = min(least, forest[x - 1][y - 1] + costs[pair])
            else:
                before = forest[a.leaves[one] - first][b.leaves[two] - other]
                forest[x][y] = min(least, before + found[one][two])
