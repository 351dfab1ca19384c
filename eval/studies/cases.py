"""Questions with and without an answer, and what the first passages hold of them.

Why a question has no answer makes that easy or hard to notice, so each kind is counted apart:

- `foreign`: the question of another field;
- `near`: a question of the same set, asked without the passages that answer it, or of another
  passage or page on the same subject;
- `adversarial`: squad2's own, made to look answerable;
- `changed`: an answerable question, in which a number or name that the passage holds is replaced.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from eval.measures.runs import relevant
from eval.sets.beir import read_collection
from eval.studies.pools import Pool, judged, read_faq_pool, read_pool
from eval.studies.squad import SquadPart, paragraphs, query_parts
from eval.studies.tasks import COLLECTIONS, SQUAD, drawn
from rag.answering.alignment import align
from rag.answering.confidence import FIRST, OTHERS, USUAL, USUAL_LEAD, evidence
from rag.answering.search import Candidates, encode_query, find_candidates
from rag.answering.terms import missing_terms, specific_terms
from rag.encoders.base import Encoder
from rag.types import Filters, Progress

CaseKind = Literal["answerable", "near", "foreign", "adversarial", "changed"]
KINDS: tuple[CaseKind, ...] = get_args(CaseKind)
SIGNALS = ("coverage", "lead", "number", "names", "late", "cosine", "bm25", "crowd")
# A foreign question is of a set of another field.
HEALTH = frozenset({"covidfaq", "medline", "scifact", "faq_pages"})
# Claims and descriptions of wants: nobody asks a service so. They score the confidence alone.
STATEMENTS = ("cacm", "scifact")
# Questions of a set at most, so that one run takes minutes. An answer shows `TOP` passages.
MOST = 150
SQUAD_MOST = 300
TOP = 5
SEED = 0
DIGITS = "0123456789"
NAMES = ("Morwen", "Talavera", "Quillon", "Brandywell", "Osterhagen", "Pellworm", "Zubiri")

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Questions as asked.

    `signals` float64 (n, FIRST, len(SIGNALS)): a row for each of the first passages, NaN if there
    are fewer. `kinds` int64 (n,) are places in `KINDS`; `right` bool (n,) says whether an answer is
    among the first passages.
    """

    signals: Values
    kinds: npt.NDArray[np.int64]
    right: npt.NDArray[np.bool_]

    @property
    def answerable(self) -> npt.NDArray[np.bool_]:
        """Whether each question has an answer, bool (n,)."""
        result: npt.NDArray[np.bool_] = self.kinds == 0
        return result

    def weights(self) -> Values:
        """A weight a question: half for the answerable, half for the other kinds alike; sum 1."""
        counts = np.bincount(self.kinds, minlength=len(KINDS))
        others = np.count_nonzero(counts[1:])
        share = np.array([0.5, *[0.5 / others] * (len(KINDS) - 1)])
        result: Values = (share / np.maximum(counts, 1))[self.kinds]
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A question as asked, and which of its candidates answer it, bool (n,)."""

    kind: CaseKind
    found: Candidates
    gold: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Question:
    """A question of squad2, the paragraph that it was written for, and that one's article."""

    text: str
    answerable: bool
    paragraph: str
    article: str


