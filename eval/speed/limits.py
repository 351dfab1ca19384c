"""How near the encoder is to what one thread of this machine can multiply (its roofline).

The products are those of the libraries that are installed here, of matrices that fit the caches.
They take turns with the encoder, and the best turn of each counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from rag.encoders import Encoder, bundled_model, integer_product, product

TURNS = 40
# A question, and a passage.
TOKENS = (12, 128)
# Rows, inner numbers and columns: the widest layer of the bundled model over four passages.
ROWS, INNER, COLUMNS = 512, 384, 1536

INT8 = "int8 products, ONNX Runtime"


def measure(encoder: Encoder, turns: int = TURNS) -> dict[str, dict[str, float]]:
    """Multiply-adds a second of one thread, in billions, and the share of the int8 products'.

    `encoder` runs the bundled model; torch keeps to one thread from here on.
    """
    torch.set_num_threads(1)
    config = json.loads((bundled_model().folder / "config.json").read_bytes())
    works = machine_products() | {
        f"encoder, {count} tokens": (
            multiply_adds(config, count) + count * encoder.dim * encoder.token_dim,
            partial(encoder.encode_queries, [text_of(count)]),
        )
        for count in TOKENS
    }
    best = dict.fromkeys(works, float("inf"))
    for _ in range(turns):
        for name, (_, work) in works.items():
            start = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - start)
    rates = {name: works[name][0] / best[name] for name in works}
    return {
        name: {
            "billion multiply-adds/s": round(rate / 1e9, 1),
            "share of int8": round(rate / rates[INT8], 2),
        }
        for name, rate in rates.items()
    }


def machine_products() -> dict[str, tuple[int, Callable[[], object]]]:
    """For each kind of number, the multiply-adds of a product and the product."""
    chance = np.random.default_rng(0)
    left = chance.normal(size=(ROWS, INNER)).astype(np.float32)
    right = chance.normal(size=(INNER, COLUMNS)).astype(np.float32)
    # Up to 128 on the left they are exact on every processor.
    bytes_left = chance.integers(0, 129, left.shape).astype(np.uint8)
    bytes_right = chance.integers(-127, 128, right.shape).astype(np.int8)
    half_left, half_right = (torch.from_numpy(each).bfloat16() for each in (left, right))
    count = ROWS * INNER * COLUMNS
    return {
        "float32 products, ONNX Runtime": (count, lambda: product(left, right)),
        "bfloat16 products, torch": (count, lambda: half_left @ half_right),
        INT8: (count, lambda: integer_product(bytes_left, bytes_right)),
    }


def multiply_adds(config: Mapping[str, Any], tokens: int) -> int:
    """The multiply-adds of a BERT-shaped model for a text of so many tokens.

    Those of its linear layers and of attention; `config` is its config.json.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    linear = 4 * hidden * hidden + 2 * hidden * inner
    attention = 2 * tokens * hidden
    count: int = config["num_hidden_layers"] * tokens * (linear + attention)
    return count


def text_of(tokens: int) -> str:
    """A text of so many tokens, the two special ones included."""
    return "word " * (tokens - 2)
