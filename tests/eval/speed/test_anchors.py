"""The searches that are compared find the same documents where words alone tell them apart."""

from pathlib import Path

from eval.measures.retrieval import DEPTH
from eval.sets.beir import read_collection
from eval.speed.anchors import measure
from rag.building import index_corpus
from rag.documents import read_corpus
from support.letter_encoder import LetterEncoder
from support.tiny_beir import articles, write_collection


def test_both_searches_find_what_only_its_words_tell(tmp_path: Path) -> None:
    collection = read_collection(write_collection(tmp_path, rows=articles(2 * DEPTH)))
    snapshot = index_corpus(read_corpus([collection.corpus]), LetterEncoder())
    found = measure(collection, snapshot, LetterEncoder())
    assert all(each["ndcg"] > 0.5 and each["questions_per_second"] > 0 for each in found.values())
    assert list(found) == ["whole search, encoding included", "bm25s alone"]
