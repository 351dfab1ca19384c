"""An index of passages that are put together from encoded sentences."""

from pathlib import Path

import numpy as np

from eval.speed.corpora import Material, Planted, passages, write_corpus
from eval.speed.opened import THREADS, asked
from eval.speed.recombined import beginnings_of, build, parts_of, write_sentences
from rag.encoders import open_encoder
from rag.store import open_current

SENTENCES = tuple(
    f"Sentence {name} says something about {name} that no other sentence here says."
    for name in ("rivers", "engines", "copper", "violins", "harvests", "glaciers")
)
MATERIAL = Material(
    SENTENCES,
    (Planted("Lighthouses", "The lighthouse keeper lit the lamp at dusk.", "Who lit the lamp?"),),
)


def test_a_text_of_known_sentences_is_taken_apart_and_no_other() -> None:
    longer = f"{SENTENCES[0]} {SENTENCES[1]}"
    known = beginnings_of([*SENTENCES[:3], longer])
    assert parts_of(f"{SENTENCES[2]} {longer}", known) == [SENTENCES[2], longer]
    assert parts_of(f"{SENTENCES[2]}{longer}", known) == []
    assert parts_of(f"{longer} And more.", known) == []


def test_the_index_holds_the_vectors_of_the_sentences_and_is_searched_as_any(
    tmp_path: Path,
) -> None:
    folder = write_corpus(passages(MATERIAL, 30), tmp_path / "made")
    write_sentences(MATERIAL.sentences, MATERIAL.planted, tmp_path / "sentences")
    build(folder / "corpus", tmp_path / "index", tmp_path / "sentences")
    encoder = open_encoder("bundled", "onnx", THREADS)
    snapshot = open_current(tmp_path / "index", encoder)
    assert len(snapshot.passages) == 30
    alone = next(
        row for row, passage in enumerate(snapshot.passages) if passage.text == SENTENCES[0]
    )
    encoded = encoder.encode_passages([SENTENCES[0]], [""])
    np.testing.assert_allclose(snapshot.dense.stored[alone], encoded.pooled[0], atol=1e-6)
    for row, passage in enumerate(snapshot.passages):
        spans = [passage.text[start:end] for start, end, _, _ in snapshot.marks.of(row).tolist()]
        assert " ".join(spans) == passage.text
        assert snapshot.marks.of(row)[-1, 3] == len(snapshot.tokens.rows(row))
    found = asked(snapshot, encoder, folder)
    assert (found["passages"], found["questions"], found["ndcg"]) == (30, 1, 1.0)
