"""`make torture`: `rag build` after one change in a thousand files, and `rag watch`, against
`rag build --full`.

Whole commands are measured, the start of the interpreter included, with long files and with short.
`rag watch` has started before.
"""

import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from support.places import ROOT
from support.torture_figures import write_figures

SAMPLE = ROOT / "corpus" / "car-t-lupus.md"
FILES = 1000
CHANGES = 5
RAG = (sys.executable, "-P", "-m", "rag")
# Compiled modules are kept, as by an installation: compiling takes as long as a rebuild.
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

# How many times less processor time, by words a file: with short ones the fixed costs weigh.
BUILD = {300: 20, 90: 10}
WATCH = {300: 30, 90: 20}


def page(dice: random.Random, words: list[str], count: int) -> str:
    """A page with that many words under one heading for each 150."""
    parts = [dice.choices(words, k=min(150, count - at)) for at in range(0, count, 150)]
    return "\n".join(f"## Part\n\n{' '.join(part)}.\n" for part in parts)


def spent(*arguments: str) -> tuple[float, float]:
    """The processor time and the time, in seconds, of a command and of all that it starts."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([*RAG, *arguments], check=True, capture_output=True, env=ENVIRONMENT)
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    return cpu, time.perf_counter() - started


def taken(process: psutil.Process) -> float:
    """The processor time that a process and all below it have taken, in seconds."""
    seconds = sum(process.cpu_times()[:4])
    for each in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            seconds += sum(each.cpu_times()[:2])
    return seconds


@pytest.mark.parametrize("count", sorted(BUILD))
def test_rebuild(tmp_path: Path, count: int) -> None:
    words = [word for word in SAMPLE.read_text(encoding="utf-8").split() if word.isalpha()]
    dice, folder = random.Random(5), tmp_path / "corpus"

    def write(n: int) -> None:
        (folder / f"n{n:03}.md").write_text(page(dice, words, count), encoding="utf-8")

    folder.mkdir()
    for n in range(FILES):
        write(n)
    corpus, other = (str(folder), "--index", str(tmp_path / "index")), str(tmp_path / "other")
    # Compiles what is not compiled.
    spent("build", str(SAMPLE), "--index", other)
    fulls, rebuilds, watched = [spent("build", *corpus, "--full")], [], []
    for n in range(CHANGES):
        write(n)
        rebuilds.append(spent("build", *corpus))
    command = [*RAG, "watch", *corpus]
    write(0)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as watching:
        try:
            assert watching.stdout and watching.stdout.readline()
            for n in range(CHANGES):
                before = taken(psutil.Process(watching.pid))
                write(n)
                assert watching.stdout.readline()
                watched.append(taken(psutil.Process(watching.pid)) - before)
        finally:
            watching.terminate()
    fulls.append(spent("build", *corpus, "--full"))
    # The quickest of each: other load on the machine only ever adds.
    full_cpu, full = map(min, zip(*fulls, strict=True))
    cpu, wall = map(min, zip(*rebuilds, strict=True))
    write_figures(
        f"rebuild, {count} words a file",
        files=FILES,
        full_cpu_seconds=round(full_cpu, 1),
        rebuild_cpu_seconds=round(cpu, 2),
        cpu_ratio=f"1/{full_cpu / cpu:.0f}",
        watch_cpu_seconds=round(min(watched), 2),
        watch_cpu_ratio=f"1/{full_cpu / min(watched):.0f}",
        full_seconds=round(full, 1),
        rebuild_seconds=round(wall, 2),
        ratio=f"1/{full / wall:.0f}",
    )
    assert full_cpu / cpu >= BUILD[count]
    assert full_cpu / min(watched) >= WATCH[count]
