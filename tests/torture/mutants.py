"""Reads damaged copies of real files as a build does, and counts what becomes of them.

    python -m tests.torture.mutants FOLDER --count 10000 --seed 1

Each mutant is a file of the folder with up to three damages: bits that flip, a cut, a block of
zeros, a block that comes twice, a piece of another file of its kind. Of zip formats, the entries
are damaged as well and put into a sound archive. Small files are taken more often. The mutants are
written to a folder of their own, read by `read_files` in a cage, and cut into passages.

A child ends if it opens a file beside its modules, makes a socket or starts a program: this counts
as an escape. Exits with 1 if anything but verdicts came out. `--record` writes the figures to
docs/reliability.md.
"""

from __future__ import annotations

import io
import random
import re
import resource
import sys
import tempfile
import time
import zipfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rag.documents.corpus import FileRead, ReadOptions, read_files
from rag.documents.formats import SUFFIXES
from rag.documents.passages import passages_of
from rag.documents.sandbox import Cage
from rag.documents.sections import sections_of
from rag.documents.skipped import Skips

LARGEST = 1 << 20
BATCH = 250
SLOW_SECONDS = 20
PIECES = 250
SHOWN = 20
ESCAPED = 99

# The child as it is, that also tells its processor time, and ends at once if it reaches out.
CHILD = f"""
import os, sys, time
from dataclasses import replace
from rag.documents.confine import KILL, refuse_calls
from rag.documents.parse import parse
from rag.documents.sandbox import parse_requests
from rag.types.errors import CorpusError

INSIDE = (*filter(None, sys.path), sys.prefix, sys.base_prefix, "/usr/", "/lib", "/proc/self/")
DEVICES = ("/dev/null", "/dev/urandom")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def escape(event, arguments):
    if event == "open":
        path = os.fsdecode(arguments[0]) if not isinstance(arguments[0], int) else ""
        if arguments[2] & WRITES or not path.startswith(INSIDE) and path not in ("", *DEVICES):
            os._exit({ESCAPED})
    elif event.startswith(("socket.", "subprocess.", "os.exec", "os.posix", "os.system", "os.mkdir",
                           "os.remove", "os.rename", "os.rmdir", "shutil.", "urllib.", "ftplib.")):
        os._exit({ESCAPED})

watched = False

def timed(document_id, raw, known):
    global watched
    if not watched:
        watched = True
        refuse_calls(KILL)
        sys.addaudithook(escape)
    began = time.process_time()
    try:
        file = parse(document_id, raw, known)
    except CorpusError as error:
        raise CorpusError(f"{{error}} [{{time.process_time() - began:.2f}} s]") from None
    return replace(file, notes=(*file.notes, f"seconds: [{{time.process_time() - began:.2f}} s]"))

parse_requests(timed)
"""
_SECONDS = re.compile(r"\[([\d.]+) s\]$")
_ESCAPES = (f"exit code {ESCAPED}", "SIGSYS")

Damage = Callable[[bytes, bytes, random.Random], bytes]


def flip(content: bytes, other: bytes, dice: random.Random) -> bytes:
    """Bits that are another value, one or many."""
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 4, 32, 256))):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(content: bytes, other: bytes, dice: random.Random) -> bytes:
    """The beginning alone, or the content without a part of it."""
    start, end = sorted(dice.randrange(len(content) + 1) for _ in range(2))
    return content[:start] + (content[end:] if dice.random() < 0.5 else b"")


def zero(content: bytes, other: bytes, dice: random.Random) -> bytes:
    """A block of zeros."""
    start, size = _block(content, dice)
    return content[:start] + bytes(len(content[start : start + size])) + content[start + size :]


def double(content: bytes, other: bytes, dice: random.Random) -> bytes:
    """A block that comes twice, or up to 200 times."""
    start, size = _block(content, dice)
    times = dice.choice((1, 1, 2, 20, 200))
    return content[: start + size] + content[start : start + size] * times + content[start + size :]


def splice(content: bytes, other: bytes, dice: random.Random) -> bytes:
    """A block of another file in place of a part."""
    start, size = _block(content, dice)
    theirs, length = _block(other, dice)
    return content[:start] + other[theirs : theirs + length] + content[start + size :]


DAMAGES: tuple[Damage, ...] = (flip, cut, zero, double, splice)


def _block(content: bytes, dice: random.Random) -> tuple[int, int]:
    return dice.randrange(len(content)), dice.choice((8, 64, 512, 4096))


def damaged(content: bytes, other: bytes, dice: random.Random) -> bytes:
    """The content with one to three damages; what is empty stays so."""
    for _ in range(dice.randint(1, 3)):
        if content and other:
            content = dice.choice(DAMAGES)(content, other, dice)
    return content


