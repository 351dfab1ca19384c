"""Compares ways to fuse the signals: `python -m eval.studies.fit_fusion ../shared/data`.

The tasks are those of `eval.studies.tasks`; none of them trained anything. One fixed set of weights
ships. `as served, chosen without it` is, for each task, the figure with the weights that are
best on the other tasks, from the same grid.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval.measures.stats import compare, interval
from eval.provenance import CACHE, RESULTS, provenance, write_outcome
from eval.studies.fusions import fused, fusions
from eval.studies.pools import Fusion, Pool, found_in, ndcg
from eval.studies.tasks import Task, read_tasks
from rag.answering.profile import Weights, profile_of
from rag.answering.search import CANDIDATES, Candidates
from rag.cli.progress_bar import reporting
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.manifest import ModelInfo

BASELINE = "dense + BM25, min-max 1:1"
SINGLE = ("dense alone", "BM25 alone", "late interaction alone", BASELINE)
GRID: tuple[Weights, ...] = tuple(
    {"bm25": bm25, "late": 1, "heading": heading}
    for bm25, heading in product((0.2, 0.275, 0.35, 0.425, 0.5), (0.4, 0.6, 0.8, 1, 1.2, 1.4))
)
# Candidates by dense and by BM25, instead of the served number.
NUMBERS = (25, 50, 100)

Pools = Sequence[tuple[Pool, Mapping[str, Candidates]]]
PerTask = Mapping[str, Mapping[str, float]]
"""Task -> question -> nDCG@10."""


def outcome(
    tasks: Mapping[str, Pools], others: Mapping[str, Mapping[str, Pools]], weights: Weights
) -> dict[str, Any]:
    """nDCG@10 of every fusion on every task, with what the served weights gain and lose.

    `others` are the same tasks with other candidates, by what the row is called.
    """
    values = {
        name: {task: scores(found, fusion) for task, found in tasks.items()}
        for name, fusion in fusions(weights).items()
    }
    served = values["as served"]
    rows = {name: _means(each) for name, each in values.items()}
    rows["as served, chosen without it"] = left_out(tasks)
    rows |= {
        name: _means(
            {task: scores(found, partial(fused, weights=weights)) for task, found in each.items()}
        )
        for name, each in others.items()
    }
    return {
        "weights": dict(weights),
        "tasks": {
            task: {"questions": len(served[task]), "passages": _passages(found)}
            for task, found in tasks.items()
        },
        "rows": rows,
        "as_served": {task: asdict(interval(list(each.values()))) for task, each in served.items()},
        "over_dense_and_bm25": {
            task: _gain(values[BASELINE][task], served[task]) for task in tasks
        },
        "below_best": {
            task: max(rows[name][task] for name in SINGLE) - rows["as served"][task]
            for task in tasks
        },
    }


def scores(found: Pools, fusion: Fusion) -> dict[str, float]:
    """The nDCG@10 of each question of a task."""
    return {
        query: value for pool, each in found for query, value in ndcg(pool, each, fusion).items()
    }


def left_out(tasks: Mapping[str, Pools]) -> dict[str, float]:
    """For each task its mean under the weights of `GRID` with the best mean over the others."""
    means = [
        _means({task: scores(found, partial(fused, weights=each)) for task, found in tasks.items()})
        for each in GRID
    ]
    return {task: max(means, key=lambda row: _others(row, task))[task] for task in tasks}


def read_found(tasks: Sequence[Task], encoder: Encoder, each: int = CANDIDATES) -> dict[str, Pools]:
    """The candidates of each task's questions."""
    return {
        task.name: [
            (pool, found_in(pool, queries, encoder, each=each)) for pool, queries in task.parts
        ]
        for task in tasks
    }


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/ and retrieval/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "fusion.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps snapshots")] = CACHE,
) -> None:
    """Compare ways to fuse dense, BM25 and late interaction."""
    encoder = open_encoder("bundled", "onnx", 2)
    with reporting(sys.stderr) as progress:
        tasks = read_tasks(data, encoder, cache, progress)
    found = read_found(tasks, encoder)
    others = {
        f"as served, {number} candidates by each": read_found(tasks, encoder, number)
        for number in NUMBERS
    }
    made = provenance("python -m eval.studies.fit_fusion ../shared/data", encoder)
    write_outcome(out, made | outcome(found, others, profile_of(ModelInfo.of(encoder)).weights))
    print(out)


def _means(values: PerTask) -> dict[str, float]:
    return {task: float(np.mean(list(each.values()))) for task, each in values.items()}


def _others(row: Mapping[str, float], task: str) -> float:
    return float(np.mean([value for name, value in row.items() if name != task]))


def _passages(found: Pools) -> int:
    return sum(len(pool.snapshot.passages) for pool, _ in found)


def _gain(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, Any]:
    names = sorted(before)
    found = compare(names, [before[name] for name in names], [after[name] for name in names])
    return asdict(found.effect) | {"p": found.p}


if __name__ == "__main__":
    typer.run(main)
