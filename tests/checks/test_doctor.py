import os
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.checks.doctor import DESCRIPTORS, Check, Diagnosis, examine
from rag.encoders.base import Encoded, Encoder
from rag.index.snapshot import Snapshot
from rag.index.vectors import index_vectors
from rag.store.disk import DISK
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.types.errors import ModelError
from support.letter_encoder import LetterEncoder, snapshot_of
from support.snapshots import ENCODER, FIRST, SECOND, changed, noon, published


@pytest.fixture
def index(tmp_path: Path) -> Path:
    published(tmp_path / "index", FIRST)
    published(tmp_path / "index", SECOND)
    return tmp_path / "index"


def opening() -> Encoder:
    return ENCODER


def found(index: Path, name: str) -> Check:
    """The worst check of that name."""
    checks = named(examine(index, opening), name)
    return next((check for check in checks if check.state != "ok"), checks[0])


def named(diagnosis: Diagnosis, name: str) -> list[Check]:
    return [check for check in diagnosis.checks if check.name == name]


def current(index: Path) -> Path:
    return index / (index / "CURRENT").read_text().strip()


def test_a_sound_index_passes_every_check(index: Path) -> None:
    diagnosis = examine(index, opening)
    assert [check.name for check in diagnosis.checks] == [
        "current",
        "versions",
        "snapshot",
        "software",
        "disk",
        "model",
        "probes",
        "retrieval",
        "snapshot",
        "limits",
        "leftovers",
    ]
    assert diagnosis.state == "ok"
    assert str(diagnosis.checks[-1]) == "ok    leftovers: none"
    found = diagnosis.to_json()
    assert found["state"] == "ok"
    assert found["checks"][-1] == {"state": "ok", "name": "leftovers", "found": "none"}


def test_nothing_built_fails_with_the_fix(tmp_path: Path) -> None:
    check = found(tmp_path, "current")
    assert (check.state, "run `rag build`" in check.found) == ("fail", True)
    assert examine(tmp_path, opening).state == "fail"


def test_a_damaged_file_of_the_current_snapshot_fails_and_is_named(index: Path) -> None:
    path = current(index) / "bm25.bin"
    path.write_bytes(b"")
    check = found(index, "snapshot")
    assert check.state == "fail"
    assert check.found.startswith(f"{path} is damaged")


def test_a_damaged_older_snapshot_is_a_warning(index: Path) -> None:
    (older,) = {path.parent for path in index.glob("*/manifest.json")} - {current(index)}
    (older / "tokens.npy").unlink()
    check = found(index, "snapshot")
    assert (check.state, str(older / "tokens.npy") in check.found) == ("warn", True)
    assert examine(index, opening).state == "warn"


def test_a_damaged_current_does_not_keep_the_snapshots_from_being_checked(index: Path) -> None:
    (index / "CURRENT").write_text("damaged")
    diagnosis = examine(index, opening)
    assert [check.state for check in named(diagnosis, "snapshot")] == ["ok", "ok"]
    assert diagnosis.state == "fail"


def test_another_model_or_none_fails(index: Path) -> None:
    def other() -> Encoder:
        return LetterEncoder(name="other", sha256="f" * 64)

    def none() -> Encoder:
        raise ModelError("there is no model")

    for given, says in ((other, "was built with model paper"), (none, "there is no model")):
        (check,) = named(examine(index, given), "model")
        assert check.state == "fail" and says in check.found


class Turned(LetterEncoder):
    """Says that it is the letter encoder, but gives other vectors."""

    def encode_queries(self, texts):  # type: ignore[no-untyped-def]
        return self.encode_passages(texts, [""] * len(texts))

    def encode_passages(self, texts, contexts):  # type: ignore[no-untyped-def]
        encoded = super().encode_passages(texts, contexts)
        return Encoded(np.roll(encoded.pooled, 1, axis=1), encoded.tokens)


def test_a_model_that_gives_other_vectors_fails(index: Path) -> None:
    states = {check.name: check.state for check in examine(index, Turned).checks}
    assert (states["model"], states["probes"]) == ("ok", "fail")


