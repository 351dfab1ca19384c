"""A snapshot whose parts do not agree is refused, though every checksum has been made to match."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from rag.index import (
    document_table,
    lexical_table,
    passage_table,
    question_vectors,
    report_table,
    section_table,
    sentence_spans,
)
from rag.index.columns import Buffer, Kinds, pack, unpack
from rag.index.format import MAPPED, contents, entries
from rag.index.manifest import MANIFEST, Manifest, id_of
from rag.index.originals import ORIGINALS
from rag.index.snapshot import Snapshot
from rag.index.vectors import STEPS, signs_of
from rag.store.open import load_snapshot, open_snapshot
from rag.types.errors import CorruptIndex
from support.letter_encoder import LetterEncoder, snapshot_of
from support.snapshots import parts_of

ENCODER = LetterEncoder()
TEXTS = {
    "a": "# Fruit\n\nApples are red. Beans are green.\n\n## Why?\n\nBecause. It is so.\n",
    "b": "# Trees\n\nOaks are tall.\n\nQ: How old?\nA: Very old.\n",
}


COLUMNS: Mapping[str, Kinds] = {
    "bm25.bin": lexical_table.KINDS,
    "documents.bin": document_table.KINDS,
    "headings.bin": question_vectors.KINDS,
    "marks.bin": sentence_spans.KINDS,
    "passages.bin": passage_table.KINDS,
    "report.bin": report_table.KINDS,
    "sections.bin": section_table.KINDS,
}
SNAPSHOT_FILES = (*MAPPED, ORIGINALS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshot_of(tmp_path_factory.mktemp("corpus"), **TEXTS)


def signed(index: Path, snapshot: Snapshot, **parts: Any) -> str:
    """Writes the snapshot with other parts, and their checksums and counts; returns the id."""
    other = replace(parts_of(snapshot), **parts)
    counts = replace(
        snapshot.manifest.counts,
        documents=len(other.documents),
        passages=len(other.passages),
        tokens=len(other.tokens.vectors),
    )
    return forged(index, replace(snapshot.manifest, counts=counts), contents(other))


def forged(index: Path, manifest: Manifest, files: Mapping[str, Buffer]) -> str:
    """Writes the files with their checksums in the manifest; returns the id."""
    raw = replace(manifest, files=entries(files)).to_bytes()
    folder = index / id_of(raw)
    folder.mkdir(exist_ok=True)
    for name, content in {**files, MANIFEST: raw}.items():
        (folder / name).write_bytes(content)
    return folder.name


def test_what_agrees_is_loaded(tmp_path: Path, whole: Snapshot) -> None:
    assert open_snapshot(tmp_path, signed(tmp_path, whole), ENCODER).passages == whole.passages


def put(array: Any, at: Any, value: Any) -> Any:
    """A copy of the array with another value there."""
    changed = np.array(array)
    changed[at] = value
    return changed


def without_last(array: Any) -> Any:
    return array[:-1]


VECTORS: Mapping[str, Callable[[Any], Any]] = {
    "no number": lambda v: put(v, (0, 0), np.nan),
    "infinite": lambda v: put(v, (0, 0), np.inf),
    "long": lambda v: 2 * v,
    "zero": lambda v: put(v, 0, 0),
    "double": lambda v: v.astype(np.float64),
    "flat": np.ravel,
    "deep": lambda v: v[None],
    "fewer": without_last,
    "narrow": lambda v: np.ascontiguousarray(v[:, :-1]),
}
STARTS: Mapping[str, Callable[[Any], Any]] = {
    "below": lambda s: put(s, 0, -1),
    "late": lambda s: put(s, 0, 1),
    "falling": lambda s: put(s, 1, s[-1] + 1),
    "short": lambda s: put(s, -1, s[-1] - 1),
    "long": lambda s: put(s, -1, s[-1] + 1),
    "fewer": without_last,
    "more": lambda s: np.append(s, s[-1]),
    "none": lambda s: s[:0],
    "small": lambda s: s.astype(np.int32),
    "fractions": lambda s: s.astype(np.float64),
    "deep": lambda s: s[None],
}
HEADINGS = {
    **{f"vectors {name}": ("vectors", change) for name, change in VECTORS.items()},
    "row beyond": ("rows", lambda r: put(r, 0, 99)),
    "row below": ("rows", lambda r: put(r, 0, -2)),
    "rows fewer": ("rows", without_last),
    "rows small": ("rows", lambda r: r.astype(np.int32)),
    "rows deep": ("rows", lambda r: r[None]),
}
MARKS = {
    **{f"starts {name}": ("starts", change) for name, change in STARTS.items()},
    "begins before": ("sentences", lambda s: put(s, (0, 0), -1)),
    "ends behind": ("sentences", lambda s: put(s, (-1, 1), 999)),
    "is empty": ("sentences", lambda s: put(s, (0, 1), s[0, 0])),
    "token before": ("sentences", lambda s: put(s, (0, 2), -1)),
    "token behind": ("sentences", lambda s: put(s, (-1, 3), 999)),
    "no token": ("sentences", lambda s: put(s, (0, 2), s[0, 3])),
    "turned": ("sentences", lambda s: np.ascontiguousarray(s[[1, 0, *range(2, len(s))]])),
    "wide": ("sentences", lambda s: np.hstack([s, s])),
    "large": ("sentences", lambda s: s.astype(np.int64)),
    "flat": ("sentences", np.ravel),
}
LEXICAL = {
    **{f"starts {name}": ("starts", change) for name, change in STARTS.items()},
    "passage beyond": ("passages", lambda p: put(p, 0, 99)),
    "passage below": ("passages", lambda p: put(p, 0, -1)),
    "passages large": ("passages", lambda p: p.astype(np.int64)),
    "passages fewer": ("passages", without_last),
    "impact no number": ("impacts", lambda i: put(i, 0, np.nan)),
    "impact below": ("impacts", lambda i: -i),
    "impacts huge": ("impacts", lambda i: np.full_like(i, 1e38)),
    "impacts double": ("impacts", lambda i: i.astype(np.float64)),
    "impacts deep": ("impacts", lambda i: i[None]),
    "terms turned": ("terms", lambda t: tuple(t)[::-1]),
    "terms twice": ("terms", lambda t: (t[1], *t[1:])),
    "terms fewer": ("terms", without_last),
}
TOKENS = {
    **{f"starts {name}": ("starts", change) for name, change in STARTS.items()},
    "signed": ("vectors", lambda v: v.astype(np.int8)),
    "fewer": ("vectors", without_last),
    "narrow": ("vectors", lambda v: np.ascontiguousarray(v[:, :-1])),
    "flat": ("vectors", np.ravel),
}
PARTS = {"headings": HEADINGS, "marks": MARKS, "lexical": LEXICAL, "tokens": TOKENS}


@pytest.mark.parametrize(
    ("part", "attack"), [(part, attack) for part, attacks in PARTS.items() for attack in attacks]
)
def test_an_array_that_does_not_agree_is_refused(
    tmp_path: Path, whole: Snapshot, part: str, attack: str
) -> None:
    field, change = PARTS[part][attack]
    was = getattr(whole, part)
    other = replace(was, **{field: change(getattr(was, field))})
    with pytest.raises(CorruptIndex, match="run `rag build`"):
        load_snapshot(tmp_path, signed(tmp_path, whole, **{part: other}))


@pytest.mark.parametrize("attack", [name for name in VECTORS if name != "double"])
def test_vectors_that_do_not_agree_are_refused(
    tmp_path: Path, whole: Snapshot, attack: str
) -> None:
    if attack in ("flat", "deep"):
        changed: faiss.Index = faiss.IndexFlatL2(whole.dense.stored.shape[1])
        changed.add(whole.dense.stored)
    else:
        changed = faiss.IndexFlatIP(whole.dense.stored.shape[1] - (attack == "narrow"))
        changed.add(VECTORS[attack](whole.dense.stored))
    dense = replace(whole.dense, content=faiss.serialize_index(changed).tobytes())
    with pytest.raises(CorruptIndex):
        load_snapshot(tmp_path, signed(tmp_path, whole, dense=dense))


@pytest.mark.parametrize(
    ("bits", "change", "expected"),
    [
        (16, lambda signs: signs, None),
        (32, lambda signs: signs, "holds 16 bits a component, expected 32"),
        (16, lambda signs: ~signs, "the signs are not those of the pooled vectors"),
        (16, lambda signs: signs[1:], "holds . signs, expected"),
        (16, lambda signs: signs[:, 1:], "the signs are not those of the pooled vectors"),
    ],
)
def test_signs_that_do_not_agree_are_refused(
    tmp_path: Path,
    whole: Snapshot,
    bits: int,
    change: Callable[[np.ndarray], np.ndarray],
    expected: str | None,
) -> None:
    levels = np.rint(whole.dense.stored * (STEPS - 1)).astype(np.int16)
    content = pack({"levels": levels, "signs": change(signs_of(levels))})
    recipe = replace(whole.manifest.recipe, pooled_bits=bits)
    halved = replace(whole, manifest=replace(whole.manifest, recipe=recipe))
    folder = signed(tmp_path, halved, dense=replace(whole.dense, content=content))
    if expected is None:
        load_snapshot(tmp_path, folder)
        return
    with pytest.raises(CorruptIndex, match=expected):
        load_snapshot(tmp_path, folder)


@pytest.mark.parametrize("attack", VECTORS)
def test_probes_that_do_not_agree_are_refused(tmp_path: Path, whole: Snapshot, attack: str) -> None:
    probes = VECTORS[attack](whole.probes)
    with pytest.raises(CorruptIndex):
        open_snapshot(tmp_path, signed(tmp_path, whole, probes=probes), ENCODER)


TEXT = (None, 1, ["a"], {"a": 1}, "\ud800")
NAME = (*TEXT, "none")
NUMBER = (None, True, -1, 1.5, "1", 10**6, 10**30, [])
FIELDS: Mapping[tuple[str, str], tuple[object, ...]] = {
    ("documents", "id"): TEXT,
    ("documents", "title"): TEXT,
    ("documents", "source"): TEXT,
    ("documents", "media_type"): TEXT,
    ("documents", "source_sha256"): TEXT,
    ("documents", "sha256"): (*TEXT, "0" * 64),
    ("documents", "text"): (*TEXT, "", "Another text."),
    ("sections", "id"): TEXT,
    ("sections", "document_id"): NAME,
    ("sections", "kind"): NAME,
    ("sections", "heading_path"): (None, 1, "", "ab", {}, (1,), (None,), ("\ud800",)),
    ("sections", "start"): NUMBER,
    ("sections", "body_start"): NUMBER,
    ("sections", "end"): NUMBER,
    ("passages", "id"): TEXT,
    ("passages", "document_id"): NAME,
    ("passages", "section_id"): NAME,
    ("passages", "context"): TEXT,
    ("passages", "start"): NUMBER,
    ("passages", "end"): NUMBER,
}
CASES = [(*place, value) for place, values in FIELDS.items() for value in values]


@pytest.mark.parametrize(("kind", "field", "value"), CASES, ids=repr)
def test_a_row_that_does_not_agree_is_refused(
    tmp_path: Path, whole: Snapshot, kind: str, field: str, value: object
) -> None:
    rows = list(getattr(parts_of(whole), kind))
    # The last, so that a span that reaches too far meets the end.
    rows[-1] = replace(rows[-1], **{field: value})
    try:
        id = signed(tmp_path, whole, **{kind: rows})
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError):
        return  # could not even be written
    with pytest.raises(CorruptIndex):
        load_snapshot(tmp_path, id)


def with_column(whole: Snapshot, file: str, change: Callable[[dict[str, Any]], object]) -> Any:
    """The snapshot's files, of which one has other columns."""
    columns = unpack(whole.content[file], COLUMNS[file])
    change(columns)
    return {**whole.content, file: pack(columns)}


