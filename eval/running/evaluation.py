"""Asks every system a group of questions: what they returned, and how good that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import MappingProxyType

from eval.measures.coverage import answer_coverage
from eval.measures.retrieval import DEPTH, per_query
from eval.measures.runs import Qrels, first_of_each, relevant
from eval.measures.stats import interval
from eval.running.result import GroupResult, QuestionResult, QuotedSection, SystemFigures
from eval.running.systems import SYSTEMS, Found, find
from eval.sets.evalset import EvalQuery
from eval.words import plain, words
from rag.encoders import Encoder
from rag.index import Snapshot
from rag.types import Passage, Progress, silent

# `/ask` returns this many passages by default.
TOP = 5
COVERAGE = ("ROUGE-L@5", "supported@5")
# How much of what was returned is kept for the report: so many sections, and characters of each.
QUOTED = 3
PASSAGE = 400
SECTION = 1500
# Passages hold shorter questions by chance.
LEAK_WORDS = 4

IdOf = Callable[[Passage], str]
# The value of each question, by measure and by the question's id.
PerQuery = dict[str, dict[str, float]]


# What FAQ and written questions are judged on, and what public test sets are.
section_of: IdOf = attrgetter("section_id")
document_of: IdOf = attrgetter("document_id")


@dataclass(frozen=True, slots=True)
class AskedQuery:
    """A question as asked, and by system: the sections returned (or documents, if those are
    judged), best first; the best passages of the first of them; the texts of the first passages,
    which are shown, and their sections; and the confidence. `grades` are of the sections."""

    query: EvalQuery
    grades: Mapping[str, int]
    returned: Mapping[str, tuple[str, ...]]
    quotes: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, tuple[str, ...]]
    held: Mapping[str, frozenset[str]]
    confidence: Mapping[str, float]

    def right(self, system: str) -> bool:
        """Whether one of the passages shown is in a section that answers."""
        return bool(self.held[system] & relevant(self.grades))


def put(
    snapshot: Snapshot,
    encoder: Encoder,
    queries: Sequence[EvalQuery],
    qrels: Qrels,
    progress: Progress = silent,
    judged: IdOf = section_of,
) -> tuple[AskedQuery, ...]:
    """Each question with what every system returned for it, in the order given."""
    asked = []
    for query in queries:
        found = find(snapshot, encoder, query.text)
        asked.append(_asked(query, qrels.get(query.id, {}), found, judged))
        progress("questions asked", len(asked), len(queries))
    return tuple(asked)


def measured(
    name: str,
    title: str,
    note: str,
    asked: Sequence[AskedQuery],
    systems: Sequence[str] = tuple(SYSTEMS),
    references: Mapping[str, float] = MappingProxyType({}),
) -> GroupResult:
    """The figures over the questions that have an answer; `references` are published ones."""
    counted = [each for each in asked if relevant(each.grades)]
    values = {system: _values(counted, system) for system in systems}
    rows = [
        SystemFigures(
            system,
            SYSTEMS[system].title,
            {measure: interval(list(each.values())) for measure, each in measures.items()},
            references.get(system),
        )
        for system, measures in values.items()
    ]
    return GroupResult(name, title, note, rows, [_question(each, values) for each in counted])


def quoted_sections(groups: Sequence[GroupResult], snapshot: Snapshot) -> dict[str, QuotedSection]:
    """What the report shows of the sections, or documents, that questions ask for and get."""
    wanted = {
        id
        for group in groups
        for question in group.questions
        for id in (
            *relevant(question.expected),
            *question.returned[group.rows[-1].system][:QUOTED],
        )
    }
    return {id: _quoted(snapshot, id) for id in sorted(wanted)}


def leaks(queries: Sequence[EvalQuery], passages: Sequence[Passage]) -> dict[str, list[str]]:
    """Query id -> ids of passages that hold the question word for word, or are its FAQ pair.

    The figures of an index with such passages mean nothing: it holds the questions.
    """
    held = [(passage, f" {plain(passage.text)} ") for passage in passages]
    found = {
        query.id: [passage.id for passage, text in held if _leaks(query, passage, text)]
        for query in queries
    }
    return {query: ids for query, ids in found.items() if ids}


def _leaks(query: EvalQuery, passage: Passage, text: str) -> bool:
    own = passage.section_id in query.sections
    return f" {plain(query.text)} " in text and (own or len(words(query.text)) >= LEAK_WORDS)


def _asked(query: EvalQuery, grades: Mapping[str, int], found: Found, judged: IdOf) -> AskedQuery:
    passages = {system: [hit.passage for hit in hits] for system, hits in found.hits.items()}
    best = {
        system: {judged(passage): passage.text for passage in reversed(each)}
        for system, each in passages.items()
    }
    returned = {
        system: tuple(first_of_each(map(judged, each), DEPTH)) for system, each in passages.items()
    }
    return AskedQuery(
        query=query,
        grades=grades,
        returned=returned,
        quotes={
            system: tuple(shortened(best[system][id], PASSAGE) for id in each[:QUOTED])
            for system, each in returned.items()
        },
        shown={system: tuple(p.text for p in each[:TOP]) for system, each in passages.items()},
        held={system: frozenset(map(judged, each[:TOP])) for system, each in passages.items()},
        confidence=found.confidence,
    )


def _question(asked: AskedQuery, values: Mapping[str, PerQuery]) -> QuestionResult:
    return QuestionResult(
        id=asked.query.id,
        text=asked.query.text,
        expected=dict(sorted(asked.grades.items())),
        returned=asked.returned,
        values={
            system: {measure: each[asked.query.id] for measure, each in measures.items()}
            for system, measures in values.items()
        },
        confidence=asked.confidence,
        quotes=asked.quotes.get(tuple(values)[-1], ()),
    )


def _quoted(snapshot: Snapshot, id: str) -> QuotedSection:
    if (document := snapshot.document(id)) is not None:
        return QuotedSection(document.title, (), shortened(document.text, SECTION))
    section = snapshot.sections[id]
    document = snapshot.documents[section.document_id]
    text = document.text[section.body_start : section.end].strip()
    return QuotedSection(document.title, section.heading_path, shortened(text, SECTION))


def shortened(text: str, most: int) -> str:
    """The text itself, or its start and an ellipsis."""
    return text if len(text) <= most else f"{text[:most].rstrip()} …"


def _values(asked: Sequence[AskedQuery], system: str) -> PerQuery:
    qrels = {each.query.id: each.grades for each in asked}
    run = {each.query.id: each.returned[system] for each in asked}
    return per_query(qrels, run) | _coverage(asked, system)


def _coverage(asked: Sequence[AskedQuery], system: str) -> PerQuery:
    """Nothing if no answers are known, as in public sets."""
    if not all(each.query.answer for each in asked):
        return {}
    covered = {
        each.query.id: answer_coverage(each.query.answer, each.shown[system]) for each in asked
    }
    return {
        COVERAGE[0]: {query: found.rouge_l for query, found in covered.items()},
        COVERAGE[1]: {query: found.supported for query, found in covered.items()},
    }
