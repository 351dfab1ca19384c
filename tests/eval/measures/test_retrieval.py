"""The measures agree with trec_eval and with examples worked by hand."""

import math
import random

import ir_measures
import pytest
import pytrec_eval
from ir_measures import RR, P

from eval.measures.retrieval import NAMES, per_query
from eval.measures.runs import ranked
from rag.types.errors import UsageError

TREC = {
    "nDCG@10": "ndcg_cut_10",
    "R@5": "recall_5",
    "Success@1": "success_1",
    "Success@3": "success_3",
    "Success@5": "success_5",
}
DOCUMENTS = [f"d{at:02}" for at in range(30)]
# trec_eval breaks ties by falling id, ours by rising id: told these names, it breaks them as we do.
MIRROR = {name: f"d{99 - int(name[1:]):02}" for name in DOCUMENTS}


def _random_qrels(generator: random.Random) -> dict[str, dict[str, int]]:
    return {
        f"q{at}": {
            name: generator.choice([0, 1, 2])
            for name in generator.sample(DOCUMENTS, generator.randint(1, 8))
        }
        for at in range(3)
    }


def _random_scores(generator: random.Random) -> dict[str, dict[str, float]]:
    """Few distinct scores, so that ties are many; short lists; queries without results."""
    return {
        f"q{at}": {
            name: float(generator.randint(0, 4))
            for name in generator.sample(DOCUMENTS, generator.choice([0, 1, 3, 12, 25]))
        }
        for at in range(3)
        if generator.random() < 0.8
    }


def _trec(
    qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]], cut: int | None
) -> dict[str, dict[str, float]]:
    mirrored = {
        query: {
            MIRROR[name]: scores[name] for name in (ranked(scores)[:cut] if cut else ranked(scores))
        }
        for query, scores in run.items()
    }
    judged = {q: {MIRROR[name]: grade for name, grade in j.items()} for q, j in qrels.items()}
    names = {*TREC.values(), "recip_rank"}
    values: dict[str, dict[str, float]]
    values = pytrec_eval.RelevanceEvaluator(judged, names).evaluate(mirrored)
    return values


def test_a_thousand_random_runs_measure_as_pytrec_eval_measures_them() -> None:
    generator = random.Random(7)
    for _ in range(1000):
        qrels, scores = _random_qrels(generator), _random_scores(generator)
        judged = {query for query in qrels if max(qrels[query].values()) > 0}
        if not judged:
            continue
        ours = per_query(qrels, {query: ranked(each) for query, each in scores.items()})
        whole, ten = _trec(qrels, scores, None), _trec(qrels, scores, 10)
        for query in judged:
            for name, trec in TREC.items():
                assert ours[name][query] == pytest.approx(whole.get(query, {}).get(trec, 0.0))
            first = ten.get(query, {}).get("recip_rank", 0.0)
            assert ours["RR@10"][query] == pytest.approx(first)


def test_worked_by_hand() -> None:
    qrels = {"q": {"a": 2, "b": 1, "c": 0}}
    values = per_query(qrels, {"q": ["c", "b", "x", "a"]})
    best = 2 + 1 / math.log2(3)
    assert values["nDCG@10"]["q"] == pytest.approx((1 / math.log2(3) + 2 / math.log2(5)) / best)
    assert [values[name]["q"] for name in NAMES[1:]] == [0.5, 1.0, 0.0, 1.0, 1.0]


def test_no_two_measures_are_the_same_by_another_name() -> None:
    generator = random.Random(3)
    runs = [(_random_qrels(generator), _random_scores(generator)) for _ in range(50)]
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for qrels, scores in runs:
        values = per_query(qrels, {query: ranked(each) for query, each in scores.items()})
        for name, of in values.items():
            found[name] += of.values()
    assert len({tuple(values) for values in found.values()}) == len(NAMES)


def test_one_of_five_found_is_no_perfect_score() -> None:
    values = per_query({"q": dict.fromkeys("abcde", 1)}, {"q": ["a"]})
    assert values["nDCG@10"]["q"] == pytest.approx(0.339, abs=0.001)
    assert values["R@5"]["q"] == pytest.approx(0.2)


def test_a_judged_query_without_results_counts_0_and_an_unjudged_one_not_at_all() -> None:
    values = per_query({"q1": {"a": 1}, "q2": {"a": 1}}, {"q1": ["a"], "q3": ["a"]})
    assert values["RR@10"] == {"q1": 1.0, "q2": 0.0}


def test_nothing_relevant_anywhere_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing to measure"):
        per_query({"q": {"a": 0}}, {"q": ["a"]})


def test_tied_scores_are_why_ranks_are_scored() -> None:
    """Two measures of one tied run, each by its own tie rule: the first is right and is not."""
    tied = {"q": {"a": 1.0, "b": 1.0}}
    found = {
        m.measure: m.value for m in ir_measures.iter_calc([P @ 1, RR @ 10], {"q": {"a": 1}}, tied)
    }
    assert (found[P @ 1], found[RR @ 10]) == (0.0, 1.0)