def same_documents(columns: dict[str, Any]) -> None:
    columns["ids_bytes"] = np.frombuffer(b"a.mda.md", dtype=np.uint8)


def same_sections(columns: dict[str, Any]) -> None:
    columns["order"] = put(columns["order"], -1, columns["order"][0])


def same_passages(columns: dict[str, Any]) -> None:
    columns["keys"] = put(columns["keys"], -1, columns["keys"][0])
    columns["order"] = np.argsort(columns["keys"]).astype(np.int32)


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("documents.bin", same_documents, "ids are not in order"),
        ("sections.bin", same_sections, "an id is there twice"),
        ("passages.bin", same_passages, "two passages have the same id"),
    ],
)
def test_an_id_twice_is_refused(
    tmp_path: Path,
    whole: Snapshot,
    file: str,
    change: Callable[[dict[str, Any]], None],
    says: str,
) -> None:
    files = with_column(whole, file, change)
    with pytest.raises(CorruptIndex, match=says):
        load_snapshot(tmp_path, forged(tmp_path, whole.manifest, files))


NUMBERS = {
    "documents.bin": ("digests", "lines"),
    "sections.bin": ("order", "document", "start", "body_start", "end", "kind"),
    "passages.bin": (
        *("order", "section", "start", "end", "first_byte", "last_byte", "context"),
        "heading_rows",
    ),
}
EXTREMES = [
    (file, column, place)
    for file, columns in NUMBERS.items()
    for column in columns
    for place in ("min", "max")
    if (column, place) != ("kind", "min")
]


