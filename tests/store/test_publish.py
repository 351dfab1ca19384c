import errno
import multiprocessing
import os
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from rag.index.manifest import id_of
from rag.store.disk import DISK, Files
from rag.store.open import open_current, open_newest
from rag.store.publish import publish, roll_back, sweep_if_idle, writing
from rag.store.readback import in_process
from rag.store.versions import current_id, read_versions, snapshot_ids
from rag.types.errors import BusyError, CorruptIndex, IndexNotWritable, UsageError
from support.letter_encoder import snapshot_of
from support.snapshots import ENCODER, FIRST, FOURTH, SECOND, THIRD, failing, published, tree
from support.unopenable import refusing


def test_two_builds_of_one_corpus_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        published(tmp_path / name, FIRST)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_publishing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    before = tree(index)
    published(index, FIRST)
    assert tree(index) == before


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    with writing(tmp_path / "new" / "index"):
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    index = tmp_path / "index"
    folder = index / published(index, FIRST)
    assert folder.stat().st_mode & 0o777 == index.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_the_newest_are_kept_and_older_ones_removed(tmp_path: Path) -> None:
    index = tmp_path / "index"
    ids = [published(index, text, keep=2) for text in (FIRST, SECOND, THIRD)]
    assert current_id(index) == ids[2]
    assert snapshot_ids(index) == sorted(ids[1:])
    assert [version.id for version in read_versions(index)] == ids


def test_one_snapshot_alone_is_too_few_to_keep(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="keep at least 2"):
        published(tmp_path / "index", FIRST, keep=1)


