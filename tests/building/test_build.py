from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.building.build import index_corpus
from rag.building.encode import BATCH
from rag.building.rebuild import is_stale
from rag.building.reuse import reuse_of
from rag.documents.corpus import read_corpus
from rag.index.fingerprint import CODE, keeps_cuts, keeps_vectors, software
from rag.index.token_vectors import quantise
from rag.types import FaqPolicy
from rag.types.errors import CorpusError
from support.builds import build_snapshot
from support.imports import imports, modules
from support.letter_encoder import Counting, LetterEncoder, corpus, snapshot_of

ENCODER = LetterEncoder()
FAQ = "# Fruit\n\n## Red\n\nApples are red.\n\n## FAQ\n\n### Why?\n\nBecause.\n"


def test_rows_belong_to_passages_in_order_of_document_id(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path / "c", b="Bees.", a="# A\n\nAnts.\n\n## Zoo\n\nZebras.")
    assert [passage.text for passage in snapshot.passages] == ["Ants.", "Zebras.", "Bees."]
    for row, passage in enumerate(snapshot.passages):
        made = ENCODER.encode_passages([passage.text], [passage.context])
        assert (snapshot.dense.stored[row] == made.pooled[0]).all()
        assert (snapshot.tokens.rows(row) == quantise(made.tokens[0])).all()


def test_equal_contents_are_encoded_once(tmp_path: Path) -> None:
    encoder = Counting()
    folder = corpus(tmp_path / "c", a="# T?\n\nSame.", b="# T?\n\nSame.", c="# T?\n\nOther.")
    snapshot = build_snapshot([folder], encoder)
    assert encoder.seen == [("T?", "Same."), ("T?", "Other."), ("", "T?")]
    vectors = snapshot.dense.stored
    assert (vectors[0] == vectors[1]).all()
    assert len({passage.id for passage in snapshot.passages}) == 3


def test_the_same_text_under_another_heading_is_another_content(tmp_path: Path) -> None:
    encoder = Counting()
    folder = corpus(tmp_path / "c", a="# T?\n\nSame.", b="# U?\n\nSame.")
    build_snapshot([folder], encoder)
    assert encoder.seen == [("T?", "Same."), ("U?", "Same."), ("", "T?"), ("", "U?")]