def forged(snapshot: Snapshot) -> Snapshot:
    """The snapshot with its vectors in reverse order, and checksums to match."""
    vectors = snapshot.dense.stored[::-1]
    return changed(snapshot, dense=index_vectors(vectors))


def test_passages_that_do_not_find_themselves_fail(tmp_path: Path) -> None:
    index = tmp_path / "index"
    snapshot = snapshot_of(tmp_path / "corpus", a="# A\n\nApples.\n\n# B\n\nZebras.")
    with writing(index):
        publish(index, forged(snapshot), ENCODER, DISK, verify=in_process, clock=noon)
    check = found(index, "retrieval")
    assert check.state == "fail"
    assert "dense.faiss: 2 of 2 passages not found first by their own text" in check.found
    assert snapshot.passages[0].id in check.found


def test_passages_of_equal_text_find_each_other(tmp_path: Path) -> None:
    index = tmp_path / "index"
    snapshot = snapshot_of(tmp_path / "corpus", a="Same text.", b="Same text.")
    with writing(index):
        publish(index, snapshot, ENCODER, DISK, verify=in_process, clock=noon)
    assert found(index, "retrieval").found == "all of 2 sampled passages find themselves first"


def test_two_hundred_passages_at_most_are_sampled(tmp_path: Path) -> None:
    parts = [f"# {number}\n\n{'abcdefghij'[number % 10]} {number}\n" for number in range(250)]
    snapshot = snapshot_of(tmp_path / "corpus", many="\n".join(parts))
    with writing(tmp_path / "index"):
        publish(tmp_path / "index", snapshot, ENCODER, DISK, verify=in_process, clock=noon)
    assert found(tmp_path / "index", "retrieval").found.startswith("all of 200 sampled")


def test_other_software_is_a_warning(tmp_path: Path) -> None:
    index = tmp_path / "index"
    snapshot = snapshot_of(tmp_path / "corpus", a=FIRST)
    software = {**snapshot.manifest.software, "numpy": "0.1"}
    del software["PyStemmer"]
    old = replace(snapshot, manifest=replace(snapshot.manifest, software=software))
    with writing(index):
        publish(index, old, ENCODER, DISK, verify=in_process, clock=noon)
    check = found(index, "software")
    assert check.state == "warn"
    assert "PyStemmer none -> " in check.found and "numpy 0.1 -> " in check.found


def test_what_was_left_behind_is_named(index: Path) -> None:
    (index / "tmp-0123456789ab").mkdir()
    (index / "bad-0123456789ab").mkdir()
    checks = named(examine(index, opening), "leftovers")
    assert [(check.state, check.found.split(maxsplit=1)[0]) for check in checks] == [
        ("warn", f"{index / 'tmp-0123456789ab'}:"),
        ("warn", f"{index / 'bad-0123456789ab'}"),
    ]


def test_a_record_of_versions_that_is_damaged_missing_or_unreadable_is_a_warning(
    index: Path,
) -> None:
    with (index / "VERSIONS").open("a") as file:
        file.write("not json\n")
    assert "1 of 3 lines" in found(index, "versions").found
    (index / "VERSIONS").unlink()
    assert "does not record" in found(index, "versions").found
    (index / "VERSIONS").mkdir()
    assert "cannot be read" in found(index, "versions").found
    assert found(index, "versions").state == "warn"


def test_a_disk_with_little_room_is_a_warning(index: Path) -> None:
    (check,) = named(examine(index, opening, lambda folder: 1000), "disk")
    assert check.state == "warn" and "free some" in check.found


@pytest.mark.parametrize("state", ["warn", "ok"])
def test_a_low_limit_of_open_files_is_a_warning(index: Path, state: str) -> None:
    was = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Earlier tests may have left files open.
    few = len(os.listdir("/proc/self/fd")) + 64
    soft = few if state == "warn" else DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, was[1]))
    try:
        check = found(index, "limits")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, was)
    assert (check.state, check.found.startswith(f"{soft} files")) == (state, True)
