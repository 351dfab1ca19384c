import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.answering.search import encode_query, find_candidates
from rag.index.manifest import FORMAT, id_of
from rag.store.disk import DISK
from rag.store.open import open_current, open_newest, read_manifest
from rag.store.publish import publish, writing
from rag.store.readback import in_process
from rag.store.versions import current_id
from rag.types.errors import CorruptIndex, ModelMismatch, NoIndex
from support.letter_encoder import LetterEncoder, snapshot_of
from support.snapshots import changed

ENCODER = LetterEncoder()
TEXT = (
    "# Fruit\n\nIntro – “quoted”.\r\n\n"
    "## Red\n\nApples are red.\n\n## FAQ\n\n### Why?\n\nBecause.\n"
)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    index = tmp_path / "index"
    with writing(index):
        snapshot = snapshot_of(tmp_path / "corpus", fruit=TEXT)
        publish(index, snapshot, ENCODER, DISK, verify=in_process)
    return index


def folder(index: Path) -> Path:
    return index / current_id(index)


def names() -> list[str]:
    return [
        "bm25.bin",
        "dense.faiss",
        "documents.bin",
        "headings.bin",
        "manifest.json",
        "marks.bin",
        "originals.bin",
        "passages.bin",
        "probes.npy",
        "report.bin",
        "sections.bin",
        "token_starts.npy",
        "tokens.npy",
    ]


def test_what_was_published_is_loaded_again(tmp_path: Path, index: Path) -> None:
    built = snapshot_of(tmp_path / "corpus")
    loaded = open_current(index, ENCODER)
    assert loaded.manifest == built.manifest
    assert loaded.documents == built.documents
    assert loaded.sections == built.sections
    assert loaded.passages == built.passages
    for name, content in loaded.content.items():
        assert bytes(content) == bytes(built.content[name]), name
    for question in ("red apples", "why"):
        query = encode_query(question, ENCODER)
        assert find_candidates(loaded, query).best(9) == find_candidates(built, query).best(9)


def test_the_files_are_those_that_the_manifest_lists(index: Path) -> None:
    assert sorted(path.name for path in folder(index).iterdir()) == names()


def test_every_passage_is_its_documents_text_at_its_offsets(index: Path) -> None:
    snapshot = open_current(index, ENCODER)
    for passage in snapshot.passages:
        text = snapshot.documents[passage.document_id].text
        assert text[passage.start : passage.end] == passage.text
        assert snapshot.passage(passage.id) is passage
    assert snapshot.passage("none") is None


@pytest.mark.parametrize("name", names())
def test_a_flipped_bit_a_hole_a_cut_and_a_missing_file_are_refused(index: Path, name: str) -> None:
    path = folder(index) / name
    whole = path.read_bytes()
    middle = len(whole) // 2
    for damaged in (
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        whole[:-1],
        whole + b"\0",
        b"",
        None,
    ):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises(CorruptIndex, match=r"rag build"):
            open_current(index, ENCODER)
        path.write_bytes(whole)
    open_current(index, ENCODER)


def test_a_file_that_does_not_belong_there_is_refused(index: Path) -> None:
    (folder(index) / "extra.pkl").write_bytes(b"x")
    with pytest.raises(CorruptIndex, match=r"extra\.pkl does not belong there"):
        open_current(index, ENCODER)


def test_a_link_in_place_of_a_file_is_refused(index: Path, tmp_path: Path) -> None:
    path = folder(index) / "dense.faiss"
    os.rename(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptIndex, match="not a regular file"):
        open_current(index, ENCODER)


def test_another_model_is_refused_with_both_names_and_the_cure(index: Path) -> None:
    other = LetterEncoder(name="other", sha256="f" * 64)
    with pytest.raises(ModelMismatch, match=r"model paper .* settings say other .*rag build"):
        open_current(index, other)


def test_another_precision_is_refused_with_both_and_the_setting(index: Path) -> None:
    other = LetterEncoder(precision="int8")
    with pytest.raises(ModelMismatch, match=r"in float32, the settings say int8: .*RAG_RUNTIME"):
        open_current(index, other)