def test_a_snapshot_in_use_is_not_removed_until_it_is_let_go(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = published(index, FIRST)
    loaded = open_current(index, ENCODER)
    for text in (SECOND, THIRD, FOURTH):
        published(index, text, keep=2)
    assert first in snapshot_ids(index)
    assert loaded.documents["a.md"].text == FIRST
    del loaded
    published(index, FOURTH, keep=2)
    assert first not in snapshot_ids(index)


def test_what_answered_before_is_kept_though_another_is_newer(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first, second, third = (published(index, text) for text in (FIRST, SECOND, THIRD))
    roll_back(index, ENCODER, second, verify=in_process)
    published(index, SECOND, keep=2)
    assert snapshot_ids(index) == sorted([first, second])
    assert third not in snapshot_ids(index)


def test_what_dead_builds_left_is_swept_by_the_next_and_at_start(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    (index / "tmp-0123456789ab").mkdir()
    (index / "tmp-CURRENT").write_text("half")
    with writing(index):
        assert not list(index.glob("tmp-*"))
    (index / "tmp-CURRENT").write_text("half")
    sweep_if_idle(index)
    assert not list(index.glob("tmp-*"))


def test_only_what_a_build_leaves_is_swept(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    (index / "tmp-thesis").mkdir()
    (index / "tmp-thesis" / "chapter.md").write_text("Years of work.")
    for name in ("tmp-plan.md", "tmp-0123456789ab.md", "tmp-CURRENTLY", "notes.txt", "tmp-"):
        (index / name).write_text("keep")
    kept = tree(index)
    (index / "tmp-0123456789ab").mkdir()
    sweep_if_idle(index)
    published(index, FIRST)
    assert tree(index) == kept
    assert not (index / "tmp-0123456789ab").exists()


def keep_under_our_names(index: Path) -> None:
    """Puts things there that no build has made, with names that builds give."""
    for folder in ("tmp-00000000000a", "00000000000a"):
        (index / folder).mkdir()
        (index / folder / "chapter.md").write_text("Years of work.")
    (index / "tmp-00000000000b").mkdir()
    (index / "tmp-00000000000b" / "deeper.json").mkdir()
    (index / "tmp-00000000000c").write_text("a note")
    (index / "tmp-00000000000d").symlink_to(index)
    (index / "00000000000b").write_text("a note")


def test_what_others_keep_under_our_names_outlives_every_build(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    keep_under_our_names(index)
    names = {path.name for path in index.iterdir() if "0000000000" in path.name}
    ids = [published(index, f"Plums are blue, number {n}.") for n in range(5)]
    assert names == {path.name for path in index.iterdir() if "0000000000" in path.name}
    assert set(snapshot_ids(index)) - names == set(ids[-3:])


def test_what_is_in_the_way_is_named_and_stays(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    (index / "tmp-CURRENT").mkdir()
    (index / "tmp-CURRENT" / "chapter.md").write_text("Years of work.")
    before = tree(index)
    with pytest.raises(UsageError, match=r"tmp-CURRENT is in the way.*: move it elsewhere"):
        published(index, SECOND)
    sweep_if_idle(index)
    assert tree(index) == before


def test_a_snapshot_in_which_somebody_keeps_something_is_set_aside(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first, *_ = [published(index, text) for text in (FIRST, SECOND, THIRD)]
    (index / first / "notes.txt").write_text("keep")
    published(index, "Figs are violet.")
    assert (index / f"bad-{first}" / "notes.txt").read_text() == "keep"


def test_a_file_in_the_place_of_a_snapshot_makes_room(tmp_path: Path) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    (index / id).rename(tmp_path / "moved")
    (index / id).write_text("a note")
    assert published(index, FIRST) == id
    assert (index / f"bad-{id}").read_text() == "a note"


def test_only_a_folder_in_which_a_build_was_begun_is_swept(tmp_path: Path) -> None:
    (tmp_path / "tmp-0123456789ab").mkdir()
    (tmp_path / "tmp-VERSIONS").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="holds other files"):
        published(tmp_path, FIRST)
    assert tree(tmp_path) == before
    (tmp_path / "LOCK").write_text("")
    assert published(tmp_path, FIRST) == current_id(tmp_path)
    assert not list(tmp_path.glob("tmp-*"))


def test_a_folder_of_other_things_never_becomes_an_index(tmp_path: Path) -> None:
    for name in ("CURRENT", "LOCK", "000003.log", "tmp-CURRENT", "chapter.md", "zeta.md"):
        (tmp_path / name).write_text("MANIFEST-000001")
    before = tree(tmp_path)
    says = r"is no index and holds other files \(000003\.log, chapter\.md, zeta\.md\): choose"
    with pytest.raises(UsageError, match=says), writing(tmp_path):
        pass
    sweep_if_idle(tmp_path)
    assert tree(tmp_path) == before


def test_a_folder_with_nothing_but_what_tools_leave_becomes_an_index(tmp_path: Path) -> None:
    index = tmp_path / "index"
    (index / "cache").mkdir(parents=True)
    (index / ".gitkeep").write_text("")
    assert published(index, FIRST) == current_id(index)


def test_an_index_of_which_only_damage_is_left_is_built_again(tmp_path: Path) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    (index / "CURRENT").write_text("damaged")
    (index / "VERSIONS").write_text("damaged")
    (index / id).rename(index / f"bad-{id}")
    assert published(index, FIRST) == id


def test_a_running_build_is_not_swept_away(tmp_path: Path) -> None:
    index = tmp_path / "index"
    with writing(index):
        (index / "tmp-CURRENT").write_text("being written")
        sweep_if_idle(index)
        assert (index / "tmp-CURRENT").exists()


def test_sweeping_makes_no_index_where_there_is_none(tmp_path: Path) -> None:
    sweep_if_idle(tmp_path / "index")
    assert not (tmp_path / "index").exists()


# 13 files, VERSIONS and CURRENT are each created, filled and synced; one folder is made, three
# renames and three syncs of folders follow. Errors while old snapshots go are only logged.
STEPS = 15 * 3 + 1 + 3 + 3


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("always", [False, True])
def test_an_error_at_any_step_names_its_cause_and_the_index_goes_on(
    tmp_path: Path, code: int, always: bool
) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    old = published(index, SECOND)
    for step in range(1, 100):
        files = failing(step, code, always)
        try:
            new = published(index, f"Plums are blue, number {step}.", files, keep=2)
        except IndexNotWritable as error:
            assert os.strerror(code) in str(error)
            opened = open_newest(index, ENCODER)
            assert opened.refused == ()
            assert opened.snapshot.id == old or "may not outlast a power cut" in str(error)
            old = opened.snapshot.id
        else:
            break
    assert step == STEPS + 1 + always  # what the last attempt left is swept first
    assert current_id(index) == new
    assert published(index, THIRD) == current_id(index)
    assert not list(index.glob("tmp-*")) and not list(index.glob("bad-*"))


class Recording(Files):
    """Keeps what it is given to write."""

    def __init__(self) -> None:
        self.given: dict[str, bytes | memoryview] = {}

    def write(self, path: Path, content: bytes | memoryview) -> None:
        self.given[path.name] = content
        super().write(path, content)


def test_what_is_written_was_serialised_when_the_snapshot_was_built(tmp_path: Path) -> None:
    snapshot, files = snapshot_of(tmp_path / "corpus", a=FIRST), Recording()
    with writing(tmp_path / "index", files):
        publish(tmp_path / "index", snapshot, ENCODER, files, verify=in_process)
    assert all(files.given[name] is content for name, content in snapshot.content.items())
    assert set(files.given) - set(snapshot.content) == {
        "manifest.json",
        "tmp-CURRENT",
        "tmp-VERSIONS",
    }


def test_a_failed_sync_is_never_tried_again_on_the_same_file(tmp_path: Path) -> None:
    index = tmp_path / "index"
    old = published(index, FIRST)
    probe = failing(0)
    published(tmp_path / "probe", SECOND, probe)
    first_sync = probe.steps.index("sync_file") + 1
    files = failing(first_sync, errno.EIO)
    with pytest.raises(IndexNotWritable, match="Input/output error"):
        published(index, SECOND, files)
    assert files.steps[first_sync:] == ["remove"]
    assert current_id(index) == old


class Lying(Files):
    """Says that it has written, but leaves the vectors' file one byte short."""

    def write(self, path: Path, content: bytes | memoryview) -> None:
        super().write(path, content[:-1] if path.name == "dense.faiss" else content)


def test_what_cannot_be_read_back_is_refused_and_set_aside(tmp_path: Path) -> None:
    index = tmp_path / "index"
    old = published(index, FIRST)
    with pytest.raises(CorruptIndex, match=r"refused, the old one is live: .*dense\.faiss"):
        published(index, SECOND, Lying())
    assert current_id(index) == old
    assert len(list(index.glob("bad-*"))) == 1
    assert published(index, SECOND) == current_id(index)


def test_a_damaged_snapshot_is_repaired_by_the_next_build_and_kept_as_bad(tmp_path: Path) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    for _ in range(2):
        (index / id / "probes.npy").write_bytes(b"damaged")
        assert published(index, FIRST) == id
        assert open_newest(index, ENCODER).refused == ()
    assert sorted(path.name for path in index.glob("bad-*")) == [f"bad-{id}", f"bad-{id}-2"]
    assert (index / f"bad-{id}" / "probes.npy").read_bytes() == b"damaged"


def test_a_damaged_snapshot_does_not_count_among_those_kept(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first, second = published(index, FIRST), published(index, SECOND)
    (index / second / "probes.npy").write_bytes(b"damaged")
    third = published(index, THIRD, keep=2)
    assert snapshot_ids(index) == sorted([first, third])
    assert (index / f"bad-{second}").is_dir()


def test_a_snapshot_of_another_format_is_no_damage(tmp_path: Path) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    manifest = b'{"format": 0}'
    other = index / id_of(manifest)
    other.mkdir()
    (other / "manifest.json").write_bytes(manifest)
    published(index, SECOND)
    assert other.is_dir() and not list(index.glob("bad-*"))


def unrecorded(index: Path) -> str:
    """The id of a whole snapshot that nothing names any more, though it answers."""
    id = published(index, FIRST)
    (index / "VERSIONS").unlink()
    (index / "CURRENT").write_text("")
    assert open_newest(index, ENCODER).snapshot.id == id
    return id


def test_a_folder_that_was_never_acknowledged_is_written_once_more(tmp_path: Path) -> None:
    id = unrecorded(tmp_path / "index")
    probe = failing(0)
    assert published(tmp_path / "index", FIRST, probe) == id
    assert probe.steps.count("sync_file") == 15
    opened = open_newest(tmp_path / "index", ENCODER)
    assert (opened.snapshot.id, opened.refused) == (id, ())
    assert not list((tmp_path / "index").glob("tmp-*"))


def test_an_error_while_it_is_written_once_more_loses_nothing(tmp_path: Path) -> None:
    for step in range(1, 100):
        index = tmp_path / f"index-{step}"
        id = unrecorded(index)
        try:
            published(index, FIRST, failing(step, always=True))
        except IndexNotWritable as error:
            assert "No space left" in str(error)
        else:
            break
        assert open_newest(index, ENCODER).snapshot.id == id
    # 15 files in three steps each, a folder, its sync, 13 renames, 2 syncs, a removal, the switch.
    assert step - 1 == 15 * 3 + 1 + 1 + 13 + 2 + 1 + 3


def test_a_snapshot_written_once_more_that_is_not_read_back_is_kept(tmp_path: Path) -> None:
    def killed(index: Path, id: str) -> None:
        raise CorruptIndex("the process that read it ended with -9")

    index = tmp_path / "index"
    id = unrecorded(index)
    with pytest.raises(CorruptIndex, match="ended with -9"):
        published(index, FIRST, verify=killed)
    assert open_newest(index, ENCODER).snapshot.id == id


def test_what_is_left_of_a_folder_that_was_never_acknowledged_is_not_trusted(
    tmp_path: Path,
) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    leftover = index / published(tmp_path / "other", SECOND)
    leftover.mkdir()
    (leftover / "half").write_text("written")
    assert published(index, SECOND) == leftover.name
    assert open_newest(index, ENCODER).refused == ()


def test_an_error_while_old_ones_are_removed_does_not_undo_the_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = tmp_path / "index"
    published(index, FIRST)
    published(index, SECOND)
    probe = failing(0)
    published(index, THIRD, probe, keep=2)
    last = len(probe.steps)
    assert probe.steps[-1] == "remove"
    new = published(index, FOURTH, failing(last), keep=2)
    assert current_id(index) == new
    assert "cannot be removed" in caplog.text


class Full(Files):
    def free(self, path: Path) -> int:
        return 100


def test_a_disk_with_too_little_room_is_not_written_to(tmp_path: Path) -> None:
    index = tmp_path / "index"
    old = published(index, FIRST)
    before = tree(index)
    with pytest.raises(IndexNotWritable, match=r"100 bytes are free, \d+ are needed: free some"):
        published(index, SECOND, Full())
    assert tree(index) == before
    assert current_id(index) == old


def test_what_may_not_be_read_is_neither_called_damaged_nor_written_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    with refusing(index / id / "manifest.json", errno.EACCES):
        with pytest.raises(IndexNotWritable, match="Permission denied"):
            published(index, FIRST)
        published(index, SECOND)
    assert f"{id} cannot be read" in caplog.text
    assert (index / id).is_dir() and not list(index.glob("bad-*"))


def test_a_snapshot_that_may_not_be_read_keeps_no_other_from_being_removed(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first, second = published(index, FIRST), published(index, SECOND)
    with refusing(index / second / "manifest.json", errno.EACCES):
        third = published(index, THIRD, keep=2)
        assert snapshot_ids(index) == sorted([first, second, third])
        fourth = published(index, "Figs are brown.", keep=2)
    assert {third, fourth} <= set(snapshot_ids(index)) and first not in snapshot_ids(index)


def test_a_file_that_gives_an_input_error_is_damaged(tmp_path: Path) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    with refusing(index / id / "manifest.json", errno.EIO, times=1):
        assert published(index, FIRST) == id
    assert (index / f"bad-{id}").is_dir()
    assert open_newest(index, ENCODER).refused == ()


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


def contend(index: Path, said: "Queue[str]", done: Event) -> None:
    snapshot = snapshot_of(index.parent / f"corpus-{os.getpid()}", a=FIRST)
    try:
        with writing(index):
            said.put("built " + publish(index, snapshot, ENCODER, DISK, verify=in_process))
            done.wait(60)
    except BusyError:
        said.put("busy")


def test_of_eight_builders_at_once_one_builds_and_seven_are_told_so(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    said: Queue[str] = context.Queue()
    done = context.Event()
    index = tmp_path / "index"
    builders = [context.Process(target=contend, args=(index, said, done)) for _ in range(8)]
    for builder in builders:
        builder.start()
    answers = sorted(said.get(timeout=100) for _ in builders)
    done.set()
    for builder in builders:
        builder.join()
    assert answers == [f"built {current_id(index)}", *["busy"] * 7]
    assert open_newest(index, ENCODER).refused == ()


def test_an_index_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"), writing(tmp_path / "file"):
        pass
