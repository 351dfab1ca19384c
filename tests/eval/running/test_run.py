"""A run from end to end: figures by hand, a planted leak, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval.reporting.leak import sides
from eval.reporting.plain_words import verdict
from eval.running.evaluation import leaks
from eval.running.result import LEAKY, Result
from eval.running.run import run_set
from eval.running.systems import SERVED, SYSTEMS, find
from eval.sets.evalset import EvalQuery, EvalSet
from eval.sets.written_questions import Written
from rag.answering.answer import ask
from rag.index.snapshot import Snapshot
from rag.types import Passage, silent
from rag.types.errors import UsageError
from support.eval_results import question
from support.faq_corpus import ENCODER, SOIL, TEXT, WATER, indexed, lupine_set, source


def run(
    evalset: EvalSet,
    snapshot: Snapshot,
    leaky: Snapshot | None = None,
    written: list[Written] | None = None,
) -> Result:
    return run_set(evalset, snapshot, leaky, ENCODER, written or [], ["test"], silent)


def test_each_question_goes_through_the_search_that_ask_calls(tmp_path: Path) -> None:
    snapshot = indexed(source(tmp_path))
    found = find(snapshot, ENCODER, "sandy soil", k=2)
    assert found.hits.keys() == SYSTEMS.keys()
    dense = ask(snapshot, ENCODER, "sandy soil", top_k=2, mode="dense")
    assert found.hits["dense"] == tuple(cited.hit for cited in dense.passages)
    served = ask(snapshot, ENCODER, "sandy soil", top_k=2)
    assert found.hits[SERVED] == tuple(cited.hit for cited in served.passages)
    assert found.confidence[SERVED] == served.confidence


def test_the_faq_is_answered_by_the_documents_alone(tmp_path: Path) -> None:
    corpus = source(tmp_path)
    evalset = lupine_set(corpus)
    result = run(evalset, indexed(corpus), indexed(corpus, "with"))
    faq = result.groups[0]
    assert (faq.name, len(faq.questions), result.leaks) == ("faq", 2, {})
    water = faq.questions[0]
    assert water.expected == {WATER: 2}
    assert all("#faq" not in section for ids in water.returned.values() for section in ids)
    assert water.values["bm25"]["Success@1"] == 1.0
    assert set(result.groups[0].rows[3].figures) >= {"nDCG@10", "ROUGE-L@5", "supported@5"}


def test_the_leak_is_shown_beside_the_figure(tmp_path: Path) -> None:
    corpus = source(tmp_path)
    result = run(lupine_set(corpus), indexed(corpus), indexed(corpus, "with"))
    leaky = result.groups[1]
    assert leaky.name == LEAKY
    assert leaky.questions[0].returned["bm25"][0] == "lupines.md#faq/how-much-water"
    assert [side.system for side in sides(result)] == list(SYSTEMS)
    assert sides(run(lupine_set(corpus), indexed(corpus))) == []


def test_a_planted_leak_is_seen_and_said(tmp_path: Path) -> None:
    """The question is pasted into a section of the documents, with its answer."""
    planted = TEXT.replace(
        "Soak seeds", "Somebody asked: how much WATER do lupines want? Soak seeds"
    )
    planted = planted.replace("### How much water?", "### How much water do lupines want?")
    corpus = source(tmp_path, planted)
    result = run(lupine_set(corpus), indexed(corpus))
    assert list(result.leaks) == [lupine_set(corpus).queries[0].id]
    assert "1 of the 2 questions are word for word in the index" in verdict(result)


def test_a_short_question_leaks_only_from_its_own_pair() -> None:
    query = EvalQuery("q", "Why rain?", "", ("d#faq/why-rain",))
    passages = [
        Passage("p1", "d", "d#top", 0, 9, "Why rain? It helps.", ""),
        Passage("p2", "d", "d#faq/why-rain", 9, 18, "Why rain? It helps.", ""),
        Passage("p3", "d", "d#faq/why-rain", 18, 27, "It helps.", ""),
    ]
    assert leaks([query], passages) == {"q": ["p2"]}


def test_an_index_that_holds_the_pairs_is_refused(tmp_path: Path) -> None:
    corpus = source(tmp_path)
    with pytest.raises(UsageError, match="holds the FAQ pairs themselves"):
        run(lupine_set(corpus), indexed(corpus, "with"))


def test_an_index_of_another_corpus_is_refused(tmp_path: Path) -> None:
    evalset = lupine_set(source(tmp_path))
    (tmp_path / "other").mkdir()
    other = source(
        tmp_path / "other", TEXT.replace("## Water", "## Wet").replace("## Soil", "## Dry")
    )
    with pytest.raises(UsageError, match="none of the 2 judged sections is in this corpus"):
        run(evalset, indexed(other))


def test_a_corpus_changed_since_its_labels_were_made_is_said(tmp_path: Path) -> None:
    evalset = lupine_set(source(tmp_path))
    changed = source(tmp_path, TEXT.replace("Sow seeds early.", "Sow seeds in March."))
    said = "The corpus has changed since the labels were made"
    assert said in verdict(run(evalset, indexed(changed)))
    assert said not in verdict(run(lupine_set(changed), indexed(changed)))


def test_written_questions_are_reported_apart_and_abstention_with_them(tmp_path: Path) -> None:
    corpus = source(tmp_path)
    written = [
        question("a1", "When are seeds sown?", "Sow seeds early.", "lupines.md#seeds"),
        question("a2", "What do sandy soils suit?", "Sandy soil suits lupines.", SOIL),
        question("u1", "Quartz?"),
    ]
    result = run(lupine_set(corpus), indexed(corpus), written=written)
    assert [(group.name, len(group.questions)) for group in result.groups] == [
        ("faq", 2),
        ("written", 2),
    ]
    assert (result.answerable, result.unanswerable) == (2, 1)
    assert [each.system for each in result.abstention] == list(SYSTEMS)
    assert result.abstention[1].auroc == 1.0
    assert [bool(each.bins) for each in result.abstention] == [False, False, False, False, True]


def test_questions_that_are_not_counted_are_not_asked(tmp_path: Path) -> None:
    corpus = source(tmp_path)
    evalset = lupine_set(corpus)
    first = evalset.queries[0].id
    result = run(replace(evalset, qrels={first: evalset.qrels[first]}), indexed(corpus))
    assert [each.id for each in result.groups[0].questions] == [first]
    assert (result.labels["questions"], result.labels["counted"]) == (2, 1)


def test_nothing_but_faq_is_run_on_the_answers_alone(tmp_path: Path) -> None:
    corpus = source(tmp_path, "# Page\n\n" + TEXT[TEXT.index("## FAQ") :])
    result = run(lupine_set(corpus), indexed(corpus, "answers"), indexed(corpus, "with"))
    assert (result.kind, result.leaks) == ("faq-only", {})
    water, ground = result.groups[0].questions
    assert water.returned["bm25"] == ("lupines.md#faq/how-much-water",)
    assert ground.returned["bm25"] == ()


def test_the_same_run_gives_the_same_result(tmp_path: Path) -> None:
    corpus = source(tmp_path)
    evalset = lupine_set(corpus)
    assert run(evalset, indexed(corpus)) == run(evalset, indexed(corpus))
