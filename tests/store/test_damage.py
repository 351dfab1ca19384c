"""Every damaged file is noticed, and the snapshot before answers."""

import multiprocessing
import shutil
import sys
from collections import Counter
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import pytest

from rag.store.disk import DISK
from rag.store.open import open_newest
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.types.errors import CorruptIndex
from support.builds import build_snapshot
from support.damage import apply, damages
from support.places import ROOT
from support.snapshots import ENCODER, FIRST, SECOND, THIRD, noon, published

CORPUS = ROOT / "corpus"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two snapshots, the current one of the sample corpus."""
    index = tmp_path_factory.mktemp("damage") / "index"
    published(index, FIRST)
    with writing(index):
        snapshot = build_snapshot([CORPUS], ENCODER)
        publish(index, snapshot, ENCODER, DISK, verify=in_process, clock=noon)
    return index


def test_every_damaged_file_is_named_and_the_snapshot_before_answers(index: Path) -> None:
    current = (index / "CURRENT").read_text().strip()
    (before,) = {path.parent.name for path in index.glob("*/manifest.json")} - {current}
    seen: Counter[str] = Counter()
    for damage in damages(index / current, index / before, flips=800, holes=200, cuts=200):
        whole = apply(damage, index / current)
        opened = open_newest(index, ENCODER)
        assert opened.snapshot.id == before, damage
        assert str(index / current / damage.name) in opened.refused[0]
        (index / current / damage.name).unlink(missing_ok=True)
        (index / current / damage.name).write_bytes(whole)
        seen[damage.kind] += 1
    # The probe vectors depend on the model alone, so theirs is the same file in both.
    assert seen == dict(flip=800, hole=200, cut=200, missing=13, empty=13, longer=13, swap=12)
    assert open_newest(index, ENCODER).snapshot.id == current


def test_where_nothing_can_be_loaded_each_snapshot_is_named(tmp_path: Path) -> None:
    index = tmp_path / "index"
    ids = [published(index, text) for text in (FIRST, SECOND, THIRD)]
    for id in ids:
        (index / id / "tokens.npy").write_bytes(b"")
    with pytest.raises(CorruptIndex) as refused:
        open_newest(index, ENCODER)
    said = str(refused.value).split("; ")
    assert [line.split(" is damaged")[0] for line in said] == [
        str(index / id / "tokens.npy") for id in reversed(ids)
    ]
    assert published(index, SECOND) == open_newest(index, ENCODER).snapshot.id


def fail_at_each_open(index: Path, said: "SimpleQueue[list[str]]") -> None:
    """Opens the index while the n-th opening of a file or folder in it fails, for every n."""
    countdown = [0]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir") and str(index) in str(arguments[0]):
            countdown[0] -= 1
            if countdown[0] == 0:
                raise OSError(5, "Input/output error", str(arguments[0]))

    # An audit hook can refuse what the program does, whichever library does it.
    sys.addaudithook(hook)
    outcomes, fails = [], 0
    while countdown[0] <= 0:
        fails += 1
        countdown[0] = fails
        try:
            opened = open_newest(index, ENCODER)
            outcomes.append("fell back" if opened.refused else "opened")
        except CorruptIndex:
            outcomes.append("refused")
    said.put(outcomes)


def test_an_error_at_any_opening_of_a_file_is_survived(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    published(index, SECOND)
    context = multiprocessing.get_context("spawn")
    said: SimpleQueue[list[str]] = context.SimpleQueue()
    process = context.Process(target=fail_at_each_open, args=(index, said))
    process.start()
    process.join()
    assert process.exitcode == 0
    outcomes = said.get()
    # CURRENT, the folder, its list, its manifest; 15 files to be hashed, and again to be loaded.
    assert len(outcomes) > 4 + 2 * 15
    assert outcomes == ["fell back"] * (len(outcomes) - 1) + ["opened"]


def test_nothing_of_a_removed_snapshot_is_needed_any_more(tmp_path: Path) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    snapshot = open_newest(index, ENCODER).snapshot
    shutil.rmtree(index / id)
    assert snapshot.documents["a.md"].text == FIRST
    assert int(snapshot.tokens.vectors.sum()) != 0
