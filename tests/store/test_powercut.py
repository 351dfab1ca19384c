"""Pulls the plug after every file operation: no acknowledged build may be lost."""

from pathlib import Path

import pytest

from rag.store.open import open_newest
from rag.store.versions import snapshot_ids
from support.power_cut_disk import (
    Op,
    Recorder,
    Shelf,
    below,
    harms,
    lay_out,
    record,
    span,
    states,
    without,
)
from support.snapshots import ENCODER, FIRST, SECOND, published

SEEDS = 7
MUTANT_SEEDS = 60


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("power")


@pytest.fixture(scope="module")
def trace(root: Path) -> list[Op]:
    return record(root)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


def test_no_power_cut_loses_an_acknowledged_build(
    root: Path, trace: list[Op], shelf: Shelf
) -> None:
    found = list(harms(root, trace, shelf, SEEDS))
    assert len(found) >= 720
    assert [harm for harm in found if harm] == []


def test_the_removal_of_any_one_sync_is_noticed(root: Path, trace: list[Op], shelf: Shelf) -> None:
    syncs = [at for at, op in enumerate(trace) if op.what.startswith("sync")]
    builds, rollback, parent, removals = 4 * (15 + 3), 2 + 1, 1, 2
    assert len(syncs) == builds + rollback + parent + removals
    for at in syncs:
        start, stop = span(trace, at)
        found = harms(root, without(trace, at), shelf, MUTANT_SEEDS, start, stop)
        assert any(found), trace[at]


def test_removing_the_old_before_the_switch_is_on_disk_is_noticed(
    root: Path, trace: list[Op], shelf: Shelf
) -> None:
    switch = [at for at, op in enumerate(trace) if op.target.name == "CURRENT"][1]
    assert trace[switch + 1].what == "sync_dir"
    old = root / "index" / next(op.path.name for op in trace if op.what == "acknowledged")
    names = sorted({op.path.name for op in trace if op.what == "write"} - {"tmp-CURRENT"})
    gone = [Op("unlink", old / name) for name in names if not name.startswith("tmp-")]
    hasty = [*trace[: switch + 1], *gone, *trace[switch + 1 : switch + 2]]
    assert any(harms(root, hasty, shelf, SEEDS, start=switch))


def test_what_nothing_names_outlasts_a_power_cut_while_it_is_written_once_more(
    tmp_path: Path, shelf: Shelf
) -> None:
    index, files = tmp_path / "index", Recorder()
    id = published(index, FIRST, files)
    for name in ("CURRENT", "VERSIONS"):
        files.remove(index / name)
    files.sync_dir(index)
    forgotten = len(files.trace)
    assert published(index, FIRST, files) == id
    assert sum(op.what == "sync_file" for op in files.trace[forgotten:]) == 15
    for _, tree in states(tmp_path, files.trace, SEEDS, start=forgotten):
        with shelf.laid_out(below(tree, "index")) as found:
            assert open_newest(found, ENCODER).snapshot.id == id


def test_after_any_power_cut_the_next_build_succeeds(
    root: Path, trace: list[Op], tmp_path: Path
) -> None:
    for done, tree in states(root, trace, seeds=1):
        lay_out(tree, tmp_path / str(done))
        index = tmp_path / str(done) / "index"
        id = published(index, SECOND, Recorder(), keep=2)
        opened = open_newest(index, ENCODER)
        assert (opened.snapshot.id, opened.refused) == (id, ())
        assert not list(index.glob("tmp-*")) and not list(index.glob("bad-*"))
        assert len(snapshot_ids(index)) <= 3
