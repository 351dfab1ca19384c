import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paper import PaperEncoder, snapshot_of

from rag.errors import CorruptIndex, NoIndex
from rag.files import Files
from rag.manifest import FORMAT, parse_manifest
from rag.search import search
from rag.snapshot import contents, current_id, open_current, read_manifest
from rag.store import publish, writing

ENCODER = PaperEncoder()
TEXT = (
    "# Fruit\n\nIntro – “quoted”.\r\n\n"
    "## Red\n\nApples are red.\n\n## FAQ\n\n### Why?\n\nBecause.\n"
)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    index = tmp_path / "index"
    with writing(index):
        publish(index, snapshot_of(tmp_path / "corpus", fruit=TEXT), ENCODER, Files())
    return index


def folder(index: Path) -> Path:
    return index / current_id(index)


def names() -> list[str]:
    return [
        "bm25_impacts.npy",
        "bm25_passages.npy",
        "bm25_starts.npy",
        "bm25_terms.json",
        "dense.faiss",
        "documents.jsonl",
        "manifest.json",
        "passages.jsonl",
        "probes.npy",
        "sections.jsonl",
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
    assert contents(loaded) == contents(built)
    for question in ("red apples", "why"):
        assert search(loaded, ENCODER, question, k=9) == search(built, ENCODER, question, k=9)


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
    other = PaperEncoder(name="other", sha256="f" * 64)
    with pytest.raises(CorruptIndex, match=r"model paper .* settings say other .*rag build"):
        open_current(index, other)


class Turned(PaperEncoder):
    """Says that it is the paper encoder, but gives other vectors."""

    def encode_queries(self, texts):  # type: ignore[no-untyped-def]
        encoded = super().encode_queries(texts)
        return replace(encoded, pooled=np.roll(encoded.pooled, 1, axis=1))


def test_a_model_that_gives_other_vectors_is_refused(index: Path) -> None:
    with pytest.raises(CorruptIndex, match="probe vectors"):
        open_current(index, Turned())


def rewrite(index: Path, **fields: object) -> None:
    """Edits the manifest, and names folder and CURRENT by its new id, as a forger would."""
    old = folder(index)
    value = json.loads((old / "manifest.json").read_bytes()) | fields
    (old / "manifest.json").write_text(json.dumps(value))
    manifest = parse_manifest((old / "manifest.json").read_bytes())
    (old / "manifest.json").write_bytes(manifest.to_bytes())
    old.rename(index / manifest.id)
    (index / "CURRENT").write_text(manifest.id)


def test_counts_that_do_not_agree_are_refused(index: Path) -> None:
    counts = json.loads((folder(index) / "manifest.json").read_bytes())["counts"]
    rewrite(index, counts=counts | {"passages": 1})
    with pytest.raises(CorruptIndex, match="3 passages, expected 1"):
        open_current(index, ENCODER)


def test_an_altered_manifest_is_refused(index: Path) -> None:
    path = folder(index) / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"with"', b'"without"'))
    with pytest.raises(CorruptIndex, match="was altered"):
        open_current(index, ENCODER)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"[]", f"format None, this version reads {FORMAT}"),
        (b'{"format": 999}', f"format 999, this version reads {FORMAT}"),
        (b'{"format": 1}', "fields differ: corpus_sha256"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(index: Path, raw: bytes, says: str) -> None:
    (folder(index) / "manifest.json").write_bytes(raw)
    with pytest.raises(CorruptIndex, match=says):
        open_current(index, ENCODER)


def test_a_manifest_whose_fields_have_the_wrong_shape_is_refused(index: Path) -> None:
    path = folder(index) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"model": {"name": 1}}))
    with pytest.raises(CorruptIndex, match="malformed"):
        open_current(index, ENCODER)


@pytest.mark.parametrize("named", ["", "../corpus", "0123456789ab\n/x", "0123456789AB"])
def test_a_current_that_names_no_snapshot_is_refused(index: Path, named: str) -> None:
    (index / "CURRENT").write_text(named)
    with pytest.raises(CorruptIndex, match="names no snapshot"):
        open_current(index, ENCODER)


def test_a_current_that_points_nowhere_or_cannot_be_read_is_refused(index: Path) -> None:
    (index / "CURRENT").write_text("0123456789ab")
    with pytest.raises(CorruptIndex, match=r"manifest\.json cannot be read"):
        open_current(index, ENCODER)
    (index / "CURRENT").write_bytes(b"\xff")
    with pytest.raises(CorruptIndex, match="CURRENT cannot be read"):
        open_current(index, ENCODER)


def test_nothing_built_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match=r"no index in .*: run `rag build`"):
        open_current(tmp_path, ENCODER)


def test_the_manifest_can_be_read_without_the_model(index: Path) -> None:
    manifest = read_manifest(index)
    assert (manifest.counts.sections, manifest.counts.faq_pairs) == (2, 1)
    assert manifest.model.name == "paper"
