"""An eval set: the FAQ's questions, which sections answer them, and how that is known.

eval/<name>/set.json       kind, origin of the labels, the corpus they were made on, counts
eval/<name>/queries.jsonl  {"_id", "text", "answer", "sections"}, one question a line
eval/<name>/qrels.tsv      query, 0, section id, grade: as trec_eval reads it
eval/<name>/review.tsv     what the rule was not sure of: to be judged by hand, not counted
eval/<name>/judgments.tsv  hand judgments, if there are any: query, section id, grade, reason
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from eval.measures.runs import Qrels, read_qrels, relevant, write_qrels
from eval.sets.faq import Pair, repeated
from eval.sets.silver_labels import MARGIN, Agreement, Label, agreement, silver
from eval.text_lines import numbered
from rag.checks import SUPPORT
from rag.documents import json_lines
from rag.types.errors import UsageError

FORMAT = 1
REBUILD = "run `rag eval build` again"

SetKind = Literal["documents", "faq-only"]
LabelOrigin = Literal["hand", "mixed", "table", "silver", "own answer", "feedback"]


@dataclass(frozen=True, slots=True)
class EvalQuery:
    """A question, the answer known for it, and the sections of its own FAQ pairs, which must
    not be in the index that is evaluated (unless there is nothing else)."""

    id: str
    text: str
    answer: str
    sections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A question whose label does not count, and what the rule found."""

    query: str
    text: str
    reason: str
    candidates: tuple[str, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class EvalSet:
    """`kind` tells whether the corpus holds text beside its FAQ; `origin` where labels come from.

    `qrels` judge section ids and hold only questions that count. `confidence` is the silver
    rule's, by query id; `trust` is that rule against the hand's labels, if there are both.
    """

    name: str
    kind: SetKind
    origin: LabelOrigin
    corpus_sha256: str
    pairs: int
    queries: tuple[EvalQuery, ...]
    qrels: Qrels
    doubts: tuple[Doubt, ...]
    confidence: Mapping[str, float]
    trust: Agreement | None

    @property
    def has_own_pairs(self) -> bool:
        """Whether the questions are those of FAQ pairs that the corpus holds."""
        return any(query.sections for query in self.queries)


@dataclass(frozen=True, slots=True)
class Judgment:
    """A hand judgment: the grade of a section for a query, 0 to 2, and why."""

    query: str
    section: str
    grade: int
    reason: str


def faq_only_set(name: str, corpus_sha256: str, pairs: Sequence[Pair]) -> EvalSet:
    """The set of a corpus that is nothing but FAQ: each question's gold is its own answer.

    A question that is asked more than once counts once, and each of its answers is gold.
    """
    qrels: dict[str, dict[str, int]] = {}
    for pair in pairs:
        qrels.setdefault(pair.id, {})[pair.section] = 2
    return EvalSet(
        name=name,
        kind="faq-only",
        origin="own answer",
        corpus_sha256=corpus_sha256,
        pairs=len(pairs),
        queries=_queries(pairs),
        qrels=qrels,
        doubts=(),
        confidence={},
        trust=None,
    )


def documents_set(
    name: str,
    corpus_sha256: str,
    pairs: Sequence[Pair],
    sections: Mapping[str, str],
    headings: Mapping[str, str],
    judgments: Sequence[Judgment] = (),
) -> EvalSet:
    """The set of a corpus with text beside its FAQ, judged on its body `sections` (id -> text).

    `headings` are the sections' own, by id.

    Labels are the table's if it names gold sections; else of each question the hand's or, if it
    has none, the silver ones.
    """
    _check_pairs(pairs)
    queries = _queries(pairs)
    labels = silver(
        {query.id: query.answer for query in queries},
        sections,
        {query.id: query.text for query in queries},
        headings,
    )
    graded = {query: dict(label.grades) for query, label in labels.items() if label.certain}
    table = {pair.id: dict.fromkeys(pair.gold, 2) for pair in pairs if pair.gold}
    hand = judged_by_hand(judgments)
    origin, qrels = ("table", {**hand, **table}) if table else _with_hand(hand, graded)
    check_sections(qrels, sections, name)
    known = {query: qrels[query] for query in sorted(qrels) if query in labels}
    by_hand = {query: known[query] for query in known if query in table or query in hand}
    trust = agreement(by_hand, graded, sorted(sections)) if by_hand else None
    doubts = [_doubt(query, labels[query.id]) for query in queries if query.id not in known]
    if not any(relevant(judged) for judged in known.values()):
        raise UsageError(
            f"{name}: no section of the documents supports any of the {len(pairs)} answers; "
            "do FAQ and documents belong together? A table may name the sections: column `gold`"
        )
    return EvalSet(
        name=name,
        kind="documents",
        origin=origin,
        corpus_sha256=corpus_sha256,
        pairs=len(pairs),
        queries=queries,
        qrels=known,
        doubts=tuple(doubts),
        confidence={query: round(label.confidence, 4) for query, label in labels.items()},
        trust=trust,
    )


def with_judgments(evalset: EvalSet, judgments: Sequence[Judgment]) -> EvalSet:
    """The set with hand judgments, made since it was built, in place of its silver labels."""
    known = {query.id for query in evalset.queries}
    hand = {query: grades for query, grades in judged_by_hand(judgments).items() if query in known}
    if evalset.origin == "table":
        return replace(evalset, qrels={**hand, **evalset.qrels})
    if not hand or evalset.origin == "own answer":
        return evalset
    origin, qrels = _with_hand(hand, evalset.qrels)
    return replace(evalset, origin=origin, qrels=qrels)


def judged_by_hand(judgments: Sequence[Judgment]) -> dict[str, dict[str, int]]:
    """The grades of the judgments, by query and section id."""
    hand: dict[str, dict[str, int]] = {}
    for judgment in judgments:
        hand.setdefault(judgment.query, {})[judgment.section] = judgment.grade
    return hand


def check_sections(qrels: Qrels, sections: Mapping[str, Any], name: str) -> None:
    """Raise UsageError if judged sections are gone: all of them, or some, which it names."""
    judged = {section for grades in qrels.values() for section in grades}
    gone = sorted(judged - set(sections))
    if gone and len(gone) == len(judged):
        raise UsageError(
            f"{name}: none of the {len(judged)} judged sections is in this corpus or index, which "
            f"is another one (found {next(iter(sections), 'no section')!r}, expected {gone[0]!r}): "
            f"name the corpus that the set was built from, or {REBUILD}"
        )
    if gone:
        raise UsageError(
            f"{name}: {len(gone)} of {len(judged)} judged sections are gone, first {gone[0]!r}: "
            f"a heading was changed or removed; {REBUILD}"
        )


def read_judgments(path: Path) -> list[Judgment]:
    """The hand judgments of a tab-separated file; its first line names the columns."""
    return [_judgment(path, number, line) for number, line in numbered(path) if number > 1]


def write_set(folder: Path, evalset: EvalSet) -> list[Path]:
    """Write the set's files and return their paths; hand judgments are never touched."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "format": FORMAT,
        "name": evalset.name,
        "kind": evalset.kind,
        "labels": evalset.origin,
        "corpus_sha256": evalset.corpus_sha256,
        "pairs": evalset.pairs,
        "questions": len(evalset.queries),
        "counted": len(evalset.qrels),
        "confidence": dict(sorted(evalset.confidence.items())),
        "trust": asdict(evalset.trust) if evalset.trust else None,
    }
    contents = {
        "set.json": json.dumps(facts, indent=1) + "\n",
        "queries.jsonl": "".join(_query_line(query) for query in evalset.queries),
        "review.tsv": "".join(map("\t".join, _review(evalset.doubts))),
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    write_qrels(folder / "qrels.tsv", evalset.qrels)
    return [folder / name for name in (*contents, "qrels.tsv")]


def read_set(folder: Path) -> EvalSet:
    """The set that `write_set` wrote; UsageError if there is none."""
    if not (folder / "set.json").is_file():
        raise UsageError(f"no eval set in {folder}: run `rag eval build`")
    facts = json.loads((folder / "set.json").read_text(encoding="utf-8"))
    if facts.get("format") != FORMAT:
        raise UsageError(f"{folder} has format {facts.get('format')}, expected {FORMAT}: {REBUILD}")
    queries = tuple(
        EvalQuery(row["_id"], row["text"], row["answer"], tuple(row["sections"]))
        for _, row in json_lines(folder / "queries.jsonl")
    )
    qrels = read_qrels(folder / "qrels.tsv")
    unknown = sorted(set(qrels) - {query.id for query in queries})
    if unknown:
        raise UsageError(f"{folder}: qrels.tsv judges {unknown[0]}, which queries.jsonl has not")
    return EvalSet(
        name=facts["name"],
        kind=facts["kind"],
        origin=facts["labels"],
        corpus_sha256=facts["corpus_sha256"],
        pairs=facts["pairs"],
        queries=queries,
        qrels=qrels,
        doubts=(),
        confidence=facts["confidence"],
        trust=Agreement(**facts["trust"]) if facts["trust"] else None,
    )


def _queries(pairs: Sequence[Pair]) -> tuple[EvalQuery, ...]:
    merged: dict[str, list[Pair]] = {}
    for pair in pairs:
        merged.setdefault(pair.id, []).append(pair)
    return tuple(
        EvalQuery(
            id,
            same[0].question,
            "\n".join(pair.answer for pair in same),
            tuple(pair.section for pair in same if pair.section),
        )
        for id, same in merged.items()
    )


def _check_pairs(pairs: Sequence[Pair]) -> None:
    if twice := repeated(pairs):
        raise UsageError(
            f"{len(twice)} questions are asked twice, first {twice[0]!r}: one of the two answers "
            "would count as wrong; merge them or tell the questions apart"
        )


def _with_hand(hand: Qrels, silver: Qrels) -> tuple[LabelOrigin, Qrels]:
    """The labels by rule, those judged by hand in their place, and where they come from."""
    if not hand:
        return "silver", silver
    return ("mixed" if silver.keys() - hand.keys() else "hand"), {**silver, **hand}


def _doubt(query: EvalQuery, label: Label) -> Doubt:
    reason = f"support {label.support:.2f}: no section holds enough of the answer"
    if label.support >= SUPPORT:
        reason = f"the second best section is only {100 * label.margin:.0f}% behind"
        if label.margin >= MARGIN:
            reason = "the section that holds most of the answer holds too little of the question"
    return Doubt(query.id, query.text, reason, label.nearest, label.confidence)


def _judgment(path: Path, number: int, line: str) -> Judgment:
    fields = line.split("\t")
    if len(fields) != 4 or fields[2] not in ("0", "1", "2"):
        raise UsageError(
            f"{path}:{number}: expected query, section, grade 0 to 2 and reason between tabs, "
            f"found {line[:60]!r}"
        )
    return Judgment(fields[0], fields[1], int(fields[2]), fields[3])


def _query_line(query: EvalQuery) -> str:
    row = {
        "_id": query.id,
        "text": query.text,
        "answer": query.answer,
        "sections": list(query.sections),
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _review(doubts: Sequence[Doubt]) -> list[list[str]]:
    head = ["query", "question", "confidence", "why", "candidates\n"]
    return [head] + [
        [
            doubt.query,
            " ".join(doubt.text.split()),
            f"{doubt.confidence:.2f}",
            doubt.reason,
            " ".join(doubt.candidates) + "\n",
        ]
        for doubt in doubts
    ]
