"""Token vectors stored in few bits, and late interaction in floats: what is weighed against what
`rag.tokens` stores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# By bits: how many standard deviations equally spaced levels of a normal variable are best apart
# (Max 1960, "Quantizing for Minimum Distortion", table II).
STEPS = {1: 1.596, 2: 0.9957, 3: 0.5860, 4: 0.3352, 8: 0.0308}


def rounded(tokens: Floats, bits: int | None) -> Floats:
    """Token vectors (t, dim) as that many bits a component would keep them; None keeps all."""
    if bits is None:
        return tokens
    step = np.float32(STEPS[bits] / np.sqrt(tokens.shape[1]))
    half = 2 ** (bits - 1)
    levels = np.clip(np.floor(tokens / step), -half, half - 1)
    kept: Floats = (levels + np.float32(0.5)) * step
    return kept


def float_scores(query: Floats, passages: Sequence[Floats]) -> Floats:
    """The late-interaction score of each passage's token vectors (t, dim), float32 (n,).

    A query or a passage without tokens scores 0.
    """
    scores = [
        float((tokens @ query.T).max(axis=0).mean()) if len(tokens) and len(query) else 0.0
        for tokens in passages
    ]
    return np.array(scores, dtype=np.float32)
