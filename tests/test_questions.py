"""The written questions point at exact places in the body of the shipped corpus."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from support.places import ROOT

CORPUS = (ROOT / "corpus" / "car-t-lupus.md").read_text("utf-8")
LINES = (ROOT / "eval" / "car-t-lupus" / "questions.jsonl").read_text("utf-8").splitlines()
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
ANSWERABLE = [row for row in QUESTIONS if row["answerable"]]
UNANSWERABLE = [row for row in QUESTIONS if not row["answerable"]]
FIELDS = ["id", "question", "kind", "answerable", "near", "split", "gold", "answer"]
ABSENT = [
    "anifrolumab",
    "bcma",
    "cd19",
    "chemotherapy",
    "child",
    "children",
    "city",
    "company",
    "days",
    "diabetes",
    "die",
    "died",
    "dollars",
    "ema",
    "european",
    "genetic",
    "hospitalized",
    "icans",
    "inherited",
    "insurance",
    "journal",
    "men",
    "mg",
    "months",
    "placebo",
    "pregnancy",
    "pregnant",
    "registration",
    "rituximab",
    "sledai",
    "sponsor",
    "syndrome",
    "vector",
    "virus",
    "women",
    "year",
    "years",
]
KINDS = {"paraphrase", "figure", "name", "table", "list", "negation", "why", "compare"}


def section_texts() -> dict[str, str]:
    """The text of each section, its heading line aside, by heading path without the title."""
    path: list[str] = []
    texts: dict[str, str] = {}
    for block in re.split(r"^(?=#)", CORPUS, flags=re.MULTILINE)[1:]:
        heading, _, text = block.partition("\n")
        marks, _, label = heading.partition(" ")
        path = [*path[: len(marks) - 1], label]
        texts[" > ".join(path[1:])] = text
    return texts


SECTIONS = section_texts()


def normalised(question: str) -> str:
    """The words of a question in lower case, so that near-identical ones compare equal."""
    return " ".join(re.findall(r"\w+", question.lower()))


def test_every_line_has_exactly_the_documented_fields_in_order() -> None:
    assert [row["id"] for row in QUESTIONS if list(row) != FIELDS] == []


def test_ids_are_unique_and_numbered_in_order() -> None:
    numbered = [f"a{n:03}" for n in range(1, len(ANSWERABLE) + 1)]
    numbered += [f"u{n:03}" for n in range(1, len(UNANSWERABLE) + 1)]
    assert [row["id"] for row in QUESTIONS] == numbered


def test_no_question_is_asked_twice_nor_taken_from_the_faq() -> None:
    asked = Counter(normalised(row["question"]) for row in QUESTIONS)
    asked.update(normalised(path.removeprefix("FAQ > ")) for path in SECTIONS if "FAQ >" in path)
    assert [question for question, count in asked.items() if count > 1] == []


@pytest.mark.parametrize("row", ANSWERABLE, ids=lambda row: row["id"])
def test_each_gold_quote_stands_once_in_the_corpus_in_its_body_section(row: dict[str, Any]) -> None:
    assert row["gold"] and row["answer"] and row["near"] is None
    for gold in row["gold"]:
        assert not gold["section"].startswith("FAQ")
        assert gold["quote"] in SECTIONS[gold["section"]]
        assert CORPUS.count(gold["quote"]) == 1


@pytest.mark.parametrize("row", ANSWERABLE, ids=lambda row: row["id"])
def test_gold_quotes_are_whole_lines(row: dict[str, Any]) -> None:
    lines = re.sub(r"^(- |\d\. |> )", "", CORPUS, flags=re.MULTILINE).splitlines()
    quoted = [line for gold in row["gold"] for line in gold["quote"].splitlines()]
    assert {re.sub(r"^(- |\d\. )", "", line) for line in quoted} <= set(lines)


def test_unanswerable_questions_have_neither_gold_nor_answer() -> None:
    kept = [(row["kind"], row["gold"], row["answer"]) for row in UNANSWERABLE]
    assert kept == [("unanswerable", [], None)] * 60


def test_what_the_nearest_unanswerable_questions_ask_for_is_not_in_the_corpus() -> None:
    words = set(re.findall(r"\w+", CORPUS.lower()))
    assert words.isdisjoint(ABSENT)
    assert set(re.findall(r"\d+", CORPUS)) == {"1", "2", "3", "4", "5", "60", "70", "85", "90"}


def test_half_of_the_unanswerable_questions_are_near_the_topic() -> None:
    assert Counter(row["near"] for row in UNANSWERABLE) == {True: 30, False: 30}


def test_there_are_at_least_110_answerable_questions_and_10_of_each_kind() -> None:
    counts = Counter(row["kind"] for row in ANSWERABLE)
    assert (set(counts), counts.total() >= 110, min(counts.values()) >= 10) == (KINDS, True, True)


def test_train_and_test_have_the_same_mix() -> None:
    counts = Counter((row["kind"], row["near"], row["split"]) for row in QUESTIONS)
    assert {split for _, _, split in counts} == {"train", "test"}
    for kind, near, _ in counts:
        assert abs(counts[kind, near, "train"] - counts[kind, near, "test"]) <= 1
    assert abs(sum(n if key[2] == "train" else -n for key, n in counts.items())) <= 1


def test_the_readme_gives_the_true_counts() -> None:
    readme = (ROOT / "eval" / "car-t-lupus" / "README.md").read_text("utf-8")
    assert f"{len(ANSWERABLE)} questions that its body sections answer" in readme
    assert f"and {len(UNANSWERABLE)} that it does not answer" in readme