def damaged_inside(raw: bytes, other: bytes, dice: random.Random) -> bytes:
    """A zip archive whose entries are damaged and which is itself sound."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive, zipfile.ZipFile(buffer, "w") as changed:
        names = archive.namelist()
        chosen = set(dice.sample(names, min(len(names), dice.randint(1, 2))))
        # What holds the text is worth more than pictures and settings.
        texts = [name for name in names if name.endswith((".xml", ".xhtml", ".html", ".rels"))]
        chosen |= {dice.choice(texts)} if texts else set()
        for name in names:
            content = archive.read(name)
            if name in chosen:
                content = damaged(content, other, dice)
            changed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def mutants(folder: Path, seed: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents without end; the same for the same files and seed."""
    groups: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in SUFFIXES and 0 < path.stat().st_size < LARGEST:
            groups.setdefault(path.suffix.lower(), []).append(path)
    kinds = sorted(groups)
    for number in _counting():
        dice = random.Random(f"{seed}/{number}")
        kind = kinds[number % len(kinds)]
        weights = [1 / (4096 + path.stat().st_size) for path in groups[kind]]
        one, other = (path.read_bytes() for path in dice.choices(groups[kind], weights, k=2))
        inside = zipfile.is_zipfile(io.BytesIO(one)) and dice.random() < 0.7
        mutate = damaged_inside if inside else damaged
        yield f"{number:06}{kind}", mutate(one, other, dice)


def _counting() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


@dataclass
class Found:
    """What became of the mutants."""

    verdicts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    escaped: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    large: list[str] = field(default_factory=list)
    slowest: float = 0
    host_seconds: float = 0

    def take(self, read: FileRead) -> None:
        """Counts a file, and cuts its documents into passages."""
        name = read.source.document_id
        notes = read.file.notes if read.file else ()
        timed = _SECONDS.search(notes[-1] if notes else read.refusal)
        seconds = float(timed[1]) if timed else 0
        self.slowest = max(self.slowest, seconds)
        if seconds > SLOW_SECONDS or "took over" in read.refusal:
            self.slow.append(name)
        if "needed over" in read.refusal:
            self.large.append(name)
        if any(mark in read.refusal for mark in _ESCAPES):
            self.escaped.append(f"{name}: {read.refusal}")
        elif "crashed" in read.refusal or "failed" in read.refusal:
            self.failed.append(f"{name}: {read.refusal}")
        self.verdicts[_verdict(read)] += 1
        began = time.process_time()
        for parsed in read.file.documents if read.file else ():
            passages_of(parsed, sections_of(parsed), _pieces, PIECES)
        self.host_seconds = max(self.host_seconds, time.process_time() - began)


def _pieces(text: str) -> list[tuple[int, int]]:
    """The places of the words: as good as word pieces to cut by, and quick."""
    return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def _verdict(read: FileRead) -> str:
    if read.file is not None:
        return "read in part" if read.file.left_out else "read"
    said = _SECONDS.sub("", read.refusal).strip()
    code, colon, _ = said.partition(":")
    if colon and " " not in code:
        return code
    known = ("took over", "needed over", "crashed", "the reader failed", "empty", "no text")
    return next((each for each in known if each in said), said[:60])


def run(made: Iterable[tuple[str, bytes]]) -> Found:
    """What becomes of mutants: read in a cage, a few hundred at a time."""
    found = Found()
    with Cage(code=CHILD) as cage:
        files = iter(made)
        while batch := list(islice(files, BATCH)):
            _run_batch(batch, cage, found)
    return found


def _run_batch(batch: Sequence[tuple[str, bytes]], cage: Cage, found: Found) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for mutant, content in batch:
            (folder / mutant).write_bytes(content)
        before = _state(folder)
        for read in read_files([folder], Skips(strict=False), options=ReadOptions(cage.each)):
            found.take(read)
        if _state(folder) != before:
            found.escaped.append("the folder of the mutants has changed")


def _state(folder: Path) -> list[tuple[str, int, int]]:
    status = ((path, path.stat()) for path in sorted(folder.rglob("*")))
    return [(str(path), each.st_size, each.st_mtime_ns) for path, each in status]


def main() -> None:
    """Runs, and prints what was found."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    found = run(islice(mutants(options.folder, options.seed), options.count))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    for name, count in found.verdicts.most_common():
        print(f"{count:6} {name}")
    for title in ("failed", "escaped", "slow", "large"):
        for line in getattr(found, title)[:SHOWN]:
            print(f"{title}: {line}")
    figures = {
        "files": options.count,
        "host_deaths": options.count - found.verdicts.total(),
        "reader_crashes": len(found.failed),
        "over_20_s": len(found.slow),
        "over_1_GB": len(found.large),
        "escapes": len(found.escaped),
        "slowest_cpu_seconds": found.slowest,
        "slowest_cut_seconds": round(found.host_seconds, 2),
        "largest_child_mb": peak,
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    print(figures)
    if options.record:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from support.torture_figures import write_figures

        write_figures("mutants", **figures)
    if found.failed or found.escaped or found.slow or found.large:
        sys.exit(1)


if __name__ == "__main__":
    main()
