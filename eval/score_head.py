"""Scores the late-interaction head: `python -m eval.score_head ../shared/data`.

On tasks that did not train it: late interaction alone, and fused as served, with the model's own
token vectors and with heads of several sizes and recipes, each kept in so many bits a component.
Heads that do not ship are trained for this, and kept in the cache.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from safetensors.numpy import load_file, save_file

from eval.cache import digest
from eval.card import SHIPPED
from eval.fit_fusion import Found, read_found, scores
from eval.fusions import FUSIONS, Fusion, fused
from eval.late_variants import WAYS, with_ways
from eval.outcome import CACHE, RESULTS, provenance, write_outcome
from eval.signals import Floats, Kept, Map, Pool, Signals, kept_signals
from eval.suite import Task, read_tasks
from eval.train_head import Recipe, between, fit, training_pools
from rag.build import Progress
from rag.head import HEADS, read_head, rotation
from rag.model_files import bundled_model
from rag.onnx_encoder import OnnxEncoder, open_onnx_encoder
from rag.progress import reporting
from rag.tokens import width

Pools = Sequence[tuple[Pool, Sequence[str]]]
FLOAT = 32


@dataclass(frozen=True, slots=True)
class Other:
    """A head that does not ship: recipe, bits a component, how much of its untrained start is kept,
    whether it has a bias, and on how many of the training sets it is trained, squad2 first."""

    recipe: Recipe
    bits: int = 2
    start: float = 0.5
    bias: bool = False
    sets: int = 3


OTHERS = {
    "principal components, 128, 8 bits": Other(Recipe(size=128), 8, 1.0),
    "head, 64, 8 bits": Other(Recipe(size=64), 8),
    "head, 96, 8 bits": Other(Recipe(size=96), 8),
    "head, 128, 8 bits": Other(Recipe(size=128), 8),
    "head, 256, 4 bits": Other(Recipe(size=256), 4),
    "head, 384, to the end of training, 2 bits": Other(Recipe(), start=0.0),
    "head, 384, cross-entropy alone, 2 bits": Other(Recipe(distil=0.0)),
    "head, 384, with a bias, 2 bits": Other(Recipe(), bias=True),
    "head, 384, 4 negatives, 2 bits": Other(Recipe(negatives=4)),
    "head, 384, easier negatives, 2 bits": Other(Recipe(hardest=100)),
    "head, 384, from squad2 alone, 2 bits": Other(Recipe(), sets=1),
}


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """Token vectors through a map, kept in so many bits a component."""

    head: Map
    kept: Kept

    def size(self, dim: int) -> int:
        """The bytes of a token vector of the model's `dim` components."""
        size = dim if self.head is None else int(self.head.shape[1])
        if self.kept == "as served":
            return width(size)
        return size * (FLOAT if self.kept is None else self.kept) // 8


def outcome(tasks: Sequence[Task], variants: Mapping[str, Variant], cache: Path) -> dict[str, Any]:
    """nDCG@10 by task of each variant, late interaction alone and as served, and its bytes."""
    found = {
        name: read_found(tasks, each.head, cache, each.kept) for name, each in variants.items()
    }
    dim = tasks[0].parts[0][0].stored.tokens.shape[1]
    return {
        "tokens_per_passage": _tokens_per_passage(tasks),
        "bytes_per_token": {name: each.size(dim) for name, each in variants.items()},
        "alone": {
            name: _means(each, FUSIONS["late interaction alone"]) for name, each in found.items()
        },
        "as_served": {name: _means(each, fused) for name, each in found.items()},
    }


def own(dim: int) -> dict[str, Variant]:
    """The model's own token vectors, turned where they are kept in few bits."""
    turned = rotation(dim)
    few = {f"model's own, {dim}, {bits} bits": Variant(turned, bits) for bits in (4, 2, 1)}
    return {f"model's own, {dim}, floats": Variant(None, None)} | few


def trained(pools: Pools, cache: Path, progress: Progress) -> dict[str, Variant]:
    """The heads of `OTHERS`."""
    return {
        name: Variant(
            between(
                *kept_fit(pools[: other.sets], other.recipe, cache, progress, other.bias),
                other.start,
            ),
            other.bits,
        )
        for name, other in OTHERS.items()
    }


def scorings(
    tasks: Sequence[Task], head: Floats, encoder: OnnxEncoder, cache: Path
) -> dict[str, Any]:
    """nDCG@10 by task of the shipped head with each way to score, alone and as served."""
    found: dict[str, dict[str, list[tuple[Pool, Sequence[Signals]]]]] = {
        name: {task.name: [] for task in tasks} for name in WAYS
    }
    for task in tasks:
        for pool, queries in task.parts:
            for name, each in with_ways(
                pool, kept_signals(pool, queries, head, cache), head, encoder, cache
            ).items():
                found[name][task.name].append((pool, each))
    return {
        "alone": {
            name: _means(each, FUSIONS["late interaction alone"]) for name, each in found.items()
        },
        "as_served": {name: _means(each, fused) for name, each in found.items()},
    }


def kept_fit(
    pools: Pools, recipe: Recipe, cache: Path, progress: Progress, bias: bool = False
) -> tuple[Floats, Floats]:
    """`fit`, kept in the `cache` folder."""
    made_from = [str(sorted(asdict(recipe).items())), *(["bias"] if bias else [])]
    for pool, queries in pools:
        made_from += [*(passage.id for passage in pool.passages), *queries]
    path = cache / f"{digest('head', *made_from)}.safetensors"
    if not path.is_file():
        start, end = fit(pools, recipe, progress, bias)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"start": start, "end": end}, path)
    found = load_file(path)
    return found["start"], found["end"]


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/, retrieval/, faq_pages/")],
    out: Annotated[Path, typer.Option(help="results file")] = RESULTS / "head.json",
    cache: Annotated[Path, typer.Option(help="folder that keeps vectors")] = CACHE,
) -> None:
    """Score the late-interaction head against the model's own token vectors and other heads."""
    encoder = open_onnx_encoder(bundled_model(), 2)
    head = read_head(HEADS[encoder.sha256], encoder.dim)
    with reporting(sys.stderr) as progress:
        pools = training_pools(data, encoder, cache, progress)
        others = trained(pools, cache, progress)
        tasks = read_tasks(data, encoder, cache, progress)
    shipped = {
        "head, 384, floats": Variant(head.weights, None),
        SHIPPED: Variant(head.weights, "as served"),
    }
    made = provenance("python -m eval.score_head ../shared/data", encoder.sha256, head.sha256)
    found = outcome(tasks, own(encoder.dim) | others | shipped, cache)
    found |= {"scorings": scorings(tasks, head.weights, encoder, cache)}
    write_outcome(out, made | found)
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
