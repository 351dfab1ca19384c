"""The constants that were fitted to one model: a JSON file for each model in `profiles/`.

A model's scores have a level and a spread of their own, so weights and thresholds fitted to one
model are only a guess for another. A model without a file gets `generic.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from rag.index import ModelInfo

# How much each signal counts, by its name: none is negative, and their sum is positive.
Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """The constants of the model with these digests of weights and head; "" for any model.

    `weights` of the fusion: eval/results/fusion.json. `bias`, `slope`, `lead`, `number` and `name`
    are the constants of the confidence (`rag/answering/confidence.py`). A threshold is the
    confidence from which on to answer, so that at most its share, the first of each pair, of the
    answers is wrong if half of the questions have no answer: eval/results/confidence.json. `close`,
    by how much a second sentence may be farther from the question and still be highlighted:
    eval/results/highlights.json. `support`, the coverage from which a passage supports a sentence
    that a language model wrote: eval/results/support.json
    """

    model: str
    model_sha256: str
    head_sha256: str
    weights: Weights
    bias: float
    slope: float
    lead: float
    number: float
    name: float
    thresholds: tuple[tuple[float, float], ...]
    close: float
    support: float

    def __str__(self) -> str:
        if self.model_sha256:
            return "fitted to this model"
        return "generic: ranking weights and confidence are not calibrated for this model"


def profile_of(model: ModelInfo) -> Profile:
    """The profile fitted to the model and its head, or the generic one."""
    known = _profiles()
    return known.get((model.sha256, model.head_sha256), known["", ""])


@cache
def _profiles() -> Mapping[tuple[str, str], Profile]:
    """Each profile by the digests of model and head."""
    read = [
        msgspec.json.decode(file.read_bytes(), type=Profile)
        for file in (files("rag.answering") / "profiles").iterdir()
    ]
    return {(each.model_sha256, each.head_sha256): each for each in read}
