"""What is read of real files, by format: `python -m eval.studies.formats FOLDER`.

Prints a table in Markdown for docs/formats.md: files, pages, characters, headings, tables, FAQ
pairs, seconds, and the verdicts of files that were not read whole. `--each` prints a line for each
file before it. A second table says what other converters get from the same files, if `--python`
names a Python that has them: `--python PYTHON --converter markitdown --converter pandoc`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from eval.studies.converters import Converter, started
from rag.documents.formats import SUFFIXES
from rag.documents.parse import ParsedFile, ending
from rag.documents.sandbox import Cage
from rag.types import ParsedDocument
from rag.types.errors import CorpusError

_COLUMNS = (
    "files",
    "read",
    "pages",
    "characters",
    "headings",
    "tables",
    "FAQ pairs",
    "s",
    "s a page",
)


@dataclass(frozen=True, slots=True)
class FileReading:
    """A file, the documents in it, the seconds that reading took, and what was said of it."""

    name: str
    documents: tuple[ParsedDocument, ...]
    seconds: float
    codes: tuple[str, ...]

    def count(self, kind: str) -> int:
        """How many blocks of a kind it has."""
        return sum(block.kind == kind for each in self.documents for block in each.blocks)

    @property
    def pages(self) -> int:
        """How many pages or slides it has; 0 if it has none."""
        places = [place for each in self.documents for place in each.document.places]
        return max((place.number for place in places if place.kind in ("page", "slide")), default=0)


def main(
    folder: Path,
    each: Annotated[bool, typer.Option("--each")] = False,
    python: Annotated[Path | None, typer.Option(help="A Python that has the converters")] = None,
    converter: Annotated[list[str] | None, typer.Option(help="markitdown, pandoc, ...")] = None,
) -> None:
    """Read all files below a folder and say what came out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with Cage() as cage:
        readings = [_read(cage, folder, path) for path in paths]
    if each:
        for reading in readings:
            typer.echo(_line(reading))
    for line in table(readings):
        typer.echo(line)
    if python is not None:
        with started(python, converter or []) as converters:
            for line in _others(converters, readings, folder):
                typer.echo(line)


def _others(
    converters: Sequence[Converter], readings: Sequence[FileReading], folder: Path
) -> Iterator[str]:
    """What all readers get from the files of each format, as lines of a table in Markdown."""
    yield "| format | reader | read | characters | headings | tables | s |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for name, group in _by_format(readings):
        for converter in converters:
            found = [converter.convert(folder / each.name) for each in group]
            views = [each.view for each in found if each.view and each.view.text.strip()]
            counts = (
                len(views),
                sum(len(view.text) for view in views),
                sum(len(view.headings) for view in views),
                sum(len(view.tables) for view in views),
            )
            seconds = sum(each.seconds for each in found)
            yield f"| {name} | {converter.name} | {' | '.join(map(str, counts))} | {seconds:.1f} |"


def table(readings: Iterable[FileReading]) -> Iterator[str]:
    """The figures by format, as lines of a table in Markdown."""
    yield f"| format | {' | '.join(_COLUMNS)} | notes |"
    yield f"| --- |{' ---: |' * len(_COLUMNS)} --- |"
    for name, group in _by_format(readings):
        yield f"| {name} | {' | '.join(_figures(group))} | {_notes(group)} |"


def _by_format(readings: Iterable[FileReading]) -> list[tuple[str, list[FileReading]]]:
    groups: dict[str, list[FileReading]] = {}
    for reading in readings:
        groups.setdefault(ending(reading.name), []).append(reading)
    return sorted(groups.items())


def _read(cage: Cage, folder: Path, path: Path) -> FileReading:
    name = path.relative_to(folder).as_posix()
    if ending(name) not in SUFFIXES:
        return FileReading(name, (), 0.0, ("unsupported",))
    began = time.perf_counter()
    try:
        found = cage.parse(name, path.read_bytes())
    except CorpusError as error:
        return FileReading(name, (), time.perf_counter() - began, (_code(str(error)),))
    return FileReading(name, found.documents, time.perf_counter() - began, tuple(_said(found)))


def _said(found: ParsedFile) -> Iterator[str]:
    yield from map(_code, (*found.left_out, *found.notes))


def _code(said: str) -> str:
    head, colon, _ = said.partition(":")
    return head if colon and " " not in head else "refused"


def _figures(group: list[FileReading]) -> list[str]:
    read = [each for each in group if each.documents]
    pages = sum(each.pages for each in read)
    seconds = sum(each.seconds for each in group)
    characters = sum(len(each.document.text) for reading in read for each in reading.documents)
    counts = [sum(each.count(kind) for each in read) for kind in ("heading", "table", "question")]
    whole = [len(group), len(read), pages or "", characters, *counts]
    return [*map(str, whole), f"{seconds:.1f}", f"{seconds / pages:.3f}" if pages else ""]


def _notes(group: list[FileReading]) -> str:
    codes = Counter(code for each in group for code in each.codes)
    return ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))


def _line(reading: FileReading) -> str:
    verdict = ",".join(reading.codes) or "read"
    size = sum(len(each.document.text) for each in reading.documents)
    return f"{reading.name}\t{reading.pages}\t{size}\t{reading.seconds:.2f}\t{verdict}"


if __name__ == "__main__":
    typer.run(main)
