"""What tests ask of a reading."""

from __future__ import annotations

from rag.documents.readers.reading import Reading


def shown(reading: Reading) -> list[tuple[str, str]]:
    """The kinds of the blocks with their texts; checks that blocks and parts are in order."""
    end = 0
    for block in reading.blocks:
        assert end <= block.start < block.end <= len(reading.text)
        assert all(block.start <= a < b <= block.end for a, b in block.parts)
        end = block.end
    return [(block.kind, reading.text[block.start : block.end]) for block in reading.blocks]


def headings(reading: Reading) -> list[tuple[int, str]]:
    """The levels and labels of the headings."""
    return [(block.level, block.label) for block in reading.blocks if block.kind == "heading"]


def rows(reading: Reading) -> list[list[str]]:
    """The cells of all tables."""
    tables = [text for kind, text in shown(reading) if kind == "table"]
    return [line.split(" | ") for text in tables for line in text.split("\n")]


def pairs(reading: Reading) -> list[tuple[str, str]]:
    """The questions, each with the text of the block below it."""
    blocks = [*reading.blocks, None]
    return [
        (block.label, reading.text[below.start : below.end] if below else "")
        for block, below in zip(reading.blocks, blocks[1:], strict=True)
        if block.kind == "question"
    ]


def place_of(reading: Reading, words: str) -> tuple[str, int, str] | None:
    """The place in which words stand."""
    at = reading.text.index(words)
    found = [place for place in reading.places if place.start <= at]
    return (found[-1].kind, found[-1].number, found[-1].name) if found else None
