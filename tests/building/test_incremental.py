"""A build that takes over from an earlier snapshot gives what a clean build gives."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.building.build import index_corpus, indexed
from rag.building.journal import temporary_journal
from rag.building.reuse import NOTHING, Content, content_of, reuse_of
from rag.cli.main import main
from rag.documents.beneath import stamp_of
from rag.documents.corpus import FileRead, Known, Read, ReadOptions, read_corpus, read_in_process
from rag.documents.files import Source
from rag.documents.questions import question_above
from rag.encoders.base import Encoded, Encoder
from rag.encoders.open import open_encoder
from rag.index.manifest import Manifest
from rag.index.originals import Originals, held_in
from rag.index.question_vectors import NO_QUESTION
from rag.index.snapshot import Snapshot
from rag.index.token_vectors import halved, store
from rag.store.disk import Files
from rag.store.open import open_current
from rag.store.publish import publish, writing
from rag.store.versions import current_id
from rag.types import FaqPolicy, Reused
from rag.types.errors import CorpusError, CorruptIndex
from support.builds import build_snapshot
from support.letter_encoder import Counting, LetterEncoder, corpus
from support.pdf_files import pdf
from support.pdf_files import text as page_of
from support.places import ROOT

ENCODER = LetterEncoder()
FAQ = "# Fruit\n\n## Red\n\nApples are red.\n\n## FAQ\n\n### Why?\n\nBecause.\n"
SAMPLE = ROOT / "corpus" / "car-t-lupus.md"

# Few texts and names, so that histories meet the same content again under other names.
TEXTS = [
    "Apples are red.\n",
    "# Fruit\n\nApples are red.\n\n## Green\n\nPears are green.\n",
    "# Fruit\n\nPears are green.\n\n## Green\n\nPears are green.\n",
    "\ufeff# Fruit\r\n\r\nApples are red.\r\n",
    FAQ,
    "---\ntitle: Fruit\n---\nApples are red.\n",
    "",
    "| a | b |\n| - | - |\n" + "".join(f"| w{n} | {n} |\n" for n in range(30)),
]
NAMES = ["a.md", "b.md", "b.txt", "sub/a.md", "Z.md"]
LINES = [("1", "Apples are red."), ("2", "Pears are green."), ("a.md", "Apples are red.\n")]


def reused(folder: Path, previous: Snapshot, faq: FaqPolicy = "with") -> Reused:
    """What a build of the folder takes over."""
    reuse = reuse_of(previous, ENCODER, faq)
    corpus = read_corpus([folder], reuse.known)
    with temporary_journal(ENCODER) as journal:
        return indexed(corpus, ENCODER, journal, faq, reuse).reused


def assert_same(one: Snapshot, other: Snapshot) -> None:
    assert one.manifest == other.manifest
    assert one.passages == other.passages
    for name, content in other.content.items():
        assert bytes(one.content[name]) == bytes(content), name


def test_an_unchanged_pdf_keeps_boxes_language_and_dates(tmp_path: Path) -> None:
    folder, index = tmp_path / "corpus", tmp_path / "index"
    folder.mkdir()
    (folder / "figs.pdf").write_bytes(
        pdf(page_of("Figs are brown and soft; they rot when it rains for long."))
    )
    with writing(index):
        publish(index, build_snapshot([folder], ENCODER), ENCODER)
    (folder / "pears.md").write_text("Pears are green.")
    previous = open_current(index, ENCODER)
    clean, reusing = (build_snapshot([folder], ENCODER, previous=each) for each in (None, previous))
    assert_same(clean, reusing)
    found = reusing.documents["figs.pdf"]
    assert found == previous.documents["figs.pdf"]
    assert (bool(found.words), found.language, found.created) == (True, "en", "2000-01-01")


def test_a_second_file_of_a_known_name_and_content_has_its_notes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        text = "Die Äpfel sind grün, die Birnen süß. " * 20
        (folder / "a.txt").write_text(text, encoding="cp1252")
    clean = build_snapshot(folders, ENCODER)
    codes = [[remark.code for remark in file.remarks] for file in clean.files]
    assert codes == [["encoding_guessed"], ["duplicate", "encoding_guessed"]]
    assert_same(clean, build_snapshot(folders, ENCODER, previous=clean))


@dataclass(frozen=True)
class Step:
    """One change of a corpus: of a file, or of the order of a corpus.jsonl's lines."""

    kind: str
    name: str
    other: str
    text: str
    order: list[int]


