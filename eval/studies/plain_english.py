"""`python -m eval.studies.plain_english DATA FOLDER`: which texts are English by their stop words.

How many passages of the public sets, which are in English, pass each limit, and how many texts of
other languages do. The latter are the messages of programs below FOLDER, such as an installation of
Django or Sphinx: LANGUAGE/LC_MESSAGES/*.mo. DATA holds retrieval/.
"""

from __future__ import annotations

import gettext
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path

from eval.sets.beir import documents
from eval.studies.markdown import figure, table
from rag.documents.language import LEAST_LETTERS, LONGEST, stop_words_of
from rag.text import ENGLISH

SHARES = (0.15, 0.2, 0.25)
DIFFERENT = (4, 5, 6, 7)
# Passages of a set at most, and messages that make a text.
MOST = 2500
MESSAGES = 6
# What a program fills in, and markup.
_FILLED_IN = re.compile(r"%\(\w+\)s|%s|\{\w*\}|<[^>]+>")


def english(data: Path) -> Iterator[str]:
    """The passages that are long enough to tell."""
    for folder in sorted((data / "retrieval").iterdir()):
        read = documents(folder / "corpus.jsonl")
        yield from told(text for _, _, text in islice(read, MOST))


def foreign(folder: Path) -> Iterator[str]:
    """The messages below a folder that are translated, some at a time."""
    for path in sorted(folder.rglob("*.mo")):
        if path.parts[-3].startswith(ENGLISH):
            continue
        with path.open("rb") as file:
            catalog: dict[object, object] = vars(gettext.GNUTranslations(file))["_catalog"]
        found = [
            _FILLED_IN.sub("", text)
            for asked, text in catalog.items()
            if asked and isinstance(text, str) and text != asked
        ]
        yield from told(
            " ".join(found[at : at + MESSAGES]) for at in range(0, len(found), MESSAGES)
        )


def told(texts: Iterable[str]) -> Iterator[str]:
    """What is looked at of the texts that are not too short."""
    starts = (text[:LONGEST] for text in texts)
    return (start for start in starts if sum(map(str.isalpha, start)) >= LEAST_LETTERS)


def rows(own: Sequence[str], others: Sequence[str]) -> list[list[str]]:
    """For each limit the share of the English texts that pass it, and the number of the others."""
    found, wrong = ([stop_words_of(text) for text in texts] for texts in (own, others))

    def passing(texts: Sequence[tuple[float, int]], share: float, different: int) -> int:
        return sum(each >= share and count >= different for each, count in texts)

    return [
        [
            f"{share:.2f}",
            str(different),
            figure(passing(found, share, different) / len(found)),
            str(passing(wrong, share, different)),
        ]
        for share, different in product(SHARES, DIFFERENT)
    ]


def main(data: Path, folder: Path) -> None:
    """Prints the table."""
    own, others = list(english(data)), list(foreign(folder))
    print(f"{len(own)} passages in English, {len(others)} texts in other languages\n")
    head = ["share", "different words", "English that passes", "others that pass"]
    print(table(head, rows(own, others)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
