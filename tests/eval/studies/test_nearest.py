"""The nearest sentence of a pool is the one that the service finds."""

from pathlib import Path

from eval.studies.nearest import nearest_sentence
from eval.studies.pools import read_pool
from rag.answering import highlights as highlight
from rag.answering.search import encode_query
from rag.building.build import build_snapshot
from rag.types import silent
from support.letter_encoder import LetterEncoder
from support.tiny_beir import write_collection

ENCODER = LetterEncoder()


def test_it_is_the_sentence_that_is_served(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "tiny")
    pool = read_pool(folder, ENCODER, tmp_path / "cache", silent)
    snapshot = build_snapshot([folder / "corpus.jsonl"], ENCODER)
    texts = [passage.text for passage in pool.passages]
    found = []
    for query, text in pool.queries.items():
        found.append(nearest_sentence(pool, query, range(len(texts)), ENCODER))
        encoded = encode_query(text, ENCODER)
        served = [snapshot.passages[snapshot.rows[passage.id]] for passage in pool.passages]
        assert found[-1] == highlight.nearest_sentence(snapshot, encoded, served)
    assert found == [
        "Apples are red.",
        "Cherries are dark.",
        "Gold is heavy.",
        "Jewels never rust.",
    ]


def test_where_there_is_none_it_is_empty(tmp_path: Path) -> None:
    pool = read_pool(write_collection(tmp_path / "t"), ENCODER, tmp_path / "cache", silent)
    assert nearest_sentence(pool, "q0", [], ENCODER) == ""
