import errno
import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from rag.index.manifest import Counts
from rag.store.disk import DISK
from rag.store.open import open_newest
from rag.store.publish import publish, roll_back, writing
from rag.store.readback import in_process
from rag.store.versions import (
    REMEMBERED,
    Action,
    Remarks,
    Version,
    appended,
    current_id,
    find_id,
    list_versions,
    live_id,
    newest_first,
    predecessor,
    raw_versions,
    read_versions,
    snapshot_ids,
    version_of,
)
from rag.types.errors import CorruptIndex, IndexNotWritable, ModelMismatch, NoIndex, UsageError
from support.letter_encoder import LetterEncoder, snapshot_of
from support.snapshots import ENCODER, FIRST, FOURTH, SECOND, THIRD, failing, noon, published, tree
from support.unopenable import refusing

EXAMPLE = Version(
    id="0123456789ab",
    published="2026-01-02T12:00:00Z",
    action="build",
    before=None,
    corpus_sha256="0" * 64,
    counts=Counts(1, 1, 0, 1, 7),
    size=1,
    eval=None,
    forced=False,
    note="",
)


def version(id: str, before: str | None, action: Action = "build") -> Version:
    return replace(EXAMPLE, id=id, before=before, action=action)


def back(index: Path, id: str | None = None) -> Version:
    return roll_back(index, ENCODER, id, verify=in_process, clock=noon)


def test_a_build_is_recorded_with_its_date_counts_and_remarks(tmp_path: Path) -> None:
    index, remarks = tmp_path / "index", Remarks({"hit@1": 0.875}, forced=True, note="by hand")
    snapshot = snapshot_of(tmp_path / "corpus", a=FIRST)
    with writing(index):
        publish(index, snapshot, ENCODER, DISK, verify=in_process, clock=noon, remarks=remarks)
    (version,) = read_versions(index)
    assert version.to_json() == {
        "id": snapshot.id,
        "published": "2026-01-02T12:00:00Z",
        "action": "build",
        "before": None,
        "corpus_sha256": snapshot.manifest.corpus_sha256,
        "counts": {
            **{"documents": 1, "sections": 1, "faq_pairs": 0},
            **{"passages": 1, "tokens": 5},
        },
        "size": sum(path.stat().st_size for path in (index / snapshot.id).iterdir()),
        "eval": {"hit@1": 0.875},
        "forced": True,
        "note": "by hand",
        "sources": None,
    }
    assert list(map(str, list_versions(index))) == [
        f"{snapshot.id}  2026-01-02T12:00:00Z  current  1 document, 1 passage, 0.0 MB, "
        f"corpus {version.corpus_sha256[:12]}, hit@1 0.875, forced, by hand"
    ]


def test_dates_are_in_utc(tmp_path: Path) -> None:
    manifest = snapshot_of(tmp_path / "corpus", a=FIRST).manifest
    at = datetime(2026, 1, 2, 1, tzinfo=timezone(timedelta(hours=2)))
    assert version_of(manifest, at, None).published == "2026-01-01T23:00:00Z"


def test_a_rollback_leads_back_to_what_answered_before_and_twice_to_before_that(
    tmp_path: Path,
) -> None:
    index = tmp_path / "index"
    first, second, third = (published(index, text) for text in (FIRST, SECOND, THIRD))
    assert back(index).note == f"rolled back from {third}"
    assert current_id(index) == second
    back(index)
    assert current_id(index) == first
    with pytest.raises(UsageError, match=f"before {first}: give one of"):
        back(index)
    assert current_id(index) == first


