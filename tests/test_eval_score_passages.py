"""Choices on passages, measured on tiny tasks."""

from dataclasses import replace
from pathlib import Path

import pytest
from paper import PaperEncoder, corpus
from tiny_beir import articles, write_collection

from eval.fusions import FUSIONS
from eval.passage_figures import SERVED
from eval.score_passages import (
    Setup,
    changed,
    clearly_better,
    context_rows,
    length_figures,
    shorter,
)
from eval.squad import answers
from eval.suite import COLLECTIONS, SQUAD
from rag.build import silent

FAQ = "# Fruit\n\n## FAQ\n\nQ: What is red?\nA: Apples.\n\nQ: What is dark?\nA: Cherries.\n"


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    folder = tmp_path_factory.mktemp("data")
    for name in COLLECTIONS:
        write_collection(folder / "retrieval" / name)
    write_collection(folder / SQUAD, rows=articles(30))
    corpus(folder / "faq_pages", fruit=FAQ)
    return Setup(folder, PaperEncoder(), None, folder / "cache", silent)


def outcome(gains: dict[str, float]) -> dict[str, object]:
    """Figures in which shorter passages gain so much by task and all else is as served."""
    served = dict.fromkeys(gains, 0.5)
    shown = {task: {"ndcg": 0.5, "ndcg_once": 0.49} for task in [*gains, "faq_pages"]}
    better = {task: 0.5 + gain for task, gain in gains.items()}
    return {
        "served_pieces": "254",
        "lengths": {
            "64": {"kin": {SERVED: better}},
            "254": {"rows": {SERVED: served}, "kin": {SERVED: served}},
        },
        "repeats": {"shown": shown},
        "contexts": {"fused": {SERVED: served}},
        "sentences": {SERVED: served},
    }


@pytest.mark.parametrize(
    ("gains", "names"),
    [
        ({"a": 0.02, "b": -0.004}, ["64 word pieces, as served"]),
        ({"a": 0.02, "b": -0.006}, []),
        ({"a": 0.004, "b": 0.004}, []),
    ],
)
def test_clearly_better_gains_on_average_and_loses_nowhere(
    gains: dict[str, float], names: list[str]
) -> None:
    assert clearly_better(outcome(gains)) == names


def test_changed_tasks_have_the_same_passages_and_questions(setup: Setup) -> None:
    tasks = setup.tasks(setup.encoder)
    bare = changed(tasks, setup.without_context)
    for task, twin in zip(tasks, bare, strict=True):
        assert task.name == twin.name
        for (pool, queries), (other, same) in zip(task.parts, twin.parts, strict=True):
            assert [p.id for p in pool.passages] == [p.id for p in other.passages]
            assert {p.context for p in other.passages} == {""}
            assert queries == same


def test_a_signal_without_context_does_not_know_the_title(setup: Setup, tmp_path: Path) -> None:
    rows = [("Zoo", "p0", "It is big.", "zoo", "big"), ("Fox", "p1", "It is red.", "fox", "red")]
    write_collection(tmp_path / "retrieval/cacm", rows=rows)
    for name in (*COLLECTIONS[1:], "../abstention/squad2"):
        write_collection(tmp_path / "retrieval" / name, rows=articles(30))
    tiny = replace(setup, data=tmp_path, cache=tmp_path / "cache")
    tasks = tiny.tasks(tiny.encoder)
    made = context_rows(tasks, tiny.found(tasks), tiny)
    assert list(made["fused"]) == [
        SERVED,
        *(f"{signal} without context" for signal in ("dense", "bm25", "late")),
        "none with context",
        "late without the context's own tokens",
    ]
    for signal in ("dense", "bm25", "late"):
        assert made["alone"][signal]["cacm"] == 1.0
        assert made["alone"][f"{signal} without context"]["cacm"] < 1.0
    assert made["fused"]["none with context"]["cacm"] < 1.0


def test_figures_of_a_length_count_passages_words_and_answers(setup: Setup) -> None:
    found = setup.found(setup.tasks(setup.encoder))
    made = length_figures(found, answers(setup.data / SQUAD))
    assert made["passages"]["squad2"] == 60
    assert made["words"]["cacm"] == 6
    assert set(made["rows"]) <= set(FUSIONS)
    assert set(made["first"]) == {"squad2", "squad2-articles"}
    assert made["caps"]["document"]["cacm"]["1"]["answer"] is None
    assert made["caps"]["title"]["squad2-articles"]["1"]["kin"] == 1.0


def test_shorter_passages_are_more(setup: Setup) -> None:
    made = shorter(setup, answers(setup.data / SQUAD))
    assert list(made) == ["64", "128", "192"]
