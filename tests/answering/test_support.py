"""Whether passages hold what somebody else wrote."""

from __future__ import annotations

import pytest

from rag.answering.profile import profile_of
from rag.answering.support import support, words_held
from rag.encoders.base import Encoder
from rag.encoders.open import open_encoder
from rag.index.snapshot import Snapshot
from rag.types import Passage
from support.builds import build_snapshot

TEXT = (
    "# Ferries\n\n## Fares\n\nAdults pay 30 euros for the crossing. Children under six travel "
    "free.\n\n## Dogs\n\nDogs must be kept on a lead on the car deck.\n"
)
TICKET = "Model KX-200-A is sold at the pier in Ostend.\n"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return open_encoder("bundled", "onnx", 1)


@pytest.fixture(scope="module")
def snapshot(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "ferries.md").write_text(TEXT)
    (folder / "tickets.md").write_text(TICKET)
    return build_snapshot([folder], encoder)


def passage(snapshot: Snapshot, text: str) -> Passage:
    return next(each for each in snapshot.passages if text in each.text)


@pytest.mark.parametrize(
    ("sentence", "held", "missing"),
    [
        ("Adults pay 30 euros for the crossing.", True, ()),
        ("For the crossing, adults pay 30 euros.", True, ()),
        ("Adults pay 90 euros for the crossing.", False, ("pay 90",)),
        ("The captain lives in a castle.", False, ()),
    ],
)
def test_a_passage_supports_what_it_says(
    snapshot: Snapshot, encoder: Encoder, sentence: str, held: bool, missing: tuple[str, ...]
) -> None:
    found = support(snapshot, encoder, sentence, [passage(snapshot, "Adults")])
    assert (found.holds, found.missing) == (held, missing)
    assert (found.score >= profile_of(snapshot.manifest.model).support) is (held or bool(missing))


def test_the_nearest_sentence_is_that_of_the_best_passage(
    snapshot: Snapshot, encoder: Encoder
) -> None:
    passages = [passage(snapshot, "Dogs must"), passage(snapshot, "Children")]
    found = support(snapshot, encoder, "Children under six travel free.", passages)
    assert found.passage == passages[1]
    text = snapshot.documents["ferries.md"].text
    quote = text[found.nearest.char_start : found.nearest.char_end]
    assert quote == "Children under six travel free."


def test_one_of_several_passages_must_hold_a_number(snapshot: Snapshot, encoder: Encoder) -> None:
    told = "Model KX-200-A is sold at the pier."
    both = [passage(snapshot, "Adults"), passage(snapshot, "KX-200-A")]
    assert support(snapshot, encoder, told, both).missing == ()
    assert len(support(snapshot, encoder, told, both[:1]).missing) == 1


def test_the_share_of_words_is_counted_in_any_form() -> None:
    text = "Cells are collected. Then they rest."
    spans = [(0, 20), (21, 36)]
    assert words_held("collecting cells today", text, spans, "en") == [2 / 3, 0.0]
    assert words_held("?!", text, spans, "en") == [0.0, 0.0]
