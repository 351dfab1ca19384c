"""Whether an index was built with the encoder that is given, and gives the same vectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rag.index.snapshot import Snapshot
from rag.types.errors import REBUILD, ModelMismatch

if TYPE_CHECKING:  # the child that reads a snapshot back imports no encoder
    from rag.encoders import Encoder

# Encoded at build and again at load: the weights' hash does not see a changed runtime.
PROBES = ("Which procedure collects the T cells?", "a", "85 % – größer als 60 %, 细胞")
# Another last bit in 8 bits rounds some values to the next level, and each layer adds to that: two
# processors may differ by as much as both differ from float32.
PROBE_TOLERANCE = {"float32": 1e-4, "int8": 0.05}


def probe_vectors(encoder: Encoder) -> npt.NDArray[np.float32]:
    """The pooled vectors of `PROBES` as questions, float32 (len(PROBES), dim).

    If passages are encoded by something else, those of `PROBES` as passages follow.
    """
    found = encoder.encode_queries(PROBES).pooled
    if encoder.passages_by:
        found = np.vstack([found, encoder.encode_passages(PROBES, [""] * len(PROBES)).pooled])
    return found


def check_encoder(folder: Path, snapshot: Snapshot, encoder: Encoder) -> None:
    """Raises ModelMismatch unless this encoder gives the snapshot's vectors."""
    check_model(folder, snapshot, encoder)
    check_probes(folder, snapshot, encoder)


def check_model(folder: Path, snapshot: Snapshot, encoder: Encoder) -> None:
    """Raises ModelMismatch unless the snapshot was built with these weights, precision and head."""
    built, given = snapshot.manifest.model, encoder
    if (built.sha256, built.dim) != (given.sha256, given.dim):
        raise ModelMismatch(
            f"{folder} was built with model {built.name} ({built.sha256[:12]}), "
            f"the settings say {given.name} ({given.sha256[:12]}): {REBUILD}, or set RAG_MODEL"
        )
    if built.precision != given.precision:
        raise ModelMismatch(
            f"{folder} was built in {built.precision}, the settings say {given.precision}: "
            f"{REBUILD}, or set RAG_RUNTIME (onnx for int8, torch for float32)"
        )
    if (built.head_sha256, built.token_dim) != (given.head_sha256, given.token_dim):
        raise ModelMismatch(
            f"{folder} was built with late-interaction head {built.head_sha256[:12] or 'none'}, "
            f"this version has {given.head_sha256[:12] or 'none'}: {REBUILD}"
        )


def check_probes(folder: Path, snapshot: Snapshot, encoder: Encoder) -> None:
    """Raises ModelMismatch unless the encoder gives the stored probe vectors of questions."""
    stored = snapshot.probes[: len(PROBES)]
    apart = float(np.abs(encoder.encode_queries(PROBES).pooled - stored).max())
    allowed = PROBE_TOLERANCE[encoder.precision]
    if not apart <= allowed:
        raise ModelMismatch(
            f"{folder}: the model gives other vectors than at build time (probe vectors are "
            f"{apart:.2g} apart, at most {allowed:g} is allowed): {REBUILD}"
        )
