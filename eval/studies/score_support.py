"""Scores the support of sentences: `python -m eval.studies.score_support ../shared/data`.

Each answerable question of squad2 becomes a statement with its answer in place of what is asked.
Its own paragraph supports it (`supported`), and the sentence that holds the answer (`quoted`).
Another paragraph of the article or of another article does not, nor does its own if the statement
has the answer to another question (`other answer`), or other digits in its own (`other number`).
The threshold is chosen on the calibration articles, and scored on the articles that chose nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from sklearn.metrics import roc_auc_score

from eval.provenance import CACHE, RESULTS, provenance, write_outcome
from eval.running.cache import served_snapshot
from eval.sets.beir import read_collection
from eval.studies.squad import SquadPart, answers, paragraphs, query_parts
from eval.studies.tasks import SQUAD, drawn
from rag.answering.alignment import align
from rag.answering.search import encode_query
from rag.answering.support import words_held
from rag.answering.terms import Term, missing_terms, specific_terms
from rag.cli.progress_bar import reporting
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.late_interaction import LateInteraction
from rag.index.snapshot import Snapshot
from rag.text.sentences import sentences
from rag.text.stems import ENGLISH
from rag.types import Passage

TRUE = ("supported", "quoted")
FALSE = ("other number", "other answer", "other paragraph", "other article")
MOST = 300

_ASKS = re.compile(
    r"^(?:(?:in|at|on|by|for|from|to|of|with|during|under)\s+)?"
    r"(?:who|whom|whose|what|which|when|where|how (?:many|much|long|old|far))\b\s*",
    re.IGNORECASE,
)
_HELPS = re.compile(r"(?:(\w+)\s+)??(?:did|does|do)\s+", re.IGNORECASE)
_IS = re.compile(r"(is|are|was|were|has|have|had|can|could|will|would)\s+(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A statement against a passage: its coverage, the mean of its tokens' best cosines, the shares
    of its stems that `one` sentence and the `passage` hold, and specific terms that are missing."""

    kind: str
    coverage: float
    late: float
    one: float
    passage: float
    missing: tuple[Term, ...]


# Which terms a passage must hold for a statement to be supported.
TERMS: Mapping[str, Callable[[Term], bool]] = {
    "": lambda _: False,
    ", numbers held": lambda term: term.is_number,
    ", numbers and names held": lambda _: True,
}

StatementScore = Callable[[Checked], float]
SHIPPED = "coverage and words of one sentence, numbers held"
SCORES: Mapping[str, StatementScore] = {
    "coverage": lambda each: each.coverage,
    "mean over tokens": lambda each: each.late,
    "words of one sentence": lambda each: each.one,
    "words of the passage": lambda each: each.passage,
    "coverage and words of one sentence": lambda each: (each.coverage + each.one) / 2,
    "coverage and words of the passage": lambda each: (each.coverage + each.passage) / 2,
}


def statement(question: str, answer: str) -> str:
    """The question with the answer in place of what it asks for; in rough English.

    >>> statement("When did the line open?", "1903")
    'the line open 1903.'
    >>> statement("Who built the bridge?", "Ann Cole")
    'Ann Cole built the bridge.'
    """
    rest = _ASKS.sub("", question.strip().rstrip("?").strip(), count=1)
    if helped := _HELPS.match(rest):
        return f"{rest[helped.end() :]} {answer}."
    if known := _IS.fullmatch(rest):
        return f"{known[2]} {known[1]} {answer}."
    return f"{answer} {rest}."


def checked(snapshot: Snapshot, encoder: Encoder, folder: Path, part: SquadPart) -> list[Checked]:
    """The statements of a part's questions against their own and other paragraphs."""
    collection, parts, known = read_collection(folder), query_parts(folder), answers(folder)
    own = paragraphs(folder)
    asked = [q for q in collection.queries if parts[q] == part and known.get(q)]
    passages = {id: list(_passages(snapshot, own[id])) for id in asked}
    generator = np.random.default_rng(0)
    found = []
    for id in drawn(asked, MOST):
        question, answer = collection.queries[id], known[id][0]
        title = snapshot.documents[own[id]].title
        near = [q for q in asked if own[q] != own[id] and _title(snapshot, own[q]) == title]
        far = [q for q in asked if _title(snapshot, own[q]) != title]
        rival = [q for q in asked if own[q] == own[id] and known[q][0] != answer]
        told = statement(question, answer)
        changed = re.sub(r"\d", lambda d: str((int(d[0]) + 1 + generator.integers(8)) % 10), answer)
        cases: list[tuple[str, str, Sequence[Passage]]] = [("supported", told, passages[id])]
        quoted = [q for each in passages[id] for q in _sentences(each.text) if answer in q]
        if quoted:
            cases.append(("quoted", quoted[0], passages[id]))
        if near:
            cases.append(("other paragraph", told, passages[_one(near, generator)]))
        if far:
            cases.append(("other article", told, passages[_one(far, generator)]))
        if rival:
            wrong = statement(question, known[_one(rival, generator)][0])
            cases.append(("other answer", wrong, passages[id]))
        if changed != answer:
            cases.append(("other number", statement(question, changed), passages[id]))
        found += [_checked(snapshot, encoder, *case) for case in cases if case[2]]
    return found