def test_a_build_after_a_rollback_can_be_rolled_back_to_what_answered(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first, _ = published(index, FIRST), published(index, SECOND)
    back(index)
    published(index, FOURTH)
    assert back(index).id == first


def test_a_rollback_to_a_given_id_answers_as_before_and_is_listed(tmp_path: Path) -> None:
    index = tmp_path / "index"
    ids = [published(index, text) for text in (FIRST, SECOND, THIRD)]
    version = back(index, ids[0][:6])
    assert (version.id, version.action, version.before) == (ids[0], "rollback", ids[2])
    assert open_newest(index, ENCODER).snapshot.documents["a.md"].text == FIRST
    assert [(each.version.id, each.state) for each in list_versions(index)] == [
        (ids[0], "current"),
        (ids[2], "kept"),
        (ids[1], "kept"),
    ]


def test_a_rollback_to_the_current_one_changes_nothing(tmp_path: Path) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    before = tree(index)
    version = back(index, id)
    assert version.before == version.id
    assert tree(index) == before


def test_a_rollback_to_a_damaged_snapshot_or_another_model_changes_nothing(
    tmp_path: Path,
) -> None:
    index = tmp_path / "index"
    first, second = published(index, FIRST), published(index, SECOND)
    other = LetterEncoder(name="other", sha256="f" * 64)
    with pytest.raises(ModelMismatch, match="built with model paper"):
        roll_back(index, other, first, verify=in_process)
    (index / first / "tokens.npy").unlink()
    with pytest.raises(CorruptIndex, match=r"tokens\.npy is missing"):
        back(index)
    assert current_id(index) == second
    assert len(read_versions(index)) == 2


def test_a_rollback_from_a_damaged_current_needs_an_id(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = published(index, FIRST)
    (index / "CURRENT").write_text("damaged")
    with pytest.raises(UsageError, match=f"before the damaged CURRENT: give one of {first}"):
        back(index)
    assert back(index, first).note == "rolled back"
    assert current_id(index) == first


def test_with_a_single_snapshot_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    published(tmp_path / "index", FIRST)
    with pytest.raises(UsageError, match="nothing else to go back to"):
        back(tmp_path / "index")


@pytest.mark.parametrize("step", range(1, 9))
def test_an_error_in_a_rollback_leaves_the_index_as_it_was(tmp_path: Path, step: int) -> None:
    index = tmp_path / "index"
    first, second = published(index, FIRST), published(index, SECOND)
    files, says = failing(step, errno.EIO), r"Input/output error\): the index is unchanged"
    with pytest.raises(IndexNotWritable, match=says):
        roll_back(index, ENCODER, first, files, verify=in_process)
    assert current_id(index) == second


def test_a_rollback_without_records_makes_its_own(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = published(index, FIRST)
    (index / "VERSIONS").unlink()
    back(index, first)
    assert [(version.id, version.action) for version in read_versions(index)] == [
        (first, "rollback")
    ]


def test_a_version_says_what_became_of_its_snapshot(tmp_path: Path) -> None:
    index = tmp_path / "index"
    ids = [published(index, text, keep=2) for text in (FIRST, SECOND, THIRD)]
    (index / ids[2] / "tokens.npy").unlink()
    ids.append(published(index, FOURTH, keep=2))
    assert [(each.version.id, each.state) for each in list_versions(index)] == [
        (ids[3], "current"),
        (ids[2], "bad"),
        (ids[1], "kept"),
        (ids[0], "removed"),
    ]
    assert list_versions(index)[0].to_json()["state"] == "current"


def test_a_line_that_cannot_be_read_is_left_out_and_kept_in_the_file(tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = published(index, FIRST)
    good = (index / "VERSIONS").read_bytes()
    bad = b'not json\n{"id": "0123456789ab"}\n\xff\n' + good.replace(first.encode(), b"../x")
    (index / "VERSIONS").write_bytes(bad + good)
    assert [version.id for version in read_versions(index)] == [first]
    published(index, SECOND)
    assert (index / "VERSIONS").read_bytes().startswith(bad + good)


def test_only_so_many_versions_are_remembered() -> None:
    raw = b""
    for number in range(REMEMBERED + 2):
        raw = appended(raw, replace(EXAMPLE, note=str(number)))
    notes = [json.loads(line)["note"] for line in raw.splitlines()]
    assert notes == [str(number) for number in range(2, REMEMBERED + 2)]


def test_a_record_that_may_not_be_read_is_never_written_over(tmp_path: Path) -> None:
    index = tmp_path / "index"
    old = published(index, FIRST)
    record = (index / "VERSIONS").read_bytes()
    with refusing(index / "VERSIONS", errno.EACCES):
        with pytest.raises(IndexNotWritable, match="Permission denied"):
            published(index, SECOND)
        assert read_versions(index) == ()
    assert (index / "VERSIONS").read_bytes() == record
    assert current_id(index) == old


VALUES = (None, True, 1, -1, 1.5, 2**63, 10**400, "", "x", "\x00", "\x1b[2J", [], {}, [[]])


@pytest.mark.parametrize("field", [f.name for f in fields(Version)])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_field_of_the_wrong_kind_costs_its_line_or_does_no_harm(
    tmp_path: Path, field: str, value: object
) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    (line,) = (index / "VERSIONS").read_text().splitlines()
    (index / "VERSIONS").write_text(json.dumps(json.loads(line) | {field: value}))
    for listed in list_versions(index):
        assert listed.version.id == id
        assert str(listed) and json.dumps(listed.to_json())
    assert open_newest(index, ENCODER).snapshot.id == id


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b"1" * 200_000,
        b"\0" * 1000,
        b"\xff\xfe\n\n",
        b'"\\ud800"',
    ],
    ids=["brackets", "braces", "digits", "nul", "bytes", "surrogate"],
)
def test_nonsense_in_the_record_is_ignored_and_the_next_build_goes_on(
    tmp_path: Path, raw: bytes
) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    (index / "VERSIONS").write_bytes(raw)
    assert read_versions(index) == ()
    assert open_newest(index, ENCODER).snapshot.id == id
    new = published(index, SECOND)
    assert [version.id for version in read_versions(index)] == [new]


def fill(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 34)


SHAPES: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path.name),
    "16 GB": fill,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["CURRENT", "VERSIONS"])
