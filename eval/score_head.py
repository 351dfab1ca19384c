"""Scores the late-interaction head: `python -m eval.score_head ../shared/data`.

On tasks that did not train it: late interaction alone, and fused as served, with the model's own
token vectors, with principal components without training, and with the head, stored as int8 and
not rounded.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval.fit_fusion import Found, read_found, scores
from eval.fusions import FUSIONS, Fusion, fused
from eval.outcome import CACHE, RESULTS, provenance, write_outcome
from eval.signals import Map
from eval.suite import Task, read_tasks
from eval.train_head import Recipe, principal, training_pools
from rag.head import HEADS, read_head
from rag.model_files import bundled_model
from rag.onnx_encoder import open_onnx_encoder
from rag.progress import reporting

SHIPPED = "head, 128"


def outcome(
    tasks: Sequence[Task], heads: Mapping[str, Map], shipped: str, cache: Path
) -> dict[str, Any]:
    """nDCG@10 by task with each head, late interaction alone and as served, and bytes a passage.

    The `shipped` head is scored without rounding too.
    """
    found = {name: read_found(tasks, head, cache) for name, head in heads.items()}
    found[f"{shipped}, not rounded"] = read_found(tasks, heads[shipped], cache, exact=True)
    return {
        "tokens_per_passage": _tokens_per_passage(tasks),
        "alone": {
            name: _means(each, FUSIONS["late interaction alone"]) for name, each in found.items()
        },
        "as_served": {name: _means(each, fused) for name, each in found.items()},
    }


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/, retrieval/, faq_pages/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "head.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps vectors")] = CACHE,
) -> None:
    """Score the late-interaction head against the model's own token vectors and against PCA."""
    encoder = open_onnx_encoder(bundled_model(), 2)
    head = read_head(HEADS[encoder.sha256], encoder.dim)
    with reporting(sys.stderr) as progress:
        trained_on = [pool for pool, _ in training_pools(data, encoder, cache, progress)]
        start = principal(trained_on, Recipe(), np.random.default_rng(Recipe().seed))
        tasks = read_tasks(data, encoder, cache, progress)
    heads = {"model's own, 384": None, "principal components, 128": start, SHIPPED: head.weights}
    made = provenance("python -m eval.score_head ../shared/data", encoder.sha256, head.sha256)
    write_outcome(out, made | outcome(tasks, heads, SHIPPED, cache))
    print(out)


def _means(found: Mapping[str, Found], fusion: Fusion) -> dict[str, float]:
    return {
        task: float(np.mean(list(scores(each, fusion).values()))) for task, each in found.items()
    }


def _tokens_per_passage(tasks: Sequence[Task]) -> float:
    vectors = [pool.stored for task in tasks for pool, _ in task.parts]
    return sum(len(each.tokens) for each in vectors) / sum(len(each.pooled) for each in vectors)


if __name__ == "__main__":
    typer.run(main)
