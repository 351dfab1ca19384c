"""How far the probe vectors of another machine may be from those of the build."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rag.encoders.base import Encoded, Precision
from rag.index.compatibility import check_probes
from rag.types.errors import ModelMismatch
from support.letter_encoder import LetterEncoder, snapshot_of


@dataclass(frozen=True)
class Shifted(LetterEncoder):
    """Its pooled vectors of questions are off by `by` in the first dimension."""

    by: float = 0

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        encoded = super().encode_queries(texts)
        pooled = encoded.pooled.copy()
        pooled[:, 0] += self.by
        return replace(encoded, pooled=pooled)


@pytest.mark.parametrize(("precision", "by"), [("float32", 9e-5), ("int8", 0.049)])
def test_other_last_bits_are_accepted(tmp_path: Path, precision: Precision, by: float) -> None:
    check_probes(
        tmp_path,
        snapshot_of(tmp_path, fruit="Apples are red."),
        Shifted(precision=precision, by=by),
    )


@pytest.mark.parametrize(
    ("precision", "by", "allowed"), [("float32", 1.2e-4, "0.0001"), ("int8", 0.052, "0.05")]
)
def test_more_than_rounding_explains_is_refused(
    tmp_path: Path, precision: Precision, by: float, allowed: str
) -> None:
    with pytest.raises(ModelMismatch, match=f"at most {allowed} is allowed"):
        check_probes(
            tmp_path,
            snapshot_of(tmp_path, fruit="Apples are red."),
            Shifted(precision=precision, by=by),
        )
