"""Corpora are made of sentences, the same each time, with the same answers at every size."""

import json
from pathlib import Path

import pytest

from eval.sets.beir import read_collection
from eval.speed.corpora import (
    LONGEST,
    Material,
    Planted,
    filler,
    passages,
    planted_of,
    read_material,
    read_questions,
    write_corpus,
    write_markdown,
)
from rag.types.errors import UsageError
from support.tiny_beir import write_collection as write_tiny

SENTENCES = tuple(f"Sentence {n}." for n in range(500))
MATERIAL = Material(SENTENCES, tuple(Planted("T", f"Fact {n}.", f"What is {n}?") for n in range(3)))


def test_a_passage_depends_on_its_place_and_the_seed_alone() -> None:
    assert [filler(SENTENCES, n) for n in range(50)] == [filler(SENTENCES, n) for n in range(50)]
    assert [filler(SENTENCES, n, 1) for n in range(50)] != [filler(SENTENCES, n) for n in range(50)]


def test_short_passages_are_the_most_frequent() -> None:
    lengths = [filler(SENTENCES, n).count("Sentence") for n in range(1000)]
    counts = [lengths.count(length) for length in range(1, LONGEST + 1)]
    assert sum(counts) == 1000 and counts == sorted(counts, reverse=True)


def test_some_passages_are_near_duplicates_of_earlier_ones() -> None:
    """Two drawn by chance share a run of three sentences of 500 hardly ever."""
    runs = [
        tuple(parts[at : at + 3])
        for parts in (filler(SENTENCES, n).split(". ") for n in range(1000))
        for at in range(len(parts) - 2)
    ]
    assert len(runs) - len(set(runs)) > 10


@pytest.mark.parametrize("size", [3, 100, 1000])
def test_the_same_passages_answer_at_every_size(size: int) -> None:
    made = list(passages(MATERIAL, size))
    assert [each.id for each in made] == [f"m{n}" for n in range(size)]
    assert sorted(each.text for each in made if each.question) == ["Fact 0.", "Fact 1.", "Fact 2."]


def test_a_written_corpus_says_which_passage_answers(tmp_path: Path) -> None:
    write_corpus(passages(MATERIAL, 20), tmp_path)
    [file] = (tmp_path / "corpus").iterdir()
    texts = {row["_id"]: row["text"] for row in map(json.loads, file.read_text().splitlines())}
    questions = read_questions(tmp_path)
    assert len(texts) == 20 and len(questions) == 3
    for question, passage in questions.items():
        number = question.removeprefix("What is ").rstrip("?")
        assert texts[passage] == f"Fact {number}."


def test_markdown_files_hold_so_many_passages(tmp_path: Path) -> None:
    write_markdown(passages(MATERIAL, 5), tmp_path, 2)
    assert [path.read_text().count("# ") for path in sorted(tmp_path.iterdir())] == [2, 2, 1]


def test_planted_passages_are_those_judged(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "tiny")
    collection = read_collection(folder)
    planted = planted_of(folder)
    assert [each.question for each in planted] == list(collection.queries.values())
    assert planted[0].text == "Apples are red. Bears eat them."


def test_missing_material_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data"):
        read_material(tmp_path)
