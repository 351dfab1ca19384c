"""What is kept is found again, and only for the same content, model and recipe."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eval.running.cache import cached, digest, document_vectors, served_snapshot
from rag.encoders.base import Encoded
from rag.types import silent
from support.letter_encoder import LetterEncoder


@dataclass(frozen=True)
class CountingEncoder(LetterEncoder):
    """Counts the passages that it encodes."""

    seen: list[str] = field(default_factory=list)

    def encode_passages(self, texts: Sequence[str], contexts: Sequence[str]) -> Encoded:
        self.seen.extend(texts)
        return super().encode_passages(texts, contexts)


def corpus(folder: Path, *texts: str) -> Path:
    path = folder / "corpus.jsonl"
    path.write_text(
        "".join(f'{{"_id": "d{n}", "title": "T", "text": "{t}"}}\n' for n, t in enumerate(texts))
    )
    return path


def test_a_second_run_encodes_no_document(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    path = corpus(tmp_path, "apples", "pears")
    ids, texts, first = document_vectors(path, encoder, tmp_path / "kept", silent)
    assert (ids, texts, encoder.seen) == (
        ["d0", "d1"],
        ["T apples", "T pears"],
        ["T apples", "T pears"],
    )
    _, _, second = document_vectors(path, encoder, tmp_path / "kept", silent)
    assert len(encoder.seen) == 2
    assert np.array_equal(first, second)


def test_other_texts_or_another_model_are_encoded_anew(tmp_path: Path) -> None:
    encoder, other = CountingEncoder(), CountingEncoder(sha256="1" * 64)
    document_vectors(corpus(tmp_path, "apples"), encoder, tmp_path / "kept", silent)
    document_vectors(corpus(tmp_path, "apples"), other, tmp_path / "kept", silent)
    document_vectors(corpus(tmp_path, "plums"), encoder, tmp_path / "kept", silent)
    assert (encoder.seen, other.seen) == (["T apples", "T plums"], ["T apples"])


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    made = np.ones((2, 3), dtype=np.float32)
    path = tmp_path / "v.npy"
    for damage in (b"", b"junk", b"\x93NUMPY"):
        path.write_bytes(damage)
        assert np.array_equal(cached(path, lambda: made), made)
        assert np.array_equal(np.load(path), made)


def test_a_snapshot_is_kept_and_opened_again(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    path = corpus(tmp_path, "apples are red")
    first = served_snapshot(path, encoder, tmp_path / "kept", silent)
    passages = encoder.seen.count("apples are red")
    second = served_snapshot(path, encoder, tmp_path / "kept", silent)
    assert encoder.seen.count("apples are red") == passages == 1
    assert second.manifest == first.manifest


def test_parts_do_not_run_together() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert len(digest("a")) == 24
