"""`make torture`: `rag build` after one change in a thousand files, against `rag build --full`.

Whole commands are measured, the start of the interpreter included, with long files and with short.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.places import ROOT
from support.torture_figures import write_figures

SAMPLE = ROOT / "corpus" / "car-t-lupus.md"
FILES = 1000
CHANGES = 5
RAG = "import sys; from rag.cli.main import main; main(sys.argv[1:])"

# How many times less processor time, by words a file: with short ones the fixed costs weigh.
PROMISED = {300: 20, 90: 10}


def page(dice: random.Random, words: list[str], count: int) -> str:
    """A page with that many words under one heading for each 150."""
    parts = [dice.choices(words, k=min(150, count - at)) for at in range(0, count, 150)]
    return "\n".join(f"## Part\n\n{' '.join(part)}.\n" for part in parts)


def spent(*arguments: str) -> tuple[float, float]:
    """The processor time and the time, in seconds, of a command and of all that it starts."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", RAG, *arguments], check=True, capture_output=True)
    after = os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    return cpu, time.perf_counter() - started


@pytest.mark.parametrize("count", sorted(PROMISED))
def test_rebuild(tmp_path: Path, count: int) -> None:
    words = [word for word in SAMPLE.read_text(encoding="utf-8").split() if word.isalpha()]
    dice, folder = random.Random(5), tmp_path / "corpus"
    folder.mkdir()
    for n in range(FILES):
        (folder / f"n{n:03}.md").write_text(page(dice, words, count), encoding="utf-8")
    build = ("build", str(folder), "--index", str(tmp_path / "index"))
    full_cpu, full = spent(*build, "--full")
    rebuilds = []
    for n in range(CHANGES):
        (folder / f"n{n:03}.md").write_text(page(dice, words, count), encoding="utf-8")
        rebuilds.append(spent(*build))
    # The quickest of each: other load on the machine only ever adds.
    cpu, wall = (min(each) for each in zip(*rebuilds, strict=True))
    write_figures(
        f"rebuild, {count} words a file",
        files=FILES,
        full_cpu_seconds=round(full_cpu, 1),
        rebuild_cpu_seconds=round(cpu, 2),
        cpu_ratio=f"1/{full_cpu / cpu:.0f}",
        full_seconds=round(full, 1),
        rebuild_seconds=round(wall, 2),
        ratio=f"1/{full / wall:.0f}",
    )
    assert full_cpu / cpu >= PROMISED[count]
