"""An index whose passages were encoded on a device says so, and is never mixed with another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from rag.answering import ask
from rag.building.journal import Journal, journal_at
from rag.building.listener import Listener
from rag.building.origin import Origin
from rag.building.rebuild import Built, rebuild
from rag.building.restrict import restricted
from rag.checks import examine
from rag.cli.main import main
from rag.encoders.base import Encoded
from rag.index.manifest import parse_manifest
from rag.index.snapshot import Snapshot
from rag.store import open_current
from support.letter_encoder import Counting, LetterEncoder, corpus

QUESTIONS = LetterEncoder()
CARD = "torch 9 in float32 on Card"
# How far 8 bits may move a vector in a component.
BY = 0.03
TEXT = "# Ants\n\nAnts hum.\n\n# FAQ\n\n## What do bees do?\n\nBees fly.\n"


@dataclass(frozen=True)
class OnDevice(Counting):
    """The letter encoder, whose passages come from a device, with other last bits."""

    passages_by: str = CARD
    by: float = BY

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        made = super().encode_passages(texts, contexts)
        moved = made.pooled + np.float32(self.by) * (made.pooled > 0)
        return replace(made, pooled=moved / np.linalg.norm(moved, axis=1, keepdims=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return corpus(tmp_path / "corpus", a=TEXT)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def built(
    index: Path, folder: Path, encoder: LetterEncoder, said: list[str] | None = None
) -> Built:
    listener = Listener(note=[].append if said is None else said.append)
    found = rebuild(index, Origin((folder,), "with"), encoder, listener=listener)
    assert found
    return found


def encoded(encoder: Counting) -> int:
    """How many passages and headings it encoded, probes aside."""
    return sum(text.endswith(("hum.", "fly.", "do?")) for _, text in encoder.seen)


def test_the_manifest_says_what_encoded_the_passages(index: Path, folder: Path) -> None:
    manifest = built(index, folder, OnDevice()).manifest
    assert manifest.model.passages_by == CARD
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_a_manifest_without_a_device_is_written_as_before(index: Path, folder: Path) -> None:
    manifest = built(index, folder, QUESTIONS).manifest
    assert b"passages_by" not in manifest.to_bytes()
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_it_is_asked_with_the_encoder_of_questions_alone(index: Path, folder: Path) -> None:
    built(index, folder, OnDevice())
    snapshot = open_current(index, QUESTIONS)
    first = ask(snapshot, QUESTIONS, "what do bees do?").passages[0]
    assert first.hit.passage.text.endswith("Bees fly.")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (QUESTIONS, OnDevice()),
        (OnDevice(), Counting()),
        (OnDevice(), OnDevice(passages_by="torch 9 in float32 on other")),
        (OnDevice(), OnDevice(by=BY / 2)),
    ],
    ids=["onto a device", "from a device", "another device", "other bits of one device"],
)
def test_passages_of_another_device_are_all_encoded_again(
    index: Path, tmp_path: Path, folder: Path, before: LetterEncoder, after: Counting
) -> None:
    built(index, folder, before)
    again = built(index, folder, replace(after, seen=(seen := [])))
    assert encoded(replace(after, seen=seen)) == 3
    assert again.manifest == built(tmp_path / "clean", folder, after).manifest


def test_passages_of_the_same_device_are_kept(index: Path, tmp_path: Path, folder: Path) -> None:
    built(index, folder, OnDevice())
    corpus(folder, b="# Cats\n\nCats hum.")
    encoder = OnDevice()
    again = built(index, folder, encoder)
    assert encoded(encoder) == 1
    assert again.manifest == built(tmp_path / "clean", folder, OnDevice()).manifest


def test_a_build_says_why_it_encodes_all_passages(index: Path, folder: Path) -> None:
    said: list[str] = []
    built(index, folder, OnDevice(), said)
    assert said == []
    built(index, folder, QUESTIONS, said)
    assert said == [
        f"all passages are encoded again: before by {CARD}, now by the encoder of questions; "
        "RAG_DEVICE decides"
    ]


def test_the_journal_of_another_device_is_emptied(tmp_path: Path) -> None:
    content, path = ("", "Ants."), tmp_path / "j"

    def holds(encoder: LetterEncoder) -> bool:
        with path.open("r+b") as file:
            return content in Journal(file, encoder)

    with pytest.raises(KeyboardInterrupt), journal_at(path, OnDevice()) as journal:
        made = OnDevice().encode_passages(["Ants."], [""])
        journal.add([content], [(made.pooled[0], np.zeros((0, 16), np.uint8))])
        raise KeyboardInterrupt
    assert holds(OnDevice())
    assert not holds(QUESTIONS)


def test_a_part_of_it_for_a_key_says_so_too(index: Path, folder: Path) -> None:
    built(index, folder, OnDevice())
    snapshot: Snapshot = open_current(index, QUESTIONS)
    part = restricted(snapshot, QUESTIONS, lambda _: True)
    assert part.manifest.model == snapshot.manifest.model


def test_doctor_finds_it_sound_by_the_encoder_of_questions(index: Path, folder: Path) -> None:
    built(index, folder, OnDevice())
    states = {check.name: check.state for check in examine(index, lambda: QUESTIONS).checks}
    assert (states["model"], states["probes"], states["retrieval"]) == ("ok", "ok", "ok")


def test_info_names_it(index: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built(index, folder, OnDevice())
    with pytest.raises(SystemExit):
        main(["info", "--index", str(index)])
    assert f"\npassages by {CARD}\n" in capsys.readouterr().out
