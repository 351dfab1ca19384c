"""How well real documents are read: `python -m eval.studies.reading FOLDER`.

FOLDER holds the documents of the golden notes (`golden`). Printed are, in Markdown:

- the scores of each document, and of other converters if `--python` names a Python that has them:
  `--python PYTHON --converter markitdown --converter pandoc`;
- of 100 sentences of PDFs, how many a second engine (poppler's pdftotext) finds on the same page;
- what the second engine reads of PDFs that is neither in the text nor in the report.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated

import typer

from eval.provenance import RESULTS, commit, machine, write_outcome
from eval.studies.converters import Converted, Converter, started
from eval.studies.golden import Golden, GoldenScores, goldens, scores
from eval.studies.second_engine import is_on, loss, pdfs, sample
from eval.studies.tree_similarity import plain
from eval.studies.views import view_of
from rag.documents.parse import ending, parse
from rag.text import LineIndex
from rag.types import ParsedDocument

_OURS = "rag"
_SHOWN = 20
_COLUMNS = "| reader | format | documents | order | headings | tables | items | s |"
_RULE = "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"


@dataclass(frozen=True, slots=True)
class Measured:
    """How well a reader read a document, and how long that took."""

    reader: str
    file: str
    scores: GoldenScores
    seconds: float


def main(
    folder: Path,
    python: Annotated[Path | None, typer.Option(help="A Python that has the converters")] = None,
    converter: Annotated[list[str] | None, typer.Option(help="markitdown, pandoc, ...")] = None,
    results: Annotated[Path, typer.Option(help="Where the figures go")] = RESULTS / "reading.json",
) -> None:
    """Score the documents in a folder against the golden notes."""
    notes = [note for note in goldens() if (folder / note.file).is_file()]
    reads = [_ours(folder, note) for note in notes]
    if python is not None:
        with started(python, converter or []) as converters:
            reads += [_theirs(one, folder, note) for one in converters for note in notes]
    all_pdfs = list(pdfs(folder))
    checked = [(text, page, pdf) for pdf, text, page in sample(all_pdfs)]
    right = sum(is_on(text, page, pdf.pages) for text, page, pdf in checked)
    losses = [found for pdf in all_pdfs if (found := loss(pdf))]
    placed = _placed(folder, notes)
    for line in table(reads):
        typer.echo(line)
    typer.echo(f"noted sentences at their place: {sum(placed.values())} of {len(placed)}")
    typer.echo(f"sentences of PDFs on their page: {right} of {len(checked)}")
    for found in losses:
        said = ", ".join(found.codes) or "silent"
        typer.echo(f"{found.file}: {found.letters} letters of {len(found.pages)} pages ({said})")
    outcome = {
        "command": "python -m eval.studies.reading FOLDER",
        "commit": commit(),
        "machine": machine(),
        "documents": [asdict(read) for read in reads],
        "not_at_their_place": [sentence for sentence, is_right in placed.items() if not is_right],
        "pages": {"right": right, "of": len(checked)},
        "losses": [asdict(found) | {"words": found.words[:_SHOWN]} for found in losses],
    }
    write_outcome(results, outcome)


def table(reads: Iterable[Measured]) -> Iterator[str]:
    """The mean scores by reader and format, as lines of a table in Markdown."""
    yield _COLUMNS
    yield _RULE
    groups: dict[tuple[str, str], list[Measured]] = {}
    for read in reads:
        groups.setdefault((read.reader, ending(read.file)), []).append(read)
    for (reader, format), group in groups.items():
        columns = zip(*(astuple(read.scores) for read in group), strict=True)
        means = " | ".join(map(_mean, columns))
        seconds = sum(read.seconds for read in group)
        yield f"| {reader} | {format} | {len(group)} | {means} | {seconds:.1f} |"


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.2f}" if known else ""


def _parsed(folder: Path, note: Golden) -> ParsedDocument:
    return parse(note.file, (folder / note.file).read_bytes()).documents[0]


def _ours(folder: Path, note: Golden) -> Measured:
    began = time.perf_counter()
    parsed = _parsed(folder, note)
    seconds = time.perf_counter() - began
    return Measured(_OURS, note.file, scores(note, view_of(parsed, note.page)), seconds)


def _theirs(converter: Converter, folder: Path, note: Golden) -> Measured:
    found: Converted = converter.convert(folder / note.file, note.page)
    return Measured(converter.name, note.file, scores(note, found.view), found.seconds)


def _placed(folder: Path, notes: Sequence[Golden]) -> dict[str, bool]:
    """The noted sentences with their files, and whether each stands at the noted place."""
    return {
        f"{note.file}: {sentence}": place in _places_of(_parsed(folder, note), sentence)
        for note in notes
        for sentence, place in note.sentences
    }


def _places_of(parsed: ParsedDocument, sentence: str) -> set[str]:
    """The places at which a document has a sentence, as the notes name them."""
    document = parsed.document
    lines = LineIndex.of(document.text)
    found = set()
    for match in re.finditer(r"[\W_]+".join(plain(sentence).split()), document.text):
        place = document.place_at(match.start())
        if place:
            found.add(f"{place.kind} {place.number}" if place.number else "#")
        above = [
            block.label for block in parsed.blocks if block.label and block.end < match.start()
        ]
        found |= {f"line {lines.line_of(match.start())}", f"heading {above[-1] if above else ''}"}
    return found


if __name__ == "__main__":
    typer.run(main)
