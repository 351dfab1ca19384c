"""PDFs as a second engine reads them: poppler's pdftotext, which the system has to have."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from eval.studies.tree_similarity import plain
from rag.documents.parse import parse
from rag.types import ParsedDocument
from rag.types.errors import CorpusError, UsageError

SENTENCES = 100
_SENTENCE = re.compile(r"(?<![^\n.?!] )[^\W\d_][^\n|.?!]{40,200}[.?!](?=\s|$)")
_RUN = 12
# Parts of the letters of a page that the two engines may tell in another way.
_SAME = 0.02


@dataclass(frozen=True, slots=True)
class Pdf:
    """A PDF as this project and as the second engine read it. `pages` are the latter's."""

    name: str
    parsed: ParsedDocument
    notes: tuple[str, ...]
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """The letters of a PDF that the second engine reads and this project does not.

    `pages` are those that lose so many. `codes` are those of the notes that the report has on the
    file; without one the loss is silent.
    """

    file: str
    pages: tuple[int, ...]
    letters: int
    words: tuple[str, ...]
    codes: tuple[str, ...]


def pdfs(folder: Path) -> Iterator[Pdf]:
    """The PDFs below a folder that both engines read, by name."""
    for path in sorted(folder.rglob("*.pdf")):
        try:
            found = parse(path.name, path.read_bytes())
        except CorpusError:
            continue
        yield Pdf(
            path.relative_to(folder).as_posix(),
            found.documents[0],
            (*found.notes, *found.left_out),
            _pages(path),
        )


def _pages(path: Path) -> tuple[str, ...]:
    try:
        found = subprocess.run(
            ["pdftotext", "-q", "-enc", "UTF-8", str(path), "-"], capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise UsageError("pdftotext is missing: install poppler-utils") from error
    return tuple(found.stdout.decode("utf-8", "replace").split("\f")[:-1])


def sentences(pdf: Pdf) -> Iterator[tuple[str, int]]:
    """The sentences that a PDF has once, on one page, each with the page that is cited."""
    document = pdf.parsed.document
    for block in pdf.parsed.blocks:
        if block.kind != "paragraph":
            continue
        for found in _SENTENCE.finditer(document.text, block.start, block.end):
            first, last = document.place_at(found.start()), document.place_at(found.end() - 1)
            if first and first == last and document.text.count(found[0]) == 1:
                yield found[0], first.number


def sample(all_pdfs: Sequence[Pdf], count: int = SENTENCES) -> list[tuple[Pdf, str, int]]:
    """So many sentences, spread evenly over all that the PDFs have."""
    found = [(pdf, text, page) for pdf in all_pdfs for text, page in sentences(pdf)]
    step = max(len(found) // count, 1)
    return list(islice(found, step // 2, None, step))[:count]


def is_on(sentence: str, page: int, pages: Sequence[str]) -> bool:
    """Whether no page has more of the sentence than that page, which has most of it."""
    runs = _runs(sentence)
    shares = [len(runs & _runs(text)) / max(len(runs), 1) for text in pages]
    return page <= len(shares) and shares[page - 1] == max(shares) > 0.5


def loss(pdf: Pdf) -> Loss | None:
    """What the second engine reads on the pages of a PDF and the document has nowhere."""
    whole = plain(pdf.parsed.document.text).replace(" ", "")
    pages, lost = [], []
    for number, text in enumerate(pdf.pages, start=1):
        words = plain(text).split()
        missing = [word for word in words if word not in whole]
        if sum(map(len, missing)) > _SAME * sum(map(len, words)):
            pages.append(number)
            lost += missing
    if not lost:
        return None
    codes = tuple(note.partition(":")[0] for note in pdf.notes)
    return Loss(pdf.name, tuple(pages), sum(map(len, lost)), tuple(lost), codes)


def _runs(text: str) -> set[str]:
    """The runs of letters, whatever blanks and hyphens stand between."""
    letters = plain(text).replace(" ", "")
    return {letters[i : i + _RUN] for i in range(len(letters) - _RUN + 1)}
