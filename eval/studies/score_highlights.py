"""Scores the highlights: `python -m eval.studies.score_highlights ../shared/data`.

On squad2's answerable questions whose paragraph is ranked first: how often the highlights hold
an answer. As served, on the articles that trained and chose nothing; with other scores of a
sentence, on the calibration articles, on which the score was chosen.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from eval.measures.runs import relevant
from eval.measures.stats import interval
from eval.provenance import CACHE, RESULTS, provenance, write_outcome
from eval.running.cache import served_snapshot
from eval.sets.beir import read_collection
from eval.studies.squad import SquadPart, answers, query_parts
from eval.studies.tasks import SQUAD, drawn
from rag.answering.alignment import BEFORE, LEAST, align
from rag.answering.highlights import highlights
from rag.answering.profile import profile_of
from rag.answering.search import Query, encode_query, find_candidates
from rag.cli.progress_bar import reporting
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.late_interaction import LateInteraction, best_similarities
from rag.index.snapshot import Snapshot
from rag.text.stems import stems
from rag.text.words import STOP_WORDS
from rag.types import Passage

# Questions a part at most.
MOST = 600
# What is tried beside the best sentence alone: a second one that comes so close to it.
CLOSE = 0.02

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class First:
    """An answerable question and the passage ranked first, which holds an answer."""

    query: Query
    passage: Passage
    answers: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A sentence of the passage with what scores it.

    `coverage` is as served. `best` float32 (q,) is each query token's best cosine among the
    sentence's tokens, `lent` that among those of the sentence before, or above the first, `above`
    that above the first; `cosine` is that of question and sentence, `words` the share of the
    question's stems that it holds.
    """

    text: str
    coverage: float
    best: Floats
    lent: Floats
    above: Floats
    cosine: float
    words: float


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What weighs the query's tokens: float32 (q,) each; stop words weigh 0 in `content`."""

    rarity: Floats
    content: Floats


Variant = Callable[[Sentence, Terms], float]


def _lending(cost: float) -> Variant:
    """The mean over query tokens that may be found in the sentence before, at a cost."""
    return lambda each, _: float(np.maximum(each.best, each.lent - cost).mean())


def _unlent(each: Sentence, _: Terms) -> float:
    """The coverage as served, but without the sentence before."""
    weights = np.clip(1 - each.above, LEAST, 1)
    own = np.average(np.maximum(each.best, 0), weights=weights)
    return float(np.maximum(each.best, each.above).mean() + own) / 2


# What ships comes first.
VARIANTS: Mapping[str, Variant] = {
    "coverage, tokens of the sentence before at .25 less": lambda each, _: each.coverage,
    "coverage": _unlent,
    "mean, tokens of the sentence before at .25 less": _lending(BEFORE),
    "the same at .1 less": _lending(0.1),
    "the same at .4 less": _lending(0.4),
    "mean over query tokens": lambda each, _: float(each.best.mean()),
    "mean, weighted by rarity (idf)": lambda each, of: float(
        np.average(each.best, weights=of.rarity)
    ),
    "mean without stop words": lambda each, of: float(np.average(each.best, weights=of.content)),
    "mean + .1 share of words matched": lambda each, _: float(each.best.mean()) + 0.1 * each.words,
    "cosine of the sentence": lambda each, _: each.cosine,
    "mean + cosine of the sentence": lambda each, _: float(each.best.mean()) + each.cosine,
}


def firsts(snapshot: Snapshot, encoder: Encoder, folder: Path, part: SquadPart) -> list[First]:
    """Of a part's answerable questions, those whose paragraph comes first and holds an answer."""
    collection, parts, known = read_collection(folder), query_parts(folder), answers(folder)
    queries = [q for q in collection.queries if parts[q] == part and known.get(q)]
    found = []
    for id in drawn(queries, MOST):
        query = encode_query(collection.queries[id], encoder)
        hit = find_candidates(snapshot, query).best(1)[0].passage
        right = hit.document_id in relevant(collection.qrels.get(id, {}))
        if right and any(answer in hit.text for answer in known[id]):
            found.append(First(query, hit, known[id]))
    return found


def as_served(snapshot: Snapshot, asked: Sequence[First]) -> dict[str, Any]:
    """How often what `rag.answering.highlights` marks holds an answer, and how much it marks."""
    close = profile_of(snapshot.manifest.model).close
    held, lengths, counts = [], [], []
    for each in asked:
        interaction = LateInteraction(each.query.tokens, snapshot.tokens)
        aligned = align(snapshot, interaction, [each.passage])
        [spans] = highlights(each.query, [each.passage], aligned, close)
        text = snapshot.documents[each.passage.document_id].text
        marked = [text[span.char_start : span.char_end] for span in spans]
        held.append(float(holds(marked, each.answers)))
        lengths.append(sum(map(len, marked)))
        counts.append(len(marked))
    return {
        "questions": len(asked),
        "holds": asdict(interval(held)),
        "sentences": float(np.mean(counts)),
        "median_characters": median(lengths),
        "median_passage_characters": median(len(each.passage.text) for each in asked),
    }


