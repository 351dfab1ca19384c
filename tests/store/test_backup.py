import errno
import random
import sqlite3
import tarfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from rag.store.backup import back_up, restore
from rag.store.disk import DISK, Files
from rag.store.open import open_current
from rag.store.readback import in_process
from rag.store.versions import live_id, read_versions
from rag.types.errors import CorruptIndex, IndexNotWritable, NoIndex, UsageError
from support.snapshots import ENCODER, FIRST, SECOND, failing, noon, published, tree


def restored(source: Path, index: Path, files: Files = DISK) -> None:
    restore(source, index, ENCODER, beside(index), files, verify=in_process, clock=noon)


def beside(index: Path) -> dict[str, Path]:
    return {name: index.with_name(f"{index.name}.{name}") for name in ("keys.json", "notes.sqlite")}


def backed_up(folder: Path) -> Path:
    """A backup of an index in the folder; the index has two snapshots."""
    for text in (SECOND, FIRST):
        published(folder / "index", text)
    back_up(folder / "index", folder / "backup", beside(folder / "index"))
    return folder / "backup"


def packed(target: Path, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(target, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            archive.addfile(member, BytesIO(content))
    return target


def unpacked(source: Path) -> dict[str, bytes]:
    with tarfile.open(source) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]


def test_what_is_restored_has_the_live_snapshot_byte_for_byte(tmp_path: Path) -> None:
    backup = backed_up(tmp_path)
    restored(backup, tmp_path / "new")
    id = live_id(tmp_path / "index")
    assert id is not None
    assert tree(tmp_path / "new" / id) == tree(tmp_path / "index" / id)
    assert open_current(tmp_path / "new", ENCODER).documents["a.md"].text == FIRST


def test_the_restored_version_says_so_and_keeps_what_was_recorded(tmp_path: Path) -> None:
    backup = backed_up(tmp_path)
    restored(backup, tmp_path / "new")
    before, (after,) = read_versions(tmp_path / "index")[-1], read_versions(tmp_path / "new")
    assert (after.counts, after.sources, after.size) == (before.counts, before.sources, before.size)
    assert after.before is None and after.note.startswith("restored from a backup")


def test_a_backup_is_for_its_owner_alone_and_leaves_nothing_else(tmp_path: Path) -> None:
    backup = backed_up(tmp_path)
    assert backup.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"corpus", "index", "backup"}


def test_a_file_that_exists_is_not_replaced(tmp_path: Path) -> None:
    backup = backed_up(tmp_path)
    before = backup.read_bytes()
    with pytest.raises(UsageError, match="name a new file"):
        back_up(tmp_path / "index", backup)
    assert backup.read_bytes() == before


def test_what_a_killed_backup_has_left_is_named(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    (tmp_path / "backup.part").write_bytes(b"half")
    with pytest.raises(UsageError, match=r"backup\.part exists"):
        back_up(tmp_path / "index", tmp_path / "backup")
    assert (tmp_path / "backup.part").read_bytes() == b"half"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    with pytest.raises(IndexNotWritable, match="no/backup cannot be written"):
        back_up(tmp_path / "index", tmp_path / "no" / "backup")


def test_without_an_index_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(NoIndex):
        back_up(tmp_path / "index", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_damaged_snapshot_is_not_backed_up(tmp_path: Path) -> None:
    id = published(tmp_path / "index", FIRST)
    (tmp_path / "index" / id / "passages.bin").write_bytes(b"")
    with pytest.raises(CorruptIndex):
        back_up(tmp_path / "index", tmp_path / "backup")


def test_no_byte_of_a_backup_changes_unnoticed(tmp_path: Path) -> None:
    backup = backed_up(tmp_path)
    whole = backup.read_bytes()
    expected = {name: data for name, data in tree(tmp_path / "index").items() if "/" in name}
    dice = random.Random(4)
    for turn in range(60):
        harmed = bytearray(whole)
        harmed[dice.randrange(len(harmed))] ^= 1 << dice.randrange(8)
        backup.write_bytes(harmed)
        index = tmp_path / f"new-{turn}"
        try:
            restored(backup, index)
        except (CorruptIndex, UsageError):
            assert live_id(index) is None
        else:  # a bit of padding, or of an owner's name
            found = {name: data for name, data in tree(index).items() if "/" in name}
            assert found.items() <= expected.items()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6])
def test_a_backup_that_is_cut_off_is_refused(tmp_path: Path, part: float) -> None:
    backup = backed_up(tmp_path)
    whole = backup.read_bytes()
    backup.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises((CorruptIndex, UsageError)):
        restored(backup, tmp_path / "new")
    assert live_id(tmp_path / "new") is None


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello " * 1000)
    for source in (tmp_path / "text", tmp_path / "missing", packed(tmp_path / "tar", {"a": b"b"})):
        with pytest.raises((UsageError, CorruptIndex), match=source.name):
            restored(source, tmp_path / "new")