@pytest.mark.parametrize(("file", "column", "place"), EXTREMES)
def test_a_number_out_of_range_is_refused(
    tmp_path: Path, whole: Snapshot, file: str, column: str, place: str
) -> None:
    def extreme(columns: dict[str, Any]) -> None:
        limit = getattr(np.iinfo(columns[column].dtype), place)
        columns[column] = put(columns[column], -1, limit)

    files = with_column(whole, file, extreme)
    with pytest.raises(CorruptIndex):
        load_snapshot(tmp_path, forged(tmp_path, whole.manifest, files))


LENGTHS = [
    (file, column)
    for file, kinds in COLUMNS.items()
    for column in kinds
    if column not in ("main_language", "forms_bytes", "form_rows", "stemmings_bytes")
]


@pytest.mark.parametrize(("file", "column"), LENGTHS)
def test_a_column_that_is_cut_short_is_refused(
    tmp_path: Path, whole: Snapshot, file: str, column: str
) -> None:
    def shorter(columns: dict[str, Any]) -> None:
        columns[column] = columns[column][:-1]

    files = with_column(whole, file, shorter)
    with pytest.raises(CorruptIndex):
        load_snapshot(tmp_path, forged(tmp_path, whole.manifest, files))


TEXT_COLUMNS = [(file, column) for file, column in LENGTHS if column.endswith("_bytes")]