def holds(marked: Sequence[str], answers: Sequence[str]) -> bool:
    """Whether any answer stands whole in one of the marked texts."""
    return any(answer in text for text in marked for answer in answers)


def tried(snapshot: Snapshot, encoder: Encoder, asked: Sequence[First]) -> dict[str, Any]:
    """For each variant, how often the best sentence holds an answer, and with a close second."""
    rarity = _rarity(snapshot, encoder)
    described = [(each, *_described(snapshot, encoder, each, rarity)) for each in asked]
    return {name: _score(variant, described) for name, variant in VARIANTS.items()}


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "highlights.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps snapshots")] = CACHE,
) -> None:
    """Score the highlights on questions with known answers."""
    encoder = open_encoder("bundled", "onnx", 2)
    with reporting(sys.stderr) as progress:
        snapshot = served_snapshot(data / SQUAD / "corpus.jsonl", encoder, cache, progress)
    made = provenance("python -m eval.studies.score_highlights ../shared/data", encoder)
    scored = as_served(snapshot, firsts(snapshot, encoder, data / SQUAD, "score"))
    chosen = tried(snapshot, encoder, firsts(snapshot, encoder, data / SQUAD, "calibrate"))
    write_outcome(out, made | {"as_served": scored, "tried": chosen})
    print(out)


def _score(
    variant: Variant, described: Sequence[tuple[First, Sequence[Sentence], Terms]]
) -> dict[str, float]:
    one, two, count = [], [], []
    for each, found, terms in described:
        scores = [variant(sentence, terms) for sentence in found]
        best = sorted(range(len(found)), key=lambda at: (-scores[at], at))
        close = [at for at in best[:2] if scores[at] >= scores[best[0]] - CLOSE]
        one.append(holds([found[best[0]].text], each.answers))
        two.append(holds([found[at].text for at in close], each.answers))
        count.append(len(close))
    return {
        "questions": len(one),
        "best": float(np.mean(one)),
        "with_close": float(np.mean(two)),
        "sentences": float(np.mean(count)),
    }


def _described(
    snapshot: Snapshot, encoder: Encoder, each: First, rarity: Mapping[str, float]
) -> tuple[list[Sentence], Terms]:
    """The passage's sentences that hold tokens, and the weights of the query's tokens."""
    row, text = snapshot.row(each.passage), each.passage.text
    tokens = snapshot.tokens.rows(row)
    similar = best_similarities(each.query.tokens, tokens, np.arange(len(tokens)))
    marks = snapshot.marks.of(row).tolist()
    bests = [similar[first:last].max(axis=0) for _, _, first, last in marks]
    above = similar[: max(1, marks[0][2])].max(axis=0)
    interaction = LateInteraction(each.query.tokens, snapshot.tokens)
    [aligned] = align(snapshot, interaction, [each.passage])
    kept = [text[start:end] for start, end, _, _ in marks]
    pooled = encoder.encode_passages(kept, [""] * len(kept)).pooled
    asked = set(each.query.stems)
    found = [
        Sentence(
            sentence,
            coverage,
            best,
            lent,
            above,
            float(vector @ each.query.pooled),
            len(asked & set(stems(sentence))) / max(1, len(asked)),
        )
        for sentence, coverage, best, lent, vector in zip(
            kept, aligned.coverages.tolist(), bests, [above, *bests[:-1]], pooled, strict=True
        )
    ]
    return found, _terms(each.query, encoder, rarity)


def _terms(query: Query, encoder: Encoder, rarity: Mapping[str, float]) -> Terms:
    spans = encoder.word_pieces(query.text)[: len(query.tokens)]
    pieces = [query.text[start:end].lower() for start, end in spans]
    content = [float(piece.isalnum() and piece not in STOP_WORDS) for piece in pieces]
    most = max(rarity.values())
    return Terms(
        np.array([rarity.get(piece, most) for piece in pieces], np.float32),
        np.array(content if any(content) else [1.0] * len(content), np.float32),
    )


def _rarity(snapshot: Snapshot, encoder: Encoder) -> dict[str, float]:
    """BM25's idf of each word piece, lower case, over the passages."""
    holding: Counter[str] = Counter()
    for passage in snapshot.passages:
        text = passage.text
        holding.update({text[start:end].lower() for start, end in encoder.word_pieces(text)})
    count = len(snapshot.passages)
    return {
        piece: float(np.log(1 + (count - n + 0.5) / (n + 0.5)))
        for piece, n in sorted(holding.items())
    }


if __name__ == "__main__":
    typer.run(main)
