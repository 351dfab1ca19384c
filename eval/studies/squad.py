"""squad2 by article: what trains the head, what calibrates the confidence, what scores both.

Questions of one article resemble each other, so each article belongs to one part only.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eval.sets.beir import documents
from rag.documents import json_lines

SquadPart = Literal["train", "calibrate", "score"]
SEED = 7
TRAIN = 20
CALIBRATE = 7


def parts(articles: Iterable[str]) -> dict[str, SquadPart]:
    """Article -> part: of the sorted names in an order drawn once, 20 train, 7 calibrate."""
    names = sorted(set(articles))
    drawn = np.random.default_rng(SEED).permutation(len(names)).tolist()
    return {names[at]: _part(place) for place, at in enumerate(drawn)}


def query_parts(folder: Path) -> dict[str, SquadPart]:
    """Query id -> the part of its article."""
    article = {id: title for id, title, _ in documents(folder / "corpus.jsonl")}
    part = parts(article.values())
    return {id: part[article[paragraph]] for id, paragraph in paragraphs(folder).items()}


def paragraphs(folder: Path) -> dict[str, str]:
    """Query id -> the paragraph that it was written for, whether or not that answers it."""
    return {id: row["metadata"]["paragraph"] for id, row in _queries(folder)}


def answers(folder: Path) -> dict[str, list[str]]:
    """Query id -> the strings that answer it, of the questions that have an answer."""
    return {
        id: list(row["metadata"]["answers"])
        for id, row in _queries(folder)
        if not row["metadata"]["is_impossible"]
    }


def _part(place: int) -> SquadPart:
    if place < TRAIN:
        return "train"
    return "calibrate" if place < TRAIN + CALIBRATE else "score"


def _queries(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(str(row["_id"]), row) for _, row in json_lines(folder / "queries.jsonl")]