class Turned(LetterEncoder):
    """Says that it is the letter encoder, but gives other vectors."""

    def encode_queries(self, texts):  # type: ignore[no-untyped-def]
        encoded = super().encode_queries(texts)
        return replace(encoded, pooled=np.roll(encoded.pooled, 1, axis=1))


def test_a_model_that_gives_other_vectors_is_refused(index: Path) -> None:
    with pytest.raises(ModelMismatch, match="probe vectors"):
        open_current(index, Turned())


def forge(index: Path, raw: bytes) -> None:
    """Replaces the manifest, and names folder and CURRENT by its new id, as a forger would."""
    old = folder(index)
    (old / "manifest.json").write_bytes(raw)
    old.rename(index / id_of(raw))
    (index / "CURRENT").write_text(id_of(raw))


def manifest(index: Path, **fields: object) -> bytes:
    """The manifest with these fields in place of its own."""
    value = json.loads((folder(index) / "manifest.json").read_bytes())
    return json.dumps(value | fields, indent=1, sort_keys=True).encode() + b"\n"


def test_counts_that_do_not_agree_are_refused(index: Path) -> None:
    counts = json.loads((folder(index) / "manifest.json").read_bytes())["counts"]
    forge(index, manifest(index, counts=counts | {"passages": 1}))
    with pytest.raises(CorruptIndex, match="3 passages, expected 1"):
        open_current(index, ENCODER)


@pytest.mark.parametrize(
    ("starts", "says"),
    [([0, 1, 2], "marks have 3 starts, expected 4"), ([0, 1, 2, 9], "marks do not rise from 0 to")],
)
def test_marks_of_other_passages_are_refused(
    tmp_path: Path, index: Path, starts: list[int], says: str
) -> None:
    built = snapshot_of(tmp_path / "corpus")
    other = changed(built, marks=replace(built.marks, starts=np.array(starts)))
    with pytest.raises(CorruptIndex, match=says), writing(index):
        publish(index, other, ENCODER, DISK, verify=in_process)


def test_an_altered_manifest_is_refused(index: Path) -> None:
    path = folder(index) / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"with"', b'"without"'))
    with pytest.raises(CorruptIndex, match="was altered"):
        open_current(index, ENCODER)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"[]", "malformed: Expected `object`, got `array`"),
        (b'{"a": ' + b"[" * 100_000, "malformed: "),
        (b"{}", f"format None, this version reads {FORMAT}"),
        (b'{"format": 999}', f"format 999, this version reads {FORMAT}"),
        (
            f'{{"format": {FORMAT}}}'.encode(),
            "malformed: Object missing required field `corpus_sha256`",
        ),
    ],
)
def test_a_manifest_of_another_kind_is_refused(index: Path, raw: bytes, says: str) -> None:
    forge(index, raw)
    with pytest.raises(CorruptIndex, match=says):
        open_current(index, ENCODER)


def test_a_manifest_whose_fields_have_the_wrong_shape_is_refused(index: Path) -> None:
    forge(index, manifest(index, model={"name": 1}))
    with pytest.raises(CorruptIndex, match="malformed"):
        open_current(index, ENCODER)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("", "names no snapshot"),
        ("../corpus", "names no snapshot"),
        ("0123456789ab\n/x", "names no snapshot"),
        ("0123456789AB", "names no snapshot"),
        ("0123456789ab", "0123456789ab cannot be read"),
        (b"\xff", "CURRENT cannot be read"),
        (None, "CURRENT is missing"),
    ],
)
def test_where_current_is_damaged_the_newest_published_answers(
    index: Path, named: str | bytes | None, says: str
) -> None:
    id = current_id(index)
    (index / "CURRENT").unlink()
    if named is not None:
        (index / "CURRENT").write_bytes(named.encode() if isinstance(named, str) else named)
    opened = open_newest(index, ENCODER)
    assert opened.snapshot.id == id
    assert len(opened.refused) == 1 and says in opened.refused[0]


