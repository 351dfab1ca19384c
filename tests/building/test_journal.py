"""What a build has encoded outlives its process, and nothing else of it does."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from rag.building.build import indexed
from rag.building.encode import BATCH
from rag.building.journal import Journal, journal_at
from rag.building.origin import Origin
from rag.building.rebuild import rebuild
from rag.building.reuse import NOTHING, Content, PassageVectors
from rag.documents import read_corpus
from rag.encoders.base import Encoded
from rag.index import quantise
from rag.store import JOURNAL, live_id
from rag.types.errors import CorpusError, IndexNotWritable, UsageError
from support.builds import build_snapshot
from support.full_disk import full_from
from support.letter_encoder import Counting, LetterEncoder
from support.places import ROOT

ENCODER = LetterEncoder()
CONTENTS = [("", "Ants."), ("Bees", "Bees."), ("", "")]


def vectors(encoder: LetterEncoder, contents: Sequence[Content]) -> list[PassageVectors]:
    contexts, texts = zip(*contents, strict=True)
    made = encoder.encode_passages(texts, contexts)
    return list(zip(made.pooled, map(quantise, made.tokens), strict=True))


def written(path: Path) -> bytes:
    """A journal of the contents, as a killed build leaves it."""
    with pytest.raises(KeyboardInterrupt), journal_at(path, ENCODER) as journal:
        journal.add(CONTENTS, vectors(ENCODER, CONTENTS))
        raise KeyboardInterrupt
    return path.read_bytes()


def held(path: Path, encoder: LetterEncoder = ENCODER) -> list[Content]:
    """The contents that a journal holds, with the vectors that were added."""
    with path.open("r+b") as file:
        journal = Journal(file, encoder)
        found = [content for content in CONTENTS if content in journal]
        for content, (pooled, tokens) in zip(CONTENTS, vectors(ENCODER, CONTENTS), strict=True):
            if content in found:
                assert np.array_equal(journal.read(content)[0], pooled)
                assert np.array_equal(journal.read(content)[1], tokens)
    return found


def test_what_was_added_is_read_again_to_the_bit(tmp_path: Path) -> None:
    written(tmp_path / "j")
    assert held(tmp_path / "j") == CONTENTS


def test_a_record_that_was_not_written_whole_is_dropped_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = written(path)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        found = held(path)
        assert found == CONTENTS[: len(found)]
        with path.open("r+b") as file:
            Journal(file, ENCODER).add(CONTENTS, vectors(ENCODER, CONTENTS))
        assert held(path) == CONTENTS


def test_a_damaged_record_and_what_follows_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = written(path)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert len(held(path)) < len(CONTENTS)


def test_the_journal_of_another_model_is_emptied(tmp_path: Path) -> None:
    written(tmp_path / "j")
    assert held(tmp_path / "j", replace(ENCODER, name="other")) == []
    assert held(tmp_path / "j") == []


def test_a_build_that_is_done_or_refused_leaves_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with journal_at(path, ENCODER):
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()
    with pytest.raises(CorpusError), journal_at(path, ENCODER):
        raise CorpusError("refused")
    assert not path.exists()


@pytest.mark.parametrize("size", [0, 10, 32, 100, 5000])
def test_a_full_disk_is_an_error_of_the_index_and_leaves_no_journal(
    tmp_path: Path, size: int
) -> None:
    one = vectors(ENCODER, CONTENTS[:1])
    with (
        full_from(size),
        pytest.raises(IndexNotWritable, match=r"too large.*free some space"),
        journal_at(tmp_path / "j", ENCODER) as journal,
    ):
        for number in range(100):
            journal.add([("", f"{number}")], one)
    assert not (tmp_path / "j").exists()


def test_what_is_no_file_of_a_build_is_neither_followed_nor_removed(tmp_path: Path) -> None:
    path, other = tmp_path / "j", tmp_path / "other"
    other.write_text("mine")
    path.symlink_to(other)
    with pytest.raises(IndexNotWritable, match="remove it"), journal_at(path, ENCODER):
        pass
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UsageError, match="in the way"), journal_at(path, ENCODER):
        pass
    assert (other.read_text(), path.exists()) == ("mine", True)


def test_a_resumed_build_gives_the_snapshot_of_a_clean_one(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nAnts hum.\n\n# What do bees do?\n\nBees fly.\n")
    with (tmp_path / "j").open("w+b") as file:
        first, again = Counting(), Counting()
        made = [
            indexed(read_corpus([folder]), encoder, Journal(file, encoder), "with", NOTHING)
            for encoder in (first, again)
        ]
    assert (len(first.seen), again.seen) == (3, [])
    clean = build_snapshot([folder], ENCODER)
    assert made[1].snapshot.content == clean.content


@dataclass(frozen=True)
class Killed(LetterEncoder):
    """Kills its process with the second batch."""

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        if "text 64" in texts[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode_passages(texts, contexts)


def killed_build(folder: Path, index: Path) -> None:
    rebuild(index, Origin((folder,), "with"), Killed())


def test_a_killed_build_is_resumed_and_encodes_nothing_again(tmp_path: Path) -> None:
    folder, index = tmp_path / "c", tmp_path / "index"
    folder.mkdir()
    for number in range(BATCH + 9):
        (folder / f"{number:03}.txt").write_text(f"This is text {number}.")
    code = (
        "from building.test_journal import killed_build; from pathlib import Path;"
        f"killed_build(Path({str(folder)!r}), Path({str(index)!r}))"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    dead = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, timeout=60
    )
    assert dead.returncode == -signal.SIGKILL
    assert (index / JOURNAL).is_file() and live_id(index) is None
    encoder = Counting()
    built = rebuild(index, Origin((folder,), "with"), encoder)
    assert built and len(encoder.seen) == 9
    assert not (index / JOURNAL).exists()
    assert built.manifest == build_snapshot([folder], ENCODER).manifest