@pytest.mark.parametrize(("file", "column"), TEXT_COLUMNS)
def test_bytes_that_are_no_text_are_refused(
    tmp_path: Path, whole: Snapshot, file: str, column: str
) -> None:
    def spoilt(columns: dict[str, Any]) -> None:
        columns[column] = put(columns[column], 0, 0xFF)

    files = with_column(whole, file, spoilt)
    with pytest.raises(CorruptIndex):
        load_snapshot(tmp_path, forged(tmp_path, whole.manifest, files))


@pytest.mark.parametrize(
    ("field", "value"),
    [("bias", -1e300), ("scale", 1e300), ("threshold", 1.5), ("risk", -0.1)],
)
def test_a_calibration_that_cannot_have_been_fitted_is_refused(
    tmp_path: Path, whole: Snapshot, field: str, value: float
) -> None:
    calibration = replace(whole.manifest.calibration, **{field: value})
    manifest = replace(whole.manifest, calibration=calibration)
    with pytest.raises(CorruptIndex, match=rf"calibration\.{field}"):
        load_snapshot(tmp_path, forged(tmp_path, manifest, whole.content))


def test_a_text_that_no_answer_could_hold_is_refused(tmp_path: Path, whole: Snapshot) -> None:
    model = replace(whole.manifest.model, name="\ud800")
    manifest = replace(whole.manifest, model=model)
    with pytest.raises(CorruptIndex, match="manifest is malformed"):
        load_snapshot(tmp_path, forged(tmp_path, manifest, whole.content))


