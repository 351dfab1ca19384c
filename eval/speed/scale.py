"""What building, opening and asking cost by the size of the corpus: one row a size.

Each step is a process of its own: `rag build` as a user starts it, and `eval.speed.opened`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from eval.provenance import read_outcome
from eval.speed.corpora import Material, passages, write_corpus, write_markdown
from eval.speed.servers import environment
from rag.encoders import Encoder
from rag.types.errors import RagError

# The index is opened so often, each time by a new process; the shortest time counts.
OPENINGS = 3
# Passages that are encoded alone, to know the encoder's share of a build.
ENCODED = 200
# What the build of a kept index took.
BUILD = "build.json"
# One file in so many is changed, and each has one passage.
CHANGED = 1000


class BuildFailed(RagError):
    """`rag build` ended with an error."""


@dataclass(frozen=True, slots=True)
class Build:
    """A run of `rag build`: its time, and the most memory that one of its processes held."""

    seconds: float
    peak_bytes: int


def measure(
    material: Material,
    size: int,
    folder: Path,
    encoder: Encoder,
    sentences: Path | None = None,
    keep: bool = False,
) -> dict[str, Any]:
    """The row of a corpus of so many passages. The folder is emptied before and after.

    With a folder of encoded `sentences` the vectors are put together from these. `keep` leaves the
    index there, and asks one that was left.
    """
    index, noted = folder / "index", folder / BUILD
    if not keep or not noted.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        write_corpus(passages(material, size), folder)
        made = build(folder / "corpus", index, sentences)
        noted.write_text(json.dumps(asdict(made)), encoding="utf-8")
    built = Build(**json.loads(noted.read_text(encoding="utf-8")))
    openings = [_opened(index) for _ in range(OPENINGS - 1)]
    found = _opened(index, folder)
    openings.append(found)
    encoding = 0.0
    if sentences is None:
        encoding = encoding_seconds(material, size, encoder) * found["passages"]
    row = {
        "size": size,
        "recombined": sentences is not None,
        "build_seconds": built.seconds,
        "build_peak_bytes": built.peak_bytes,
        "passages_per_second": found["passages"] / built.seconds,
        "encoder_share": min(1.0, encoding / built.seconds),
        "disk_bytes": disk_bytes(index),
        **found,
        "open_seconds": min(opening["open_seconds"] for opening in openings),
    }
    if not keep:
        shutil.rmtree(folder)
    return row


def changed(material: Material, files: int, folder: Path) -> dict[str, Any]:
    """A folder of so many files of one passage each: built, and built again after one file in a
    thousand has changed."""
    shutil.rmtree(folder, ignore_errors=True)
    corpus, index = folder / "corpus", folder / "index"
    write_markdown(passages(material, files), corpus, 1)
    full = build(corpus, index)
    for path in sorted(corpus.iterdir())[::CHANGED]:
        path.write_text(path.read_text(encoding="utf-8") + "One more sentence.\n", encoding="utf-8")
    again = build(corpus, index)
    shutil.rmtree(folder)
    return {
        "files": files,
        "changed": len(range(0, files, CHANGED)),
        "full_seconds": full.seconds,
        "changed_seconds": again.seconds,
        "ratio": again.seconds / full.seconds,
    }


def build(corpus: Path, index: Path, sentences: Path | None = None) -> Build:
    """`rag build` as a process, waited for, or the same from encoded sentences.

    Raises BuildFailed if its exit code is not 0.
    """
    command = [sys.executable, "-m", "rag", "build", str(corpus), "--index", str(index)]
    if sentences:
        command = [sys.executable, "-m", "eval.speed.recombined", *map(str, (corpus, index))]
        command.append(str(sentences))
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    # Only wait4 tells how much memory that very process and those it waited for have used.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BuildFailed(f"`{' '.join(command[1:])}` ended with code {process.returncode}")
    return Build(time.perf_counter() - start, 1024 * used.ru_maxrss)


def disk_bytes(folder: Path) -> int:
    """The bytes of all files below the folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def encoding_seconds(material: Material, size: int, encoder: Encoder) -> float:
    """What the encoder alone takes for a passage, in the mean of some."""
    texts = [made.text for made in islice(passages(material, size), ENCODED)]
    start = time.perf_counter()
    encoder.encode_passages(texts, [""] * len(texts))
    return (time.perf_counter() - start) / len(texts)


def measured(path: Path) -> dict[str, list[dict[str, Any]]]:
    """What the results file holds by now: `rows` of corpora, and what `changed` files took."""
    found = read_outcome(path) if path.is_file() else {}
    return {part: found.get(part, []) for part in ("rows", "changed")}


def merged(rows: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows by size; a new row takes the place of the one of its size and kind."""
    found = {
        (row.get("size") or row["files"], row.get("recombined", False)): row
        for row in [*rows, *new]
    }
    return [found[key] for key in sorted(found)]


def _opened(index: Path, questions: Path | None = None) -> dict[str, Any]:
    """What a new process finds that opens the index."""
    command = [sys.executable, "-m", "eval.speed.opened", str(index)]
    if questions:
        command.append(str(questions))
    # Threads that wait for each other would count as work.
    alone = environment(OMP_NUM_THREADS="1")
    done = subprocess.run(command, env=alone, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
