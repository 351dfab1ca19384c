"""Results of small evaluations: of a tiny collection, of the lupines, of given values."""

from collections.abc import Mapping
from pathlib import Path

from eval.measures.retrieval import NAMES
from eval.measures.stats import interval
from eval.running.bench import bench
from eval.running.result import GroupResult, QuestionResult, Result, SystemFigures
from eval.running.run import run_set
from eval.sets.beir import read_collection
from eval.sets.evalset import EvalQuery
from eval.sets.written_questions import Written
from rag.types import silent
from support.faq_corpus import ENCODER, indexed, lupine_set, source
from support.tiny_beir import folder

CORPUS = (
    '{"_id": "plums", "title": "", "text": "Plums are blue."}\n'
    '{"_id": "pears", "title": "", "text": "Pears grow on trees. '
    + "Trees grow old. " * 12
    + 'Zebras nibble pears."}\n'
)
QUERIES = '{"_id": "q1", "text": "blue plums"}\n{"_id": "q2", "text": "zebras nibble"}\n'
QUERIES += '{"_id": "q3", "text": "moon"}\n'
FILES = {
    "corpus.jsonl": CORPUS,
    "queries.jsonl": QUERIES,
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\tplums\t1\nq2\tpears\t1\n",
    "answerable.tsv": "query-id\tanswerable\nq1\t1\nq2\t1\nq3\t0\n",
}


def bench_result(place: Path, **changed: str) -> Result:
    """The result of a public set of two documents and three queries, one of them unanswerable."""
    collection = read_collection(folder(place / "tiny", **(FILES | changed)))
    return bench(collection, ENCODER, place / "cache", ["test"], silent)


def question(id: str, text: str, answer: str = "", section: str = "") -> Written:
    """A written question, answerable if a section is named."""
    grades = {section: 2} if section else {}
    return Written(EvalQuery(id, text, answer, ()), "why", "test", bool(section), None, grades)


def lupine_result(place: Path) -> Result:
    """The result of a run on the lupines, FAQ and two written questions."""
    corpus = source(place)
    written = [
        question("a1", "When are seeds sown?", "Sow seeds early.", "lupines.md#seeds"),
        question("u1", "Quartz?"),
    ]
    leaky = indexed(corpus, "with")
    command = ["python", "-m", "eval", "run", str(place / "lupines.md"), "docs/"]
    return run_set(lupine_set(corpus), indexed(corpus), leaky, ENCODER, written, command, silent)


def result_of(values: Mapping[str, list[float]], name: str = "r") -> Result:
    """A result whose every measure has these values, by system."""
    count = len(next(iter(values.values())))
    questions = [
        QuestionResult(
            id=f"q{at:03}",
            text=f"Question {at}?",
            expected={"a": 1},
            returned={system: ["a"] for system in values},
            values={system: dict.fromkeys(NAMES, each[at]) for system, each in values.items()},
            confidence={},
        )
        for at in range(count)
    ]
    rows = [
        SystemFigures(system, system, {measure: interval(each) for measure in NAMES})
        for system, each in values.items()
    ]
    group = GroupResult("faq", "FAQ", "", rows, questions)
    return Result(name, "documents", {}, {}, [group], {}, [], 0, 0)
