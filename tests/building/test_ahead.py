"""Documents are cut and encoded while others are read, and the snapshot is the same."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from rag.building.ahead import WAITING, Ahead
from rag.building.encode import BATCH
from rag.building.journal import Journal, temporary_journal
from rag.building.listener import Listener
from rag.building.origin import Origin
from rag.building.rebuild import rebuild
from rag.documents import ReadOptions, read_corpus
from rag.documents.corpus import FileRead, Read, read_in_process
from rag.documents.files import Source
from rag.encoders.base import Encoded
from rag.store import JOURNAL, live_id
from rag.types.errors import ModelError
from support.builds import build_snapshot
from support.letter_encoder import Counting, LetterEncoder
from support.word_count_service import GUIDE

FILES = (WAITING + 5) * BATCH


@dataclass(frozen=True)
class Slow(Counting):
    """Takes longer for a batch than others take to read it."""

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        time.sleep(0.2)
        return super().encode_passages(texts, contexts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:03}.txt").write_text(f"This is text {number}.")
    (folder / "guide.md").write_text(GUIDE)
    return folder


def test_batches_are_encoded_before_the_last_file_is_read(tmp_path: Path, folder: Path) -> None:
    encoder, before = Counting(), []

    def each(read: Read, sources: Iterable[Source]) -> Iterator[FileRead]:
        for found in read_in_process(read, sources):
            before.append(len(encoder.seen))
            yield found

    index = tmp_path / "index"
    built = rebuild(index, Origin((folder,), "with"), encoder, options=ReadOptions(each))
    assert built and before[-1] >= BATCH
    assert len(encoder.seen) == len(set(encoder.seen))
    assert built.manifest == build_snapshot([folder], LetterEncoder()).manifest


def test_the_progress_counts_what_was_encoded_before_the_last_file_was_read(
    tmp_path: Path, folder: Path
) -> None:
    reports: list[tuple[str, int, int]] = []
    listener = Listener(progress=lambda *report: reports.append(report))
    rebuild(tmp_path / "index", Origin((folder,), "with"), LetterEncoder(), listener=listener)
    told = [(done, total) for what, done, total in reports if what == "passages encoded"]
    assert told[0][0] > BATCH and told[-1][0] == told[-1][1] > FILES


def test_no_more_than_some_batches_wait_for_the_encoder(folder: Path) -> None:
    encoder, behind = Slow(), []
    with temporary_journal(encoder) as journal, Ahead(encoder, "with", lambda: journal) as ahead:
        for taken, parsed in enumerate(read_corpus([folder]).documents, start=1):
            ahead.take(parsed)
            behind.append(taken - len(encoder.seen))
    assert 2 * BATCH < max(behind) < (WAITING + 2) * BATCH
    assert len(encoder.seen) // BATCH == FILES // BATCH


@dataclass(frozen=True)
class Broken(LetterEncoder):
    """Encodes no text."""

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        raise ModelError("the model is broken")


def test_an_error_of_the_encoder_ends_the_build(tmp_path: Path, folder: Path) -> None:
    index = tmp_path / "index"
    with pytest.raises(ModelError, match="the model is broken"):
        rebuild(index, Origin((folder,), "with"), Broken())
    assert live_id(index) is None and not (index / JOURNAL).exists()


def test_a_corpus_of_less_than_a_batch_opens_no_journal() -> None:
    def opened() -> Journal:
        raise AssertionError("it was opened")

    with Ahead(LetterEncoder(), "with", opened):
        pass
