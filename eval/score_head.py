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
from eval.outcome import CACHE, RESULTS, provenance, write_outcome
from eval.signals import Floats, Kept, Map, Pool
from eval.suite import Task, read_tasks
from eval.train_head import Recipe, between, fit, training_pools
from rag.build import Progress
from rag.head import HEADS, read_head, rotation
from rag.model_files import bundled_model
from rag.onnx_encoder import open_onnx_encoder
from rag.progress import reporting
from rag.tokens import width

Pools = Sequence[tuple[Pool, Sequence[str]]]
FLOAT = 32
# Others: the recipe, how much of its untrained start is kept, and the bits a component is kept in.
OTHERS = {
    "principal components, 128, 8 bits": (Recipe(size=128), 1.0, 8),
    "head, 64, 8 bits": (Recipe(size=64), 0.5, 8),
    "head, 96, 8 bits": (Recipe(size=96), 0.5, 8),
    "head, 128, 8 bits": (Recipe(size=128), 0.5, 8),
    "head, 256, 4 bits": (Recipe(size=256), 0.5, 4),
    "head, 384, to the end of training, 2 bits": (Recipe(), 0.0, 2),
    "head, 384, cross-entropy alone, 2 bits": (Recipe(distil=0.0), 0.5, 2),
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
        name: Variant(between(*kept_fit(pools, recipe, cache, progress), share), bits)
        for name, (recipe, share, bits) in OTHERS.items()
    }


def kept_fit(
    pools: Pools, recipe: Recipe, cache: Path, progress: Progress
) -> tuple[Floats, Floats]:
    """`fit`, kept in the `cache` folder."""
    made_from = [str(sorted(asdict(recipe).items()))]
    for pool, queries in pools:
        made_from += [*(passage.id for passage in pool.passages), *queries]
    path = cache / f"{digest('head', *made_from)}.safetensors"
    if not path.is_file():
        start, end = fit(pools, recipe, progress)
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
    write_outcome(out, made | outcome(tasks, own(encoder.dim) | others | shipped, cache))
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
