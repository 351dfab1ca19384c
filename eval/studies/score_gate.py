"""Scores the gate: `python -m eval.studies.score_gate ../shared/data`.

Held-out squad2 articles are the documents; a question of each of a hundred paragraphs, with the
sentence that answers it, is their FAQ. How often does the gate detect a loss in changes that lose
nothing, or no more than they gain? How often if some of the paragraphs have lost their text?
Smaller FAQs are drawn from the hundred questions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer

from eval.provenance import RESULTS, provenance, write_outcome
from eval.sets.beir import documents
from eval.studies.squad import SquadPart, answers, query_parts
from rag.building import index_corpus
from rag.building.reuse import reuse_of
from rag.checks.gate import SIGNIFICANCE, ask_faq, chance, figures
from rag.cli.progress_bar import reporting
from rag.documents import json_lines, read_corpus
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.snapshot import Snapshot
from rag.text.sentences import sentences
from rag.types import Progress, silent

COMMAND = "python -m eval.studies.score_gate ../shared/data"
QUESTIONS = 100
SIZES = (8, 20, 100)
SHARES = (0.05, 0.1, 0.2, 0.4, 0.6)
EXCHANGED = 0.2
# Changes of each sort; smaller FAQs drawn for each change.
SEEDS = 4
DRAWS = 50
# Share of the paragraphs that a harmless change touches.
TOUCHED = 0.3
FOREIGN = 40


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of an article under a heading; `question` and `answer` are "" if no
    question is about it."""

    article: str
    heading: str
    text: str
    question: str = ""
    answer: str = ""


Generator = np.random.Generator
CorpusChange = Callable[[Sequence[Paragraph], Generator], list[Paragraph]]


def read_paragraphs(
    folder: Path, part: SquadPart = "score", questions: int = QUESTIONS
) -> list[Paragraph]:
    """The paragraphs of that part's articles, in order, the first ones with a question each."""
    part_of, known = query_parts(folder), answers(folder)
    asked: dict[str, tuple[str, str]] = {}
    articles = set()
    texts = {id: (title, text) for id, title, text in documents(folder / "corpus.jsonl")}
    for _, row in json_lines(folder / "queries.jsonl"):
        id, paragraph = str(row["_id"]), row["metadata"]["paragraph"]
        if part_of[id] == part:
            articles.add(texts[paragraph][0])
            sentence = _sentence(texts[paragraph][1], known.get(id, []))
            if sentence:
                asked.setdefault(paragraph, (row["text"], sentence))
    counted = set(sorted(asked)[:questions])
    return [
        Paragraph(title, f"Part {id}", text, *(asked[id] if id in counted else ()))
        for id, (title, text) in texts.items()
        if title in articles
    ]


def renamed(paragraphs: Sequence[Paragraph], generator: Generator) -> list[Paragraph]:
    """Some headings are others."""
    return _touched(paragraphs, generator, lambda each: replace(each, heading="New heading"))


def reordered(paragraphs: Sequence[Paragraph], generator: Generator) -> list[Paragraph]:
    """The paragraphs in another order."""
    return [paragraphs[at] for at in generator.permutation(len(paragraphs))]


def reworded(paragraphs: Sequence[Paragraph], generator: Generator) -> list[Paragraph]:
    """One word in twenty is missing from some paragraphs."""

    def thinned(each: Paragraph) -> Paragraph:
        words = each.text.split()
        kept = generator.random(len(words)) >= 0.05
        return replace(each, text=" ".join(w for w, k in zip(words, kept, strict=True) if k))

    return _touched(paragraphs, generator, thinned)


def emptied(share: float) -> CorpusChange:
    """A change by which that share of the paragraphs loses its text."""

    def change(paragraphs: Sequence[Paragraph], generator: Generator) -> list[Paragraph]:
        gone = set(generator.permutation(len(paragraphs))[: round(share * len(paragraphs))])
        return [
            replace(each, text="Nothing.") if at in gone else each
            for at, each in enumerate(paragraphs)
        ]

    return change


def enlarged(foreign: Sequence[Paragraph]) -> CorpusChange:
    """A change that adds paragraphs on other subjects."""

    def change(paragraphs: Sequence[Paragraph], generator: Generator) -> list[Paragraph]:
        drawn = generator.permutation(len(foreign))[:FOREIGN]
        return [*paragraphs, *(foreign[at] for at in drawn)]

    return change


