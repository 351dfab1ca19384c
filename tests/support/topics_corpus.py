"""A corpus of topics with an FAQ, worked out on paper: each topic has a letter of its own."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rag.index.snapshot import Snapshot
from support.letter_encoder import snapshot_of

LETTERS = "bcdfghjklmnpqrsvxyz"


def topic(letter: str) -> str:
    """The section that answers the topic's question."""
    return f"## {letter}abo\n\n{letter}eko {letter}ilu {letter}ona.\n\n"


def pair(letter: str) -> str:
    """The topic's FAQ pair, answered in the words of its section."""
    return f"Q: What {letter}abo {letter}umi?\nA: {letter}eko {letter}ilu.\n\n"


def texts(
    letters: str = LETTERS, empty: Collection[str] = (), faq: str | None = None, more: str = ""
) -> dict[str, str]:
    """The documents: those of `empty` have lost their text; `faq` are the letters of the pairs."""
    documents = {
        f"topic-{letter}": f"## {letter}abo\n\nNothing.\n" if letter in empty else topic(letter)
        for letter in letters
    }
    pairs = "".join(pair(letter) for letter in (letters if faq is None else faq))
    return {**documents, "zzz-faq": f"# FAQ\n\n{pairs}{more}\n"}


def garden(
    folder: Path,
    letters: str = LETTERS,
    empty: Collection[str] = (),
    faq: str | None = None,
    more: str = "",
) -> Snapshot:
    """A snapshot of them by the letter encoder."""
    return snapshot_of(folder, **texts(letters, empty, faq, more))