@dataclass(frozen=True, slots=True, eq=False)
class Asker:
    """Asks a pool; `texts` are the questions of every set, by its name."""

    pool: Pool
    texts: Mapping[str, Sequence[str]]
    encoder: Encoder

    def case(self, kind: CaseKind, text: str, gold: Container[str] = (), *within: str) -> Case:
        """A question, asked of all documents or of those `within`; `gold` are units that answer."""
        query = encode_query(text, self.encoder)
        found = find_candidates(self.pool.snapshot, query, filters=Filters(within))
        marks = [self.pool.units[row] in gold for row in found.rows]
        return Case(kind, found, np.array(marks, dtype=bool))

    def answered(self, text: str, gold: Container[str], *within: str) -> Iterator[Case]:
        """An answerable question, and again with one of its terms changed.

        That is a number or name that one of the first passages holds; none holds the other.
        """
        case = self.case("answerable", text, gold, *within)
        yield case
        best = case.found.best(FIRST)
        texts = [f"{hit.passage.context}\n{hit.passage.text}" for hit in best]
        generator = np.random.default_rng([SEED, len(text)])
        for term in specific_terms(text):
            new = text.replace(term.text, changed(term.text, generator), 1)
            lost = set(specific_terms(new)) - set(specific_terms(text))
            is_known = any(not missing_terms([term], held) for held in texts)
            if is_known and lost and all(missing_terms(tuple(lost), held) for held in texts):
                yield self.case("changed", new, (), *within)
                return

    def without(self, text: str, gold: Container[str], *within: str) -> Case:
        """A question without the passages that answer it."""
        case = self.case("near", text, gold, *within)
        none = np.zeros(np.count_nonzero(~case.gold), dtype=bool)
        return Case("near", case.found.narrowed(~case.gold), none)

    def foreign(self) -> list[str]:
        """Questions of other fields, as many of each set."""
        name, generator = self.pool.name, np.random.default_rng(SEED)
        others = [
            texts
            for other, texts in self.texts.items()
            if other != name and not {name, other} <= HEALTH
        ]
        return [
            str(text)
            for texts in others
            for text in generator.choice(texts, min(len(texts), MOST // len(others)), replace=False)
        ]


def read_cases(
    data: Path, encoder: Encoder, cache: Path, progress: Progress
) -> tuple[dict[str, Cases], dict[str, Cases]]:
    """The sets that the confidence is fitted on, and those that only score it."""
    pools = [read_pool(data / "retrieval" / name, encoder, cache, progress) for name in COLLECTIONS]
    squad = read_pool(data / SQUAD, encoder, cache, progress)
    pages = read_faq_pool(data / "faq_pages", encoder, progress)
    texts = {each.name: list(each.queries.values()) for each in (*pools, squad, pages)}
    made = {pool.name: cases(_collection(Asker(pool, texts, encoder))) for pool in pools}
    unseen = {name: made.pop(name) for name in STATEMENTS}
    asker = Asker(pages, texts, encoder)
    made |= {"FAQ pages": cases(_collection(asker)), "FAQ pages alone": cases(_pages(asker))}
    asker = Asker(squad, texts, encoder)
    return made | _parted(data, asker, "calibrate"), unseen | _parted(data, asker, "score")


def cases(listed: Iterable[Case], whole: bool = False) -> Cases:
    """The cases that have candidates, with their signals."""
    kept = [
        (
            signals(case.found, whole),
            KINDS.index(case.kind),
            case.gold[case.found.ranked()[:TOP]].any(),
        )
        for case in listed
        if len(case.found.rows)
    ]
    values, kinds, right = zip(*kept, strict=True)
    return Cases(np.array(values), np.array(kinds), np.array(right, dtype=bool))


def signals(found: Candidates, whole: bool) -> Values:
    """The values of `SIGNALS` for each of the first passages, float64 (FIRST, n).

    If what is asked is one document as a `whole`, although its parts are indexed as documents,
    the lead is over the other candidates. `crowd` always is.
    """
    snapshot = found.snapshot
    first = found.ranked()[:FIRST]
    passages = [snapshot.passages[found.rows[at]] for at in first]
    late, values = found.signals["late"], np.full((FIRST, len(SIGNALS)), np.nan)
    background = np.median(late)
    held = evidence(found, passages, align(snapshot, found.interaction, passages))
    for row, (at, each) in enumerate(zip(first, held, strict=True)):
        values[row] = (
            each.alignment.coverage,
            _shrunk(late[at] - background) if whole else each.lead,
            each.number,
            each.names,
            late[at],
            found.signals["dense"][at],
            np.log1p(found.signals["bm25"][at]),
            late[first[0]] - background,
        )
    return values


def _shrunk(lead: float) -> float:
    """A lead as that of a long document is served."""
    return (OTHERS * lead + USUAL * USUAL_LEAD) / (OTHERS + USUAL)


def changed(term: str, generator: np.random.Generator) -> str:
    """The term with another digit in place of one, or another name in place of a name."""
    digits = [at for at, character in enumerate(term) if character in DIGITS]
    if not digits:
        return str(generator.choice(NAMES))
    at = int(generator.choice(digits))
    other = generator.choice([digit for digit in DIGITS if digit != term[at]])
    return f"{term[:at]}{other}{term[at + 1 :]}"


def _collection(asker: Asker) -> Iterator[Case]:
    for query in drawn(judged(asker.pool), MOST):
        text, gold = asker.pool.queries[query], relevant(asker.pool.qrels[query])
        yield from asker.answered(text, gold)
        yield asker.without(text, gold)
    for text in asker.foreign():
        yield asker.case("foreign", text)


def _pages(asker: Asker) -> Iterator[Case]:
    """Each FAQ page alone: its own questions, those of another page and of other fields."""
    sections, generator = asker.pool.snapshot.sections, np.random.default_rng(SEED)
    pages = sorted({sections[query].document_id for query in judged(asker.pool)})
    for query in drawn(judged(asker.pool), MOST):
        text, page = asker.pool.queries[query], sections[query].document_id
        yield from asker.answered(text, {query}, page)
        yield asker.without(text, {query}, page)
        yield asker.case("near", text, (), _other(pages, page, generator))
    for text in asker.foreign():
        yield asker.case("foreign", text, (), str(generator.choice(pages)))


def _parted(data: Path, asker: Asker, part: SquadPart) -> dict[str, Cases]:
    asked = _questions(data / SQUAD, asker.pool, part)
    return {
        f"squad2, {part} articles": cases(_squad(asker, asked)),
        f"squad2, {part} articles alone": cases(_articles(asker, asked), whole=True),
        f"squad2, {part} paragraphs alone": cases(_paragraphs(asker, asked)),
    }


def _squad(asker: Asker, asked: Sequence[Question]) -> Iterator[Case]:
    for each in asked:
        if each.answerable:
            yield asker.case("answerable", each.text, {each.paragraph})
        else:
            yield asker.case("adversarial", each.text)


def _articles(asker: Asker, asked: Sequence[Question]) -> Iterator[Case]:
    """Each article alone: its own questions and those of another one."""
    articles, generator = _by_article(asker.pool), np.random.default_rng(SEED)
    for each in asked:
        own = articles[each.article]
        if not each.answerable:
            yield asker.case("adversarial", each.text, (), *own)
            continue
        yield from asker.answered(each.text, {each.paragraph}, *own)
        yield asker.without(each.text, {each.paragraph}, *own)
        other = _other(sorted(articles), each.article, generator)
        yield asker.case("foreign", each.text, (), *articles[other])


def _paragraphs(asker: Asker, asked: Sequence[Question]) -> Iterator[Case]:
    """Each paragraph alone: its own questions, those of its article and of another one."""
    articles, generator = _by_article(asker.pool), np.random.default_rng(SEED)
    for each in asked:
        if not each.answerable:
            yield asker.case("adversarial", each.text, (), each.paragraph)
            continue
        yield asker.case("answerable", each.text, {each.paragraph}, each.paragraph)
        own = _other(articles[each.article], each.paragraph, generator)
        yield asker.case("near", each.text, (), own)
        other = articles[_other(sorted(articles), each.article, generator)]
        yield asker.case("foreign", each.text, (), str(generator.choice(other)))


def _questions(folder: Path, pool: Pool, part: SquadPart) -> list[Question]:
    """squad2's questions of a part of the articles."""
    answerable, parts, of = (
        read_collection(folder).answerable,
        query_parts(folder),
        paragraphs(folder),
    )
    asked = drawn([query for query in pool.queries if parts[query] == part], SQUAD_MOST)
    documents = pool.snapshot.documents
    return [
        Question(pool.queries[id], answerable[id], of[id], documents[of[id]].title) for id in asked
    ]


def _by_article(pool: Pool) -> dict[str, list[str]]:
    """Article -> its paragraphs."""
    found: dict[str, list[str]] = {}
    for id, document in pool.snapshot.documents.items():
        found.setdefault(document.title, []).append(id)
    return found


def _other(names: Sequence[str], name: str, generator: np.random.Generator) -> str:
    """Any other of at least two names."""
    return str(generator.choice([each for each in names if each != name]))
