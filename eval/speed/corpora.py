"""Makes corpora of a thousand to a million passages whose answers are known.

Real sentences of public sets are put together anew. A passage has 1 to 4 of them, `k` as often as
1/k (Zipf): half of the time it is a run of one document, else each sentence is from another. One in
ten is a near-duplicate: an earlier passage with one sentence exchanged. Among these lie, at places
drawn by chance, paragraphs of squad2 with one of their questions each: the only passages that
answer. They are the same at every size, so figures at two sizes differ by the size alone.

Passage n depends on the seed and n alone, so the corpus is made as a stream in little memory.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from eval.sets.beir import documents, read_collection
from rag.documents import json_lines
from rag.text import sentences
from rag.types.errors import UsageError

SEED = 16
# Passages with a question, at every size.
PLANTED = 200
LONGEST = 4
NEAR_DUPLICATES = 0.1
# Sentences from here to there, in characters, are material: no fragments, no tables.
SHORTEST_SENTENCE, LONGEST_SENTENCE = 40, 300
# Passages a file: a larger file than the service reads by default must not come out.
PASSAGES_A_FILE = 100_000
# The questions of a written corpus.
QUESTIONS = "questions.jsonl"
SOURCES = ("medline", "cranfield", "cacm", "pubmedqa_l", "scifact")


@dataclass(frozen=True, slots=True)
class Planted:
    """A passage that answers a question, and the question."""

    title: str
    text: str
    question: str


@dataclass(frozen=True, slots=True)
class Material:
    """Sentences in the order of their documents, and the passages that answer."""

    sentences: tuple[str, ...]
    planted: tuple[Planted, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A passage of a corpus; `question` is "" if it answers none."""

    id: str
    title: str
    text: str
    question: str


def read_material(data: Path) -> Material:
    """The sentences and planted passages of the public sets below a folder.

    Raises UsageError if squad2 or all other sets are missing.
    """
    found = [data / "retrieval" / name for name in SOURCES]
    sources = [folder / "corpus.jsonl" for folder in found if folder.is_dir()]
    squad = data / "abstention" / "squad2"
    if not sources or not squad.is_dir():
        raise UsageError(
            f"{data} has no abstention/squad2, or none of retrieval/{', '.join(SOURCES)}: "
            "name the folder of the public sets with --data"
        )
    read = tuple(
        sentence
        for source in sources
        for _, _, text in documents(source)
        for sentence in _sentences_of(text)
    )
    return Material(read, planted_of(squad))


def planted_of(folder: Path, most: int = PLANTED) -> tuple[Planted, ...]:
    """A passage and its first answerable question, one a paragraph, spread over the set."""
    collection = read_collection(folder)
    texts = {id: (title, text) for id, title, text in documents(collection.corpus)}
    first: dict[str, Planted] = {}
    for query, judged in sorted(collection.qrels.items()):
        paragraph = next((id for id, grade in judged.items() if grade > 0), "")
        if paragraph in texts and paragraph not in first:
            first[paragraph] = Planted(*texts[paragraph], collection.queries[query])
    step = max(1, len(first) // most)
    return tuple(islice((first[id] for id in sorted(first)), 0, most * step, step))


def passages(material: Material, size: int, seed: int = SEED) -> Iterator[Made]:
    """So many passages, in order."""
    places = random.Random(seed).sample(range(size), min(len(material.planted), size))
    answers = dict(zip(places, material.planted, strict=False))
    for at in range(size):
        if planted := answers.get(at):
            yield Made(f"m{at}", planted.title, planted.text, planted.question)
        else:
            yield Made(f"m{at}", "", filler(material.sentences, at, seed), "")


def filler(sentences: Sequence[str], at: int, seed: int = SEED) -> str:
    """The text of passage `at` that answers no question."""
    chance = random.Random(f"{seed}/copies/{at}")
    if not at or chance.random() >= NEAR_DUPLICATES:
        return " ".join(_drawn(sentences, at, seed))
    parts = _drawn(sentences, chance.randrange(at), seed)
    parts[chance.randrange(len(parts))] = chance.choice(sentences)
    return " ".join(parts)


def write_corpus(made: Iterable[Made], folder: Path) -> Path:
    """The folder, with the passages as JSON lines in `corpus/`, and the questions beside it."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for old in corpus.glob("*.jsonl"):
        old.unlink()
    queries: list[Made] = []
    rest, number = iter(made), 0
    while block := list(islice(rest, PASSAGES_A_FILE)):
        rows = ({"_id": each.id, "title": each.title, "text": each.text} for each in block)
        _write_lines(corpus / f"{number:03}.jsonl", rows)
        queries += [each for each in block if each.question]
        number += 1
    asked = ({"question": each.question, "passage": each.id} for each in queries)
    _write_lines(folder / QUESTIONS, asked)
    return folder


def read_questions(folder: Path) -> dict[str, str]:
    """The questions of a written corpus, and the id of the passage that answers each."""
    rows = json_lines(folder / QUESTIONS)
    return {str(row["question"]): str(row["passage"]) for _, row in rows}


def write_markdown(made: Iterable[Made], folder: Path, passages_a_file: int) -> Path:
    """The folder, with Markdown files of so many passages, each under a heading of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    rest, number = iter(made), 0
    while block := list(islice(rest, passages_a_file)):
        text = "\n\n".join(f"# {each.title or each.id}\n\n{each.text}" for each in block)
        (folder / f"{number:06}.md").write_text(text + "\n", encoding="utf-8")
        number += 1
    return folder


def _drawn(sentences: Sequence[str], at: int, seed: int) -> list[str]:
    """The sentences of passage `at`: a run of them, or each drawn alone."""
    chance = random.Random(f"{seed}/{at}")
    counts = range(1, LONGEST + 1)
    [count] = chance.choices(counts, [1 / count for count in counts])
    if chance.random() < 0.5:
        start = chance.randrange(max(1, len(sentences) - count))
        return list(sentences[start : start + count])
    return [chance.choice(sentences) for _ in range(count)]


def _sentences_of(text: str) -> Iterator[str]:
    for start, end in sentences(text):
        sentence = " ".join(text[start:end].split())
        if SHORTEST_SENTENCE <= len(sentence) <= LONGEST_SENTENCE:
            yield sentence


def _write_lines(path: Path, rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
