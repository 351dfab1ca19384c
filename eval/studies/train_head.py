"""Trains the late-interaction head: `python -m eval.studies.train_head ../shared/data`.

A linear map of token vectors, without bias, started from the principal components of the
training sets' token vectors. For each question that has an answer, the late-interaction score
has to put the answering passage before passages that dense and BM25 rank high (cross-entropy), and
to spread its scores as the sum of all signals does (Kullback-Leibler divergence to that teacher).
The mean of start and end ships, which is better on sets of other kinds than either
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). One thread and fixed seeds: the
same data, model and machine give the same bytes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from safetensors.numpy import save_file
from torch.nn.functional import kl_div, log_softmax, normalize

from eval.provenance import CACHE
from eval.studies.pools import Pool, found_in, judged, read_faq_pool, read_pool
from eval.studies.squad import query_parts
from rag.answering.fusion import min_max
from rag.answering.search import Candidates
from rag.building.encode import BATCH
from rag.cli.progress_bar import reporting
from rag.encoders.base import Encoder
from rag.encoders.bundled import bundled_model
from rag.encoders.head import rotation
from rag.encoders.onnx import open_onnx_encoder
from rag.types import Passage, Progress

Floats = npt.NDArray[np.float32]
# Dense and BM25 alone say which passages are hard.
BASELINE = {"dense": 1.0, "bm25": 1.0}
TARGET = Path("rag/encoders/models/all-MiniLM-L6-v2.late.safetensors")


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How the head is trained.

    A question has up to `positives` answering passages and `negatives` others, drawn anew in each
    epoch from the `hardest` by dense and BM25, of the `candidates` best by each. `rate` is Adam's,
    falling in a line to 2 % of it. `teacher_bm25` weighs BM25 against dense and raw late
    interaction in the teacher's sum. `distil` is the divergence's share of the loss, cross-entropy
    has the rest. `start` is the share of the untrained start in what comes out.
    """

    size: int = 384
    epochs: int = 3
    batch: int = 32
    rate: float = 1e-3
    positives: int = 3
    negatives: int = 11
    hardest: int = 33
    candidates: int = 100
    temperature: float = 0.05
    distil: float = 0.7
    teacher_bm25: float = 0.5
    teacher_temperature: float = 0.2
    sample: int = 20_000
    start: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """Of n passages float16 (t, dim): passage i has rows starts[i] to starts[i + 1]."""

    vectors: npt.NDArray[np.float16]
    starts: npt.NDArray[np.int64]

    def of(self, row: int) -> torch.Tensor:
        """The token vectors of one passage, float32 (t, dim)."""
        rows = self.vectors[self.starts[row] : self.starts[row + 1]]
        return torch.from_numpy(rows.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """A pool by a model without a head, its passages' token vectors, and the questions to ask it:
    the candidates by dense and BM25, by the query's id."""

    pool: Pool
    tokens: TokenVectors
    found: Mapping[str, Candidates]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A question's token vectors, and the rows of passages that answer it and of hard ones that do
    not. `prior` is the teacher's sum of dense and BM25 for each candidate row."""

    query: torch.Tensor
    tokens: TokenVectors
    positives: list[int]
    hard: list[int]
    prior: dict[int, float]


def train(sets: Sequence[TrainingSet], recipe: TrainingRecipe, progress: Progress) -> Floats:
    """The weights, float32 (dim, size), trained on the queries of the sets."""
    return between(*fit(sets, recipe, progress), recipe.start)


def between(start: Floats, end: Floats, share: float) -> Floats:
    """The mean of two maps, with that share of the first, rotated so that no component is larger
    than the others (see `rag.index.token_vectors`)."""
    mixed = share * start + (1 - share) * end
    turned: Floats = (mixed @ rotation(start.shape[1])).astype(np.float32)
    return turned


def fit(
    sets: Sequence[TrainingSet], recipe: TrainingRecipe, progress: Progress
) -> tuple[Floats, Floats]:
    """The weights before and after training, float32 (dim, size) each; not yet rotated."""
    torch.set_num_threads(1)
    generator = np.random.default_rng(recipe.seed)
    examples = [example for each in sets for example in _examples(each, recipe)]
    start = principal([each.tokens for each in sets], recipe, generator)
    weights = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimiser = torch.optim.Adam([weights], lr=recipe.rate)
    steps = recipe.epochs * -(-len(examples) // recipe.batch)
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda at: max(0.02, 1 - at / steps))
    for at, batch in enumerate(_batches(examples, recipe, generator), start=1):
        losses = [_loss(each, weights, recipe, generator) for each in batch]
        loss = torch.stack(losses).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        decay.step()
        progress("steps", at, steps)
    return start, weights.detach().numpy()


def principal(
    sets: Sequence[TokenVectors], recipe: TrainingRecipe, generator: np.random.Generator
) -> Floats:
    """The first principal components, not centred, of token vectors drawn from each set."""
    drawn = np.concatenate([_drawn(each.vectors, recipe.sample, generator) for each in sets])
    _, vectors = np.linalg.eigh(drawn.T @ drawn / np.float32(len(drawn)))
    return np.ascontiguousarray(vectors[:, ::-1][:, : recipe.size], dtype=np.float32)


def training_sets(
    data: Path, encoder: Encoder, cache: Path, recipe: TrainingRecipe, progress: Progress
) -> list[TrainingSet]:
    """What the head is trained on."""
    squad = read_pool(data / "abstention/squad2", encoder, cache, progress)
    parts = query_parts(data / "abstention/squad2")
    allowed = [query for query in judged(squad) if parts[query] == "train"]
    others = [
        read_pool(data / "retrieval/pubmedqa_l", encoder, cache, progress),
        read_faq_pool(data / "faq_pages", encoder, progress),
    ]
    asked = [(squad, allowed), *((pool, judged(pool)) for pool in others)]
    return [training_set(*each, encoder, recipe, progress) for each in asked]


def training_set(
    pool: Pool, queries: Sequence[str], encoder: Encoder, recipe: TrainingRecipe, progress: Progress
) -> TrainingSet:
    """Those queries of a pool, with everything that training needs."""
    found = found_in(pool, queries, encoder, weights=BASELINE, each=recipe.candidates)
    return TrainingSet(pool, token_vectors(pool.snapshot.passages, encoder, progress), found)


def token_vectors(
    passages: Sequence[Passage], encoder: Encoder, progress: Progress
) -> TokenVectors:
    """The token vectors of the passages; an index keeps only two bits of each number."""
    tokens: list[npt.NDArray[np.float16]] = []
    for start in range(0, len(passages), BATCH):
        part = passages[start : start + BATCH]
        encoded = encoder.encode_passages([p.text for p in part], [p.context for p in part])
        tokens.extend(matrix.astype(np.float16) for matrix in encoded.tokens)
        progress("passages encoded", len(tokens), len(passages))
    starts = np.cumsum([0, *map(len, tokens)], dtype=np.int64)
    return TokenVectors(np.concatenate(tokens), starts)


def write_head(path: Path, weights: Floats, made: dict[str, object]) -> None:
    """Write the weights and how they were made; one entry of metadata, since several are written
    in no fixed order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"weights": weights}, path, {"made": json.dumps(made, sort_keys=True)})


def _examples(of: TrainingSet, recipe: TrainingRecipe) -> Iterator[Example]:
    rows_of: dict[str, list[int]] = {}
    for row, unit in enumerate(of.pool.units):
        rows_of.setdefault(unit, []).append(row)
    for query, found in of.found.items():
        answering = [row for unit in of.pool.qrels[query] for row in rows_of.get(unit, [])]
        if answering and len(found.query.tokens):
            yield _example(of.tokens, answering, found, recipe)


def _example(
    tokens: TokenVectors, answering: list[int], found: Candidates, recipe: TrainingRecipe
) -> Example:
    rows = found.rows.tolist()
    dense, bm25 = min_max(found.signals["dense"]), min_max(found.signals["bm25"])
    hardest = np.argsort(-(dense + bm25), kind="stable").tolist()
    gold = set(answering)
    prior = dict(zip(rows, (dense + recipe.teacher_bm25 * bm25).tolist(), strict=True))
    return Example(
        torch.from_numpy(found.query.tokens),
        tokens,
        [row for row in answering if row in prior][: recipe.positives] or answering[:1],
        [rows[place] for place in hardest if rows[place] not in gold][: recipe.hardest],
        prior,
    )


def _batches(
    examples: Sequence[Example], recipe: TrainingRecipe, generator: np.random.Generator
) -> Iterator[list[Example]]:
    for _ in range(recipe.epochs):
        drawn = generator.permutation(len(examples)).tolist()
        for start in range(0, len(drawn), recipe.batch):
            yield [examples[at] for at in drawn[start : start + recipe.batch]]


def _loss(
    example: Example, weights: torch.Tensor, recipe: TrainingRecipe, generator: np.random.Generator
) -> torch.Tensor:
    count = min(recipe.negatives, len(example.hard))
    others = generator.choice(example.hard, count, replace=False).tolist() if count else []
    rows = [*example.positives, *others]
    query = example.query
    blocks = [example.tokens.of(row) for row in rows]
    tokens, lengths = torch.cat(blocks), [len(block) for block in blocks]
    raw = late_interaction(query, tokens, lengths)
    teacher = torch.tensor([example.prior.get(row, 0.0) for row in rows]) + _min_max(raw)
    late = late_interaction(mapped(query, weights), mapped(tokens, weights), lengths)
    spread = kl_div(
        log_softmax(late / recipe.temperature, 0),
        torch.softmax(teacher / recipe.teacher_temperature, 0),
        reduction="sum",
    )
    known = len(example.positives)
    ranked = torch.cat([late[:known].max()[None], late[known:]])
    found = -log_softmax(ranked / recipe.temperature, 0)[0]
    return (1 - recipe.distil) * found + recipe.distil * spread


def late_interaction(
    query: torch.Tensor, tokens: torch.Tensor, lengths: Sequence[int]
) -> torch.Tensor:
    """The late-interaction score of each passage, (len(lengths),), as `rag.answering` has it.

    `tokens` (sum of lengths, dim) are the passages' one after another.
    """
    best = [part.amax(1) for part in torch.split(query @ tokens.T, list(lengths), dim=1)]
    return torch.stack(best).mean(1)


def mapped(tokens: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Token vectors (t, dim) through a map (dim, size), rows L2-normalised."""
    return normalize(tokens @ weights, dim=1)


def _min_max(scores: torch.Tensor) -> torch.Tensor:
    return (scores - scores.min()) / (scores.max() - scores.min() + 1e-6)


def _drawn(tokens: npt.NDArray[np.float16], sample: int, generator: np.random.Generator) -> Floats:
    chosen: Floats = tokens[generator.choice(len(tokens), min(sample, len(tokens)))].astype(
        np.float32
    )
    return chosen


def main(
    data: Annotated[Path, typer.Argument(help="folder with abstention/, retrieval/, faq_pages/")],
    out: Annotated[Path, typer.Option(help="file for the weights")] = TARGET,
    cache: Annotated[Path, typer.Option(help="folder that keeps snapshots")] = CACHE,
) -> None:
    """Train the late-interaction head on public data."""
    encoder = open_onnx_encoder(bundled_model(), 2)
    with reporting(sys.stderr) as progress:
        recipe = TrainingRecipe()
        sets = training_sets(data, encoder, cache, recipe, progress)
        weights = train(sets, recipe, progress)
    write_head(
        out,
        weights,
        {
            "model": {"name": encoder.name, "sha256": encoder.sha256},
            "recipe": asdict(recipe),
            "questions": {each.pool.name: len(each.found) for each in sets},
            "data": {each.pool.name: dict(each.pool.hashes) for each in sets},
        },
    )
    print(out)


if __name__ == "__main__":
    typer.run(main)