def test_an_faq_pair_without_a_question_is_refused(tmp_path: Path, whole: Snapshot) -> None:
    unnamed = [replace(each, heading_path=()) for each in whole.sections.values()]
    with pytest.raises(CorruptIndex, match="an FAQ pair has no question"):
        load_snapshot(tmp_path, signed(tmp_path, whole, sections=unnamed))


def test_sections_that_overlap_are_refused(tmp_path: Path, whole: Snapshot) -> None:
    first, second, *others = whole.sections.values()
    wider = [replace(first, end=second.start + 1), second, *others]
    with pytest.raises(CorruptIndex, match="sections of a document are not in order"):
        load_snapshot(tmp_path, signed(tmp_path, whole, sections=wider))


def mutations(content: bytes, number: int) -> Iterator[bytes]:
    """The content with a random byte changed, cut short, and what parsers stumble on."""
    dice = random.Random(7)
    for _ in range(number):
        at = dice.randrange(len(content))
        yield content[:at] + dice.randbytes(1) + content[at + 1 :]
        yield content[:at]
    yield from (b"", b"\0" * 200, b"[" * 100_000, b'{"a":' * 100_000, b"\xff\n", b"9" * 5000)


@pytest.mark.parametrize("name", sorted(SNAPSHOT_FILES))
def test_any_forged_file_is_refused_or_loaded_and_never_an_error_of_ours(
    tmp_path: Path, whole: Snapshot, name: str
) -> None:
    files = whole.content
    for content in mutations(bytes(files[name]), 40):
        with suppress(CorruptIndex):
            load_snapshot(tmp_path, forged(tmp_path, whole.manifest, {**files, name: content}))


@pytest.mark.parametrize("sizes", [(1, 1), (-1, 1), (10**9, 10**9)])
def test_stored_files_that_are_not_those_of_the_report_are_refused(
    tmp_path: Path, whole: Snapshot, sizes: tuple[int, int]
) -> None:
    files = [replace(file, size=size) for file, size in zip(whole.files, sizes, strict=False)]
    with pytest.raises(CorruptIndex, match=r"a file has a size below 0|the stored files are not"):
        load_snapshot(tmp_path, signed(tmp_path, whole, files=files))


def test_a_manifest_that_leaves_a_file_out_is_refused(tmp_path: Path, whole: Snapshot) -> None:
    for name in SNAPSHOT_FILES:
        files = {other: content for other, content in whole.content.items() if other != name}
        with pytest.raises(CorruptIndex, match=re.escape(name)):
            load_snapshot(tmp_path, forged(tmp_path, whole.manifest, files))


class Buggy(type(Path())):  # type: ignore[misc]
    """A path by which looking at files meets a bug of ours."""

    def stat(self, **options: Any) -> Any:
        raise AttributeError("a bug of ours")


def test_a_bug_of_ours_is_not_called_a_damaged_index(tmp_path: Path, whole: Snapshot) -> None:
    id = signed(tmp_path, whole)
    with pytest.raises(AttributeError, match="a bug of ours"):
        load_snapshot(Buggy(tmp_path), id)