@pytest.mark.parametrize("name", ["../evil.bin", "/evil.bin", "LOCK", "000000000000/evil.bin"])
def test_a_file_that_no_backup_holds_is_refused(tmp_path: Path, name: str) -> None:
    members = unpacked(backed_up(tmp_path))
    with pytest.raises(CorruptIndex):
        restored(packed(tmp_path / "harmed", {**members, name: b"evil"}), tmp_path / "new")
    assert not list(tmp_path.rglob("evil*"))


def test_a_link_in_a_backup_is_refused(tmp_path: Path) -> None:
    source = packed(tmp_path / "links", {"a": b""}, tarfile.SYMTYPE)
    with pytest.raises(CorruptIndex, match="no regular file"):
        restored(source, tmp_path / "new")


def test_an_archive_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    """Its last member has a negative size, so the next header is the same one again."""
    file = tarfile.TarInfo("a").tobuf(tarfile.USTAR_FORMAT)
    said = b"14 size=-1536\n"
    head = tarfile.TarInfo("a")
    head.type, head.size = tarfile.XHDTYPE, len(said)
    sized = head.tobuf(tarfile.USTAR_FORMAT) + said.ljust(512, b"\0")
    (tmp_path / "loop").write_bytes(file + sized + file + bytes(1024))
    with pytest.raises(CorruptIndex, match="loop"):
        restored(tmp_path / "loop", tmp_path / "new")


def test_an_archive_of_headers_alone_is_refused(tmp_path: Path) -> None:
    long = tarfile.TarInfo("a" * 200).tobuf(tarfile.GNU_FORMAT)[:1024]
    (tmp_path / "deep").write_bytes(long * 3000)
    with pytest.raises(CorruptIndex, match="deep"):
        restored(tmp_path / "deep", tmp_path / "new")


def test_an_index_is_not_replaced(tmp_path: Path) -> None:
    backup = backed_up(tmp_path)
    before = tree(tmp_path / "index")
    with pytest.raises(UsageError, match="holds an index"):
        restored(backup, tmp_path / "index")
    assert tree(tmp_path / "index") == before


def test_a_failing_disk_leaves_nothing_live_and_the_next_try_succeeds(tmp_path: Path) -> None:
    backup = backed_up(tmp_path)
    step = 0
    while True:
        step += 1
        index = tmp_path / f"new-{step}"
        try:
            restored(backup, index, failing(step, errno.EIO))
        except IndexNotWritable:
            if live_id(index) is None:
                restored(backup, index)
        else:
            break
        assert open_current(index, ENCODER).documents["a.md"].text == FIRST
    assert step > 10


def test_what_is_beside_the_index_comes_along(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    keys, notes = beside(tmp_path / "index").values()
    keys.write_text("[]")
    with closing(sqlite3.connect(notes, isolation_level=None)) as open_database:
        open_database.execute("PRAGMA journal_mode=WAL")
        open_database.execute("CREATE TABLE notes (text)")
        open_database.execute("INSERT INTO notes VALUES ('kept')")
        contents = back_up(tmp_path / "index", tmp_path / "backup", beside(tmp_path / "index"))
    assert contents.beside == ["keys.json", "notes.sqlite"]
    restored(tmp_path / "backup", tmp_path / "new")
    keys, notes = beside(tmp_path / "new").values()
    assert (keys.read_text(), keys.stat().st_mode & 0o777) == ("[]", 0o600)
    with closing(sqlite3.connect(notes)) as restored_database:
        assert restored_database.execute("SELECT text FROM notes").fetchall() == [("kept",)]


def test_keys_that_are_there_are_not_replaced(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    beside(tmp_path / "index")["keys.json"].write_text("[]")
    back_up(tmp_path / "index", tmp_path / "backup", beside(tmp_path / "index"))
    mine = beside(tmp_path / "new")["keys.json"]
    mine.write_text("mine")
    with pytest.raises(UsageError, match=r"keys\.json exists: move it"):
        restored(tmp_path / "backup", tmp_path / "new")
    assert mine.read_text() == "mine" and live_id(tmp_path / "new") is None


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    beside(tmp_path / "index")["notes.sqlite"].write_text("no database " * 100)
    with pytest.raises(CorruptIndex, match=r"notes\.sqlite cannot be read"):
        back_up(tmp_path / "index", tmp_path / "backup", beside(tmp_path / "index"))
    assert not (tmp_path / "backup").exists()
