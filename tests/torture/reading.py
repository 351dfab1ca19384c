"""What reading costs: `python -m tests.torture.reading [cost|memory|pages|text]...`.

- `cost`: 1,000 files of 900 words in several formats, read in this process and in a cage, in turn:
  seconds, and seconds of all processors together. A ratio of 1.1 says that a cage costs a tenth
  more; below 1, it is quicker, because several children read at the same time.
- `memory`: the largest resident size of a process that reads 100, 1,000 and 10,000 files as a
  stream, and of its children.
- `pages`, `text`: a PDF of 5,000 pages and a text of 200 MB, read in a cage, with their bounds.

Each figure is from a process of its own.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.documents.corpus import FileRead, ReadOptions, read_files, read_in_process
from rag.documents.sandbox import MB, Bounds, Cage
from rag.documents.skipped import Skips

FILES, PAIRS, PAGES, TEXT_MB = 1000, 5, 5000, 200
SENTENCE = "the bees fly over a hedge while rain falls on old stone walls near sea"
WORDS = SENTENCE.split()


def main() -> None:
    """Runs what is named, or everything; `in WAY FOLDER` is what the processes run."""
    names = sys.argv[1:] or list(MEASURED)
    if names[0] == "in":
        print(json.dumps(STREAMED[names[1]](Path(names[2]))))
        return
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {MEASURED[name](Path(folder))}", flush=True)


def cost(folder: Path) -> str:
    """Seconds of both ways, the least of pairs."""
    write_small(folder, FILES, paragraphs=15)
    runs = [{way: _own(folder, way) for way in STREAMED} for _ in range(PAIRS)]
    least = {
        (way, key): min(run[way][key] for run in runs)
        for way in STREAMED
        for key in ("seconds", "cpu_seconds")
    }
    return f"{FILES} files: " + "; ".join(
        f"{way} {least[way, 'seconds']:.2f} s"
        f" ({least[way, 'seconds'] / least['here', 'seconds']:.2f}),"
        f" processors {least[way, 'cpu_seconds']:.2f} s"
        f" ({least[way, 'cpu_seconds'] / least['here', 'cpu_seconds']:.2f})"
        for way in STREAMED
    )


def memory(folder: Path) -> str:
    """Resident megabytes of the parent and of its largest child, by the number of files."""
    said, there = [], 0
    for count in (100, 1000, 10_000):
        write_small(folder, count, first=there)
        there = count
        found = _own(folder, "caged")
        said.append(f"{count} files {found['mb']:.0f} MB, child {found['child_mb']:.0f} MB")
    return "; ".join(said)


def pages(folder: Path) -> str:
    """A PDF of many pages of text."""
    from reportlab.pdfgen.canvas import Canvas

    dice = random.Random(1)
    canvas = Canvas(str(folder / "long.pdf"))
    for number in range(PAGES):
        for line in range(40):
            canvas.drawString(72, 760 - 16 * line, " ".join(dice.choices(WORDS, k=12)) + ".")
        canvas.drawString(300, 40, str(number + 1))
        canvas.showPage()
    canvas.save()
    return _large(folder, PAGES)


def text(folder: Path) -> str:
    """A text of many paragraphs."""
    dice = random.Random(1)
    with (folder / "long.txt").open("w") as file:
        while file.tell() < TEXT_MB * MB:
            file.write(_paragraph(dice, 80) + "\n\n")
    return _large(folder, 0)


def write_small(folder: Path, count: int, first: int = 0, paragraphs: int = 5) -> None:
    """Files of about 300 bytes a paragraph: text, Markdown, HTML and CSV by turns."""
    for number in range(first, count):
        dice = random.Random(number)
        parts = [_paragraph(dice, 60) for _ in range(paragraphs)]
        form, ending = _FORMS[number % len(_FORMS)]
        path = folder / f"{number % 100:02}" / f"{number:06}{ending}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(form(parts))


_FORMS: tuple[tuple[Callable[[list[str]], str], str], ...] = (
    ("\n\n".join, ".txt"),
    (lambda parts: "\n\n".join(f"## {part[:20]}\n\n{part}" for part in parts), ".md"),
    (lambda parts: "".join(f"<h2>{part[:20]}</h2><p>{part}</p>" for part in parts), ".html"),
    (lambda parts: "name,text\n" + "".join(f"{part[:9]},{part}\n" for part in parts), ".csv"),
)


def _paragraph(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words)) + "."


def _large(folder: Path, pages: int) -> str:
    (path,) = folder.iterdir()
    size = path.stat().st_size
    bounds = Bounds()
    seconds = bounds.of(size).seconds + bounds.for_pages(pages, size)
    found = _own(folder, "caged")
    return (
        f"{size / MB:.1f} MB, {found['files']} of 1 read in {found['seconds']:.0f} s (child"
        f" {found['child_seconds']:.0f} s of {seconds:.0f} s), {found['mb']:.0f} MB, child"
        f" {found['child_mb']:.0f} MB of {bounds.of(size).memory_mb:.0f} MB"
    )


def _own(folder: Path, way: str) -> dict[str, float]:
    """The figures of a process that reads the folder so."""
    command = [sys.executable, "-m", "tests.torture.reading", "in", way, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _here(folder: Path) -> dict[str, float]:
    return _figures(folder, ReadOptions(read_in_process, max_mb=1024))


def _caged(folder: Path, workers: int = 0) -> dict[str, float]:
    with Cage(workers=workers) as cage:
        found = _figures(folder, ReadOptions(cage.each, max_mb=1024))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    child_seconds = usage.ru_utime + usage.ru_stime
    return {
        **found,
        "cpu_seconds": found["cpu_seconds"] + child_seconds,
        "child_mb": usage.ru_maxrss / 1024,
        "child_seconds": child_seconds,
    }


def _figures(folder: Path, options: ReadOptions) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    files = sum(read.file is not None for read in _read(folder, options))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"files": files, "seconds": seconds, "cpu_seconds": cpu, "mb": peak}


def _read(folder: Path, options: ReadOptions) -> Iterator[FileRead]:
    return read_files([folder], Skips(strict=False), options=options)


MEASURED = {"cost": cost, "memory": memory, "pages": pages, "text": text}
STREAMED: dict[str, Callable[[Path], dict[str, float]]] = {
    "here": _here,
    "caged": _caged,
    "one": lambda folder: _caged(folder, workers=1),
}

if __name__ == "__main__":
    main()