FAQ_POLICIES: tuple[FaqPolicy, ...] = ("with", "answers", "without")
steps = st.builds(
    Step,
    kind=st.sampled_from(["write", "write", "rename", "copy", "delete", "lines"]),
    name=st.sampled_from(NAMES),
    other=st.sampled_from(NAMES),
    text=st.sampled_from(TEXTS),
    order=st.lists(st.sampled_from(range(len(LINES))), unique=True),
)


def changed(files: dict[str, str], step: Step) -> dict[str, str]:
    """The corpus after a step; a step that cannot be taken leaves it as it is."""
    after = dict(files)
    match step.kind:
        case "write":
            after[step.name] = step.text
        case "rename" if step.name in files:
            after[step.other] = after.pop(step.name)
        case "copy" if step.name in files:
            after[step.other] = files[step.name]
        case "delete":
            after.pop(step.name, None)
        case "lines":
            rows = [{"_id": LINES[n][0], "text": LINES[n][1]} for n in step.order]
            after["c.jsonl"] = "\n".join(map(json.dumps, rows))
    return after if any(after.values()) else files


def written(folder: Path, files: dict[str, str]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    return folder


def read_by_encoder(snapshot: Snapshot) -> set[Content]:
    sections = [snapshot.sections[passage.section_id] for passage in snapshot.passages]
    headings = {
        ("", question_above(snapshot.documents[section.document_id], section))
        for section, row in zip(sections, snapshot.headings.rows.tolist(), strict=True)
        if row != NO_QUESTION
    }
    return headings | {content_of(passage) for passage in snapshot.passages}


@given(st.lists(st.tuples(steps, st.sampled_from(FAQ_POLICIES)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_after_any_history_the_snapshot_is_that_of_a_clean_build(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[Step, FaqPolicy]]
) -> None:
    folder = tmp_path_factory.mktemp("history") / "corpus"
    files = {"start.md": TEXTS[0]}
    previous: Snapshot | None = None
    for step, faq in history:
        files = changed(files, step)
        encoder = Counting()
        written(folder, files)
        snapshot = build_snapshot([folder], encoder, faq=faq, previous=previous)
        assert_same(snapshot, build_snapshot([folder], ENCODER, faq=faq))
        new = read_by_encoder(snapshot) - (read_by_encoder(previous) if previous else set())
        assert sorted(encoder.seen) == sorted(new)
        previous = snapshot


def test_an_unchanged_document_is_not_parsed_and_a_renamed_one_not_encoded(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a="# A\n\nAnts.", b="# B\n\nBees.", c="# C\n\nCats.")
    previous = build_snapshot([folder], ENCODER)
    (folder / "b.md").rename(folder / "z.md")
    (folder / "c.md").write_text("# C\n\nCows.")
    encoder = Counting()
    known = reuse_of(previous, ENCODER).known
    assert read_corpus([folder], known=known).unchanged == {"a.md"}
    build_snapshot([folder], encoder, previous=build_snapshot([folder], ENCODER))
    assert encoder.seen == []
    assert reused(folder, previous) == Reused(2, 3, 1, 3)


@dataclass(frozen=True)
class Noting(LetterEncoder):
    """Notes what it divides into word pieces."""

    noted: list[str] = field(default_factory=list)

    def word_pieces(self, text: str) -> list[tuple[int, int]]:
        self.noted.append(text)
        return super().word_pieces(text)


def test_sentences_of_unchanged_text_are_not_looked_for_again(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a="Ants hum. Ants run.", b="Bees.", c=FAQ)
    previous = build_snapshot([folder], ENCODER)
    (folder / "b.md").write_text("Cats.")
    encoder = Noting()
    assert_same(
        build_snapshot([folder], encoder, previous=previous), build_snapshot([folder], ENCODER)
    )
    assert "Cats." in encoder.noted
    assert not {passage.text for passage in previous.passages} & set(encoder.noted)


def test_a_file_with_the_stamp_of_before_is_not_read(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a="Ants.", b="Bees.")
    previous = build_snapshot([folder], ENCODER)
    stamps = {
        str(path): (stamp_of(folder, path), previous.documents[path.name].source_sha256)
        for path in folder.iterdir()
    }
    (folder / "b.md").write_text("Cats.")
    reads: list[str] = []

    def each(read: Read, sources: Iterable[Source]) -> Iterator[FileRead]:
        for found in read_in_process(read, sources):
            reads.append(found.source.document_id)
            yield found

    reuse = reuse_of(previous, ENCODER)
    known = replace(reuse.known, stamps=stamps)
    found = read_corpus([folder], known, ReadOptions(each))
    assert (reads, found.unchanged) == (["b.md"], {"a.md"})
    assert bytes(found.originals) == b"Ants.Cats."
    assert_same(index_corpus(found, ENCODER, reuse=reuse), build_snapshot([folder], ENCODER))
    with pytest.raises(CorpusError, match="too_large"):
        read_corpus([folder], known, ReadOptions(max_mb=0))


def test_a_damaged_original_of_an_unread_file_ends_the_build(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a="Ants.")
    snapshot = build_snapshot([folder], ENCODER)
    other = Originals(snapshot.files, held_in(memoryview(b"Bees.")))
    known = reuse_of(replace(snapshot, originals=other), ENCODER).known
    path = folder / "a.md"
    stamps = {str(path): (stamp_of(folder, path), snapshot.documents["a.md"].source_sha256)}
    with pytest.raises(CorruptIndex, match="is damaged"):
        read_corpus([folder], replace(known, stamps=stamps))


def test_one_changed_line_leaves_the_other_lines_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    lines = [json.dumps({"_id": f"d{n}", "text": f"Text {n}."}) for n in range(4)]
    path.write_text("\n".join(lines))
    reuse = reuse_of(build_snapshot([path], ENCODER), ENCODER)
    path.write_text("\n".join(["", lines[3], lines[0].replace("0", "9"), lines[1], lines[2]]))
    known = read_corpus([path], known=reuse.known)
    assert known.unchanged == {"d1", "d2", "d3"}
    assert [parsed.document.source for parsed in known.documents] == [
        "corpus.jsonl:4",
        "corpus.jsonl:5",
        "corpus.jsonl:2",
        "corpus.jsonl:3",
    ]


def test_a_line_and_a_file_of_the_same_id_and_bytes_are_not_taken_for_each_other(
    tmp_path: Path,
) -> None:
    line = json.dumps({"_id": "b.txt", "text": "Bees."})
    lines, file = tmp_path / "c.jsonl", tmp_path / "b.txt"
    for path in (lines, file):
        path.write_text(line)
    for before, after in ((lines, file), (file, lines)):
        previous = build_snapshot([before], ENCODER)
        snapshot = build_snapshot([after], ENCODER, previous=previous)
        assert_same(snapshot, build_snapshot([after], ENCODER))


def test_another_faq_policy_keeps_the_vectors_but_cuts_anew(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a=FAQ)
    previous = build_snapshot([folder], ENCODER)
    reuse = reuse_of(previous, ENCODER, "without")
    assert reuse.known == Known()
    encoder = Counting()
    snapshot = build_snapshot([folder], encoder, faq="without", previous=previous)
    assert encoder.seen == []
    assert_same(snapshot, build_snapshot([folder], ENCODER, faq="without"))
    assert reused(folder, previous, "without") == Reused(1, 1, 1, 1)


@dataclass(frozen=True)
class Drifted(LetterEncoder):
    """The same by name, hash and size, yet its vectors are off by a hair."""

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        made = super().encode_passages(texts, contexts)
        return replace(made, pooled=np.nextafter(made.pooled, np.float32(1)))


def test_vectors_that_would_now_come_out_otherwise_are_not_kept(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a=FAQ)
    previous = build_snapshot([folder], ENCODER)
    assert reuse_of(previous, Drifted()) is NOTHING
    snapshot = build_snapshot([folder], Drifted(), previous=previous)
    assert_same(snapshot, build_snapshot([folder], Drifted()))


@pytest.mark.parametrize(
    "other",
    [
        lambda m: replace(m, software={**m.software, "encoding": "0"}),
        lambda m: replace(m, software={**m.software, "numpy": "0"}),
        lambda m: replace(m, recipe=replace(m.recipe, token_bits=1)),
        lambda m: replace(m, model=replace(m.model, sha256="1" * 64)),
    ],
    ids=["code", "package", "scale", "model"],
)
def test_nothing_is_kept_of_what_was_encoded_otherwise(
    tmp_path: Path, other: Callable[[Manifest], Manifest]
) -> None:
    previous = build_snapshot([corpus(tmp_path / "c", a=FAQ)], ENCODER)
    assert reuse_of(previous, ENCODER) is not NOTHING
    assert reuse_of(replace(previous, manifest=other(previous.manifest)), ENCODER) is NOTHING


def test_vectors_of_fewer_bits_are_encoded_anew(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "c", a=FAQ, b="Some text.")
    whole = build_snapshot([folder], ENCODER)
    packed = [halved(whole.tokens.rows(row)) for row in range(len(whole.passages))]
    fewer = replace(whole, tokens=store(packed, ENCODER.token_dim, bits=1))
    assert_same(build_snapshot([folder], ENCODER, previous=fewer), whole)


@pytest.mark.parametrize("name", ["cutting", "python", "markdown-it-py", "tokenizers"])
def test_documents_cut_by_other_software_are_cut_anew(tmp_path: Path, name: str) -> None:
    previous = build_snapshot([corpus(tmp_path / "c", a=FAQ)], ENCODER)
    manifest = previous.manifest
    other = replace(manifest, software={**manifest.software, name: "0"})
    reuse = reuse_of(replace(previous, manifest=other), ENCODER)
    assert reuse.known == Known()


@pytest.fixture(scope="module")
def real() -> Encoder:
    return open_encoder("bundled", "onnx", 1)


def test_real_vectors_are_the_same_bit_for_bit(tmp_path: Path, real: Encoder) -> None:
    folder, index = tmp_path / "c", tmp_path / "index"
    corpus(folder, a=FAQ, b="# Bees\n\nBees fly.", c="# Cats\n\nCats – „sleep“, 细胞.")
    with writing(index):
        publish(index, build_snapshot([folder], real), real, Files())
    (folder / "b.md").rename(folder / "d.md")
    (folder / "c.md").write_text("# Cats\n\nCats sleep all day.")
    snapshot = build_snapshot([folder], real, previous=open_current(index, real))
    assert_same(snapshot, build_snapshot([folder], real))


def test_two_builds_give_the_same_bytes_whatever_the_threads(tmp_path: Path, real: Encoder) -> None:
    text = SAMPLE.read_text(encoding="utf-8")[:6000]
    folder = corpus(tmp_path / "c", a=text, b=text.upper())
    assert_same(
        build_snapshot([folder], open_encoder("bundled", "onnx", 2)),
        build_snapshot([folder], real),
    )


def build(folder: Path, index: Path, *options: str) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["build", str(folder), "--index", str(index), *options])
    assert not exit.value.code


def test_rag_build_says_what_it_reused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, index = corpus(tmp_path / "c", a="Ants.", b="Bees."), tmp_path / "index"
    build(folder, index)
    assert "reused" not in capsys.readouterr().err
    (folder / "b.md").write_text("Cats.")
    build(folder, index)
    assert "reused 1 of 2 passages (1 of 2 documents unchanged)\n" in capsys.readouterr().err
    id = current_id(index)
    build(folder, index, "--full")
    assert "reused" not in capsys.readouterr().err
    assert current_id(index) == id


@pytest.mark.parametrize("option", ["--no-faq", "--if-stale"])
def test_a_damaged_index_is_built_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    folder, index = corpus(tmp_path / "c", a="Ants."), tmp_path / "index"
    build(folder, index, option)
    damaged = index / current_id(index) / "passages.bin"
    damaged.write_bytes(damaged.read_bytes().replace(b"0", b"1"))
    capsys.readouterr()
    build(folder, index, option)
    assert "nothing is reused: " in capsys.readouterr().err
    assert "up to date" not in capsys.readouterr().err
    assert open_current(index, open_encoder("bundled", "onnx", 1)).passages[0].text == "Ants."


def test_damage_of_the_current_snapshot_leaves_the_one_before_to_reuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, index = corpus(tmp_path / "c", a="Ants.", b="Bees."), tmp_path / "index"
    build(folder, index)
    (folder / "b.md").unlink()
    build(folder, index)
    (index / current_id(index) / "tokens.npy").write_bytes(b"")
    corpus(folder, b="Bees.")
    capsys.readouterr()
    build(folder, index, "--if-stale")
    err = capsys.readouterr().err
    assert "not reused: " in err and "tokens.npy is damaged" in err
    assert "reused 2 of 2 passages (2 of 2 documents unchanged)" in err
