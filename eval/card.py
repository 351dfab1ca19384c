"""The card of the late-interaction head: what it is, what it was made from, how good it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open

from eval.markdown import mean_row, table
from rag.model_files import file_sha256

# What the head in `rag/models/` is called in results.
SHIPPED = "head, 384, 2 bits"
SOURCES = {
    "squad2": ("SQuAD 2.0 development set, 20 of 35 articles", "CC BY-SA 4.0"),
    "pubmedqa_l": ("PubMedQA, labelled questions", "MIT"),
    "faq_pages": ("167 pages with FAQs on public health", "CC BY 4.0"),
}


def card(weights: Path, head: Mapping[str, Any]) -> str:
    """The card's text, from what the weights file says of itself and the head's figures."""
    with safe_open(weights, "np") as file:
        made = json.loads(file.metadata()["made"])
        shape = " x ".join(map(str, file.get_slice("weights").get_shape()))
    data = [
        [SOURCES[name][0], SOURCES[name][1], str(made["questions"][name]), _hashes(hashes)]
        for name, hashes in sorted(made["data"].items())
    ]
    recipe = [[name, f"{value:g}"] for name, value in sorted(made["recipe"].items())]
    return TEXT.format(
        name=weights.name,
        sha256=file_sha256(weights),
        shape=shape,
        model=made["model"]["name"],
        model_sha256=made["model"]["sha256"],
        data=table(["data", "licence", "questions", "sha256"], data),
        recipe=table(["setting", "value"], recipe),
        alone=table(*mean_row(head["alone"])),
    )


def _hashes(hashes: Mapping[str, str]) -> str:
    return ", ".join(f"{name} `{sha256[:16]}`" for name, sha256 in sorted(hashes.items()))


TEXT = """# Late-interaction head for all-MiniLM-L6-v2

Written by `python -m eval.quality`; do not edit.

`{name}`, sha256 `{sha256}`,
holds one tensor, `weights`, float32 {shape}. Token vectors of {model}
(sha256 `{model_sha256}`) times it, L2-normalised again, are the
token vectors of `rag`, for late interaction only; the pooled vector is not changed. Under this
project's licence, Apache-2.0.

## Made from

{data}

English only. Paragraphs of the other 15 squad2 articles took no part: 7 calibrate, 8 score.

## Made by

`python -m eval.train_head ../shared/data`, on one thread; the same data, model and software on the
same kind of processor give the same bytes. Settings, explained in `eval/train_head.py`:

{recipe}

## Figures

nDCG@10 of late interaction alone on tasks that took no part in training
(`eval/results/head.json`; fused, and what else was tried: `docs/quality.md`):

{alone}
"""
