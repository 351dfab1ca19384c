"""BM25 alone beside bm25s: both are given the same words."""

from eval.speed.lexical import bm25s_search, our_search
from rag.text import stems, words

TEXTS = [
    "\nA river runs through the old valley.",
    "\nThe valley holds a lake, and no river.",
    "\nAn engine runs on copper wire.",
]


def test_both_find_the_same_passages_in_the_same_order() -> None:
    stemmed = [stems(words(text)) for text in TEXTS]
    # bm25s gives no fewer than it is asked for.
    ours, theirs = our_search(TEXTS), bm25s_search(stemmed, found=3)
    for question in ("a river in a valley", "copper engines", "lakes", "wire wire river"):
        query = stems(words(question))
        assert ours(query) == theirs(query) != []
