"""The gate scored: what changes, what is counted, and what the docs say of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from eval.studies.score_gate import (
    SHARES,
    CorpusChange,
    Paragraph,
    emptied,
    enlarged,
    outcome,
    read_paragraphs,
    renamed,
    reordered,
    reworded,
    snapshot_of,
)
from support.letter_encoder import LetterEncoder
from support.places import ROOT
from support.tiny_beir import write_collection

RESULTS = json.loads((ROOT / "eval" / "results" / "gate.json").read_text())
DECISION = (ROOT / "docs" / "decisions" / "0006-gate.md").read_text(encoding="utf-8")
PARAGRAPHS = [
    Paragraph(
        "Letters",
        f"{letter}abo",
        f"{letter}eko {letter}ilu {letter}ona. " * 8,
        f"What {letter}abo?",
        f"{letter}eko {letter}ilu.",
    )
    for letter in "bcdfghjklm"
]


def generator() -> np.random.Generator:
    return np.random.default_rng(1)


def test_answerable_questions_bring_the_sentence_that_answers(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "squad2", unanswerable=True)
    found = read_paragraphs(folder, "train", 2)
    assert [(each.question, each.answer) for each in found] == [
        ("apples red", "Apples are red."),
        ("cherries dark", "Cherries are dark."),
        ("", ""),
        ("", ""),
    ]
    assert read_paragraphs(folder, "score") == []


@pytest.mark.parametrize(
    ("change", "number", "differing"),
    [
        (renamed, 10, "heading"),
        (reworded, 10, "text"),
        (emptied(0.3), 10, "text"),
        (enlarged(PARAGRAPHS[:2]), 12, ""),
    ],
)
def test_changes_touch_what_they_say(change: CorpusChange, number: int, differing: str) -> None:
    changed = change(PARAGRAPHS, generator())
    assert changed == change(PARAGRAPHS, generator())
    assert len(changed) == number
    fields = {
        field
        for was, now in zip(PARAGRAPHS, changed, strict=False)
        for field in ("article", "heading", "text", "question", "answer")
        if getattr(was, field) != getattr(now, field)
    }
    assert fields == ({differing} if differing else set())


def test_emptying_takes_the_text_of_that_share() -> None:
    assert [each.text for each in emptied(0.3)(PARAGRAPHS, generator())].count("Nothing.") == 3


def test_another_order_holds_the_same() -> None:
    changed = reordered(PARAGRAPHS, generator())
    assert changed != PARAGRAPHS
    assert set(changed) == set(PARAGRAPHS)


def test_articles_and_faq_are_documents() -> None:
    counts = snapshot_of(PARAGRAPHS, LetterEncoder()).manifest.counts
    assert (counts.documents, counts.sections, counts.faq_pairs) == (2, 10, 10)


def test_losses_are_refused_and_harmless_changes_are_not() -> None:
    made = outcome(PARAGRAPHS, PARAGRAPHS[:1], LetterEncoder(), seeds=1)
    assert made["figures"]["n"] == 10
    refused = {name: each["refused"]["100"] for name, each in made["changes"].items()}
    assert refused["another order"] == refused["other headings"] == 0.0
    assert refused["60% of the paragraphs emptied"] == 1.0
    assert made["changes"]["60% of the paragraphs emptied"]["lost"] == 6.0
    assert len(refused) == 5 + len(SHARES)


def row(name: str) -> str:
    found = RESULTS["changes"][name]
    shares = " | ".join(f"{found['refused'][size]:.2f}" for size in ("8", "20", "100"))
    return f"| {name} | {found['lost']:.1f} | {found['gained']:.1f} | {shares} |"


def test_the_table_in_the_decision_is_that_of_the_committed_results() -> None:
    shown = re.findall(r"^\| .* [\d.]+ \|$", DECISION, re.M)
    assert shown[1:] == [row(name) for name in RESULTS["changes"]]
