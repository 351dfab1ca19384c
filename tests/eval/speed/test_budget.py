"""Asking, opening and building take no more work than the budget: counted, never timed."""

import json
import os
import subprocess
import sys
from pathlib import Path

from eval.speed.budget import BUDGET, SLACK, CountingEncoder, over, work_of
from support.letter_encoder import LetterEncoder
from support.places import ROOT

KEPT = json.loads(BUDGET.read_text(encoding="utf-8"))


def test_the_work_is_that_of_the_budget() -> None:
    """By a process of its own: coverage takes the place of the counter in this one."""
    done = subprocess.run(
        [sys.executable, "-m", "eval.speed.budget"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert over(json.loads(done.stdout), KEPT) == [], (
        "if intended: python -m eval.speed.budget --write"
    )


def test_a_fifth_more_work_of_any_kind_is_over_the_budget() -> None:
    for step, counts in KEPT.items():
        for name, kept in counts.items():
            more = {**KEPT, step: {**counts, name: round(1.2 * kept) + 1}}
            assert [said.split(" is ")[0] for said in over(more, KEPT)] == [f"{step}: {name}"]
    assert SLACK < 0.2


def test_a_longer_loop_is_counted() -> None:
    def sums(many: int) -> int:
        total = 0
        for each in range(many):
            total += each
        return total

    encoder = CountingEncoder(LetterEncoder())
    short, long = (work_of(lambda n=n: sums(n), encoder)["bytecodes"] for n in (1000, 2000))
    assert 1.9 < long / short < 2.1


def test_what_the_encoder_reads_is_counted() -> None:
    encoder = CountingEncoder(LetterEncoder())
    found = work_of(lambda: encoder.encode_passages(["red figs", "bees"], ["", "hum"]), encoder)
    pieces = sum(len(encoder.inner.word_pieces(text)) for text in ("red figs", "bees", "hum"))
    assert (found["encoder_calls"], found["word_pieces"]) == (1, pieces)


def test_only_what_the_work_reads_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "figs"
    path.write_bytes(bytes(5000))
    encoder = CountingEncoder(LetterEncoder())
    assert work_of(path.read_bytes, encoder)["bytes_read"] == 5000
    assert work_of(list, encoder)["bytes_read"] == 0
