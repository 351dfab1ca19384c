"""Measures how passages are cut, read and shown: `python -m eval.score_passages ../shared/data`.

On the tasks of `eval.suite`, all signals fused as served: the length of passages, the context that
each signal reads, sentence vectors, passages raised by their kin, repeated texts shown once, and a
cap on passages of one document. Of scifact 1,500 documents count, which makes it easier, so that a
run takes minutes. It keeps some 7 GB of vectors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Annotated, Any

import typer

from eval.fit_fusion import SINGLE, read_found, scores
from eval.fusions import FUSIONS, SHIPPED, fused
from eval.outcome import CACHE, RESULTS, provenance, write_outcome
from eval.passage_figures import (
    KIN,
    SERVED,
    All,
    Rows,
    kin_rows,
    means,
    plain,
    sentence_rows,
)
from eval.shown import (
    Answers,
    cap_rows,
    first_figures,
    repeat_counts,
    repeat_figures,
    served,
    words,
)
from eval.signals import Map, Pool, judged, kept_signals, part_of, read_faq_pool
from eval.squad import answers
from eval.suite import SQUAD, Task, drawn, read_tasks
from eval.variants import (
    NarrowEncoder,
    SignalName,
    mixed,
    with_title,
    without_context,
    without_context_tokens,
)
from rag.build import Progress, passage_pieces, split_corpus
from rag.encoder import Encoder
from rag.head import HEADS, read_head
from rag.model_files import bundled_model
from rag.onnx_encoder import open_onnx_encoder
from rag.progress import reporting
from rag.readers import read_corpus

# Documents at most of a collection.
MOST = {"scifact": 1500}
SHORTER = (64, 128, 192)
ALONE: Mapping[SignalName, str] = {
    "dense": "dense alone",
    "bm25": "BM25 alone",
    "late": "late interaction alone",
}
# Tasks with known answers.
ANSWERED = ("squad2", "squad2-articles")
# Clearly better is what gains so much on average and loses no more on any task.
GAIN = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What every measurement needs."""

    data: Path
    encoder: Encoder
    head: Map
    cache: Path
    progress: Progress

    def tasks(self, encoder: Encoder) -> list[Task]:
        """The tasks, their passages cut for that encoder."""
        return read_tasks(self.data, encoder, self.cache, self.progress, MOST)

    def found(self, tasks: Sequence[Task]) -> All:
        """The signals of the tasks' questions."""
        return read_found(tasks, self.head, self.cache)

    def without_context(self, pool: Pool) -> Pool:
        """The pool with its passages read alone."""
        return without_context(pool, self.encoder, self.cache, self.progress)


def outcome(setup: Setup) -> dict[str, Any]:
    """Every measurement, and the names of choices that are clearly better than what is served."""
    known = answers(setup.data / SQUAD)
    tasks = setup.tasks(setup.encoder)
    found = setup.found(tasks)
    whole = str(passage_pieces(setup.encoder))
    faq = read_faq_pool(setup.data / "faq_pages", setup.encoder, setup.cache, setup.progress)
    made = {
        "weights": asdict(SHIPPED),
        "most_documents": MOST,
        "served_pieces": whole,
        "questions": {task: sum(len(asked) for _, asked in of) for task, of in found.items()},
        "contexts": context_rows(tasks, found, setup),
        "sentences": sentence_rows(found, setup.encoder),
        "faq_contexts": faq_contexts(faq, setup),
        "repeats": repeats(found, faq, setup),
        "lengths": shorter(setup, known) | {whole: length_figures(found, known)},
    }
    return made | {"clearly_better": clearly_better(made)}


def shorter(setup: Setup, known: Answers) -> dict[str, Any]:
    """The figures of shorter passages, by word pieces."""
    return {
        str(pieces): length_figures(
            setup.found(setup.tasks(NarrowEncoder(setup.encoder, pieces))), known
        )
        for pieces in SHORTER
    }


def length_figures(found: All, known: Answers) -> dict[str, Any]:
    """All that depends on the length of passages: ranks, first passages, kin and caps."""
    passages = {task: [p for pool, _ in of for p in pool.passages] for task, of in found.items()}
    asked = {task: served(of) for task, of in found.items()}
    with_answers = {task: known if task in ANSWERED else None for task in found}
    return {
        "passages": {task: len(each) for task, each in passages.items()},
        "words": {task: median(map(words, each)) for task, each in passages.items()},
        "rows": {name: means(found, plain(FUSIONS[name])) for name in (*SINGLE, SERVED)},
        "first": {
            task: first_figures(asked[task], own) for task, own in with_answers.items() if own
        },
        "kin": kin_rows(found),
        "caps": {
            name: {task: cap_rows(each, kin, with_answers[task]) for task, each in asked.items()}
            for name, kin in KIN.items()
        },
    }