def test_progress_counts_what_is_encoded(tmp_path: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    text = "\n\n".join(f"## H{n}?\n\nText {n}." for n in range(BATCH + 1))
    build_snapshot(
        [corpus(tmp_path / "c", a=text)], ENCODER, progress=lambda *report: reports.append(report)
    )
    assert reports == [
        ("passages encoded", BATCH, BATCH + 1),
        ("passages encoded", BATCH + 1, BATCH + 1),
        ("headings encoded", BATCH, BATCH + 1),
        ("headings encoded", BATCH + 1, BATCH + 1),
    ]


@pytest.mark.parametrize(
    ("policy", "texts"),
    [
        ("with", ["Apples are red.", "### Why?\n\nBecause."]),
        ("without", ["Apples are red."]),
        ("answers", ["Apples are red.", "Because."]),
    ],
)
def test_faq_policy_decides_which_pairs_are_indexed(
    tmp_path: Path, policy: FaqPolicy, texts: list[str]
) -> None:
    snapshot = build_snapshot([corpus(tmp_path / "c", a=FAQ)], ENCODER, faq=policy)
    assert [passage.text for passage in snapshot.passages] == texts
    assert snapshot.manifest.counts.faq_pairs == 1


def test_a_corpus_without_any_text_to_index_is_refused(tmp_path: Path) -> None:
    front = corpus(tmp_path / "front", a="---\ntitle: T\n---\n")
    with pytest.raises(CorpusError, match="no document of the corpus has any text"):
        build_snapshot([front], ENCODER)
    pairs = corpus(tmp_path / "pairs", a="# FAQ\n\n## Why?\n\nBecause.\n")
    with pytest.raises(CorpusError, match=r"only FAQ pairs \(1\): build it without --no-faq"):
        build_snapshot([pairs], ENCODER, faq="without")


def test_corpus_hash_covers_ids_and_raw_bytes(tmp_path: Path) -> None:
    hashes: set[str] = set()
    for name, text in (("a", "x"), ("b", "x"), ("a", "x\n")):
        folder = corpus(tmp_path / f"{len(hashes)}", **{name: text})
        hashes.add(read_corpus([folder]).sha256)
    assert len(hashes) == 3


def test_software_names_packages_and_code() -> None:
    made = software()
    assert {"numpy", "onnxruntime", "tokenizers", "markdown-it-py", "faiss-cpu"} <= set(made)
    assert len(made["cutting"]) == len(made["encoding"]) == 12


@pytest.mark.parametrize(
    ("other", "vectors", "cuts"),
    [
        ({}, True, True),
        ({"cutting": "0"}, True, False),
        ({"numpy": "0"}, False, True),
        ({"encoding": "0"}, False, True),
        ({"PyStemmer": "0"}, True, True),
        ({"tokenizers": "0"}, False, False),
    ],
)
def test_other_software_keeps_what_it_would_make_again(
    tmp_path: Path, other: dict[str, str], vectors: bool, cuts: bool
) -> None:
    snapshot = snapshot_of(tmp_path / "c", a="Ants.")
    manifest = replace(snapshot.manifest, software={**software(), **other})
    by_other = replace(snapshot, manifest=manifest)
    assert (keeps_vectors(by_other, ENCODER), keeps_cuts(by_other)) == (vectors, cuts)


def test_every_module_that_makes_an_index_is_in_a_digest() -> None:
    of, reached = modules(), {"building.build"}
    while more := {other for name in reached for other in imports(of[name])} - reached:
        reached |= more
    named = {
        name.removesuffix(".py").replace("/", ".") for names in CODE.values() for name in names
    }
    digested = {
        each for each in reached if any(each == n or each.startswith(f"{n}.") for n in named)
    }
    # Nouns, files, checks and what is taken over: what is stored otherwise has another `FORMAT`.
    others = (
        "building.journal building.reuse"
        " index.columns index.compatibility index.document_table"
        " index.fingerprint index.format index.lexical_table index.manifest index.mapped_file"
        " index.originals index.passage_table index.report_table index.section_table"
        " index.snapshot types.answers types.documents types.errors"
        " types.feedback types.reports types.verdicts"
    )
    assert reached - digested == set(others.split())


def test_an_index_is_stale_where_documents_recipe_or_model_differ(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a=FAQ)
    snapshot, now = build_snapshot([folder], ENCODER), read_corpus([folder])
    assert not is_stale(snapshot, now, ENCODER, "with")
    assert is_stale(None, now, ENCODER, "with")
    assert is_stale(snapshot, now, ENCODER, "without")
    assert is_stale(snapshot, now, replace(ENCODER, name="other"), "with")
    (folder / "a.md").write_text(FAQ + "\n")
    assert is_stale(snapshot, read_corpus([folder]), ENCODER, "with")


@pytest.mark.parametrize("part", ["cutting", "encoding", "indexing", "calibrating", "PyStemmer"])
def test_an_index_by_other_software_is_stale(tmp_path: Path, part: str) -> None:
    folder = corpus(tmp_path / "c", a=FAQ)
    snapshot, now = build_snapshot([folder], ENCODER), read_corpus([folder])
    software = {**snapshot.manifest.software, part: "other"}
    by_another = replace(snapshot, manifest=replace(snapshot.manifest, software=software))
    assert is_stale(by_another, now, ENCODER, "with")


def test_a_known_corpus_is_not_stale_and_not_parsed(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a=FAQ, b="Bees.")
    snapshot = build_snapshot([folder], ENCODER)
    reuse = reuse_of(snapshot, ENCODER)
    known = read_corpus([folder], known=reuse.known)
    assert known.unchanged == {"a.md", "b.md"}
    assert [parsed.blocks for parsed in known.documents] == [(), ()]
    assert not is_stale(snapshot, known, ENCODER, "with")
    again = index_corpus(known, ENCODER, reuse=reuse)
    assert again.manifest == snapshot.manifest
    assert np.array_equal(again.probes, snapshot.probes)
    assert again.content == snapshot.content