def test_what_is_no_file_is_not_waited_for_and_the_next_build_sets_it_aside(
    tmp_path: Path, name: str, shape: str
) -> None:
    index = tmp_path / "index"
    id = published(index, FIRST)
    (index / name).unlink()
    SHAPES[shape](index / name)
    opened = open_newest(index, ENCODER)
    assert opened.snapshot.id == id and len(opened.refused) == (name == "CURRENT")
    new = published(index, SECOND)
    assert current_id(index) == new == read_versions(index)[-1].id
    assert (index / f"bad-{name}").is_symlink() or (index / f"bad-{name}").exists()


def test_the_predecessor_is_what_answered_before_the_last_build() -> None:
    history = [
        version("a", None),
        version("b", "a"),
        version("a", "b", "rollback"),
        version("c", "a"),
        version("c", "c"),
    ]
    assert [predecessor(history, id) for id in ("a", "b", "x")] == [None, "a", None]
    assert predecessor(history[:4], "c") == "a"
    assert predecessor(history, "c") is None
    assert [each.id for each in newest_first(history)] == ["c", "a", "b"]


def test_an_id_is_found_by_its_beginning(tmp_path: Path) -> None:
    for name in ("0123456789ab", "0123456789ac", "f00000000000", "tmp-aaaaaaaa", "notanid"):
        (tmp_path / name).mkdir()
    assert snapshot_ids(tmp_path) == ["0123456789ab", "0123456789ac", "f00000000000"]
    assert find_id(tmp_path, "f") == "f00000000000"
    for given, number in (("0", "several"), ("", "no"), ("e", "no")):
        with pytest.raises(UsageError, match=f"holds {number} snapshots.*choose one of 0123"):
            find_id(tmp_path, given)


def test_without_an_index_nothing_answers_and_nothing_is_recorded(tmp_path: Path) -> None:
    assert live_id(tmp_path) is None
    assert raw_versions(tmp_path) == b""
    assert list_versions(tmp_path) == ()
    with pytest.raises(NoIndex, match=r"no index in .*: run `rag build`"):
        find_id(tmp_path, "a")


def test_a_file_in_the_place_of_an_index_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(NoIndex, match="notes is a file, and an index is a folder"):
        current_id(tmp_path / "notes")
