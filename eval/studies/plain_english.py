"""`python -m eval.studies.plain_english DATA FOLDER`: which texts are English by their stop words.

How many passages of the public sets, which are in English, pass each limit, and how many texts of
other languages do. The latter are the messages of programs below FOLDER, such as an installation of
Django or Sphinx: LANGUAGE/LC_MESSAGES/*.mo. Mixed texts are English in part; counted are those that
the detector is sure are not English. DATA holds retrieval/.
"""

from __future__ import annotations

import gettext
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, product
from pathlib import Path

from eval.sets.beir import documents
from eval.studies.markdown import figure, table
from rag.documents.language import (
    LEAST_LETTERS,
    LONGEST,
    MOST_BEYOND_ASCII,
    EnglishSigns,
    detected,
    english_signs,
)
from rag.text import ENGLISH

SHARES = (0.1, 0.15, 0.2)
DIFFERENT = (4, 6, 8)
# Passages of a set at most, and messages that make a text.
MOST = 2500
MESSAGES = 12
# Mixed texts, and the shares of them that are English.
MIXED = 3000
ENGLISH_SHARES = (0.25, 0.35, 0.5, 0.65)
SEED = 3
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


def mixed(own: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    """Texts of two languages that the detector takes for another than English."""
    dice = random.Random(SEED)
    for text in dice.sample(others, min(MIXED, len(others))):
        for share in ENGLISH_SHARES:
            cut = int(LONGEST * share)
            parts = [dice.choice(own)[:cut], text[: LONGEST - cut]]
            dice.shuffle(parts)
            made = "\n".join(parts)
            if detected(made) not in (None, ENGLISH):
                yield made


def rows(texts: Sequence[Sequence[str]]) -> list[list[str]]:
    """For each limit the share of the English texts that pass it, and how many of each other."""
    own, *others = ([english_signs(text) for text in each] for each in texts)

    def passing(found: Sequence[EnglishSigns], share: float, different: int) -> int:
        return sum(
            each.share >= share
            and each.different >= different
            and each.beyond_ascii <= MOST_BEYOND_ASCII
            for each in found
        )

    return [
        [
            f"{share:.2f}",
            str(different),
            figure(passing(own, share, different) / len(own)),
            *(str(passing(each, share, different)) for each in others),
        ]
        for share, different in product(SHARES, DIFFERENT)
    ]


def main(data: Path, folder: Path) -> None:
    """Prints the table."""
    own, others = list(english(data)), list(foreign(folder))
    both = list(mixed(own, others))
    print(f"{len(own)} texts in English, {len(others)} in other languages, {len(both)} mixed\n")
    head = ["share", "different words", "English that passes", "others that pass", "mixed"]
    print(table(head, rows([own, others, both])))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