def test_a_current_that_is_a_folder_is_a_damaged_one(index: Path) -> None:
    (index / "CURRENT").unlink()
    (index / "CURRENT").mkdir()
    assert "CURRENT cannot be read" in open_newest(index, ENCODER).refused[0]


def again(index: Path, tmp_path: Path) -> str:
    """Publishes another snapshot; returns the id of the first."""
    first = current_id(index)
    with writing(index):
        publish(
            index,
            snapshot_of(tmp_path / "corpus", b="# More\n\nPears."),
            ENCODER,
            DISK,
            verify=in_process,
        )
    return first


def test_a_fallback_is_logged_with_its_reason(
    index: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = again(index, tmp_path)
    (folder(index) / "dense.faiss").write_bytes(b"")
    assert open_current(index, ENCODER).id == first
    assert "dense.faiss is damaged" in caplog.text
    assert caplog.text.endswith(f"{first} is live instead\n")


def test_without_a_record_of_versions_the_newest_folder_answers(
    index: Path, tmp_path: Path
) -> None:
    first = again(index, tmp_path)
    os.utime(index / first, (0, 0))
    second = current_id(index)
    (index / "VERSIONS").unlink()
    (index / "CURRENT").unlink()
    assert open_newest(index, ENCODER).snapshot.id == second
    (index / second / "dense.faiss").unlink()
    assert open_newest(index, ENCODER).snapshot.id == first


builds: list[str] = []


class Overtaken(type(Path())):  # type: ignore[misc]
    """A path of an index that goes through two builds when CURRENT has been read and the snapshot
    that it names is about to be opened."""

    def __fspath__(self) -> str:
        while builds and len(self.name) == 12:
            publish_into(Path(str(self.parent)), builds.pop())
        return str(self)


def publish_into(index: Path, text: str) -> None:
    with writing(index):
        snapshot = snapshot_of(index.parent / "corpus", fruit=text)
        publish(index, snapshot, ENCODER, DISK, keep=2, verify=in_process)


def test_a_reader_overtaken_by_builds_opens_the_newest(index: Path) -> None:
    first = current_id(index)
    builds.extend(["# Pears\n\nGreen.\n", "# Plums\n\nBlue.\n"])
    opened = open_newest(Overtaken(index), ENCODER)
    assert not (index / first).exists()
    assert (opened.snapshot.id, opened.refused) == (current_id(index), ())


def test_a_manifest_that_cannot_be_read_is_refused_by_info_too(index: Path) -> None:
    forge(index, b"[]")
    with pytest.raises(
        CorruptIndex, match=r"manifest\.json cannot be read \(manifest is malformed"
    ):
        read_manifest(index)


def test_what_was_never_published_never_answers(index: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with writing(other):
        id = publish(
            other, snapshot_of(tmp_path / "more", b="Pears."), ENCODER, DISK, verify=in_process
        )
    os.rename(other / id, index / id)
    (folder(index) / "dense.faiss").unlink()
    with pytest.raises(CorruptIndex, match=r"dense\.faiss is missing"):
        open_newest(index, ENCODER)


def test_a_mismatch_of_the_model_is_not_hidden_by_an_older_snapshot(
    index: Path, tmp_path: Path
) -> None:
    again(index, tmp_path)
    with pytest.raises(ModelMismatch, match="was built with model paper"):
        open_newest(index, LetterEncoder(name="other", sha256="f" * 64))


def test_a_fallback_with_another_model_is_no_fallback(index: Path, tmp_path: Path) -> None:
    again(index, tmp_path)
    (folder(index) / "dense.faiss").unlink()
    with pytest.raises(CorruptIndex, match=r"is missing.*; .*was built with model paper"):
        open_newest(index, LetterEncoder(name="other", sha256="f" * 64))


def test_nothing_built_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match=r"no index in .*: run `rag build`"):
        open_current(tmp_path, ENCODER)


def test_the_manifest_can_be_read_without_the_model(index: Path) -> None:
    manifest = read_manifest(index)
    assert (manifest.counts.sections, manifest.counts.faq_pairs) == (2, 1)
    assert manifest.model.name == "paper"
