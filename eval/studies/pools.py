"""Sets of questions as the search sees them: passages, vectors, candidates and raw signals.

For what is trained or fitted on them. Passages, vectors, BM25 and candidates are made as
`rag build` and `search` make them; an encoder without a head gives the model's own token vectors.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from eval.measures.retrieval import DEPTH, PRIMARY, per_query
from eval.measures.runs import first_of_each, relevant
from eval.running.cache import digest
from eval.sets.beir import read_collection
from rag.answering.fusion import order
from rag.answering.late_interaction import late_scores
from rag.answering.search import CANDIDATES, FEWEST, together
from rag.building.encode import BATCH
from rag.building.split import questions_above, split_corpus
from rag.documents.corpus import ReadOptions, read_corpus
from rag.encoders.base import Encoder
from rag.encoders.bundled import file_sha256
from rag.index.bm25 import LexicalIndex, index_texts
from rag.index.question_vectors import Headings, headings_of
from rag.index.token_vectors import quantise, store
from rag.text.stems import stems
from rag.types import Passage, Progress

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
SIGNALS = ("dense", "bm25", "late", "heading")
BEIR_FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """The vectors of n texts: `pooled` float32 (n, dim); `tokens` float16 (t, dim), text i having
    rows starts[i] to starts[i + 1]; the rows of both L2-normalised."""

    pooled: Floats
    tokens: npt.NDArray[np.float16]
    starts: Rows

    def of(self, at: int) -> Floats:
        """The token vectors of one text, float32 (t, dim)."""
        return self.tokens[self.starts[at] : self.starts[at + 1]].astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Questions, and the passages among which their answers are sought.

    `units` says of each passage what it is judged as (its document; in FAQ pages its section),
    `qrels` is in units; `queries` is id -> text, in the order of `asked`. `hashes` is
    what it was read from: file -> sha256.
    """

    name: str
    hashes: Mapping[str, str]
    passages: tuple[Passage, ...]
    units: tuple[str, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    stored: Vectors
    asked: Vectors
    lexical: LexicalIndex
    headings: Headings


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """The candidates of a query, by row, and each signal's scores of them, float32.

    `late` is all 0 until `with_late` has filled it.
    """

    query: str
    rows: Rows
    dense: Floats
    bm25: Floats
    late: Floats
    heading: Floats


def read_pool(folder: Path, encoder: Encoder, cache: Path, progress: Progress) -> Pool:
    """The pool of a folder in BEIR layout; its vectors are kept in the `cache` folder."""
    collection = read_collection(folder)
    corpus = read_corpus([collection.corpus], options=ReadOptions(strict=True))
    split = split_corpus(corpus, encoder)
    above = questions_above(split, "with")
    return Pool(
        name=collection.name,
        hashes={name: file_sha256(folder / name) for name in BEIR_FILES},
        passages=split.passages,
        units=tuple(passage.document_id for passage in split.passages),
        queries=collection.queries,
        qrels=collection.qrels,
        stored=_stored(split.passages, encoder, cache, progress),
        asked=_asked(list(collection.queries.values()), encoder, cache, progress),
        lexical=_lexical(split.passages),
        headings=_headings(above, encoder, cache, progress),
    )


def read_faq_pool(folder: Path, encoder: Encoder, cache: Path, progress: Progress) -> Pool:
    """The pool of FAQ pages: of each pair the answer is indexed, and the question asked."""
    corpus = read_corpus([folder], options=ReadOptions(strict=True))
    split = split_corpus(corpus, encoder, "answers")
    above = questions_above(split, "answers")
    indexed = {passage.section_id for passage in split.passages}
    pairs = [each for each in split.sections if each.kind == "faq" and each.id in indexed]
    queries = {pair.id: pair.heading_path[-1] for pair in pairs}
    return Pool(
        name=folder.resolve().name,
        hashes={"documents": corpus.sha256},
        passages=split.passages,
        units=tuple(passage.section_id for passage in split.passages),
        queries=queries,
        qrels={pair.id: {pair.id: 1} for pair in pairs},
        stored=_stored(split.passages, encoder, cache, progress),
        asked=_asked(list(queries.values()), encoder, cache, progress),
        lexical=_lexical(split.passages),
        headings=_headings(above, encoder, cache, progress),
    )


def judged(pool: Pool) -> list[str]:
    """The ids of the queries that have a relevant judgment, in order."""
    return [query for query in pool.queries if relevant(pool.qrels.get(query, {}))]


def by_name(signals: Signals) -> dict[str, Floats]:
    """Each signal by its name."""
    return {name: getattr(signals, name) for name in SIGNALS}


def signals(pool: Pool, queries: Sequence[str], candidates: int = CANDIDATES) -> list[Signals]:
    """The candidates of each query, found as `search` finds them, with dense and BM25 scores."""
    place = {query: at for at, query in enumerate(pool.queries)}
    return [_signals(pool, query, place[query], candidates) for query in queries]


def with_late(pool: Pool, found: Sequence[Signals]) -> list[Signals]:
    """The signals with late interaction."""
    place = {query: at for at, query in enumerate(pool.queries)}
    passages = range(len(pool.passages))
    tokens = store((quantise(pool.stored.of(row)) for row in passages), pool.stored.tokens.shape[1])
    return [
        replace(
            each, late=late_scores(pool.asked.of(place[each.query]), tokens, each.rows.tolist())
        )
        for each in found
    ]


def ndcg(
    pool: Pool, found: Sequence[Signals], fused: Callable[[Signals], npt.NDArray[np.floating]]
) -> dict[str, float]:
    """Query id -> nDCG@10 of the candidates in the order of a score of theirs."""
    run = {each.query: _ranked(pool, each, fused(each)) for each in found}
    qrels = {query: pool.qrels[query] for query in run if relevant(pool.qrels.get(query, {}))}
    return dict(per_query(qrels, run)[PRIMARY])


def kept_signals(
    pool: Pool, queries: Sequence[str], cache: Path, candidates: int = CANDIDATES
) -> list[Signals]:
    """The signals of those queries `with_late`, kept in the `cache` folder."""
    tokens = hashlib.sha256(pool.stored.tokens.tobytes()).hexdigest()
    words = hashlib.sha256(pool.lexical.impacts.tobytes()).hexdigest()
    above = hashlib.sha256(pool.headings.vectors.tobytes() + pool.headings.rows.tobytes())
    read = [f"{passage.id} {passage.context}" for passage in pool.passages]
    made_from = [tokens, f"{candidates} {FEWEST}", words, above.hexdigest(), *read]
    path = cache / f"{digest(pool.name, *made_from, *queries)}.safetensors"
    if not path.is_file():
        found = with_late(pool, signals(pool, queries, candidates))
        write(path, _packed(found))
    arrays = load_file(path)
    ends = arrays["ends"]
    columns = [np.split(arrays[name], ends[:-1]) for name in ("rows", *SIGNALS)]
    return [Signals(*each) for each in zip(queries, *columns, strict=True)]


def part_of(pool: Pool, name: str, rows: Sequence[int], queries: Sequence[str]) -> Pool:
    """The pool of some passages and queries alone, as if there were no others."""
    place = {query: at for at, query in enumerate(pool.queries)}
    passages = tuple(pool.passages[row] for row in rows)
    return replace(
        pool,
        name=name,
        passages=passages,
        units=tuple(pool.units[row] for row in rows),
        queries={query: pool.queries[query] for query in queries},
        stored=_some(pool.stored, rows),
        asked=_some(pool.asked, [place[query] for query in queries]),
        lexical=_lexical(passages),
        headings=replace(pool.headings, rows=pool.headings.rows[list(rows)]),
    )


def _some(vectors: Vectors, rows: Sequence[int]) -> Vectors:
    blocks = [vectors.tokens[vectors.starts[row] : vectors.starts[row + 1]] for row in rows]
    starts = np.cumsum([0, *(len(block) for block in blocks)], dtype=np.int64)
    return Vectors(vectors.pooled[list(rows)], np.concatenate(blocks), starts)


def _packed(found: Sequence[Signals]) -> dict[str, npt.NDArray[np.generic]]:
    return {
        "rows": np.concatenate([each.rows for each in found]),
        **{name: np.concatenate([getattr(each, name) for each in found]) for name in SIGNALS},
        "ends": np.cumsum([len(each.rows) for each in found], dtype=np.int64),
    }


def _signals(pool: Pool, query: str, at: int, candidates: int) -> Signals:
    cosines = pool.stored.pooled @ pool.asked.pooled[at]
    impacts = pool.lexical.scores(stems(pool.queries[query]))
    matching = np.flatnonzero(impacts > 0)
    best = matching[np.argsort(-impacts[matching], kind="stable")]
    rows = together(np.argsort(-cosines, kind="stable"), best, FEWEST, candidates)
    near, late = cosines[rows], np.zeros(len(rows), np.float32)
    heading = pool.headings.cosines(pool.asked.pooled[at], rows, near)
    return Signals(query, rows, near, impacts[rows], late, heading)


def _ranked(pool: Pool, each: Signals, scores: npt.NDArray[np.floating]) -> list[str]:
    best = order(scores.tolist(), [pool.passages[row].id for row in each.rows])
    return first_of_each((pool.units[each.rows[at]] for at in best), DEPTH)


def _lexical(passages: Sequence[Passage]) -> LexicalIndex:
    return index_texts([f"{passage.context}\n{passage.text}" for passage in passages])


def _stored(
    passages: Sequence[Passage], encoder: Encoder, cache: Path, progress: Progress
) -> Vectors:
    contexts = [passage.context for passage in passages]
    return _vectors([passage.text for passage in passages], contexts, encoder, cache, progress)


def _asked(texts: Sequence[str], encoder: Encoder, cache: Path, progress: Progress) -> Vectors:
    return _vectors(texts, [""] * len(texts), encoder, cache, progress)


def _headings(above: Sequence[str], encoder: Encoder, cache: Path, progress: Progress) -> Headings:
    """What stands above each passage, "" for nothing, as the heading signal sees it."""

    def encode(texts: Sequence[str]) -> Floats:
        return _asked(texts, encoder, cache, progress).pooled

    return headings_of(above, {}, encode, encoder.dim)


def _vectors(
    texts: Sequence[str],
    contexts: Sequence[str],
    encoder: Encoder,
    cache: Path,
    progress: Progress,
) -> Vectors:
    name = digest(
        "tokens", encoder.sha256, encoder.head_sha256, str(encoder.window), *texts, *contexts
    )
    path = cache / f"{name}.safetensors"
    if not path.is_file():
        made = _encode(texts, contexts, encoder, progress)
        write(path, {"pooled": made.pooled, "tokens": made.tokens, "starts": made.starts})
    kept = load_file(path)
    return Vectors(kept["pooled"], kept["tokens"], kept["starts"])


def _encode(
    texts: Sequence[str], contexts: Sequence[str], encoder: Encoder, progress: Progress
) -> Vectors:
    pooled: list[Floats] = []
    tokens: list[npt.NDArray[np.float16]] = []
    for start in range(0, len(texts), BATCH):
        part = slice(start, start + BATCH)
        encoded = encoder.encode_passages(texts[part], contexts[part])
        pooled.append(encoded.pooled)
        tokens.extend(matrix.astype(np.float16) for matrix in encoded.tokens)
        progress("texts encoded", min(start + BATCH, len(texts)), len(texts))
    starts = np.cumsum([0, *(len(matrix) for matrix in tokens)], dtype=np.int64)
    return Vectors(np.concatenate(pooled), np.concatenate(tokens), starts)


def write(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write arrays to a file that is there in full or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    save_file(dict(arrays), aside)
    os.replace(aside, path)