def context_rows(tasks: Sequence[Task], found: All, setup: Setup) -> dict[str, Rows]:
    """nDCG@10 where a signal, or all, read the passages without title and headings."""
    bare = changed(tasks, setup.without_context)
    own = changed(tasks, lambda pool: without_context_tokens(pool, setup.encoder))
    without = {signal: setup.found(_mixed(tasks, bare, [signal])) for signal in ALONE}
    every = setup.found(_mixed(tasks, bare, [*ALONE, "heading"]))
    fused_rows = {
        SERVED: found,
        **{f"{signal} without context": each for signal, each in without.items()},
        "none with context": every,
        "late without the context's own tokens": setup.found(own),
    }
    return {
        "fused": {name: means(each, plain(fused)) for name, each in fused_rows.items()},
        "alone": {
            f"{signal}{suffix}": means(of, plain(FUSIONS[name]))
            for signal, name in ALONE.items()
            for suffix, of in (("", found), (" without context", without[signal]))
        },
    }


def changed(tasks: Sequence[Task], change: Callable[[Pool], Pool]) -> list[Task]:
    """The same tasks over changed pools, squad2's articles as parts of squad2's."""
    *whole, articles = tasks
    made = [
        Task(task.name, ((change(pool), queries),))
        for task in whole
        for pool, queries in task.parts
    ]
    ((squad, _),) = made[-1].parts
    place = {passage.id: row for row, passage in enumerate(squad.passages)}
    parts = tuple(
        (
            part_of(
                squad, f"{squad.name}: {pool.name}", [place[p.id] for p in pool.passages], queries
            ),
            queries,
        )
        for pool, queries in articles.parts
    )
    return [*made, Task(articles.name, parts)]


def faq_contexts(pool: Pool, setup: Setup) -> Rows:
    """nDCG@10 on FAQ pages by context. They trained the head: no evidence on late interaction."""
    pools = {
        "none": setup.without_context(pool),
        "title": with_title(pool, setup.encoder, setup.cache, setup.progress),
        "title and headings": pool,
    }
    queries = drawn(judged(pool))
    rows = {}
    for name, each in pools.items():
        found = [(each, kept_signals(each, queries, setup.head, setup.cache))]
        rows[name] = {
            fusion: fmean(scores(found, FUSIONS[fusion]).values()) for fusion in (*SINGLE, SERVED)
        }
    return rows


def repeats(found: All, faq: Pool, setup: Setup) -> dict[str, Any]:
    """Repeated texts among the first five, by task and on FAQ pages, and in whole corpora."""
    asked = kept_signals(faq, drawn(judged(faq)), setup.head, setup.cache)
    corpus = read_corpus([setup.data / "documents"])
    return {
        "shown": {
            task: repeat_figures(served(of))
            for task, of in {**found, "faq_pages": [(faq, asked)]}.items()
        },
        "corpora": {
            "faq_pages": repeat_counts(faq.passages),
            "documents": repeat_counts(split_corpus(corpus, setup.encoder).passages),
        },
    }


def clearly_better(made: Mapping[str, Any]) -> list[str]:
    """The choices that gain `GAIN` or more on average and lose no more than that on any task."""
    whole = made["lengths"][made["served_pieces"]]["rows"][SERVED]
    lengths = {
        f"{pieces} word pieces, {name}": row
        for pieces, each in made["lengths"].items()
        for name, row in each["kin"].items()
    }
    shown = made["repeats"]["shown"]
    once = {"every text once": {task: shown[task]["ndcg_once"] for task in whole}}
    tried = lengths | once | made["contexts"]["fused"] | made["sentences"]
    gains = {name: [row[task] - whole[task] for task in whole] for name, row in tried.items()}
    return [name for name, each in gains.items() if fmean(each) >= GAIN and min(each) >= -GAIN]


def _mixed(
    tasks: Sequence[Task], bare: Sequence[Task], signals: Sequence[SignalName]
) -> list[Task]:
    return [
        Task(
            task.name,
            tuple(
                (mixed(pool, other, signals), queries)
                for (pool, queries), (other, _) in zip(task.parts, twin.parts, strict=True)
            ),
        )
        for task, twin in zip(tasks, bare, strict=True)
    ]


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/, retrieval/, faq_pages/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "passages.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps vectors")] = CACHE,
) -> None:
    """Measure how passages are cut, read and shown."""
    encoder = open_onnx_encoder(bundled_model(), 2)
    head = read_head(HEADS[encoder.sha256], encoder.dim)
    with reporting(sys.stderr) as progress:
        made = outcome(Setup(data, encoder, head.weights, cache, progress))
    first = provenance("python -m eval.score_passages ../shared/data", encoder.sha256, head.sha256)
    write_outcome(out, first | made)
    print(out)


if __name__ == "__main__":
    typer.run(main)