def outcome(chosen_on: Sequence[Checked], scored_on: Sequence[Checked]) -> dict[str, Any]:
    """For each score the threshold chosen on one part, and its figures on the other."""
    return {
        f"{name}{held}": _figures(score, required, chosen_on, scored_on)
        for name, score in SCORES.items()
        for held, required in TERMS.items()
    }


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "support.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps snapshots")] = CACHE,
) -> None:
    """Choose the threshold of support, and score it on articles that chose nothing."""
    encoder = open_encoder("bundled", "onnx", 2)
    with reporting(sys.stderr) as progress:
        snapshot = served_snapshot(data / SQUAD / "corpus.jsonl", encoder, cache, progress)
    made = provenance("python -m eval.studies.score_support ../shared/data", encoder)
    parts: tuple[SquadPart, SquadPart] = ("calibrate", "score")
    chosen_on, scored_on = (checked(snapshot, encoder, data / SQUAD, part) for part in parts)
    write_outcome(out, made | {"ways": outcome(chosen_on, scored_on)})
    print(out)


def _figures(
    score: StatementScore,
    required: Callable[[Term], bool],
    chosen_on: Sequence[Checked],
    scored_on: Sequence[Checked],
) -> dict[str, Any]:
    def values(found: Sequence[Checked]) -> npt.NDArray[np.float64]:
        return np.array(
            [-1.0 if any(map(required, each.missing)) else score(each) for each in found]
        )

    chosen, truth = values(chosen_on), np.array([each.kind in TRUE for each in chosen_on])
    # What is called supported of both, an even mixture: as many right as possible.
    tried = np.unique(chosen)
    right = [(chosen[truth] >= t).mean() + (chosen[~truth] < t).mean() for t in tried]
    threshold = float(tried[int(np.argmax(right))])
    scored = values(scored_on)
    kinds = np.array([each.kind for each in scored_on])
    return {
        "threshold": threshold,
        "auroc": float(roc_auc_score(np.isin(kinds, TRUE), scored)),
        "called_supported": {
            kind: float((scored[kinds == kind] >= threshold).mean())
            for kind in sorted(set(kinds.tolist()))
        },
        "statements": {kind: int((kinds == kind).sum()) for kind in sorted(set(kinds.tolist()))},
    }


def _checked(
    snapshot: Snapshot, encoder: Encoder, kind: str, told: str, passages: Sequence[Passage]
) -> Checked:
    tokens = encode_query(told, encoder).tokens
    aligned = align(snapshot, LateInteraction(tokens, snapshot.tokens), passages)
    held = "\n".join(each.in_context for each in passages)
    texts = [each.text for each in passages]
    return Checked(
        kind,
        coverage=max(each.coverage for each in aligned),
        late=max(float(each.best.mean()) for each in aligned),
        one=max(max(words_held(told, text, sentences(text), ENGLISH)) for text in texts),
        passage=max(words_held(told, text, [(0, len(text))], ENGLISH)[0] for text in texts),
        missing=missing_terms(specific_terms(told), held),
    )


def _passages(snapshot: Snapshot, document: str) -> Iterator[Passage]:
    for row in snapshot.rows_of(document):
        yield snapshot.passages[row]


def _sentences(text: str) -> Iterator[str]:
    return (text[start:end] for start, end in sentences(text))


def _title(snapshot: Snapshot, document: str) -> str:
    return snapshot.documents[document].title


def _one(of: Sequence[str], generator: np.random.Generator) -> str:
    return of[int(generator.integers(len(of)))]


if __name__ == "__main__":
    typer.run(main)
