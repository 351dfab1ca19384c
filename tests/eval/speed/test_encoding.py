"""What is checked of an encoder on a device beside its speed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from eval.speed.encoding import agreement
from rag.encoders.base import Encoded
from support.letter_encoder import LetterEncoder

TEXTS = ["Ants hum.", "Bees fly.", "Cats sleep."]


@dataclass(frozen=True)
class InCompany(LetterEncoder):
    """On a device; the last of several texts gets other bits."""

    passages_by: str = "Card"

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        made = super().encode_passages(texts, contexts)
        if len(texts) > 1:
            made.tokens[-1][:] = np.nextafter(made.tokens[-1], np.float32(1))
        return made


def test_a_text_that_depends_on_its_company_is_found() -> None:
    found = agreement(InCompany(), LetterEncoder(), TEXTS)
    assert found == {"encoder": "Card", "same_bits": False, "least_cosine": pytest.approx(1)}


def test_the_same_bits_in_any_company_are_found() -> None:
    device = replace(LetterEncoder(), passages_by="Card")
    assert agreement(device, LetterEncoder(), TEXTS)["same_bits"] is True
