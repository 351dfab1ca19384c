"""Damages one file of a snapshot, in the ways in which disks and people do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOLE = 4096


@dataclass(frozen=True, slots=True)
class Damage:
    """What a file is to hold instead; None: it is missing."""

    kind: str
    name: str
    content: bytes | None


def damages(folder: Path, other: Path, flips: int, holes: int, cuts: int) -> Iterator[Damage]:
    """So many of each kind, spread over the files by chance, their sizes disregarded; then each
    file missing, empty, longer, and as it is in another snapshot. What changes nothing is left
    out."""
    whole = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    dice = random.Random(5)
    long = [name for name, content in whole.items() if len(content) > 2 * HOLE]
    for kind, number, names in (
        ("flip", flips, list(whole)),
        ("hole", holes, long),
        ("cut", cuts, list(whole)),
    ):
        for _ in range(number):
            name = dice.choice(names)
            yield Damage(kind, name, _damaged(kind, whole[name], dice))
    for name, content in whole.items():
        yield Damage("missing", name, None)
        yield Damage("empty", name, b"")
        yield Damage("longer", name, content + b"\0")
        swapped = (other / name).read_bytes()
        if swapped != content:
            yield Damage("swap", name, swapped)


def _damaged(kind: str, content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    if kind == "flip":
        return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]
    if kind == "cut":
        return content[:at]
    start = at // HOLE * HOLE
    while not content[start : start + HOLE].strip(b"\0"):
        start = dice.randrange(len(content)) // HOLE * HOLE
    return content[:start] + bytes(len(content[start : start + HOLE])) + content[start + HOLE :]


def apply(damage: Damage, folder: Path) -> bytes:
    """Damages the file; returns what it held."""
    path = folder / damage.name
    whole = path.read_bytes()
    path.unlink()
    if damage.content is not None:
        path.write_bytes(damage.content)
    return whole