def snapshot_of(
    paragraphs: Sequence[Paragraph], encoder: Encoder, previous: Snapshot | None = None
) -> Snapshot:
    """A snapshot of the articles, each a document, and of the FAQ."""
    texts: dict[str, list[str]] = {}
    for each in paragraphs:
        texts.setdefault(each.article, []).append(f"## {each.heading}\n\n{each.text}\n\n")
    pairs = {each.question: each.answer for each in paragraphs if each.question}
    texts["FAQ"] = [f"Q: {question}\nA: {pairs[question]}\n\n" for question in sorted(pairs)]
    with TemporaryDirectory() as folder:
        for name, parts in texts.items():
            path = Path(folder, f"{name.replace('/', '-')}.md")
            path.write_text(f"# {name}\n\n{''.join(parts)}", encoding="utf-8")
        reuse = reuse_of(previous, encoder)
        corpus = read_corpus([Path(folder)], reuse.known)
        return index_corpus(corpus, encoder, reuse=reuse)


def tried(
    before: Snapshot,
    encoder: Encoder,
    paragraphs: Sequence[Paragraph],
    change: CorpusChange,
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """The mean numbers of questions lost and gained, and how often the gate detects a loss."""
    lost, gained, seen = [], [], []
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        after = snapshot_of(change(paragraphs, generator), encoder, before)
        moves = [each.move for each in ask_faq(before, after, encoder)]
        lost.append(moves.count(-1))
        gained.append(moves.count(1))
        seen.append({str(size): _seen(moves, size, generator) for size in SIZES})
    means = {size: float(np.mean([each[size] for each in seen])) for size in seen[0]}
    return {"lost": float(np.mean(lost)), "gained": float(np.mean(gained)), "refused": means}


def outcome(
    paragraphs: Sequence[Paragraph],
    foreign: Sequence[Paragraph],
    encoder: Encoder,
    seeds: int = SEEDS,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Refusals of harmless changes, and of losses, by the number of FAQ questions."""
    before = snapshot_of(paragraphs, encoder)
    changes: Mapping[str, CorpusChange] = {
        "other headings": renamed,
        "another order": reordered,
        "words missing": reworded,
        "other subjects added": enlarged(foreign),
        **{f"{share:.0%} of the paragraphs emptied": emptied(share) for share in SHARES},
    }
    found = {}
    for done, (name, change) in enumerate(changes.items(), 1):
        found[name] = tried(before, encoder, paragraphs, change, seeds)
        progress("changes tried", done, len(changes))
    without = emptied(EXCHANGED)
    poorer = snapshot_of(without(paragraphs, np.random.default_rng(seeds)), encoder, before)
    name = f"{EXCHANGED:.0%} of the paragraphs emptied, as many restored"
    found[name] = tried(poorer, encoder, paragraphs, without, seeds)
    return {
        "passages": len(before.passages),
        "figures": figures(ask_faq(None, before, encoder)),
        "seeds": seeds,
        "changes": found,
    }


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/squad2/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "gate.json",
) -> None:
    """Score the gate: false alarms, and how small a loss it detects."""
    encoder = open_encoder("bundled", "onnx", 1)
    folder = data / "abstention" / "squad2"
    paragraphs = read_paragraphs(folder)
    foreign = read_paragraphs(folder, "calibrate", 0)
    with reporting(sys.stderr) as progress:
        made = outcome(paragraphs, foreign, encoder, progress=progress)
    write_outcome(out, provenance(COMMAND, encoder) | made)
    print(out)


def _touched(
    paragraphs: Sequence[Paragraph], generator: Generator, change: Callable[[Paragraph], Paragraph]
) -> list[Paragraph]:
    chosen = generator.random(len(paragraphs)) < TOUCHED
    return [change(each) if at else each for each, at in zip(paragraphs, chosen, strict=True)]


def _sentence(text: str, wanted: Sequence[str]) -> str:
    """The first sentence that holds the first of the answers; "" for none."""
    found = (text[start:end] for start, end in sentences(text) if wanted)
    return next((each for each in found if wanted[0] in each), "")


def _seen(moves: Sequence[int], size: int, generator: Generator) -> float:
    """The share of FAQs of that size, drawn from the questions, with which the gate refuses."""
    draws = 1 if size >= len(moves) else DRAWS
    drawn = [generator.permutation(moves)[:size].tolist() for _ in range(draws)]
    return float(np.mean([chance(each.count(-1), each.count(1)) < SIGNIFICANCE for each in drawn]))


if __name__ == "__main__":
    typer.run(main)
