import errno
import multiprocessing
import os
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from paper import PaperEncoder, snapshot_of

from rag.errors import BusyError, UsageError
from rag.files import Files
from rag.snapshot import open_current
from rag.store import publish, writing

ENCODER = PaperEncoder()


def published(index: Path, corpus: Path, text: str, files: Files | None = None) -> str:
    with writing(index):
        return publish(index, snapshot_of(corpus, a=text), ENCODER, files or Files())


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_two_builds_of_one_corpus_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        published(tmp_path / name, tmp_path / "corpus", "Apples are red.")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_publishing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, tmp_path / "corpus", "Apples are red.")
    before = tree(index)
    published(index, tmp_path / "corpus", "Apples are red.")
    assert tree(index) == before


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    id = published(tmp_path / "index", tmp_path / "corpus", "Apples are red.")
    folder = tmp_path / "index" / id
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


class Failing(Files):
    """Raises at the n-th operation, before it is done."""

    def __init__(self, n: int, code: int = errno.ENOSPC) -> None:
        self.left = n
        self.code = code

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(self.code, os.strerror(self.code))

    def write(self, path: Path, content: bytes | memoryview) -> None:
        self._step()
        super().write(path, content)

    def make_dir(self, path: Path) -> None:
        self._step()
        super().make_dir(path)

    def sync_dir(self, path: Path) -> None:
        self._step()
        super().sync_dir(path)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)


def test_a_failure_at_any_step_leaves_a_whole_index_and_the_next_build_succeeds(
    tmp_path: Path,
) -> None:
    index, corpus = tmp_path / "index", tmp_path / "corpus"
    old = published(index, corpus, "Apples are red.")
    failures = 0
    for step in range(1, 100):
        files = Failing(step)
        try:
            new = published(index, corpus, f"Pears are green, number {step}.", files)
        except UsageError as error:
            failures += 1
            assert "No space left on device" in str(error)
            loaded = open_current(index, ENCODER)
            # Only the sync after the last rename may fail with the new one already in place.
            assert loaded.id == old or (files.left == 0 and step == 19)
            old = loaded.id
        else:
            assert open_current(index, ENCODER).id == new
            break
    assert failures == 19
    assert not list(index.glob("tmp-*"))


def test_only_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        writing(tmp_path),
        pytest.raises(BusyError, match="another build is writing"),
        writing(tmp_path),
    ):
        pass


def hold(index: Path, ready: Event) -> None:
    with writing(index):
        ready.set()
        os.kill(os.getpid(), 9)


def test_the_lock_is_free_when_its_holder_dies(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold, args=(tmp_path, ready))
    process.start()
    process.join()
    assert ready.is_set()
    with writing(tmp_path):
        pass


def test_an_index_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"), writing(tmp_path / "file"):
        pass
